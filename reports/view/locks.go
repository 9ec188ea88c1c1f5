package view

import (
	"fmt"
	"strconv"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
)

// LocksOfRun bounds the locks of a run in the table.
const LocksOfRun = 8

func LocksTable(runs []*result.Run) Table {
	t := NewTable("lock-table", "Locks that were waited for, by the wait probe",
		"run", "lock", "waits#", "wait#|ms, all CPUs", "median#|ns at most", "99 %#|ns at most", "longest#|µs",
		"acquired#|by probe", "contention#|% of acquired", "bounce#|ns/packet|time in the fast path above "+
			"that of locks of its class on one CPU: what a cache line from another CPU costs, if nothing "+
			"else is slower there", "CPUs that waited", "wait lengths|log₂ ns")
	left := 0
	for _, r := range runs {
		rows := r.Locks.Rows
		left += max(0, len(rows)-LocksOfRun)
		for _, l := range rows[:min(LocksOfRun, len(rows))] {
			t.Rows = append(t.Rows, lockRow(r, l))
		}
	}
	if left > 0 {
		t.Note = fmt.Sprintf("The %d heaviest locks of each run; %s more are in results.json.", LocksOfRun,
			format.Count(uint64(left)))
	}
	return Bounded(t.WithoutMissing(), MaxRows)
}

func lockRow(r *result.Run, l result.Lock) []Cell {
	run := RunCell(r).perturbed(r)
	if Perturbed(r) {
		run.Small = "perturbed"
	}
	return []Cell{run, LockCell(l), CountCell(l.Waits),
		{Text: format.Pretty(format.Significant(float64(l.WaitNS)/1e6, 4)), Sort: strconv.FormatUint(l.WaitNS,
			10), Number: true},
		lockValue(l.P50), lockValue(l.P99), microCell(l.MaxNS), lockValue(l.Acquisitions).During(r,
			bundle.ProbeCount), lockValue(l.Contention).During(r, bundle.ProbeCount),
		BounceCell(l).During(r, bundle.ProbeTime),
		{Text: format.CPUList(l.CPUs)}, LengthsCell(Lengths{Counts: l.Hist})}
}

// lockValue is a figure that a probe of its own may have given.
func lockValue(v metric.Value) Cell {
	if v.ID == "" {
		return unmeasured("")
	}
	return ValueCell(v)
}

// BounceCell says of which locks the floor is if not of the lock's own class.
func BounceCell(l result.Lock) Cell {
	c := lockValue(l.Bounce)
	if f := l.Floor; f != nil {
		c.Title = fmt.Sprintf("above %s ± %s ns: %s, %d runs of one CPU", format.Significant(f.NS, 3),
			format.Significant(metric.Value{SE: f.SE, DF: f.DF}.Half(), 2), format.Name(f.Of), f.Runs)
		if !f.Own {
			c.Small = "above " + format.Name(f.Of)
		}
	}
	return c
}

// LockCell names a lock: whose it is, and its address.
func LockCell(l result.Lock) Cell {
	c := Cell{Text: LockName(l), Small: format.Name(l.Lock)}
	if l.Name == "" && l.SPI == 0 {
		return CodeCell(l.Lock)
	}
	return c
}

func LockName(l result.Lock) string {
	text := format.Name(l.Name)
	switch {
	case text != "":
	case l.SPI != 0:
		text = "x->lock"
	case len(l.Callers) > 0:
		return "unnamed, in " + format.Name(l.Callers[0].Name)
	default:
		return "unnamed"
	}
	if l.SPI == 0 || l.ID.SPI == l.SPI {
		return text
	}
	text += fmt.Sprintf(", SA 0x%08x", l.SPI)
	if l.PCPU != nil {
		return text + fmt.Sprintf(" of CPU %d", *l.PCPU)
	}
	return text
}

// FastOfRun bounds the locks of a run in the table of acquisitions.
const FastOfRun = 5

func Sum(h []uint64) uint64 {
	var n uint64
	for _, v := range h {
		n += v
	}
	return n
}

// ProbeLines says how waits were seen, and what was not.
func ProbeLines(runs []*result.Run) []string {
	var n Notes
	for _, r := range runs {
		switch {
		case r.Locks.Gap != nil:
			n.add(missingNote(*r.Locks.Gap), r)
		case r.Locks.AttachMode != "":
			n.add(noteOf("", "wait probe attached by %s", r.Locks.AttachMode), r)
		}
		for _, b := range r.Locks.Blind {
			n.add(noteOf("", "does not see %s", b), r)
		}
	}
	var out []string
	for _, x := range n {
		out = append(out, format.Visible(x.Text, 300)+" ("+format.Visible(x.RunsText(len(runs)), 120)+")")
	}
	return out
}
