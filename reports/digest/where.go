package digest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// whereRuns are those whose time is looked into: each mode, or side, at its largest
// N, as the verdict has them.
func whereRuns(r *result.Result) []*result.Run {
	last := view.LastOfModes(r)
	if c := r.Comparison; c != nil && len(c.Headline) > 0 {
		at, ok := view.Leading(c)
		if !ok {
			at = c.Headline[0]
		}
		last = nil
		for _, g := range view.MedianRuns(r) {
			if g.Chosen.N == at.N &&
				(g.Chosen.Mode == at.Mode || strings.Contains(at.Mode, g.Chosen.Mode)) {
				last = append(last, g.Chosen)
			}
		}
	}
	if len(last) == 0 {
		last = result.RunsPresent(r)
	}
	order := map[string]int{}
	for i, mode := range modesOf(r, nil) {
		order[mode] = i
	}
	slices.SortStableFunc(last, func(a, b *result.Run) int { return cmp.Compare(order[a.Mode], order[b.Mode]) })
	return last
}

// whereBlocks say where the time goes: who spins, for which locks, in which
// functions.
func whereBlocks(r *result.Result) []block {
	last := whereRuns(r)
	if len(last) > maxSides {
		last = last[:maxSides]
	}
	spin := block{gap: true, keep: 4, least: 1, rank: 3, noun: "line of spinning"}
	for _, run := range last {
		spin.items = append(spin.items, spinItems(run, len(last) == 1)...)
	}
	out := []block{spin}
	if len(last) == 2 {
		functions := block{keep: 1, rank: 4, noun: "function list"}
		for _, event := range result.PMUs(last) {
			functions.items = append(functions.items, functionItems(last[0], last[1], event)...)
		}
		if len(functions.items) > 0 {
			out = append(out, functions)
		}
	} else if len(last) == 1 {
		out = append(out, partsBlock(last[0]))
	}
	return append(out, lineBlock(r), missBlock(last))
}

// lineBlock has the cache lines that move most, or those whose moves changed most.
func lineBlock(r *result.Result) block {
	b := block{keep: 2, least: 1, rank: 3, noun: "line of cache lines"}
	if r.Comparison != nil {
		for _, text := range view.LinesChanged(r.Comparison, 3) {
			b.items = append(b.items, wrapped("", "  ", "Cache lines moved per packet, "+text+"."))
		}
		return b
	}
	for _, text := range view.LinesMost(r, 3) {
		b.items = append(b.items, wrapped("", "  ", "Cache lines moved, "+text+"."))
	}
	return b
}

// who is a run as a heading: "Shared SA on 4 CPUs".
func who(r *result.Run) string {
	name, _ := view.ModeText(r.Mode)
	if r.Mode == "" {
		name = view.RunLabel(r)
	} else {
		on := " on " + strings.Split(view.CPUsText(r), ":")[0]
		if e := r.Main(); r.Side != "" && e != nil && strings.HasSuffix(r.Mode, " "+e.Name) {
			on += ", " + e.Name // one PMU of several, as view.ByPMU names it
		}
		name = cmp.Or(r.Side, name) + on
	}
	return format.ASCII(strings.ToUpper(name[:1])+name[1:], 48)
}

// spinItems is who enters the slow paths of a run and which locks are waited for.
func spinItems(r *result.Run, alone bool) [][]string {
	if pmus := view.ByPMU(r); len(pmus) > 1 {
		var out [][]string
		for _, one := range pmus {
			out = append(out, spinItems(one, false)...)
		}
		return out
	}
	a := view.AllCPUs(r)
	spin := a.SpinShare
	first, rest := "", "  "
	head, verb := who(r)+": ", " spin"
	if alone { // whose it is goes without saying
		first, rest, head, verb = "  spin  ", "        ", "", ""
	}
	switch {
	case !format.Finite(spin):
		return nil
	case spin.Value == 0 && r.Main().Counted():
		return [][]string{wrapped(first, rest, fmt.Sprintf("%snone of the %s%s.", head,
			view.SamplesOf(r.Main()), verb))}
	case spin.Value == 0:
		return [][]string{wrapped(first, rest, fmt.Sprintf("%s0 of %d %s%s.", head, a.Busy.Samples,
			view.SamplesOf(r.Main()), verb))}
	}
	var callers []string
	for _, c := range a.SpinCallers[:min(3, len(a.SpinCallers))] {
		if c.Share.Value >= .005 {
			callers = append(callers, format.ASCII(c.Name, 40)+" "+format.SentenceShare(c.Share))
		}
	}
	text := fmt.Sprintf("%s%s of %s%s", head, format.SentenceShare(spin), view.SamplesOf(r.Main()), verb)
	if len(callers) > 0 {
		text += ", in " + strings.Join(callers, ", ")
	}
	if locks := lockText(r); locks != "" && spin.Value >= .005 {
		text += "; " + locks
	}
	return [][]string{wrapped(first, rest, text+".")}
}

// lockText names the locks that make up most of the wait time.
func lockText(r *result.Run) string {
	if !(r.Locks.WaitNS.Value > 0) {
		return ""
	}
	var parts []string
	for _, l := range r.Locks.Rows[:min(3, len(r.Locks.Rows))] {
		if share := float64(l.WaitNS) / r.Locks.WaitNS.Value; share >= .02 {
			parts = append(parts, fmt.Sprintf("%s %s %%", lockName(l), format.Decimals(100*share, 0)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "of the time waited " + strings.Join(parts, ", ")
}

// lockName is short: which namespace goes without saying.
func lockName(l result.Lock) string {
	if l.ID.Kind == bundle.LockOfNet {
		l.ID.NetNS = ""
		return format.ASCII(l.ID.Class(), 44)
	}
	return format.ASCII(view.LockName(l), 44)
}

// functionItems are the functions whose cost by a main event differs most between two
// runs.
func functionItems(before, after *result.Run, event string) [][]string {
	type pair struct {
		name string
		cost [2]metric.Value
	}
	var pairs []pair
	for side, r := range []*result.Run{before, after} {
		e := r.MainOf(event)
		if e == nil {
			return nil
		}
		for _, f := range e.All.Functions {
			at := slices.IndexFunc(pairs, func(p pair) bool { return p.name == f.Name })
			if at < 0 {
				zero := metric.Value{Unit: f.PerPacket.Unit}
				pairs = append(pairs, pair{f.Name, [2]metric.Value{zero, zero}})
				at = len(pairs) - 1
			}
			pairs[at].cost[side] = f.PerPacket
		}
	}
	pairs = slices.DeleteFunc(pairs,
		func(p pair) bool { return !format.Finite(p.cost[0]) || !format.Finite(p.cost[1]) })
	change := func(p pair) float64 { return math.Abs(p.cost[1].Value - p.cost[0].Value) }
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(change(b), change(a)) })
	if len(pairs) == 0 {
		return nil
	}
	sides := []string{before.Mode, after.Mode}
	if before.Side != after.Side {
		sides = []string{before.Side, after.Side}
	}
	var parts []string
	for _, p := range pairs[:min(3, len(pairs))] {
		parts = append(parts, fmt.Sprintf("%s %s -> %s", format.ASCII(p.name, 40), thousands(p.cost[0]),
			thousands(p.cost[1])))
	}
	unit := pairs[0].cost[0].Unit
	if event != "" {
		unit += " by " + view.PMUName(event)
	}
	return [][]string{wrapped("", "  ", fmt.Sprintf("%s, %s -> %s: %s.", format.ASCII(unit, 40),
		format.ASCII(sides[0], 16), format.ASCII(sides[1], 16), strings.Join(parts, ", ")))}
}

// partsBlock has the heaviest functions and stages of one run beside each other.
func partsBlock(r *result.Run) block {
	b := block{gap: true, keep: 3, least: 1, rank: 4, noun: "function"}
	for _, e := range r.Mains() {
		of := view.Weighed(e)
		left, right := e.All.Functions, view.TopShares(e.All.Stages, 4)
		line := func(s []result.Share, i int) string {
			if i >= len(s) {
				return ""
			}
			return fmt.Sprintf("%6s  %s", percent(s[i].Share), format.ASCII(s[i].Name, 28))
		}
		if len(left) == 0 && len(right) == 0 {
			continue
		}
		head := fmt.Sprintf("  %-40s %s", "functions, % of "+of, "stages, % of "+of)
		if len(r.Mains()) > 1 {
			head = fmt.Sprintf("  %-40s %s", "functions, % of "+format.ASCII(e.Name, 24), "stages")
		}
		for i := range min(4, max(len(left), len(right))) {
			text := format.Cut(fmt.Sprintf("  %-38s %s", line(left, i), line(right, i)), digestColumns)
			if i == 0 {
				b.items = append(b.items, []string{head, text})
			} else {
				b.items = append(b.items, []string{text})
			}
		}
	}
	return b
}

// missBlock has the cache misses, where they were counted.
func missBlock(runs []*result.Run) block {
	b := block{keep: 2, rank: 3, noun: "miss ratio"}
	for _, r := range runs {
		for _, m := range r.Misses {
			var parts []string
			for _, v := range []struct {
				value metric.Value
				per   string
			}{{m.PerPacket, "per packet"}, {m.PerKiloCycle, "per 1000 cycles"},
				{m.PerKiloInstructions, "per 1000 instructions"}} {
				if m.CPU < 0 && format.Finite(v.value) {
					parts = append(parts, format.ErrorText(v.value)+" "+v.per)
				}
			}
			if len(parts) > 0 {
				text := fmt.Sprintf("%s, %s: %s", who(r), format.ASCII(m.Event, 32),
					strings.Join(parts, ", "))
				if stages := view.TopStages(r.Event(m.Event), 2); stages != "" {
					text += "; most in " + format.ASCII(stages, 60)
				}
				b.items = append(b.items, wrapped("", "  ", text))
			}
		}
		var counted []string
		for _, t := range view.UnsampledCounts(r) {
			if format.Finite(t.PerPacket) {
				counted = append(counted, format.ASCII(t.Event, 32)+" "+format.ErrorText(t.PerPacket))
			}
		}
		if len(counted) > 0 {
			b.items = append(b.items, wrapped("", "  ", fmt.Sprintf("%s, counted per packet: %s", who(r),
				strings.Join(counted, ", "))))
		}
	}
	return b
}

// worseBlock is never left out: what got worse and how sure that is, or what could
// have been seen.
func worseBlock(r *result.Result) (block, bool) {
	all := view.Contrasted(r)
	b := block{keep: 2, least: 1, rank: 2, noun: "worse figure"}
	for _, c := range all {
		for _, w := range view.Worsened(c) {
			b.items = append(b.items, wrapped("Worse: ", "  ", worseText(w)))
		}
	}
	if len(b.items) == 0 && len(all) > 0 {
		b.items = [][]string{wrapped("Worse: ", "  ",
			format.ASCII("nothing that could be shown; "+view.CouldHaveShown(all[0]), 134))}
	}
	return b, len(all) > 0
}

// worseText is a loss with its interval and certainty: "packets/s at N=2 -21 % (95 %:
// -39 to +3), not significant".
func worseText(w view.Worsening) string {
	s := strings.TrimSpace(w.What + " at " + w.At)
	switch i := w.C.Ratio.Interval; {
	case !w.C.Ratio.Known():
		unit, k := format.LineUnit(w.C.Unit)
		s += fmt.Sprintf(" %s -> %s %s", format.MedianText(w.C.Before, k, 3),
			format.MedianText(w.C.After, k, 3), unit)
	default:
		s += " " + signedPercent(w.C.Ratio.Value) + " %"
		if i.Known() && !i.OpenHi {
			s += fmt.Sprintf(" (%s: %s to %s)", format.InPercent(i.Level, 0), signedPercent(i.Lo),
				signedPercent(i.Hi))
		}
	}
	return s + ", " + cmp.Or(w.Certainty, "significant")
}

func signedPercent(ratio float64) string {
	v := 100 * (ratio - 1)
	return format.Signed(format.Decimals(v, 0), v)
}
