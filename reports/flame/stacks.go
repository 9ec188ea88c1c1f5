package flame

import (
	"cmp"
	"maps"
	"slices"

	"xfrmscope/analyze/profile"
	"xfrmscope/reports/format"
)

// A frame is a node of a flame graph: the same function on the same path.
type frame struct {
	name   string // as the profile has it
	module string // "" for the kernel itself
	kind   kind
	weight float64 // sum of periods, callees included
	count  uint64  // samples, callees included
	callee []*frame
}

// A flameTree is the stacks of one profile merged by function, root first,
// callees by name. Idle stacks are left out and counted.
type flameTree struct {
	root      *frame // the busy weight
	idle      float64
	idleCount uint64
}

// maxDepth bounds the frames drawn above each other; the kernel's own limit is
// 127 (kernel.perf_event_max_stack, kernel/events/callchain.c, 6.12).
const maxDepth = 127

// newFlameTree merges a profile.
func newFlameTree(p *profile.Profile) *flameTree {
	c := newClassifier(p)
	perStack := make([]struct {
		weight float64
		count  uint64
	}, len(p.Stacks))
	for i := range p.Cells {
		s := &perStack[p.Cells[i].Stack]
		s.weight += float64(p.Cells[i].Period)
		s.count += p.Cells[i].Count
	}
	b := treeBuilder{c: c, callees: map[*frame]map[frameKey]*frame{}}
	t := &flameTree{root: &frame{name: "all"}}
	for i, s := range p.Stacks {
		switch {
		case perStack[i].count == 0 && perStack[i].weight == 0:
		case c.isIdle(s):
			t.idle += perStack[i].weight
			t.idleCount += perStack[i].count
		default:
			b.add(t.root, s, perStack[i].weight, perStack[i].count)
		}
	}
	b.sort(t.root)
	return t
}

type frameKey struct{ name, module string }

// A treeBuilder finds a frame's callee by name while a tree grows.
type treeBuilder struct {
	c       *classifier
	callees map[*frame]map[frameKey]*frame
}

func (b *treeBuilder) add(at *frame, s profile.Stack, weight float64, count uint64) {
	at.weight += weight
	at.count += count
	for i := len(s) - 1; i >= max(0, len(s)-maxDepth); i-- {
		at = b.callee(at, s[i])
		at.weight += weight
		at.count += count
	}
}

func (b *treeBuilder) callee(at *frame, loc int32) *frame {
	key := frameKey{b.c.p.FunctionName(loc), moduleOf(b.c.p, loc)}
	byKey := b.callees[at]
	if byKey == nil {
		byKey = map[frameKey]*frame{}
		b.callees[at] = byKey
	}
	f := byKey[key]
	if f == nil {
		f = &frame{name: key.name, module: key.module, kind: b.c.ofLocation(loc)}
		byKey[key] = f
	}
	return f
}

// sort orders the callees below a frame.
func (b *treeBuilder) sort(at *frame) {
	at.callee = slices.SortedFunc(maps.Values(b.callees[at]), func(x, y *frame) int {
		return cmp.Or(cmp.Compare(x.name, y.name), cmp.Compare(x.module, y.module))
	})
	for _, f := range at.callee {
		b.sort(f)
	}
}

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
