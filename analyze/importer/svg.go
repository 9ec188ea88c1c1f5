package importer

import (
	"errors"
	"io"

	"xfrmscope/analyze/drawing"
	"xfrmscope/collect/bundle"
)

// readSVG reads the drawing of flamegraph.pl or inferno-flamegraph.
func readSVG(r io.Reader, opt Options) (*Import, error) {
	data, err := document(r, opt)
	if err != nil {
		return nil, err
	}
	t, err := drawing.Read(data)
	var bad *drawing.Error
	switch {
	case errors.Is(err, drawing.ErrNoFrame):
		return nil, opt.bad(0, "%v", err).fix("import one that flamegraph.pl or inferno-flamegraph made")
	case errors.As(err, &bad):
		return nil, opt.bad(bad.Line, "%s", bad.What)
	case err != nil:
		return nil, err
	}
	return drawn(t, opt), nil
}

// unitOfCount turns what a drawing counts into the unit of a profile.
func unitOfCount(countname string) string {
	switch countname {
	case "", "samples", "counts", "count":
		return "count"
	case "ns":
		return "nanoseconds"
	}
	return countname
}

// drawn makes the import of a tree.
func drawn(t *drawing.Tree, opt Options) *Import {
	f := newNamed(opt)
	for i := range t.Nodes {
		n := &t.Nodes[i]
		if n.Weight > n.Children {
			f.addNode(t, i)
		}
	}
	im := f.result(unitOfCount(t.Unit))
	add := func(format string, args ...any) {
		w := bundle.Warn(f.event.event.Name, format, args...)
		im.Warnings = append(im.Warnings, w)
		warn(im.Profiles, w)
	}
	if t.Pruned > 0 {
		add("frames too narrow to be drawn are missing: "+
			"at least %.2f %% of the weight is charged to their callers",
			100*float64(t.Pruned)/float64(t.Nodes[0].Weight))
	}
	if t.Unsure > 0 {
		add("%d frames (%.2f %% of the weight) stand at the edge of two others: "+
			"whose child they are was told by weight",
			t.Unsure, 100*float64(t.UnsureWeight)/float64(t.Nodes[0].Weight))
	}
	if t.Lost > 0 {
		im.lost("frames of the drawing that hang below no other", t.Lost, uint64(len(t.Nodes)),
			"their weight is charged to a caller")
		lose(im.Profiles, im.Losses[len(im.Losses)-1])
	}
	return im
}

// addNode weighs the stack of a node by what it has beyond its children.
func (f *named) addNode(t *drawing.Tree, i int) {
	comm := int32(-1)
	f.key = f.key[:0]
	for at := i; at > 0; at = t.Nodes[at].Parent {
		if t.Nodes[at].Parent == 0 {
			comm = f.b.comm([]byte(t.Nodes[at].Name))
		} else {
			f.key = f.key.push(f.frame([]byte(t.Nodes[at].Name)))
		}
	}
	w := f.weigh(comm)
	w.whole += t.Nodes[i].Weight - t.Nodes[i].Children
}
