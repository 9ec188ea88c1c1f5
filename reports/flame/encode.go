package flame

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/klauspost/compress/gzip"
)

// The tree as the page holds it, gzipped. All numbers are unsigned varints
// (encoding/binary), column after column, so that like stands beside like:
//
//	length, header      JSON, see flamedata.go
//	callees             for the root and each frame: how many frames it calls,
//	                    then these frames, the most frequent pair first
//	nodes, steps        for each node but the root, in pre-order: how many
//	                    levels it lies below one deeper than its predecessor
//	ranks               for each node but the root: the place of its frame in
//	                    the list of its parent's frame; of a later sibling, the
//	                    distance from the sibling before, less 1
//	ends                for each node with callees, the root included: 1 if a
//	                    stack ends there; nodes without callees are ends anyway
//	sizes               for each slice: its entries
//	where               for each entry: ends skipped since the entry before
//	counts              for each entry: samples, less 1
//	weights             for each entry of a slice without a fixed period: sum
//	                    of periods, in 1/weightParts of the slice's mean
//
// Frames called by few others have small ranks, which compress well: a node
// costs about a byte. assets/flame.js reads it.

// weightParts divides a slice's mean period: weights are rounded to that, and
// what is rounded off is carried to the next entry, so that the sum over any
// branch is right to one part.
const weightParts = 64

func (t *tree) encode(header any, level int) ([]byte, error) {
	head, err := json.Marshal(header)
	if err != nil {
		return nil, fmt.Errorf("writing the header of the flame graphs: %w", err)
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		return nil, err
	}
	w := columnWriter{out: z}
	w.number(uint64(len(head)))
	w.buf = append(w.buf, head...)
	order := t.ranked()
	t.writeNodes(&w, order)
	t.writeSlices(&w, order)
	w.flush()
	if err := cmp.Or(w.err, z.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// A columnWriter writes varints.
type columnWriter struct {
	out *gzip.Writer
	buf []byte
	err error
}

func (w *columnWriter) number(n uint64) {
	w.buf = binary.AppendUvarint(w.buf, n)
	if len(w.buf) > 1<<16 {
		w.flush()
	}
}

func (w *columnWriter) flush() {
	if w.err == nil {
		_, w.err = w.out.Write(w.buf)
	}
	w.buf = w.buf[:0]
}

// A rankedTree is a tree with its nodes in the order they are written in:
// pre-order, callees by how often their frame is called from that frame.
type rankedTree struct {
	callees [][]int32 // frames, by calling frame + 1
	nodes   []int32   // old numbers, in order
	rank    []int32   // by old number
}

func (t *tree) ranked() rankedTree {
	pairs := map[[2]int32]int{}
	for n := 1; n < len(t.frame); n++ {
		pairs[[2]int32{t.frame[t.parent[n]], t.frame[n]}]++
	}
	r := rankedTree{callees: make([][]int32, len(t.frames)+1), rank: make([]int32, len(t.frame))}
	for p := range pairs {
		r.callees[p[0]+1] = append(r.callees[p[0]+1], p[1])
	}
	place := make(map[[2]int32]int32, len(pairs))
	for i, list := range r.callees {
		from := int32(i) - 1
		slices.SortFunc(list, func(x, y int32) int {
			return cmp.Or(cmp.Compare(pairs[[2]int32{from, y}], pairs[[2]int32{from, x}]),
				cmp.Compare(x, y))
		})
		for k, f := range list {
			place[[2]int32{from, f}] = int32(k)
		}
	}
	for n := 1; n < len(t.frame); n++ {
		r.rank[n] = place[[2]int32{t.frame[t.parent[n]], t.frame[n]}]
	}
	byRank := tree{frame: r.rank, parent: t.parent}
	r.nodes = byRank.preorder()
	return r
}

func (t *tree) writeNodes(w *columnWriter, r rankedTree) {
	for _, list := range r.callees {
		w.number(uint64(len(list)))
		for _, f := range list {
			w.number(uint64(f))
		}
	}
	w.number(uint64(len(r.nodes) - 1))
	depth := make([]int32, len(t.frame))
	before := int32(0)
	for _, n := range r.nodes[1:] {
		depth[n] = depth[t.parent[n]] + 1
		w.number(uint64(before + 1 - depth[n]))
		before = depth[n]
	}
	last := make([]int32, len(t.frame)) // by parent: rank of its latest callee, + 1
	for _, n := range r.nodes[1:] {
		p := t.parent[n]
		w.number(uint64(r.rank[n] - last[p]))
		last[p] = r.rank[n] + 1
	}
}

func (t *tree) writeSlices(w *columnWriter, r rankedTree) {
	inner, ends := make([]bool, len(t.frame)), make([]bool, len(t.frame))
	for _, p := range t.parent[1:] {
		inner[p] = true
	}
	for _, s := range t.slices {
		for _, e := range s.entries {
			ends[e.node] = true
		}
	}
	number := make([]int32, len(t.frame)) // of ends
	next := int32(0)
	for _, n := range r.nodes {
		if inner[n] {
			bit := uint64(0)
			if ends[n] {
				bit = 1
			}
			w.number(bit)
		}
		number[n] = next
		if ends[n] || !inner[n] {
			next++
		}
	}
	for _, s := range t.slices {
		w.number(uint64(len(s.entries)))
	}
	ordered := make([][]treeEntry, len(t.slices))
	for i, s := range t.slices {
		ordered[i] = slices.Clone(s.entries)
		slices.SortFunc(ordered[i], func(a, b treeEntry) int {
			return cmp.Compare(number[a.node], number[b.node])
		})
		before := int32(0)
		for _, e := range ordered[i] {
			w.number(uint64(number[e.node] - before))
			before = number[e.node] + 1
		}
	}
	for _, list := range ordered {
		for _, e := range list {
			w.number(e.count - 1)
		}
	}
	for i, list := range ordered {
		if part := t.slices[i].part(); part > 0 {
			carry := 0.0
			for _, e := range list {
				exact := e.weight/part + carry
				whole := max(math.Round(exact), 0)
				carry = exact - whole
				w.number(uint64(whole))
			}
		}
	}
}

// fixed returns the period that every sample of a slice has, or 0.
func (s *treeSlice) fixed() float64 {
	if len(s.entries) == 0 {
		return 0
	}
	p := s.entries[0].weight / float64(s.entries[0].count)
	for _, e := range s.entries {
		if e.weight != p*float64(e.count) {
			return 0
		}
	}
	return p
}

// part returns the unit that a slice's weights are written in, 0 if they
// follow from the counts.
func (s *treeSlice) part() float64 {
	if s.fixed() > 0 {
		return 0
	}
	count, weight := uint64(0), 0.0
	for _, e := range s.entries {
		count += e.count
		weight += e.weight
	}
	if count == 0 {
		return 0
	}
	return weight / float64(count) / weightParts
}

// spread returns what the variance of a slice's weights is over the one that
// follows from count and weight of each entry, weight^2/count: 1 if the
// samples of an entry have equal periods, 0 if nothing was sampled but all counted.
func (s *treeSlice) spread() float64 {
	if s.counted {
		return 0
	}
	variance, equal := 0.0, 0.0
	for _, e := range s.entries {
		variance += e.weightVar
		equal += e.weight * e.weight / float64(e.count)
	}
	if !(equal > 0) || !(variance > equal) {
		return 1
	}
	return variance / equal
}
