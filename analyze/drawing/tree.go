package drawing

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// A Tree is a flame graph with every frame below its caller. Node 0 is the root, "all".
type Tree struct {
	Unit  string
	Nodes []Node

	Pruned       uint64 // weight in gaps beside children: frames not drawn
	Unsure       uint64 // frames that could hang below either of two
	UnsureWeight uint64
	Lost         uint64 // frames that hang below none
}

// A Node is a frame.
type Node struct {
	Name     string
	Weight   uint64
	Children uint64  // sum of the children's weights
	Parent   int     // -1 for the root
	from     float64 // where it starts, in weight from the left
}

// newTree hangs every box below the one of the next level that it stands on.
//
// A box knows its weight exactly and its place to half a tenth of a pixel. In units of weight its place is within
// slack of the true one; widths are not needed. Where two boxes of the level below come into question, the one that
// overlaps more and has weight left is taken.
func newTree(d *drawing) (*Tree, error) {
	levels := d.levels()
	if len(levels) == 0 || len(levels[0]) != 1 {
		return nil, &Error{What: "no frame spans all others: " +
			"neither the lowest nor the highest row is a single frame that is as heavy as the heaviest"}
	}
	root := levels[0][0]
	if root.weight == 0 || root.w <= 0 {
		return nil, &Error{What: fmt.Sprintf("the frame at the root, %q, has no weight or no width", root.name)}
	}
	t := &Tree{Unit: d.unit, Nodes: []Node{{Name: root.name, Weight: root.weight, Parent: -1}}}
	scale := float64(root.weight) / root.w
	slack := 0.0
	if !d.exact {
		slack = 0.05 * scale
	}
	below := []int{0}
	for _, level := range levels[1:] {
		below = t.hang(level, below, root.x, scale, slack)
		if len(below) == 0 {
			break
		}
	}
	t.measureGaps(slack)
	return t, nil
}

// levels groups boxes by row, from the root's on, each row from left to right.
// The root is the lowest row, or the highest in an icicle graph.
func (d *drawing) levels() [][]box {
	boxes := slices.Clone(d.boxes)
	heaviest := slices.MaxFunc(boxes, func(a, b box) int { return cmp.Compare(a.weight, b.weight) }).weight
	slices.SortStableFunc(boxes, func(a, b box) int { return cmp.Or(cmp.Compare(b.y, a.y), cmp.Compare(a.x, b.x)) })
	var levels [][]box
	for start := 0; start < len(boxes); {
		end := start
		for end < len(boxes) && boxes[start].y-boxes[end].y < 0.5 {
			end++
		}
		levels = append(levels, boxes[start:end])
		start = end
	}
	isRoot := func(level []box) bool { return len(level) == 1 && level[0].weight == heaviest }
	first, last := levels[0], levels[len(levels)-1]
	if isRoot(last) && (!isRoot(first) || last[0].name == "all" && first[0].name != "all") {
		slices.Reverse(levels)
	}
	if !isRoot(levels[0]) {
		return nil
	}
	return levels
}

// hang adds the boxes of a level below the nodes given, which are in order
// from left to right, and returns the new nodes in that order.
func (t *Tree) hang(level []box, below []int, x0, scale, slack float64) []int {
	var added []int
	first := 0
	for _, b := range level {
		from := (b.x - x0) * scale
		for first < len(below) && t.end(below[first])+2*slack <= from {
			first++
		}
		parent, unsure := t.choose(below[first:], from, b.weight, slack)
		if parent < 0 {
			t.Lost++
			continue
		}
		if unsure {
			t.Unsure++
			t.UnsureWeight += b.weight
		}
		t.Nodes[parent].Children += b.weight
		t.Nodes = append(t.Nodes, Node{Name: b.name, Weight: b.weight, Parent: parent, from: from})
		added = append(added, len(t.Nodes)-1)
	}
	return added
}

func (t *Tree) end(n int) float64 { return t.Nodes[n].from + float64(t.Nodes[n].Weight) }

// maxCandidates bounds the nodes one box may stand on. In a drawing they do
// not overlap, and none is narrower than the places are inexact.
const maxCandidates = 16

// choose returns the node that a box at from stands on: the one it overlaps
// most among those that have room for its weight.
func (t *Tree) choose(below []int, from float64, weight uint64, slack float64) (parent int, unsure bool) {
	parent = -1
	best, second := math.Inf(-1), math.Inf(-1)
	to := from + float64(weight)
	for _, n := range below[:min(len(below), maxCandidates)] {
		p := &t.Nodes[n]
		if p.from-2*slack > to {
			break
		}
		if p.Weight-p.Children < weight {
			continue
		}
		overlap := min(to, t.end(n)) - max(from, p.from)
		switch {
		case overlap > best:
			parent, best, second = n, overlap, best
		case overlap > second:
			second = overlap
		}
	}
	if best <= -2*slack && best < 0 {
		return -1, false
	}
	return parent, best-second < 2*slack
}

// measureGaps sums the weight between siblings and behind the last of them. What a frame has itself lies in front of
// its children: flamegraph.pl and inferno draw stacks in the order of their text, and a stack sorts before those that
// continue it.
func (t *Tree) measureGaps(slack float64) {
	at := make([]float64, len(t.Nodes)) // where the last child of a node ends
	for i := 1; i < len(t.Nodes); i++ {
		n := &t.Nodes[i]
		if last := at[n.Parent]; last > 0 {
			t.addGap(n.from-last, slack)
		}
		at[n.Parent] = t.end(i)
	}
	for i := range t.Nodes {
		if at[i] > 0 {
			t.addGap(t.end(i)-at[i], slack)
		}
	}
}

// addGap counts a gap that is wider than the places are inexact.
func (t *Tree) addGap(gap, slack float64) {
	if gap > 2*slack {
		t.Pruned += uint64(gap)
	}
}
