package lab

import (
	"cmp"
	"slices"

	"xfrmscope/collect/bundle"
)

// lines are the transfers to the senders between each pair of functions, by what was
// read and what was written last; the most first.
func (c *Counts) lines(functions *functions, n *namer) []bundle.Line {
	type pair struct{ read, written, reader, writer string }
	type moved struct{ n, apart, to, from uint64 }
	sums := map[pair]moved{}
	names := map[uint64]string{}
	name := func(va uint64) string {
		if names[va] == "" {
			names[va] = n.name(va)
		}
		return names[va]
	}
	for _, w := range c.windows {
		for _, s := range w.shares {
			p := pair{read: name(s.addr), written: name(s.addr&^63 + uint64(s.offset)), writer: "unknown"}
			p.reader = functions.of(s.reader).name
			if s.writer != 0 {
				p.writer = functions.of(s.writer).name
			}
			m := sums[p]
			sums[p] = moved{m.n + s.n, m.apart + s.apart, m.to | s.to, m.from | s.from}
		}
	}
	rows := make([]bundle.Line, 0, len(sums))
	for p, m := range sums {
		rows = append(rows, bundle.Line{Read: p.read, Written: p.written, Reader: p.reader, Writer: p.writer,
			Transfers: m.n, Apart: m.apart, Readers: cpuSet(m.to), Writers: cpuSet(m.from)})
	}
	slices.SortFunc(rows, func(a, b bundle.Line) int {
		return cmp.Or(cmp.Compare(b.Transfers, a.Transfers),
			cmp.Compare(a.Read, b.Read), cmp.Compare(a.Written, b.Written),
			cmp.Compare(a.Reader, b.Reader), cmp.Compare(a.Writer, b.Writer))
	})
	return rows
}

// addresses are all that moved.
func (c *Counts) addresses() []uint64 {
	var all []uint64
	for _, w := range c.windows {
		for _, s := range w.shares {
			all = append(all, s.addr)
		}
	}
	return all
}

func cpuSet(bits uint64) bundle.CPUSet {
	var set bundle.CPUSet
	for cpu := range 64 {
		if bits>>cpu&1 == 1 {
			set = append(set, cpu)
		}
	}
	return set
}
