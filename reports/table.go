package reports

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
)

// A table is one of the page's tables. It is readable without scripts; with
// them its heads sort it.
type table struct {
	ID, Caption string
	Head        []column
	Rows        [][]cell
	Note        string // below it: what was left out, how to read it
}

// A column is a table head.
type column struct {
	Text, Unit string
	Number     bool
	Title      string
}

// A cell is one figure or name.
type cell struct {
	Text, Err string
	Small     string // beside the text, muted: "[esp4]", "n = 12"
	Title     string // what does not fit
	Sort      string // a number to sort by, "" to sort by text
	Number    bool
	Muted     bool
	Code      bool
	Warn      bool
	Bar       string // per cent of the cell that is filled, "" for none
	Picture   template.HTML
}

// thin is U+202F, the space between groups of digits.
const thin = "\u202f"

// pretty writes a number's spaces and signs as typography has them.
func pretty(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "+-", "±"), " ", thin)
}

func textCell(s string) cell { return cell{Text: name(s)} }

func countCell(n uint64) cell {
	return cell{Text: pretty(count(n)), Sort: strconv.FormatUint(n, 10), Number: true}
}

// numberCell prints a CPU or a number of CPUs that may not be recorded.
func numberCell(n int, recorded bool) cell {
	if !recorded {
		return cell{Text: "not recorded", Muted: true, Number: true, Sort: "-1"}
	}
	return intCell(n)
}

func intCell(n int) cell { return cell{Text: strconv.Itoa(n), Sort: strconv.Itoa(n), Number: true} }

// valueCell prints a value without its unit, which is in the table's head.
func valueCell(v metric.Value) cell {
	f := figureOf(v)
	c := cell{Text: pretty(f.Value), Err: pretty(f.Err), Number: true, Sort: strconv.FormatFloat(f.Sort, 'g', 8, 64)}
	if f.Missing != "" {
		return cell{Text: "not measured", Title: name(f.Missing), Muted: true, Number: true, Sort: "-1"}
	}
	if v.Samples > 0 {
		c.Title = "n = " + pretty(count(v.Samples)) + " samples"
	}
	return c
}

// withBar fills a cell by its share.
func (c cell) withBar(v metric.Value) cell {
	if s := shareOf(v); s >= .005 {
		c.Bar = px(100 * s)
	}
	return c
}

// pageRuns chooses the runs that tables put side by side: at most limit, the
// first and the last of all and others between.
func pageRuns(r *analyze.Result, limit int) []*analyze.Run {
	groups := medianRuns(r)
	var runs []*analyze.Run
	for _, i := range pick(len(groups), limit) {
		runs = append(runs, groups[i].chosen)
	}
	if len(runs) == 0 {
		runs = present(r)
	}
	return runs[:min(limit, len(runs))]
}

func runsTable(r *analyze.Result) table {
	runs := present(r)
	t := table{ID: "runs-table", Caption: "Runs. Errors are one standard error of sampling; n is the samples that are not idle.", Head: []column{
		{Text: "run"}, {Text: "N", Number: true, Title: "CPUs measured"}, {Text: "packets", Unit: "/s", Number: true}, {Text: "cost", Unit: costUnit(runs), Number: true},
		{Text: "spin", Unit: "% of busy", Number: true}, {Text: "lock word", Unit: "% of busy", Number: true}, {Text: "waits", Unit: "by probe", Number: true},
		{Text: "lock wait", Unit: "ns/packet", Number: true},
		{Text: "probe effect", Unit: "% of packets/s", Number: true, Title: "packets/s in the probe's window over packets/s in the samples' window, less 1"}, {Text: "n", Unit: "samples", Number: true}, {Text: "window", Unit: "s", Number: true}, {Text: "status"},
	}}
	for _, run := range runs {
		a := all(run)
		spin := valueCell(a.SpinShare).withBar(a.SpinShare)
		spin.Warn = spin.Bar != ""
		status := textCell(string(run.Manifest.Status))
		status.Title = name(run.Manifest.Why)
		t.Rows = append(t.Rows, []cell{
			{Text: name(orDash(run.Name)), Title: name(run.Path)}, numberCell(run.N, run.N > 0), valueCell(run.Packets.Rate), valueCell(a.PerPacket), spin,
			valueCell(a.LockWordShare), valueCell(run.Locks.Waits).perturbed(run), valueCell(run.Locks.PerPkt).perturbed(run), effectCell(run), countCell(a.Busy.Samples), {Text: orDash(seconds(run)), Number: true}, status,
		})
	}
	return t
}

// maxRows bounds a table with a row for each CPU, lock or SA.
const maxRows = 400

// bounded cuts a table and says so.
func bounded(t table, limit int) table {
	if len(t.Rows) > limit {
		t.Note = strings.TrimSpace(fmt.Sprintf("%s %s rows more are in results.json.", t.Note, count(uint64(len(t.Rows)-limit))))
		t.Rows = t.Rows[:limit]
	}
	return t
}

func cpuPageTable(runs []*analyze.Run) table {
	t := table{ID: "cpu-table", Caption: "Each CPU of each run, main event", Head: []column{
		{Text: "run"}, {Text: "CPU", Number: true}, {Text: "samples", Number: true}, {Text: "busy", Unit: "samples", Number: true}, {Text: "spin", Unit: "% of busy", Number: true},
		{Text: "lock word", Unit: "% of busy", Number: true}, {Text: "packets", Unit: "/s", Number: true}, {Text: "cost", Unit: costUnit(runs), Number: true}, {Text: "waits", Unit: "by probe", Number: true}, {Text: "longest", Unit: "µs", Number: true}, {Text: "heaviest function"},
	}}
	for _, r := range runs {
		e := r.Main()
		if e == nil {
			continue
		}
		for i := range e.CPUs {
			t.Rows = append(t.Rows, cpuRow(r, &e.CPUs[i]))
		}
	}
	return bounded(t, maxRows)
}

func cpuRow(r *analyze.Run, c *analyze.CPU) []cell {
	rate := cell{Text: "not told apart", Title: "the packet counters do not tell CPUs apart", Muted: true, Sort: "-1", Number: true}
	if i := slices.IndexFunc(r.Packets.PerCPU, func(v analyze.CPUValue) bool { return v.CPU == c.CPU }); i >= 0 {
		rate = valueCell(r.Packets.PerCPU[i].Value)
	}
	waits, longest := cell{Text: "–", Muted: true, Sort: "-1", Number: true}, cell{Text: "–", Muted: true, Sort: "-1", Number: true}
	if i := slices.IndexFunc(r.Locks.CPUs, func(l analyze.LockCPU) bool { return l.CPU == c.CPU }); i >= 0 {
		waits, longest = countCell(r.Locks.CPUs[i].Waits), microCell(r.Locks.CPUs[i].MaxNS)
	}
	heaviest := cell{Text: "–", Muted: true}
	if len(c.Functions) > 0 {
		heaviest = cell{Text: name(c.Functions[0].Name), Code: true, Small: valueText(c.Functions[0].Share)}
	}
	spin := valueCell(c.SpinShare).withBar(c.SpinShare)
	spin.Warn = spin.Bar != ""
	return []cell{textCell(runLabel(r)), numberCell(c.CPU, c.CPU >= 0), countCell(c.Total.Samples), countCell(c.Busy.Samples), spin,
		valueCell(c.LockWordShare), rate, valueCell(c.PerPacket), waits, longest, heaviest}
}

func microCell(ns uint64) cell {
	return cell{Text: pretty(significant(float64(ns)/1000, 3)), Sort: strconv.FormatUint(ns, 10), Number: true}
}

func locksTable(runs []*analyze.Run) table {
	t := table{ID: "lock-table", Caption: "Locks that were waited for, by the wait probe", Head: []column{
		{Text: "run"}, {Text: "lock"}, {Text: "waits", Number: true}, {Text: "wait", Unit: "ms, all CPUs", Number: true}, {Text: "longest", Unit: "µs", Number: true},
		{Text: "CPUs that waited"}, {Text: "wait lengths", Unit: "log₂ ns"},
	}}
	const each = 8
	left := 0
	for _, r := range runs {
		rows := r.Locks.Rows
		left += max(0, len(rows)-each)
		for _, l := range rows[:min(each, len(rows))] {
			t.Rows = append(t.Rows, lockRow(r, l))
		}
	}
	if left > 0 {
		t.Note = fmt.Sprintf("The %d heaviest locks of each run; %s more are in results.json.", each, count(uint64(left)))
	}
	return bounded(t, maxRows)
}

func lockRow(r *analyze.Run, l analyze.Lock) []cell {
	lock := cell{Text: name(l.Name), Small: name(l.Lock)}
	if l.Name == "" {
		lock = cell{Text: name(l.Lock), Code: true}
	}
	run := textCell(runLabel(r)).perturbed(r)
	if perturbed(r) {
		run.Small = "perturbed"
	}
	return []cell{run, lock, countCell(l.Waits),
		{Text: pretty(significant(float64(l.WaitNS)/1e6, 4)), Sort: strconv.FormatUint(l.WaitNS, 10), Number: true},
		microCell(l.MaxNS), {Text: cpuList(l.CPUs)}, {Picture: template.HTML(histogram(l.Hist)), Text: histogramText(l.Hist)}}
}

func saTable(runs []*analyze.Run) table {
	t := table{ID: "sa-table", Caption: "Packets by SA in the window", Head: []column{
		{Text: "run"}, {Text: "SPI"}, {Text: "from, to"}, {Text: "mode"}, {Text: "direction"}, {Text: "CPU of the SA"}, {Text: "packets", Number: true}, {Text: "bytes", Number: true}, {Text: "remarks"},
	}, Note: "An outbound SA without a CPU number is the fallback: any CPU may use it, and all of them take its lock."}
	for _, r := range runs {
		for _, s := range r.SAs {
			t.Rows = append(t.Rows, saRow(r, s))
		}
	}
	return bounded(t, maxRows)
}

func saRow(r *analyze.Run, s analyze.SA) []cell {
	cpu := cell{Text: "any", Sort: "-1", Muted: true}
	switch {
	case s.PCPU != nil:
		cpu = cell{Text: strconv.FormatUint(uint64(*s.PCPU), 10), Sort: strconv.FormatUint(uint64(*s.PCPU), 10)}
	case s.Fallback:
		cpu = cell{Text: "any: fallback", Sort: "-1", Warn: s.DeltaPackets > 0}
	}
	direction := "in"
	if s.Outbound {
		direction = "out"
	}
	var remarks []string
	if s.Reset {
		remarks = append(remarks, "made or rekeyed in the window: counted from zero")
	}
	if d := s.Drops; d.ReplayWindow+d.Replay+d.Integrity > 0 {
		remarks = append(remarks, fmt.Sprintf("drops: replay window %d, replay %d, integrity %d", d.ReplayWindow, d.Replay, d.Integrity))
	}
	packets := countCell(s.DeltaPackets)
	if total := r.Packets.Total; finite(total) && total.Value > 0 && s.Outbound {
		packets = packets.withBar(metric.Value{Value: float64(s.DeltaPackets) / total.Value})
	}
	return []cell{textCell(runLabel(r)), {Text: fmt.Sprintf("0x%08x", s.SPI), Code: true, Sort: strconv.FormatUint(uint64(s.SPI), 10)},
		{Text: name(s.Src) + " → " + name(s.Dst), Small: name(s.NetNS)}, textCell(strings.TrimSpace(s.Proto + " " + s.Mode)), textCell(direction), cpu, packets, countCell(s.DeltaBytes), textCell(strings.Join(remarks, "; "))}
}

// A listing is shares of runs put side by side, the heaviest in any run first.
type listing struct {
	id, caption string
	what        string // head of the first column
	of          func(*analyze.Run) []analyze.Share
	cost        string // unit of a cost per packet to print instead of shares
	rows        int
	code        bool // the names are code
}

func (l listing) table(runs []*analyze.Run) table {
	unit := l.cost
	if unit == "" {
		unit = "% ± se"
	}
	t := table{ID: l.id, Caption: l.caption, Head: []column{{Text: l.what}}}
	type key struct{ name, module string }
	var keys []key
	heaviest := map[key]float64{}
	for _, r := range runs {
		t.Head = append(t.Head, column{Text: runLabel(r), Unit: unit, Number: true})
		for _, s := range l.of(r) {
			k := key{s.Name, s.Module}
			if _, seen := heaviest[k]; !seen {
				keys = append(keys, k)
			}
			heaviest[k] = max(heaviest[k], shareOf(s.Share))
		}
	}
	slices.SortStableFunc(keys, func(a, b key) int { return cmp.Compare(heaviest[b], heaviest[a]) })
	for _, k := range keys {
		row := []cell{{Text: name(k.name), Small: moduleText(k.module), Code: l.code, Warn: isSpin(k.name)}}
		for _, r := range runs {
			row = append(row, l.cell(l.of(r), k.name, k.module))
		}
		t.Rows = append(t.Rows, row)
	}
	return bounded(t, l.rows)
}

func (l listing) cell(list []analyze.Share, name, module string) cell {
	i := slices.IndexFunc(list, func(s analyze.Share) bool { return s.Name == name && s.Module == module })
	if i < 0 {
		return cell{Text: "–", Title: "no sample, or not among the heaviest of this run", Muted: true, Sort: "0", Number: true}
	}
	s := &list[i]
	shown, other := s.Share, s.PerPacket
	if l.cost != "" {
		shown, other = other, shown
	}
	c := valueCell(shown).withBar(s.Share)
	if shown.Measured() {
		c.Title = "n = " + pretty(count(s.Weight.Samples)) + " samples"
	}
	if other.Measured() {
		c.Title += "; " + pretty(figureOf(other).String())
	}
	c.Warn = c.Bar != "" && isSpin(name)
	return c
}
