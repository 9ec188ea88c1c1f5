package flame

import (
	"cmp"
	"slices"

	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
)

// A tree is the busy stacks of many profiles merged by function into one:
// every path from the root stands in it once, whichever run, event and CPU it
// was seen on. What was seen where is in its slices.
type tree struct {
	frames []treeFrame // sorted by name, then module; smallFrame, if any, is last

	// Nodes in pre-order, node 0 the root; callees of a node by frame.
	frame  []int32 // index into frames, -1 for the root
	parent []int32 // node, -1 for the root

	slices []treeSlice // by run, event, CPU

	small bool    // smallFrame stands for stacks that were merged by prune
	limit float64 // their largest share of the busy weight of any slice's event
}

// A treeFrame is a function as a flame graph tells functions apart.
type treeFrame struct {
	name, module string // module "" is the kernel itself
	kind         kind
	stage        int // row of the stage table, stage.None
}

// smallFrame is the name of the frame that stands for frames too small to keep.
const smallFrame = "(small frames)"

// A treeSlice is the self weights of one event of one run on one CPU.
type treeSlice struct {
	run, event int    // indexes into Result.Runs and Run.Events
	cpu        int    // everyCPU if they are not told apart
	idle       uint64 // samples
	idleWeight float64
	unsampled  bool        // weights without samples: counts stand for their errors
	counted    bool        // a simulated machine counted every event: no sampling, no error
	entries    []treeEntry // by node
}

// everyCPU stands where CPUs are put together.
const everyCPU = -2

// A treeEntry is what ended at a node: samples, the sum of their periods and
// of the periods' squares.
type treeEntry struct {
	node      int32
	count     uint64
	weight    float64
	weightVar float64
}

// newTree merges the profiles of a Result. With fold, compiler suffixes of
// functions are stripped: two kernels are compared by it.
func newTree(r *result.Result, fold bool) *tree {
	b := newGrower(fold)
	for i, run := range r.Runs {
		if run == nil {
			continue
		}
		for j, e := range run.Events {
			if e.Profile != nil {
				b.add(i, j, e.Profile)
			}
		}
	}
	b.sort()
	return b.t
}

func treeOf(p *profile.Profile) *tree {
	b := newGrower(false)
	b.add(0, 0, p)
	b.sort()
	return b.t
}

// A treeGrower adds profiles to a tree.
type treeGrower struct {
	t      *tree
	frames map[frameKey]int32
	nodes  map[[2]int32]int32 // parent, frame: node
	fold   bool
}

func newGrower(fold bool) *treeGrower {
	return &treeGrower{
		t:      &tree{frame: []int32{-1}, parent: []int32{-1}},
		frames: map[frameKey]int32{},
		nodes:  map[[2]int32]int32{},
		fold:   fold,
	}
}

func (b *treeGrower) add(run, event int, p *profile.Profile) {
	c := newClassifier(p)
	ends := make([]int32, len(p.Stacks)) // node by stack
	frames := make([]int32, len(p.Locations))
	for i := range frames {
		frames[i] = -1
	}
	for i, s := range p.Stacks {
		if ends[i] = -1; !c.isIdle(s) {
			ends[i] = b.path(c, s, frames)
		}
	}
	for cells := p.Cells; len(cells) > 0; {
		n := 1
		for n < len(cells) && cells[n].CPU == cells[0].CPU {
			n++
		}
		s := newSlice(run, event, cells[:n], ends)
		s.counted = bundle.Simulated(p.Event.Name)
		b.t.slices = append(b.t.slices, s)
		cells = cells[n:]
	}
}

// path returns the node of a stack.
func (b *treeGrower) path(c *classifier, s profile.Stack, frames []int32) int32 {
	at := int32(0)
	for i := min(len(s), maxDepth) - 1; i >= 0; i-- {
		loc := s[i]
		if frames[loc] < 0 {
			frames[loc] = b.frameOf(c, loc)
		}
		key := [2]int32{at, frames[loc]}
		next, ok := b.nodes[key]
		if !ok {
			next = int32(len(b.t.frame))
			b.t.frame, b.t.parent = append(b.t.frame, frames[loc]), append(b.t.parent, at)
			b.nodes[key] = next
		}
		at = next
	}
	return at
}

func (b *treeGrower) frameOf(c *classifier, loc int32) int32 {
	key := frameKey{c.p.FunctionName(loc), moduleOf(c.p, loc)}
	row := stage.None
	if f := c.p.Locations[loc].Function; f >= 0 {
		row = c.rows[f]
	}
	if b.fold {
		key.name = stage.Strip(key.name)
	}
	f, ok := b.frames[key]
	if !ok {
		f = int32(len(b.t.frames))
		b.t.frames = append(b.t.frames, treeFrame{key.name, key.module, c.ofLocation(loc), row})
		b.frames[key] = f
	}
	return f
}

// newSlice sums the cells of one CPU by node.
func newSlice(run, event int, cells []profile.Cell, ends []int32) treeSlice {
	s := treeSlice{run: run, event: event, cpu: int(cells[0].CPU)}
	for i := range cells {
		c := &cells[i]
		count := c.Count
		switch {
		case count == 0 && c.Period == 0:
			continue
		case ends[c.Stack] < 0:
			s.idle += count
			s.idleWeight += float64(c.Period)
			continue
		case count == 0: // an import that has weights only
			s.unsampled = true
			count = countLike(float64(c.Period), c.PeriodSq)
		}
		s.entries = append(s.entries, treeEntry{ends[c.Stack], count, float64(c.Period), c.PeriodSq})
	}
	s.sum()
	return s
}

// countLike returns how many equal samples would have the variance of a weight.
func countLike(weight, variance float64) uint64 {
	if !(variance > 0) {
		return 1
	}
	return uint64(min(max(weight*weight/variance, 1), 1<<40))
}

// sum orders the entries and puts those of a node together.
func (s *treeSlice) sum() {
	slices.SortStableFunc(s.entries, func(a, b treeEntry) int { return cmp.Compare(a.node, b.node) })
	out := s.entries[:0]
	for _, e := range s.entries {
		if n := len(out); n > 0 && out[n-1].node == e.node {
			last := &out[n-1]
			last.count += e.count
			last.weight += e.weight
			last.weightVar += e.weightVar
			continue
		}
		out = append(out, e)
	}
	s.entries = out
}

// sort puts the frames into the order of their names and the nodes into
// pre-order, so that the same profiles make the same tree.
func (b *treeGrower) sort() {
	t := b.t
	order := make([]int32, len(t.frames))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(x, y int32) int {
		return cmp.Or(cmp.Compare(t.frames[x].name, t.frames[y].name), cmp.Compare(t.frames[x].module,
			t.frames[y].module))
	})
	rank := make([]int32, len(order))
	sorted := make([]treeFrame, len(order))
	for i, f := range order {
		rank[f], sorted[i] = int32(i), t.frames[f]
	}
	t.frames = sorted
	for i := 1; i < len(t.frame); i++ {
		t.frame[i] = rank[t.frame[i]]
	}
	t.renumber(t.preorder())
}

// preorder returns the nodes in pre-order, callees by frame.
func (t *tree) preorder() []int32 {
	byFrame := make([]int32, len(t.frame))
	for i := range byFrame {
		byFrame[i] = int32(i)
	}
	// Descending, so that pushing the callees on a stack leaves the first on top.
	slices.SortFunc(byFrame, func(x, y int32) int {
		return cmp.Or(cmp.Compare(t.frame[y], t.frame[x]), cmp.Compare(y, x))
	})
	first, next := make([]int32, len(t.frame)), make([]int32, len(t.frame))
	for i := range first {
		first[i], next[i] = -1, -1
	}
	for _, n := range slices.Backward(byFrame) { // linked lists, largest frame first
		if p := t.parent[n]; p >= 0 {
			next[n], first[p] = first[p], n
		}
	}
	out := make([]int32, 0, len(t.frame))
	stack := []int32{0}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		out = append(out, n)
		for c := first[n]; c >= 0; c = next[c] {
			stack = append(stack, c)
		}
	}
	return out
}

// renumber gives the nodes named in order, all others having been emptied, the
// numbers 0, 1, ...
func (t *tree) renumber(order []int32) {
	number := make([]int32, len(t.frame))
	frame, parent := make([]int32, len(order)), make([]int32, len(order))
	for i, n := range order {
		number[n] = int32(i)
		frame[i], parent[i] = t.frame[n], -1
		if t.parent[n] >= 0 {
			parent[i] = number[t.parent[n]]
		}
	}
	t.frame, t.parent = frame, parent
	for i := range t.slices {
		s := &t.slices[i]
		for j := range s.entries {
			s.entries[j].node = number[s.entries[j].node]
		}
		s.sum()
	}
}

// totals adds up what of says of the entries of some slices, callees included,
// into out, which has an element for each node.
func (t *tree) totals(some []treeSlice, out []float64, of func(treeEntry) float64) {
	clear(out)
	for i := range some {
		for _, e := range some[i].entries {
			out[e.node] += of(e)
		}
	}
	for n := len(out) - 1; n > 0; n-- {
		out[t.parent[n]] += out[n]
	}
}

func weightOf(e treeEntry) float64 { return e.weight }

// profiles parts the slices by run and event.
func (t *tree) profiles() [][]treeSlice {
	var out [][]treeSlice
	for rest := t.slices; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].run == rest[0].run && rest[n].event == rest[0].event {
			n++
		}
		out = append(out, rest[:n])
		rest = rest[n:]
	}
	return out
}

// shares returns the largest share that each node has of the busy weight of a
// profile.
func (t *tree) shares() []float32 {
	most, total := make([]float32, len(t.frame)), make([]float64, len(t.frame))
	for _, p := range t.profiles() {
		t.totals(p, total, weightOf)
		if total[0] <= 0 {
			continue
		}
		for n, w := range total {
			most[n] = max(most[n], float32(w/total[0]))
		}
	}
	return most
}

// withoutCPUs returns a tree that does not tell CPUs apart in the profiles that of
// picks by a slice. The nodes are shared.
func (t *tree) withoutCPUs(of func(treeSlice) bool) *tree {
	out := *t
	out.slices = nil
	for _, p := range t.profiles() {
		if !of(p[0]) {
			out.slices = append(out.slices, p...)
			continue
		}
		s := treeSlice{run: p[0].run, event: p[0].event, cpu: everyCPU}
		for i := range p {
			s.idle += p[i].idle
			s.idleWeight += p[i].idleWeight
			s.unsampled = s.unsampled || p[i].unsampled
			s.counted = p[i].counted
			s.entries = append(s.entries, p[i].entries...)
		}
		s.sum()
		out.slices = append(out.slices, s)
	}
	return &out
}

// prune returns a tree without the nodes whose share is below limit: what is
// below a node that stays becomes one callee, smallFrame. Weights of nodes that
// stay do not change.
func (t *tree) prune(shares []float32, limit float64) *tree {
	out := &tree{frames: slices.Clone(t.frames), small: true, limit: limit}
	small := int32(len(out.frames))
	out.frames = append(out.frames, treeFrame{name: smallFrame, kind: kindKernel, stage: stage.None})
	to := make([]int32, len(t.frame)) // the new node, or that of smallFrame below it
	kept := make([]bool, len(t.frame))
	smallOf := map[int32]int32{}
	for n := range t.frame {
		p := t.parent[n]
		kept[n] = n == 0 || kept[p] && float64(shares[n]) >= limit
		switch {
		case n == 0:
			out.frame, out.parent = append(out.frame, -1), append(out.parent, -1)
		case kept[n]:
			to[n] = int32(len(out.frame))
			out.frame, out.parent = append(out.frame, t.frame[n]), append(out.parent, to[p])
		case !kept[p]:
			to[n] = to[p]
		default:
			at, ok := smallOf[to[p]]
			if !ok {
				at = int32(len(out.frame))
				out.frame, out.parent = append(out.frame, small), append(out.parent, to[p])
				smallOf[to[p]] = at
			}
			to[n] = at
		}
	}
	for _, s := range t.slices {
		s.entries = slices.Clone(s.entries)
		for j := range s.entries {
			s.entries[j].node = to[s.entries[j].node]
		}
		s.sum()
		out.slices = append(out.slices, s)
	}
	out.dropFrames()
	out.renumber(out.preorder()) // smallFrame sorts behind its siblings
	return out
}

// dropFrames forgets the frames that no node has; their order stays.
func (t *tree) dropFrames() {
	number := make([]int32, len(t.frames))
	for _, f := range t.frame[1:] {
		number[f] = 1
	}
	frames := t.frames
	t.frames = nil
	for i := range frames {
		if number[i] == 1 {
			number[i] = int32(len(t.frames))
			t.frames = append(t.frames, frames[i])
		}
	}
	for i, f := range t.frame[1:] {
		t.frame[i+1] = number[f]
	}
}

// maxDepth bounds the frames drawn above each other; the kernel's own limit is
// 127 (kernel.perf_event_max_stack, kernel/events/callchain.c, 6.12).
const maxDepth = 127

type frameKey struct{ name, module string }

// moduleOf returns the file a frame is in, "" for the kernel itself.
func moduleOf(p *profile.Profile, loc int32) string {
	m := p.Locations[loc].Mapping
	if f := p.Locations[loc].Function; f >= 0 {
		m = p.Functions[f].Mapping
	}
	if m < 0 || p.Mappings[m].File == format.KernelFile {
		return ""
	}
	return p.Mappings[m].File
}
