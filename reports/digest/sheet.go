package digest

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
	"xfrmscope/reports/view"
)

// A sheet is the one table of a digest: a row for each N, or for what stands in
// its place, and the modes or sides beside each other.
type sheet struct {
	head    string   // of the labels
	sides   []string // none: one, which needs no name
	rows    []row
	traffic bool // a traffic generator's: bit/s and loss
	pmus    []string
	limit   int // of rows
	cut     int // rows that found no place
}

type row struct {
	label  string
	chosen []*result.Run       // one a side; nil: no such run
	cells  []*figures          // of chosen
	change *compare.Comparison // of the rate, where there are two sides
}

// figures are what a cell prints columns of.
type figures struct {
	rate, gbit, lost, cost, spin, fast, wait metric.Value
	samples                                  metric.Estimate
	perturbed                                string // mark of the wait
}

// sheetRows bounds the rows of a digest.
const sheetRows = 9

// maxSides is how many modes stand beside each other.
const maxSides = 3

// newSheet chooses the table by what there is: two sides, a few modes, one run, or
// many things one below the other.
func newSheet(r *result.Result, limit int) *sheet {
	runs := result.RunsPresent(r)
	s := &sheet{head: r.Factor(), traffic: view.OnlyTraffic(runs), pmus: result.PMUs(runs), limit: limit}
	groups := view.MedianRuns(r)
	if len(groups) == 0 {
		for _, run := range runs {
			groups = append(groups, view.Group{Chosen: run, Repeats: 1})
		}
	}
	modes := modesOf(r, groups)
	switch {
	case r.Comparison != nil:
		s.compared(r.Comparison, groups)
	case len(runs) == 1:
		s.ofCPUs(runs[0])
	case len(modes) > 0 && len(modes) <= maxSides:
		s.ofModes(r, groups, modes)
	default:
		s.list(groups)
	}
	return s
}

// modesOf are the modes in the order of their contrasts, none if a run has no mode.
func modesOf(r *result.Result, groups []view.Group) []string {
	var modes []string
	for _, c := range r.Contrasts {
		modes = result.AppendNew(result.AppendNew(modes, c.Before.Name), c.After.Name)
	}
	for _, g := range groups {
		if g.Chosen.Mode == "" {
			return nil
		}
		modes = result.AppendNew(modes, g.Chosen.Mode)
	}
	return modes
}

// figuresOf are those of a run, and of one main event as MainOf has it.
func figuresOf(r *result.Run, event string) *figures {
	a := view.AllOf(r.MainOf(event))
	f := &figures{rate: r.Packets.Headline(), cost: a.PerPacket, spin: a.SpinShare, fast: a.LockWordShare,
		wait: r.Locks.PerPkt, samples: a.Busy, perturbed: view.EffectMark(r)}
	f.gbit = metric.Value{Value: math.NaN()}
	f.lost = f.gbit
	if t := r.Traffic; t != nil {
		f.gbit, f.lost = t.Throughput, t.Loss
	}
	return f
}

// ofModes has the modes side by side.
func (s *sheet) ofModes(r *result.Result, groups []view.Group, modes []string) {
	if len(modes) > 1 {
		s.sides = modes
	}
	var ns []int
	for _, g := range groups {
		ns = append(ns, g.Chosen.N)
	}
	slices.Sort(ns)
	ns = slices.Compact(ns)
	for _, n := range s.choose(r, ns) {
		row := row{label: fmt.Sprint(n), chosen: make([]*result.Run, len(modes))}
		for _, g := range groups {
			if at := slices.Index(modes, g.Chosen.Mode); g.Chosen.N == n && at >= 0 {
				row.chosen[at] = g.Chosen
			}
		}
		if len(modes) == 2 && len(r.Contrasts) == 1 {
			row.change = rateAt(&r.Contrasts[0], n, "")
		}
		s.add(row)
	}
}

// add takes a row: of a hybrid CPU one for each PMU, whose cycles are not added. What is
// of the run as a whole stands in the first.
func (s *sheet) add(of row) {
	events := slices.DeleteFunc(slices.Clone(s.pmus), func(event string) bool { // N = 1 is one core
		has := func(r *result.Run) bool { return r != nil && r.MainOf(event) != nil }
		return !slices.ContainsFunc(of.chosen, has)
	})
	if len(events) == 0 {
		events = []string{""}
	}
	for i, event := range events {
		one := row{label: strings.TrimSpace(of.label + " " + view.PMUName(event)),
			cells: make([]*figures, len(of.chosen))}
		for side, run := range of.chosen {
			if run != nil {
				one.cells[side] = figuresOf(run, event)
			}
		}
		if i == 0 {
			one.change = of.change
			one.medians()
		} else {
			one.withoutRun()
		}
		s.rows = append(s.rows, one)
	}
}

// withoutRun blanks what is of the run as a whole.
func (r *row) withoutRun() {
	none := metric.Value{Value: math.NaN()}
	for _, f := range r.cells {
		if f != nil {
			f.rate, f.gbit, f.lost, f.wait = none, none, none, none
		}
	}
}

// medians puts the medians over repeats where the rates of the runs stand that were
// chosen for them.
func (r *row) medians() {
	if r.change == nil || len(r.cells) != 2 {
		return
	}
	for side, sum := range []compare.Summary{r.change.Before, r.change.After} {
		if f := r.cells[side]; f != nil && sum.N > 1 {
			v := &f.rate
			if r.change.Metric == metric.ThroughputID {
				v = &f.gbit
			}
			v.Value, v.Doubt = sum.Median, cmp.Or(v.Doubt, compare.Doubted(sum.Notes))
		}
	}
}

// choose picks at most limit of the Ns: where curves begin and end, where one
// has its knee, and others evenly between.
func (s *sheet) choose(r *result.Result, ns []int) []int {
	if len(ns) <= s.limit {
		return ns
	}
	keep := []int{ns[0], ns[len(ns)-1]}
	for _, c := range r.Curves {
		if c.Scaling == nil {
			continue
		}
		if k := c.Scaling.Knee; k.Found() && len(keep)+2 <= s.limit {
			keep = append(keep, k.LastGood, k.N)
		}
	}
	for _, i := range view.Pick(len(ns), s.limit) {
		if slices.Sort(keep); len(slices.Compact(keep)) < s.limit {
			keep = append(slices.Compact(keep), ns[i])
		}
	}
	slices.Sort(keep)
	keep = slices.DeleteFunc(slices.Compact(keep), func(n int) bool { return !slices.Contains(ns, n) })
	s.cut = len(ns) - len(keep)
	return keep
}

// rateAt is the comparison of the rate at N, of the mode if it is named; nil if
// there is none.
func rateAt(c *result.Comparison, n int, mode string) *compare.Comparison {
	for i := range c.Rates {
		f := &c.Rates[i]
		for j := range f.Family.Comparisons {
			one := &f.Family.Comparisons[j]
			key := fmt.Sprintf("N=%d", n)
			if mode != "" {
				key = mode + " " + key
			}
			if k := view.KeyOf(*f, j); one.Metric != metric.LossID && (k == key || mode == "" &&
				strings.HasSuffix(k, " "+key)) {
				return one
			}
		}
	}
	return nil
}

// compared has before and after side by side. A side may have another mode: then
// the rows are by N alone.
func (s *sheet) compared(c *result.Comparison, groups []view.Group) {
	type place struct {
		mode string
		n    int
	}
	s.sides = []string{"before", "after"}
	sole := map[string]string{} // the mode of a side that has one
	for _, g := range groups {
		if mode, ok := sole[g.Chosen.Side]; ok && mode != g.Chosen.Mode {
			sole = nil
			break
		}
		sole[g.Chosen.Side] = g.Chosen.Mode
	}
	rows := map[place]*row{}
	for _, g := range groups {
		at := place{g.Chosen.Mode, g.Chosen.N}
		if sole != nil {
			at.mode = ""
		}
		if rows[at] == nil {
			rows[at] = &row{
				label:  strings.TrimSpace(format.ASCII(at.mode, 14) + " " + fmt.Sprint(at.n)),
				chosen: make([]*result.Run, 2), change: rateAt(c, at.n, at.mode)}
		}
		if side := slices.Index(s.sides, g.Chosen.Side); side >= 0 {
			rows[at].chosen[side] = g.Chosen
		}
	}
	var places []place
	for at, row := range rows {
		if row.chosen[0] != nil && row.chosen[1] != nil {
			places = append(places, at)
		}
	}
	leading, _ := view.Leading(c)
	rank := func(p place) int {
		if p.mode == leading.Mode {
			return 0
		}
		return 1
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(rank(a)-rank(b), cmp.Compare(a.mode, b.mode), cmp.Compare(a.n, b.n))
	})
	s.cut = max(0, len(places)-s.limit)
	for _, p := range places[:len(places)-s.cut] {
		s.add(*rows[p])
	}
	if sole == nil {
		s.head = "mode, " + s.head
	}
}

func (s *sheet) pick(n int) []int {
	chosen := view.Pick(n, s.limit)
	s.cut = n - len(chosen)
	return chosen
}

// ofCPUs has a row for each CPU of one run.
func (s *sheet) ofCPUs(r *result.Run) {
	s.head = "CPU"
	pmus := view.ByPMU(r)
	for _, one := range pmus {
		label := "all"
		if len(pmus) > 1 {
			label += " " + view.PMUName(one.Main().Name)
		}
		s.rows = append(s.rows, row{label: label, cells: []*figures{figuresOf(one, "")}})
	}
	cpus := view.CPUs(r)
	if len(cpus) == 1 && cpus[0].CPU < 0 {
		return // of a file that does not tell CPUs apart
	}
	for _, i := range s.pick(len(cpus)) {
		c := cpus[i]
		none := metric.Value{Value: math.NaN()}
		s.rows = append(s.rows, row{label: format.CPUName(c.CPU)[len("CPU "):], cells: []*figures{{
			rate: view.RateOfCPU(r, c.CPU), gbit: none, lost: none, cost: c.PerPacket, spin: c.SpinShare,
			fast: c.LockWordShare, wait: none, samples: c.Busy}}})
	}
}

// list has the runs one below the other: of many modes, or of none.
func (s *sheet) list(groups []view.Group) {
	named := slices.ContainsFunc(groups, func(g view.Group) bool { return g.Chosen.Mode != "" })
	factor := s.head
	if s.head = "run"; named {
		s.head = "mode"
	}
	for _, i := range s.pick(len(groups)) {
		run := groups[i].Chosen
		s.add(row{label: fmt.Sprintf("%s %d", tail(format.OrDash(run.ModeName()), 26), run.N),
			chosen: []*result.Run{run}})
	}
	s.head += ", " + factor
}

// tail shortens a name and keeps its end: names that begin alike are told apart by it.
func tail(name string, limit int) string {
	name = format.ASCII(name, math.MaxInt)
	if len(name) <= limit {
		return name
	}
	return ".." + name[len(name)-limit+2:]
}

// groups are the columns that have something.
func (s *sheet) groups(notes *footnotes) []group {
	var out []group
	add := func(title, note string, cell func(*figures) string, diff bool) {
		g := group{}
		some := false
		for _, row := range s.rows {
			var cells []string
			for _, f := range row.cells {
				text := "-"
				if f != nil {
					text = cell(f)
				}
				some = some || text != "-"
				cells = append(cells, text)
			}
			if diff && len(s.sides) == 2 {
				cells = append(cells, diffCell(row.change))
			}
			g.cells = append(g.cells, cells)
		}
		if !some {
			return
		}
		for _, side := range s.sides {
			g.heads = append(g.heads, format.ASCII(side, 9))
		}
		if diff && len(s.sides) == 2 {
			g.heads = append(g.heads, "diff")
		}
		g.title = title + notes.mark(note)
		out = append(out, g)
	}
	column := func(of func(*figures) metric.Value, text func(metric.Value) string) func(*figures) string {
		return func(f *figures) string { return text(of(f)) }
	}
	if s.traffic {
		add("Gbit/s", "", column(func(f *figures) metric.Value { return f.gbit }, gigabits), true)
		add("lost", "", column(func(f *figures) metric.Value { return f.lost }, percent), false)
		add("kpps", "", column(func(f *figures) metric.Value { return f.rate }, format.Kilo), false)
		return out
	}
	add("kpps", notes.rate, column(func(f *figures) metric.Value { return f.rate }, format.Kilo), true)
	add(notes.costTitle, notes.cost, column(func(f *figures) metric.Value { return f.cost }, thousands), false)
	add(notes.spinTitle, notes.share, column(func(f *figures) metric.Value { return f.spin }, percent), false)
	if len(s.sides) == 0 {
		add("wait ns", "", func(f *figures) string {
			text := thousands(f.wait)
			if text != "-" {
				text += f.perturbed
			}
			return text
		}, false)
		add("lock fast path", notes.share, column(func(f *figures) metric.Value { return f.fast }, percent),
			false)
		add("samples", "", func(f *figures) string {
			if f.samples.Samples == 0 {
				return "-"
			}
			if f.samples.Samples < 1000 {
				return format.Count(f.samples.Samples)
			}
			return strings.ReplaceAll(format.Short(float64(f.samples.Samples)), " ", "")
		}, false)
	}
	return out
}

// diffCell is the change of a rate, with a star where it is significant.
func diffCell(c *compare.Comparison) string {
	if c == nil || !c.Ratio.Known() {
		return "-"
	}
	v := 100 * (c.Ratio.Value - 1)
	return format.Cut(format.Signed(format.Decimals(v, 0), v)+"%"+format.MarkText(*c), 9)
}

// thousands is a cost: "417k".
func thousands(v metric.Value) string {
	if _, most := v.AtMost(); !format.Finite(v) || most || math.Abs(v.Value) < 9999.5 {
		return strings.ReplaceAll(format.Column(v, 4), " ", "")
	}
	return strings.ReplaceAll(format.Short(v.Value), " ", "") + format.DoubtMark(v)
}

func percent(v metric.Value) string {
	if !format.Finite(v) {
		return "-"
	}
	if _, most := v.AtMost(); most {
		return format.Column(v, 2) + "%"
	}
	return format.Decimals(100*v.Value, 1) + "%" + format.DoubtMark(v)
}

func gigabits(v metric.Value) string {
	if !format.Finite(v) {
		return "-"
	}
	return format.Decimals(v.Value/1e9, 2) + format.DoubtMark(v)
}
