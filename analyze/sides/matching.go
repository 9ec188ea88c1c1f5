package sides

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
)

// A cell is the runs of both sides at one mode and N, in order of time.
type cell struct {
	mode          string
	n             int
	before, after []*result.Run
}

// name is how rows and notes call a cell.
func (c *cell) name() string { return placeName(c.mode, c.n) }

// placeName names a mode and N: "pcpu N=4".
func placeName(mode string, n int) string {
	if mode == "" {
		return fmt.Sprintf("N=%d", n)
	}
	return fmt.Sprintf("%s N=%d", mode, n)
}

// A modePair is one mode of both sides: its cells by N, at least one.
type modePair struct {
	mode          string
	cells         []cell
	before, after []*result.Run // all runs of the mode, also at an N of one side only
}

// last is the cell of the largest N.
func (m *modePair) last() *cell { return &m.cells[len(m.cells)-1] }

// BlockLabel is the label of runs that belong together, a boot or a module
// load: with it on every run, sides are compared within blocks.
const BlockLabel = "block"

// A matching finds what can be set side by side, and notes what cannot.
type matching struct {
	before, after string // names of the sides
	options       compare.Options
	notes, forced []compare.Reason
}

func (m *matching) note(code compare.Code, format string, args ...any) {
	m.notes = append(m.notes, *compare.Because(code, format, args...))
}

// pair matches modes by name and, in them, runs by N. If each side has one mode
// and these differ, the mode is what changed.
func (m *matching) pair(before, after []*result.Run) ([]modePair, error) {
	b, a := byMode(before), byMode(after)
	var pairs []modePair
	if len(b) == 1 && len(a) == 1 {
		for mode, runs := range b {
			for other, others := range a {
				pairs = append(pairs,
					modePair{mode: changedMode(mode, other), before: runs, after: others})
			}
		}
	} else {
		for _, mode := range slices.Sorted(maps.Keys(b)) {
			if a[mode] == nil {
				m.note(compare.NoRuns, "%s has runs before and none after: left out", modeText(mode))
				continue
			}
			pairs = append(pairs, modePair{mode: mode, before: b[mode], after: a[mode]})
		}
		for _, mode := range slices.Sorted(maps.Keys(a)) {
			if b[mode] == nil {
				m.note(compare.NoRuns, "%s has runs after and none before: left out", modeText(mode))
			}
		}
	}
	for i := range pairs {
		m.fill(&pairs[i])
	}
	pairs = slices.DeleteFunc(pairs, func(p modePair) bool { return len(p.cells) == 0 })
	if len(pairs) == 0 {
		return nil, &compare.RefusedError{Before: m.before, After: m.after, Refusals: []compare.Refusal{{
			Key: "mode and N", Code: compare.DifferentKey, Before: places(before), After: places(after),
		}}}
	}
	return pairs, nil
}

// fill puts the runs of a mode into cells. Of one N each, those that differ are
// compared only if forced.
func (m *matching) fill(p *modePair) {
	b, a := byN(p.before), byN(p.after)
	for _, n := range slices.Sorted(maps.Keys(b)) {
		if a[n] == nil {
			m.note(compare.NoRuns, "%s: runs before and none after: left out", placeName(p.mode, n))
			continue
		}
		if x, y := offered(b[n]), offered(a[n]); x != "" && y != "" && x != y && !m.options.Force {
			m.note(compare.DifferentKey, "%s: %s packets/s were offered before and %s after: left out",
				placeName(p.mode, n), x, y)
			continue
		}
		p.cells = append(p.cells, cell{p.mode, n, inTime(b[n]), inTime(a[n])})
	}
	for _, n := range slices.Sorted(maps.Keys(a)) {
		if b[n] == nil {
			m.note(compare.NoRuns, "%s: runs after and none before: left out", placeName(p.mode, n))
		}
	}
	if len(p.cells) == 0 && m.options.Force {
		from, to := slices.Max(slices.Collect(maps.Keys(b))), slices.Max(slices.Collect(maps.Keys(a)))
		m.forced = append(m.forced, *compare.Because(compare.Forced,
			"compared although N differs: %d before, %d after", from, to))
		p.cells = []cell{{p.mode, to, inTime(b[from]), inTime(a[to])}}
	}
}

// offered lists the rates that the generator of some runs was told to send; ""
// if it is not known.
func offered(runs []*result.Run) string {
	seen := map[float64]bool{}
	for _, r := range runs {
		if r.Traffic != nil && r.Traffic.OfferedPPS > 0 {
			seen[r.Traffic.OfferedPPS] = true
		}
	}
	var out []string
	for _, pps := range slices.Sorted(maps.Keys(seen)) {
		out = append(out, fmt.Sprintf("%.0f", pps))
	}
	return strings.Join(out, " and ")
}

func byMode(runs []*result.Run) map[string][]*result.Run {
	out := map[string][]*result.Run{}
	for _, r := range runs {
		out[r.Mode] = append(out[r.Mode], r)
	}
	return out
}

func byN(runs []*result.Run) map[int][]*result.Run {
	out := map[int][]*result.Run{}
	for _, r := range runs {
		out[r.N] = append(out[r.N], r)
	}
	return out
}

// inTime puts runs into the order they were made in, whatever order they come in.
func inTime(runs []*result.Run) []*result.Run {
	runs = slices.Clone(runs)
	slices.SortStableFunc(runs, func(a, b *result.Run) int {
		return cmp.Or(a.Manifest.Started.Compare(b.Manifest.Started), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Path, b.Path))
	})
	return runs
}

// changedMode names the mode of both sides.
func changedMode(before, after string) string {
	switch {
	case before == after, after == "":
		return before
	case before == "":
		return after
	}
	return before + " -> " + after
}

func modeText(mode string) string {
	if mode == "" {
		return "runs without a mode"
	}
	return "mode " + mode
}

// places lists the modes and Ns of a side for a refusal.
func places(runs []*result.Run) string {
	var out []string
	for mode, of := range byMode(runs) {
		for n, at := range byN(of) {
			place := placeName(mode, n)
			if pps := offered(at); pps != "" {
				place += " at " + pps + " packets/s offered"
			}
			out = append(out, place)
		}
	}
	slices.Sort(out)
	if len(out) > 6 {
		out = append(out[:6], "...")
	}
	return strings.Join(out, ", ")
}

// mustAgree is what both sides must have alike.
func mustAgree(name string, r *result.Result) compare.Side {
	side := compare.Side{Name: cmp.Or(name, "a side"), Must: map[string]string{}}
	each := func(key string, of func(*result.Run) []string) {
		seen := map[string]bool{}
		for _, run := range result.RunsPresent(r) {
			for _, v := range of(run) {
				seen[v] = true
			}
		}
		delete(seen, "")
		if len(seen) > 0 {
			side.Must[key] = strings.Join(slices.Sorted(maps.Keys(seen)), " and ")
		}
	}
	set := func(key string, of func(*result.Run) string) {
		each(key, func(run *result.Run) []string { return []string{of(run)} })
	}
	set("scenario", func(run *result.Run) string { return run.Manifest.Plan.Scenario })
	each("event", func(run *result.Run) (names []string) {
		for _, e := range run.Mains() {
			names = append(names, e.Name)
		}
		return names
	})
	set("unit", func(run *result.Run) string {
		if e := run.Main(); e != nil {
			return e.Unit
		}
		return ""
	})
	set("packets counted by", func(run *result.Run) string {
		if run.Packets.Rate.Measured() {
			return run.Packets.Source
		}
		return ""
	})
	if len(r.Headline) > 0 {
		side.Must["headline metrics"] = strings.Join(r.Headline, ", ")
	}
	return side
}

// variation names what else differs between the sides, or within one: like is
// set against like, mode by mode and N by N.
func variation(modes []modePair, expected []string) []compare.Varied {
	type entry struct {
		varied compare.Varied
		cells  []string
	}
	var found []*entry
	cells := 0
	for _, m := range modes {
		for _, c := range m.cells {
			cells++
			for _, v := range compare.Variation(configs(c.before), configs(c.after), expected...) {
				i := slices.IndexFunc(found, func(e *entry) bool {
					return e.varied.Key == v.Key && e.varied.Where == v.Where
				})
				if i < 0 {
					found = append(found, &entry{varied: compare.Varied{Key: v.Key, Where: v.Where,
						Expected: v.Expected}})
					i = len(found) - 1
				}
				e := found[i]
				e.varied.Before, e.varied.After = addCounts(e.varied.Before, v.Before),
					addCounts(e.varied.After, v.After)
				e.cells = append(e.cells, c.name())
			}
		}
	}
	var out []compare.Varied
	for _, e := range found {
		if len(e.cells) < cells {
			e.varied.Key += " (" + strings.Join(e.cells, ", ") + ")"
		}
		out = append(out, e.varied)
	}
	slices.SortStableFunc(out, func(x, y compare.Varied) int {
		return cmp.Or(cmp.Compare(rankWhere(x), rankWhere(y)), cmp.Compare(x.Key, y.Key))
	})
	return out
}

// rankWhere puts first what tells the sides apart.
func rankWhere(v compare.Varied) int {
	if v.Where == compare.Between {
		return 0
	}
	return 1
}

func configs(runs []*result.Run) compare.Side {
	var side compare.Side
	for _, r := range runs {
		side.Runs = append(side.Runs, r.Config)
	}
	return side
}

func addCounts(sum, more []compare.ValueCount) []compare.ValueCount {
	for _, m := range more {
		i := slices.IndexFunc(sum, func(c compare.ValueCount) bool {
			return c.Value == m.Value && c.Known == m.Known
		})
		if i < 0 {
			sum = append(sum, m)
		} else {
			sum[i].Runs += m.Runs
		}
	}
	return sum
}
