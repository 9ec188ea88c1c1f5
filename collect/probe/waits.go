package probe

import (
	"cmp"
	"slices"

	"xfrmscope/bpf"
	"xfrmscope/collect/bundle"
)

// decodeWaits turns the probe's per-CPU elements into rows and accounts.
func decodeWaits(cpus []bpf.WaitWaitCpu) *Waits {
	w := &Waits{}
	for cpu := range cpus {
		c := &cpus[cpu]
		w.Accounts = append(w.Accounts, bundle.LockAccount{
			CPU: cpu, Begun: c.Begun, Ended: c.Ended, Mismatched: c.Contexts.Mismatched,
			Nested: c.Contexts.Nested,
			Late:   c.Late, Overflow: c.Overflow, OverflowNS: c.OverflowNs,
		})
		first := len(w.Rows)
		for i := range c.Slots {
			s := &c.Slots[i]
			if s.Count == 0 {
				continue // claimed, and still waiting
			}
			w.Rows = append(w.Rows, bundle.LockRow{
				CPU: cpu, Lock: address(s.Lock), Flags: s.Flags,
				Count: s.Count, WaitNS: s.WaitNs, MaxNS: s.MaxNs, Hist: trim(s.Hist[:]),
			})
		}
		slices.SortFunc(w.Rows[first:], func(a, b bundle.LockRow) int { return cmp.Compare(a.Lock, b.Lock) })
	}
	return w
}

// trim widens the bins and drops the empty ones at the end.
func trim(hist []uint32) []uint64 {
	n := len(hist)
	for n > 0 && hist[n-1] == 0 {
		n--
	}
	wide := make([]uint64, n)
	for i := range wide {
		wide[i] = uint64(hist[i])
	}
	return wide
}

// Losses returns what the accounts of the given CPUs say was not counted.
func (w *Waits) Losses(cpus bundle.CPUSet) []bundle.Loss {
	var begun, mismatched, late, overflow uint64
	for _, a := range w.Accounts {
		if cpus.Contains(a.CPU) {
			begun += a.Begun
			mismatched += a.Mismatched
			late += a.Late
			overflow += a.Overflow
		}
	}
	return nonZero(
		bundle.Loss{Source: source(bundle.ProbeWait), What: "waits whose end was not seen", Count: mismatched,
			Of: begun, Effect: "counted as begun only; their time is missing"},
		bundle.Loss{Source: source(bundle.ProbeWait), What: "waits whose begin was not seen", Count: late,
			Of: begun + late, Effect: "not counted"},
		bundle.Loss{Source: source(bundle.ProbeWait), What: "waits for locks that found no slot",
			Count: overflow, Of: begun, Effect: "in the total, not by lock"},
		bundle.Loss{Source: source(bundle.ProbeWait), What: guard, Count: w.Skipped,
			Effect: "waits not counted; those whose end was seen are among them"},
	)
}
