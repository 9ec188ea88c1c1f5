package perfdata

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"testing"
)

// dumpSample writes all a sample holds, but for where it stood.
func dumpSample(s *Sample, m *Meta) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s ip=%x time=%d period=%d pid=%d tid=%d cpu=%d misc=%x chain=%x", s.Event.Name, s.IP, s.TimeNS, s.Period, s.PID, s.TID, s.CPU, s.Misc, s.Chain)
	fmt.Fprintf(&b, " addr=%x id=%d stream=%d txn=%x phys=%x cgroup=%d page=%d/%d", s.Addr(), s.ID(), s.StreamID(), s.Transaction(), s.PhysAddr(), s.Cgroup(), s.DataPageSize(), s.CodePageSize())
	fmt.Fprintf(&b, " weight=%+v src=%x %s stack=%d/%d raw=%x", s.Weight(), uint64(s.DataSrc()), s.DataSrc().Level(), s.UserStackBytes(), len(s.UserStack()), s.Raw())
	for v := range s.Reads() {
		fmt.Fprintf(&b, " read=%+v", v)
	}
	for _, r := range []Regs{s.UserRegs(), s.IntrRegs()} {
		for i := range 64 {
			if v, ok := r.Value(i); ok {
				fmt.Fprintf(&b, " r%d=%x", i, v)
			}
		}
	}
	if hw, ok := s.BranchHWIndex(); ok {
		fmt.Fprintf(&b, " hw=%d", hw)
	}
	for br := range s.Branches() {
		fmt.Fprintf(&b, " %+v", br)
	}
	if ibs, ok := s.IBS(m); ok {
		fmt.Fprintf(&b, " ibs=%+v", ibs)
	}
	return b.String()
}

// dumpSide writes everything but samples.
func dumpSide(t testing.TB, f *File) string {
	t.Helper()
	side, err := f.Sideband()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	m := f.Meta
	m.ByteOrder, m.BigEndian, m.TracingData = nil, false, nil
	clock, comp := m.Clock, m.Compression
	m.Clock, m.Compression, m.raw = nil, nil, nil
	m.described, m.eventTypes = nil, nil
	fmt.Fprintf(&b, "meta %+v\nclock %+v\ncompression %+v\n", m, clock, comp)
	for _, e := range f.Events {
		fmt.Fprintf(&b, "event %d %s unit=%s ids=%v attr=%+v\n", e.Index, e.Name, e.Unit(), e.IDs, e.Attr)
	}
	for _, typ := range slices.Sorted(maps.Keys(side.Counts)) {
		fmt.Fprintf(&b, "count %v %d\n", typ, side.Counts[typ])
	}
	for _, l := range side.Losses {
		cpu := -1
		if l.CPU != nil {
			cpu = *l.CPU
		}
		l.CPU = nil
		fmt.Fprintf(&b, "loss cpu=%d %+v\n", cpu, l)
	}
	for _, x := range side.Throttles {
		fmt.Fprintf(&b, "throttle %d %d %v %v\n", x.TimeNS, x.CPU, x.Event, x.On)
	}
	fmt.Fprintf(&b, "mmaps %+v\ncomms %+v\nforks %+v\nexits %+v\nksymbols %+v\nbpf %+v\nns %+v\ncgroups %+v\nbuildids %+v\nids %+v\n",
		side.Mmaps, side.Comms, side.Forks, side.Exits, side.KSymbols, side.BPF, side.Namespaces, side.Cgroups, side.BuildIDs, side.IDs)
	fmt.Fprintf(&b, "records %v first=%d last=%d rounds=%d\n", side.SampleRecords, side.FirstNS, side.LastNS, side.Rounds)
	return b.String()
}

// dumpSamples writes every sample, one a line.
func dumpSamples(t testing.TB, f *File, opts SampleOptions) string {
	t.Helper()
	var b strings.Builder
	stats, err := f.Samples(context.Background(), opts, func(s *Sample) error {
		b.WriteString(dumpSample(s, &f.Meta))
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "%+v\n", stats)
	return b.String()
}

func hashOf(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

// diffLines fails with the first line in which a and b differ.
func diffLines(t testing.TB, what, a, b string) {
	t.Helper()
	if a == b {
		return
	}
	la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(la), len(lb)) {
		if la[i] != lb[i] {
			x, y := la[i], lb[i]
			from := 0
			for from < min(len(x), len(y)) && x[from] == y[from] {
				from++
			}
			from = max(0, from-60)
			t.Fatalf("%s: line %d differs\n a ...%.300s\n b ...%.300s", what, i+1, x[min(from, len(x)):], y[min(from, len(y)):])
		}
	}
	t.Fatalf("%s: %d lines against %d", what, len(la), len(lb))
}
