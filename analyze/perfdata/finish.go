package perfdata

import (
	"cmp"
	"slices"
)

// lateRecord takes a header record of a pipe-mode recording met in the first
// pass, after the part Open read.
func (p *pipeHead) lateRecord(rec rawRecord, x *index) error {
	if rec.off < p.end {
		return nil
	}
	if err := p.record(rec); err != nil {
		return err
	}
	if RecordType(p.f.o.u32(rec.data)) == RecordHeaderAttr {
		p.f.finishEvents()
		x.reads = newCounters(p.f.ids)
	}
	return nil
}

// finish puts the lists in order and sums up.
func (x *index) finish() {
	s := x.side
	s.Counts[RecordSample] = x.samples
	if x.samples == 0 {
		delete(s.Counts, RecordSample)
	}
	for len(s.SampleRecords) < len(x.f.Events) {
		s.SampleRecords = append(s.SampleRecords, 0)
	}
	byTime(s.Mmaps, func(m *Mmap) uint64 { return m.TimeNS })
	byTime(s.Comms, func(c *Comm) uint64 { return c.TimeNS })
	byTime(s.Forks, func(t *Task) uint64 { return t.TimeNS })
	byTime(s.Exits, func(t *Task) uint64 { return t.TimeNS })
	byTime(s.KSymbols, func(k *KSymbol) uint64 { return k.TimeNS })
	byTime(s.BPF, func(b *BPFEvent) uint64 { return b.TimeNS })
	byTime(s.Namespaces, func(n *Namespaces) uint64 { return n.TimeNS })
	byTime(s.Cgroups, func(c *Cgroup) uint64 { return c.TimeNS })
	byTime(s.Throttles, func(t *Throttle) uint64 { return t.TimeNS })
	s.BuildIDs = x.buildIDs()
	s.Losses = x.losses.list(x.f.headLosses, x.taken)
}

// byTime sorts a list that is mostly in order already.
func byTime[T any](list []T, time func(*T) uint64) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(time(&a), time(&b)) })
}

// buildIDs joins those of the BUILD_ID feature with those of MMAP2: perf 7.2
// writes only the latter.
func (x *index) buildIDs() []BuildID {
	out := slices.Clone(x.f.Meta.BuildIDs)
	have := map[[2]string]bool{}
	for _, b := range out {
		have[[2]string{b.File, b.ID}] = true
	}
	for i := range x.side.Mmaps {
		m := &x.side.Mmaps[i]
		key := [2]string{m.File, m.BuildID}
		if m.BuildID == "" || have[key] {
			continue
		}
		have[key] = true
		kernel := m.Misc&MiscCPUModeMask == MiscKernel || m.Misc&MiscCPUModeMask == MiscGuestKernel
		out = append(out, BuildID{PID: m.PID, Kernel: kernel, File: m.File, ID: m.BuildID})
	}
	return out
}
