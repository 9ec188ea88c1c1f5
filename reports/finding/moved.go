package finding

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// A change is what one mode and N show before and after.
type change struct {
	mode  string
	n     int
	event string             // of a hybrid CPU: what the cost is of
	rate  compare.Comparison // packets/s
	cost  compare.Comparison // cost per packet, all of it
	waits compare.Comparison // lock wait per packet, all of it
}

// A part is a part of the cost of a packet, before and after.
type part struct {
	name string
	c    compare.Comparison
}

// What part of a saving must come back elsewhere for it to be called moved, and
// what part of a lower cost must show in packets/s for it not to be masked.
const (
	movedShare  = 0.5
	maskedShare = 0.5
)

// Moved: did the change between the sides of a comparison remove the cost, move
// it, or mask it? It sums up each mode and N, stages first, then lock waits,
// which overlap with the stages: removed, moved, masked, or not decided. Only
// differences that hold (significant in the comparison) count as a change. What came
// back in parts too small to hold one by one is still in the whole, so that the
// whole decides.
func Moved(r *result.Result) []result.Finding {
	c := r.Comparison
	var out []result.Finding
	for i, f := range c.Stages {
		rate, ok := at(c, f.Mode, f.N, metric.RateID, "")
		cost, okCost := at(c, f.Mode, f.N, metric.CostID, f.Event)
		if !ok || !okCost {
			continue // shares of time do not say what was removed
		}
		waits, _ := at(c, f.Mode, f.N, metric.WaitPacketID, "")
		all := change{mode: f.Mode, n: f.N, event: f.Event, rate: rate, cost: cost, waits: waits}
		var stages, locks []part
		for i, key := range f.Keys {
			stages = append(stages, part{key, f.Family.Comparisons[i]})
		}
		for _, l := range c.Locks {
			for i, one := range l.Family.Comparisons {
				if l.Mode == f.Mode && l.N == f.N && one.Metric == metric.WaitPacketID {
					locks = append(locks, part{l.Keys[i], one})
				}
			}
		}
		whole := part{"the whole packet", cost}
		if f, ok := moved(all, stages, whole, ""); ok {
			f.Evidence = append(f.Evidence, part{"packets/s", rate}.line())
			out = append(out, f)
		}
		if i > 0 && c.Stages[i-1].Mode == f.Mode && c.Stages[i-1].N == f.N {
			continue // another PMU's stages: the waits are those of all CPUs
		}
		if all.event = ""; cost.Unit != waits.Unit { // of cycles no ns can be saved
			whole = part{"all lock waits", waits}
		}
		if f, ok := moved(all, locks, whole, "waits for "); ok {
			out = append(out, f)
		}
	}
	return out
}

// at returns the comparison of a metric of the run as a whole, or of one event of it.
func at(c *result.Comparison, mode string, n int, id, event string) (compare.Comparison, bool) {
	for _, h := range c.Headline {
		if h.Mode == mode && h.N == n && h.C.Metric == id && h.Of.Name == event {
			return h.C, true
		}
	}
	for _, f := range slices.Concat(c.Costs, c.Rates) {
		for i, one := range f.Family.Comparisons {
			here := f.Mode == mode && f.N == n ||
				f.N == 0 && f.Keys[i] == fmt.Sprintf("%s N=%d", cmp.Or(mode, f.Mode), n)
			if here && one.Metric == id && f.Event == event {
				return one, true
			}
		}
	}
	return compare.Comparison{}, false
}

// moved judges parts against the whole. what stands before the names of parts.
func moved(all change, parts []part, whole part, what string) (result.Finding, bool) {
	var down, up []part
	saved, added := 0.0, 0.0
	for _, p := range parts {
		d := p.c.Difference
		switch {
		case !p.c.Significant || !d.Known():
		case d.Value < 0:
			down, saved = append(down, p), saved-d.Value
		case d.Value > 0:
			up, added = append(up, p), added+d.Value
		}
	}
	if len(down) == 0 {
		return result.Finding{}, false // nothing was removed that could have moved
	}
	heavy := func(a, b part) int {
		return cmp.Or(cmp.Compare(math.Abs(b.c.Difference.Value), math.Abs(a.c.Difference.Value)),
			cmp.Compare(a.name, b.name))
	}
	slices.SortFunc(down, heavy)
	slices.SortFunc(up, heavy)
	f := result.Finding{
		ID: "moved",
		NotProven: "That this change is the cause: what else differs between the sides is listed with the " +
			"comparison.",
		Next: "the difference flame graph at this N; the same at a smaller N, where less waits",
	}
	fell := fmt.Sprintf("%s%s fell by %s %s", what, partNames(down), format.FourDigits(saved), down[0].c.Unit)
	least, most, known := kept(whole.c)
	verdict := ""
	switch {
	case added >= movedShare*saved:
		verdict = fmt.Sprintf("moved: %s, %s%s rose by %s", fell, what, partNames(up), format.FourDigits(added))
	case known && most < movedShare*saved:
		verdict = fmt.Sprintf(
			"moved: %s, %s by %s at most: the rest came back in parts too small to show one by one",
			fell, whole.name, format.FourDigits(max(most, 0)))
	case !known || !whole.c.Significant || least < movedShare*saved:
		verdict = fmt.Sprintf("not decided: %s; %s", fell, undecided(whole))
		f.Next = "more runs of both sides: the whole scatters more than its parts"
	case what == "" && all.event == "" && masked(all):
		verdict = fmt.Sprintf(
			"masked: %s, but packets/s rose by %s where %s less cost would give %s: "+
				"something else limits", fell,
			format.InPercent(all.rate.Ratio.Value-1, 1), format.InPercent(1-all.cost.Ratio.Value, 1),
			format.InPercent(1/all.cost.Ratio.Value-1, 1))
	default:
		verdict = fmt.Sprintf("removed: %s, %s by %s or more", fell, whole.name, format.FourDigits(least))
		if all.rate.Effect != "better" {
			f.NotProven += " That more packets are sent: no rise of packets/s is shown."
		}
	}
	where := fmt.Sprintf("%s at N=%d", all.mode, all.n)
	if all.event != "" {
		where += ", " + all.event
	}
	f.Say(where, "%s", verdict)
	for _, p := range slices.Concat(down, up, []part{whole}) {
		f.Evidence = append(f.Evidence, p.line())
	}
	return f, true
}

// kept is the interval of what the whole fell by: what did not come back.
func kept(whole compare.Comparison) (least, most float64, known bool) {
	i := whole.Difference.Interval
	if !whole.Difference.Known() || !i.Known() || i.OpenHi {
		return 0, 0, false
	}
	return -i.Hi, -i.Lo, true
}

// undecided says what the whole does show.
func undecided(whole part) string {
	least, most, known := kept(whole.c)
	switch {
	case !known:
		return "whether " + whole.name + " fell is not known"
	case !whole.c.Significant:
		return fmt.Sprintf("that %s fell is not shown (by %s to %s)",
			whole.name, format.FourDigits(least), format.FourDigits(most))
	}
	return fmt.Sprintf("%s fell by %s to %s: how much came back is open",
		whole.name, format.FourDigits(least), format.FourDigits(most))
}

// masked reports whether a lower cost is shown not to show in packets/s: even the
// largest rise of the interval is less than the smallest saving would give.
func masked(all change) bool {
	cost, rate := all.cost.Ratio.Interval, all.rate.Ratio.Interval
	closed := cost.Known() && !cost.OpenHi && all.rate.Ratio.Known() && rate.Known() && !rate.OpenHi
	if !closed || !all.cost.Significant || cost.Hi <= 0 || cost.Hi >= 1 {
		return false
	}
	want := 1/cost.Hi - 1
	return want > 0.01 && rate.Hi-1 < maskedShare*want
}

func partNames(parts []part) string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return listed(names)
}

func (p part) line() string {
	c := p.c
	s := fmt.Sprintf("%s: %s -> %s %s", p.name, format.FourDigits(c.Before.Median),
		format.FourDigits(c.After.Median), c.Unit)
	if between := format.Within(c.Difference.Interval, format.FourDigits); between != "" {
		s += fmt.Sprintf(", difference %s%s", format.FourDigits(c.Difference.Value), between)
	}
	if c.Significant {
		s += " *"
	}
	return strings.TrimSpace(s)
}
