package lab

import (
	"cmp"
	"slices"

	"xfrmscope/collect/bundle"
)

// lines are the transfers to the senders between each pair of functions, by what was
// read and what was written last; the most first.
func (c *Counts) lines(functions *functions, n *namer) []bundle.Line {
	sums := map[pair]moved{}
	for _, w := range c.windows {
		for _, s := range w.shares {
			p := pair{writer: "unknown", aside: s.from>>w.senders != 0}
			var object bundle.LineObject
			p.read, object = n.name(s.addr)
			p.written, _ = n.name(s.addr&^63 + uint64(s.offset))
			p.object = object.String()
			p.reader = functions.of(s.reader).name
			if s.writer != 0 {
				p.writer = functions.of(s.writer).name
			}
			m := sums[p]
			sums[p] = moved{m.n + s.n, m.apart + s.apart, m.to | s.to, m.from | s.from, object}
		}
	}
	sums = fold(sums)
	rows := make([]bundle.Line, 0, len(sums))
	for p, m := range sums {
		rows = append(rows, bundle.Line{Read: p.read, Written: p.written, Object: m.object,
			Reader: p.reader, Writer: p.writer, Transfers: m.n, Apart: m.apart,
			Readers: cpuSet(m.to), Writers: cpuSet(m.from)})
	}
	slices.SortFunc(rows, func(a, b bundle.Line) int {
		return cmp.Or(cmp.Compare(b.Transfers, a.Transfers),
			cmp.Compare(a.Read, b.Read), cmp.Compare(a.Written, b.Written),
			cmp.Compare(a.Object.String(), b.Object.String()),
			cmp.Compare(a.Reader, b.Reader), cmp.Compare(a.Writer, b.Writer),
			slices.Compare(a.Writers, b.Writers))
	})
	return rows
}

// fold adds up what is rare: below 1 in 10000 functions and objects are not told apart,
// and then places.
func fold(sums map[pair]moved) map[pair]moved {
	const rare, other = 10000, "other"
	total := uint64(0)
	for _, m := range sums {
		total += m.n
	}
	for _, into := range []func(p pair) pair{
		func(p pair) pair { return pair{p.read, other, other, other, "", p.aside} },
		func(p pair) pair { return pair{other, other, other, other, "", p.aside} },
	} {
		folded := map[pair]moved{}
		for p, m := range sums {
			if m.n*rare < total {
				p, m.object = into(p), bundle.LineObject{}
			}
			sum, ok := folded[p]
			if !ok {
				sum.object = m.object
			}
			folded[p] = moved{sum.n + m.n, sum.apart + m.apart, sum.to | m.to, sum.from | m.from,
				sum.object}
		}
		sums = folded
	}
	return sums
}

// A pair is a place and two functions between which lines moved there.
type pair struct {
	read, written, reader, writer string
	object                        string // its JSON: equal objects have equal ones
	aside                         bool   // written by a CPU that sends nothing
}

type moved struct {
	n, apart, to, from uint64
	object             bundle.LineObject
}

// addresses are all that moved or were touched.
func (c *Counts) addresses() []uint64 {
	var all []uint64
	for _, w := range c.windows {
		for _, s := range w.shares {
			all = append(all, s.addr)
		}
		for _, t := range w.touches {
			all = append(all, t.addr)
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
