package perfdata

import (
	"context"
	"fmt"
	"hash/fnv"
	"iter"
	"strings"
	"testing"
)

// eachSample calls fn with every sample, from one goroutine.
func (f *File) eachSample(ctx context.Context, fn func(*Sample) error) (Stats, error) {
	d, err := f.NewDecoder()
	if err != nil {
		return Stats{}, err
	}
	for b, err := range f.Blocks(ctx) {
		if err != nil {
			return d.Stats, err
		}
		if err := d.Decode(b, fn); err != nil {
			return d.Stats, err
		}
	}
	return d.Stats, nil
}

// eachRecord calls fn with every record, decompressed.
func (f *File) eachRecord(t testing.TB, fn func(rec []byte)) {
	t.Helper()
	for _, s := range f.streams {
		lost, err := f.walk(s, func(raw rawRecord) error {
			fn(raw.data)
			return nil
		})
		if err != nil || lost.readErr != nil {
			t.Fatal(err, lost.readErr)
		}
	}
}

// typeOf returns the type of a record.
func (f *File) typeOf(rec []byte) recordType { return recordType(f.o.u32(rec)) }

// counts returns how many records of each type there are, those decompressed included.
func (f *File) counts(t testing.TB) map[recordType]uint64 {
	t.Helper()
	counts := map[recordType]uint64{}
	f.eachRecord(t, func(rec []byte) { counts[f.typeOf(rec)]++ })
	return counts
}

// dumpSample writes all a sample holds, but for where it stood.
func dumpSample(s *Sample, m *Meta) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s ip=%x time=%d period=%d pid=%d tid=%d cpu=%d mode=%d chain=%x", s.Event.Name, s.IP,
		s.TimeNS, s.Period,
		s.PID, s.TID, s.CPU, s.Mode, s.Chain)
	fmt.Fprintf(&b, " access=%+v weight=%x raw=%x", s.Access(m), s.word(s.tail.weight), s.Raw())
	if s.traced != nil {
		return b.String()
	}
	for v := range s.owner.layout.reads(s.rec, s.o) {
		fmt.Fprintf(&b, " read=%+v", v)
	}
	for br := range s.branches() {
		fmt.Fprintf(&b, " %+v", br)
	}
	return b.String()
}

// reads yields the counters that a sample reads, none if it reads none.
func (l *layout) reads(rec []byte, o order) iter.Seq[readValue] {
	if !l.hasRead {
		return func(func(readValue) bool) {}
	}
	return l.readValues(rec, o)
}

// dumpSide writes everything but samples.
func dumpSide(t testing.TB, f *File) string {
	t.Helper()
	side, err := f.Sideband()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "meta %+v\n", f.Meta)
	for _, e := range f.Events {
		fmt.Fprintf(&b, "event %d %s unit=%s ids=%v attr=%+v\n", e.Index, e.Name, e.Unit(), e.ids, e.attr)
	}
	for _, l := range side.Losses {
		cpu := -1
		if l.CPU != nil {
			cpu = *l.CPU
		}
		l.CPU = nil
		fmt.Fprintf(&b, "loss cpu=%d %+v\n", cpu, l)
	}
	fmt.Fprintf(&b, "mmaps %+v\ncomms %+v\nforks %+v\nksymbols %+v\nbuildids %+v\nfirst=%d last=%d\n",
		side.Mmaps, side.Comms, side.Forks, side.KSymbols, side.BuildIDs, side.FirstNS, side.LastNS)
	fmt.Fprintf(&b, "records %v\n", f.counts(t))
	return b.String()
}

// dumpSamples writes every sample, one a line.
func dumpSamples(t testing.TB, f *File) string {
	t.Helper()
	var b strings.Builder
	stats, err := f.eachSample(context.Background(), func(s *Sample) error {
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
			t.Fatalf("%s: line %d differs\n a ...%.300s\n b ...%.300s", what, i+1, x[min(from, len(x)):],
				y[min(from, len(y)):])
		}
	}
	t.Fatalf("%s: %d lines against %d", what, len(la), len(lb))
}
