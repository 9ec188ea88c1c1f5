package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

// locksSection says which locks are waited for, by samples and by the probes.
func locksSection(runs, side []*analyze.Run, spin figureBox) section {
	s := section{ID: "locks", Nav: "Locks", Title: "Which locks are waited for, and which are only slow?"}
	callers := listing{id: "caller-table", caption: "Who entered a lock's slow path, share of busy", what: "function", of: spinCallers, rows: 20, code: true}.table(side)
	locks := part{Table: locksTable(runs)}
	if len(locks.Table.Rows) == 0 {
		locks = part{Text: "No lock wait was recorded by a probe.", Muted: true}
	}
	s.Parts = append([]part{{Figure: spin}, {Table: callers}, locks}, fastParts(side)...)
	s.Parts = append(s.Parts, waiterParts(side)...)
	s.Parts = append(s.Parts, part{List: probeLines(runs)})
	return s
}

func spinCallers(r *analyze.Run) []analyze.Share { return all(r).SpinCallers }

// locksOfRun bounds the locks of a run in the table.
const locksOfRun = 8

func locksTable(runs []*analyze.Run) table {
	t := table{ID: "lock-table", Caption: "Locks that were waited for, by the wait probe", Head: []column{
		{Text: "run"}, {Text: "lock"}, {Text: "waits", Number: true}, {Text: "wait", Unit: "ms, all CPUs", Number: true},
		{Text: "median", Unit: "ns at most", Number: true}, {Text: "99 %", Unit: "ns at most", Number: true}, {Text: "longest", Unit: "µs", Number: true},
		{Text: "acquired", Unit: "by probe", Number: true}, {Text: "contention", Unit: "% of acquired", Number: true}, {Text: "bounce", Unit: "ns/packet", Number: true, Title: "time in the fast path above that of locks of its class on one CPU: what a cache line from another CPU costs, if nothing else is slower there"},
		{Text: "CPUs that waited"}, {Text: "wait lengths", Unit: "log₂ ns"},
	}}
	left := 0
	for _, r := range runs {
		rows := r.Locks.Rows
		left += max(0, len(rows)-locksOfRun)
		for _, l := range rows[:min(locksOfRun, len(rows))] {
			t.Rows = append(t.Rows, lockRow(r, l))
		}
	}
	if left > 0 {
		t.Note = fmt.Sprintf("The %d heaviest locks of each run; %s more are in results.json.", locksOfRun, count(uint64(left)))
	}
	return bounded(t.withoutMissing(), maxRows)
}

func lockRow(r *analyze.Run, l analyze.Lock) []cell {
	run := textCell(runLabel(r)).perturbed(r)
	if perturbed(r) {
		run.Small = "perturbed"
	}
	return []cell{run, lockCell(l), countCell(l.Waits),
		{Text: pretty(significant(float64(l.WaitNS)/1e6, 4)), Sort: strconv.FormatUint(l.WaitNS, 10), Number: true},
		lockValue(l.P50), lockValue(l.P99), microCell(l.MaxNS), lockValue(l.Acquisitions).during(r, bundle.ProbeCount), lockValue(l.Contention).during(r, bundle.ProbeCount), bounceCell(l).during(r, bundle.ProbeTime),
		{Text: cpuList(l.CPUs)}, lengthsCell(lengths{Counts: l.Hist})}
}

// lockValue is a figure that a probe of its own may have given.
func lockValue(v metric.Value) cell {
	if v.ID == "" {
		return cell{Text: "not measured", Muted: true, Number: true, Sort: "-1"}
	}
	return valueCell(v)
}

// bounceCell says of which locks the floor is if not of the lock's own class.
func bounceCell(l analyze.Lock) cell {
	c := lockValue(l.Bounce)
	if f := l.Floor; f != nil {
		c.Title = fmt.Sprintf("above %s ± %s ns: %s, %d runs of one CPU", significant(f.NS, 3), significant(f.SE, 2), name(f.Of), f.Runs)
		if !f.Own {
			c.Small = "above " + name(f.Of)
		}
	}
	return c
}

// lockCell names a lock: whose it is, and its address.
func lockCell(l analyze.Lock) cell {
	c := cell{Text: lockName(l), Small: name(l.Lock)}
	if l.Name == "" && l.SPI == 0 {
		return cell{Text: name(l.Lock), Code: true}
	}
	return c
}

func lockName(l analyze.Lock) string {
	text := name(l.Name)
	if text == "" {
		text = "x->lock"
	}
	if l.SPI == 0 || strings.Contains(text, fmt.Sprintf("%x", l.SPI)) {
		return text
	}
	text += fmt.Sprintf(", SA 0x%08x", l.SPI)
	if l.PCPU != nil {
		return text + fmt.Sprintf(" of CPU %d", *l.PCPU)
	}
	return text
}

// fastOfRun bounds the locks of a run in the table of acquisitions.
const fastOfRun = 5

// fastParts show how long acquisitions took that did not wait, against those of
// one CPU: what a bounce is read from.
func fastParts(side []*analyze.Run) []part {
	t := table{ID: "fast-table", Caption: "Acquisitions that did not wait, by the time probe", Head: []column{
		{Text: "run"}, {Text: "lock"}, {Text: "timed", Number: true}, {Text: "bounce", Unit: "ns/packet", Number: true}, {Text: "lengths"}}}
	for _, r := range side {
		rows := slices.DeleteFunc(slices.Clone(r.Locks.Rows), func(l analyze.Lock) bool { return len(l.FastHist) == 0 })
		slices.SortStableFunc(rows, func(a, b analyze.Lock) int {
			return cmp.Or(cmp.Compare(b.Bounce.Value, a.Bounce.Value), cmp.Compare(sum(b.FastHist), sum(a.FastHist)))
		})
		for _, l := range rows[:min(fastOfRun, len(rows))] {
			var oneCPU []uint64
			if l.Floor != nil {
				oneCPU = l.Floor.Hist
			}
			t.Rows = append(t.Rows, []cell{textCell(runLabel(r)), lockCell(l), countCell(sum(l.FastHist)), bounceCell(l).during(r, bundle.ProbeTime),
				lengthsCell(lengths{l.FastHist, oneCPU, true})})
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []part{folded("how long acquisitions took that did not wait",
		part{Text: "Share of the acquisitions by length. A second hump, to the right of those on one CPU, is a cache line that comes from elsewhere, if nothing else is slower there.",
			Legend: []legendItem{{"busy", "", "on one CPU"}, {"word", "l", "in this run"}}},
		part{Table: bounded(t.withoutMissing(), 100)})}
}

func sum(h []uint64) uint64 {
	var n uint64
	for _, v := range h {
		n += v
	}
	return n
}

// waiterParts lists who waited for each lock, where stacks were taken.
func waiterParts(side []*analyze.Run) []part {
	t := table{ID: "waiter-table", Caption: "Who waited for a lock, of the phase with stacks", Head: []column{
		{Text: "run"}, {Text: "lock"}, {Text: "caller"}, {Text: "of this lock's waiting", Unit: "%", Number: true}}}
	for _, r := range side {
		for _, l := range r.Locks.Rows[:min(locksOfRun, len(r.Locks.Rows))] {
			for _, c := range l.Callers[:min(5, len(l.Callers))] {
				t.Rows = append(t.Rows, []cell{textCell(runLabel(r)), lockCell(l), {Text: name(c.Name), Small: moduleText(c.Module), Code: true}, valueCell(c.Share).withBar(c.Share)})
			}
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []part{folded("who waited for each lock", part{Table: bounded(t.withoutMissing(), 100)})}
}

// probeLines says how waits were seen, and what was not.
func probeLines(runs []*analyze.Run) []string {
	var n notes
	for _, r := range runs {
		switch {
		case r.Locks.Gap != nil:
			n.add(note{Text: "not measured: " + orDash(r.Locks.Gap.Why), Fix: r.Locks.Gap.Fix}, r)
		case r.Locks.Rung != "":
			n.add(note{Text: "wait probe attached by " + r.Locks.Rung}, r)
		}
		for _, b := range r.Locks.Blind {
			n.add(note{Text: "does not see " + b}, r)
		}
	}
	var out []string
	for _, x := range n {
		out = append(out, visible(x.Text, 300)+" ("+visible(x.runsText(len(runs)), 120)+")")
	}
	return out
}
