package flame

import (
	"cmp"
	"math"
	"slices"

	"github.com/klauspost/compress/gzip"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// flameData is the header of the tree in the page: what its numbers stand for.
// Text is as it is to be shown. assets/flame.js reads it.
type flameData struct {
	Names    []string      `json:"names"` // of frames
	Modules  []string      `json:"modules"`
	Module   []int         `json:"module"` // by frame: index into Modules
	Kind     []int         `json:"kind"`   // by frame: index into Kinds
	Stage    []int         `json:"stage"`  // by frame: index into Stages, -1 none
	Stages   []string      `json:"stages"`
	Kinds    []flameKind   `json:"kinds"`
	Small    int           `json:"small"` // the frame that stands for small ones, -1 if there is none
	Limit    float64       `json:"limit"` // a smaller share is in Small
	Events   []flameEvent  `json:"events"`
	Groups   []flameGroup  `json:"groups"`
	Runs     []flameRun    `json:"runs"`
	Profiles []flameSource `json:"profiles"`
	Slices   flameSlices   `json:"slices"`
	Tests    []flameTest   `json:"tests"`
	Start    flameStart    `json:"start"`
}

type flameKind struct {
	Label string `json:"label"`
	Fill  string `json:"fill"`
	Ink   string `json:"ink"`
	Hatch string `json:"hatch,omitempty"` // "d" dense, "l" light
}

type flameEvent struct {
	Name string `json:"name"`
	Unit string `json:"unit"` // of a period
	Cost string `json:"cost"` // "ns/packet"
	Of   string `json:"of"`   // see view.Weighed
}

// A flameGroup is what is put together: the repeats of one side, mode and N.
type flameGroup struct {
	Side string `json:"side"`
	Mode string `json:"mode"` // of runs without one their label
	N    int    `json:"n"`
}

type flameRun struct {
	Label string `json:"label"`
	Group int    `json:"group"`
}

// A flameSource is one event of one run.
type flameSource struct {
	Run   int      `json:"run"`   // index into Runs
	Event int      `json:"event"` // index into Events
	Scale float64  `json:"scale"` // cost per packet of a period of 1, 0 if not measured
	Why   string   `json:"why"`   // it was not
	Lost  []string `json:"lost"`
	// Caveats are the numbers of the report's footnotes that weaken its costs.
	Caveats []int `json:"caveats"`
}

// flameSlices are columns, one element a slice.
type flameSlices struct {
	Profile []int     `json:"profile"` // index into Profiles
	CPU     []int     `json:"cpu"`     // everyCPU: all together
	Scale   []float64 `json:"scale"`   // by the CPU's own packets, 0 if not measured
	Fixed   []float64 `json:"fixed"`   // period of every sample, or 0
	Part    []float64 `json:"part"`    // unit of the weights if Fixed is 0
	Spread  []float64 `json:"spread"`  // see treeSlice.spread
	Idle    []uint64  `json:"idle"`    // samples
	Weights []bool    `json:"weights"` // without samples: counts are not samples
}

// A flameTest names the functions whose self cost changed between the sides, as
// the comparison over runs has it.
type flameTest struct {
	Mode   string `json:"mode"`
	N      int    `json:"n"`
	Event  int    `json:"event"`
	Tested int    `json:"tested"`
	Gated  int    `json:"gated"` // lost their significance to a failed gate
	Frames []int  `json:"frames"`
	Up     []bool `json:"up"` // by Frames: dearer
}

// flameStart is what the page opens with.
type flameStart struct {
	Event int `json:"event"`
	Group int `json:"group"`
	// Before is the mode that others are set against: of the contrasts, if there are any,
	// else that of Group.
	Before string `json:"before"`
}

func newFlameData(r *result.Result, t *tree) *flameData {
	d := &flameData{Small: -1, Limit: t.limit, Stages: []string{}, Tests: []flameTest{}}
	d.describeFrames(t)
	runs, weak := d.describeRuns(r), view.Warnings(r).Kinds()
	var before [2]int
	for i := range t.slices {
		s := &t.slices[i]
		e := r.Runs[s.run].Events[s.event]
		if key := [2]int{s.run, s.event}; i == 0 || key != before {
			d.Profiles = append(d.Profiles, d.source(e, runs[s.run]))
			subjects := append(view.CostSubjects(e), bundle.EveryNumber, view.WholeRun)
			last := &d.Profiles[len(d.Profiles)-1]
			for _, at := range weak.Weakening(r.Runs[s.run], subjects...) {
				last.Caveats = append(last.Caveats, weak[at].Number(at))
			}
			before = key
		}
		own := e.All
		for _, c := range e.CPUs {
			if c.CPU == s.cpu {
				own = c
			}
		}
		scale, _ := scaleOfCost(own)
		d.Slices.add(s, len(d.Profiles)-1, scale)
	}
	d.describeTests(r)
	d.start(r, runs)
	return d
}

func (d *flameData) describeFrames(t *tree) {
	modules := map[string]int{}
	for i, f := range t.frames {
		m, ok := modules[f.module]
		if !ok {
			m = len(d.Modules)
			modules[f.module] = m
			d.Modules = append(d.Modules, format.Visible(f.module, 80))
		}
		if t.small && i == len(t.frames)-1 {
			d.Small = i
		}
		d.Names, d.Module = append(d.Names, format.Name(f.name)), append(d.Module, m)
		d.Kind, d.Stage = append(d.Kind, int(f.kind)), append(d.Stage, f.stage)
	}
	for _, row := range stage.Default().Rows {
		d.Stages = append(d.Stages, row.Name)
	}
	for i, k := range KindTable() {
		d.Kinds = append(d.Kinds, flameKind{k.label, k.fill, k.ink, map[kind]string{kindSpin: "d",
			kindLockWord: "l"}[kind(i)]})
	}
}

// describeRuns adds the runs and their groups, and returns the place in Runs of
// each run of the Result.
func (d *flameData) describeRuns(r *result.Result) []int {
	type key struct {
		side, mode string
		n, alone   int
	}
	groups, shown, names := map[key]int{}, map[key]string{}, format.UniqueNames{}
	places := make([]int, len(r.Runs))
	for i, run := range r.Runs {
		if run == nil {
			continue
		}
		k := key{side: run.Side, mode: run.Mode, n: run.N}
		m := key{mode: run.Mode}
		if run.Mode == "" { // it repeats nothing
			k.alone, m.alone = i+1, i+1
		}
		if _, ok := shown[m]; !ok {
			shown[m] = names.Unique(format.Visible(run.ModeName(), 32))
		}
		if _, ok := groups[k]; !ok {
			groups[k] = len(d.Groups)
			d.Groups = append(d.Groups, flameGroup{format.Visible(run.Side, 24), shown[m], run.N})
		}
		places[i] = len(d.Runs)
		d.Runs = append(d.Runs, flameRun{view.RunLabel(run), groups[k]})
	}
	return places
}

func (d *flameData) source(e *result.Event, run int) flameSource {
	s := flameSource{Run: run, Event: d.event(e), Lost: []string{}, Caveats: []int{}}
	s.Scale, s.Why = scaleOfCost(e.All)
	for _, l := range e.Losses {
		if l.Count > 0 {
			s.Lost = append(s.Lost, format.Count(l.Count)+" "+format.Visible(l.What, 60))
		}
	}
	return s
}

// event returns the place of an event in Events.
func (d *flameData) event(e *result.Event) int {
	ev := flameEvent{format.Name(e.Name), format.Visible(e.Unit, 24), format.Visible(e.All.PerPacket.Unit, 24),
		view.Weighed(e)}
	if at := slices.IndexFunc(d.Events, func(o flameEvent) bool {
		return o.Name == ev.Name && o.Unit == ev.Unit
	}); at >= 0 {
		d.Events[at].Cost = cmp.Or(d.Events[at].Cost, ev.Cost)
		return at
	}
	d.Events = append(d.Events, ev)
	return len(d.Events) - 1
}

// scaleOfCost returns what turns weight into cost per packet, or why there is
// nothing that does.
func scaleOfCost(c result.CPU) (scale float64, why string) {
	v := c.PerPacket
	if !v.Measured() {
		return 0, format.Visible(v.Missing.Why, 200)
	}
	scale = v.Value / c.Busy.Period
	if !(scale > 0) || math.IsInf(scale, 0) {
		return 0, "no cost per packet"
	}
	return scale, ""
}

func (s *flameSlices) add(t *treeSlice, profile int, scale float64) {
	s.Profile, s.CPU, s.Scale = append(s.Profile, profile), append(s.CPU, t.cpu), append(s.Scale, scale)
	s.Fixed, s.Part = append(s.Fixed, t.fixed()), append(s.Part, t.part())
	s.Spread, s.Idle, s.Weights = append(s.Spread, t.spread()), append(s.Idle, t.idle),
		append(s.Weights, t.unsampled)
}

func (d *flameData) describeTests(r *result.Result) {
	if r.Comparison == nil {
		return
	}
	byName := map[string][]int{}
	for i, f := range d.Names {
		byName[f] = append(byName[f], i)
	}
	for _, c := range r.Comparison.Functions {
		at := slices.IndexFunc(d.Events, func(e flameEvent) bool { return e.Name == format.Name(c.Event) })
		if at < 0 || c.Functions.Family.Tested == 0 {
			continue
		}
		test := flameTest{Mode: format.Visible(c.Mode, 32), N: c.N, Event: at,
			Tested: c.Functions.Family.Tested, Frames: []int{}, Up: []bool{}}
		for _, row := range c.Functions.Rows {
			if row.Comparison.Verdict == compare.Gated {
				test.Gated++
			}
			if !row.Comparison.Significant {
				continue
			}
			for _, f := range byName[format.Name(row.Name)] {
				test.Frames = append(test.Frames, f)
				test.Up = append(test.Up, row.Comparison.Difference.Value > 0)
			}
		}
		d.Tests = append(d.Tests, test)
	}
}

// start opens the page with the run that spins most of those at the largest N
// of their mode; of two sides it is one that is not "before".
func (d *flameData) start(r *result.Result, places []int) {
	most := -1.0
	for i, run := range r.Runs {
		if run == nil || run.Main() == nil || run.Main().Profile == nil || run.Side == "before" ||
			!view.LargestN(r, run) {
			continue
		}
		if s := format.ShareOf(view.AllCPUs(run).SpinShare); s > most {
			most = s
			d.Start = flameStart{Event: d.event(run.Main()), Group: d.Runs[places[i]].Group}
		}
	}
	if len(d.Groups) == 0 {
		return
	}
	d.Start.Before = d.Groups[d.Start.Group].Mode
	for _, c := range r.Contrasts {
		for i, run := range r.Runs {
			if run != nil && run.Mode == c.Before.Name {
				d.Start.Before = d.Groups[d.Runs[places[i]].Group].Mode
			}
		}
	}
}

// Fit encodes the profiles of a Result in at most budget bytes, or as small as
// it can be made: first small frames are put together, up to maxLimit, then CPUs of
// all events but the main ones, then of repeats only one keeps these events, then CPUs
// of the main ones are put together, then larger frames.
func Fit(r *result.Result, budget int) ([]byte, error) {
	t := newTree(r, view.Sides(r))
	if len(t.slices) == 0 {
		return nil, nil
	}
	none, side := func(treeSlice) bool { return false }, func(s treeSlice) bool { return !isMain(r, s) }
	chosen := view.MedianRuns(r)
	repeat := func(s treeSlice) bool {
		return side(s) &&
			!slices.ContainsFunc(chosen, func(g view.Group) bool { return g.Chosen == r.Runs[s.run] })
	}
	var data []byte
	for _, try := range []struct {
		joined, left func(treeSlice) bool // whose CPUs are put together, which are left out
		top          float64
	}{
		{none, none, maxLimit},
		{side, none, maxLimit},
		{side, repeat, maxLimit},
		{func(treeSlice) bool { return true }, repeat, 1},
	} {
		t = t.withoutCPUs(try.joined)
		t.slices = slices.DeleteFunc(slices.Clone(t.slices), try.left)
		shares := t.shares()
		encoded, err := t.encode(newFlameData(r, t), gzip.BestSpeed)
		if err != nil {
			return nil, err
		}
		fits := t
		if over := float64(len(encoded)) / float64(budget); over > 0.9 {
			if fits, err = pruneTo(r, t, shares, try.top, budget); err != nil {
				return nil, err
			}
		}
		if data, err = fits.encode(newFlameData(r, fits), gzip.DefaultCompression); err != nil {
			return nil, err
		}
		if len(data) <= budget {
			break
		}
	}
	return data, nil
}

// isMain reports whether a slice is of an event that tells where time goes.
func isMain(r *result.Result, s treeSlice) bool {
	run := r.Runs[s.run]
	return slices.Contains(run.Mains(), run.Events[s.event])
}

// maxLimit is the largest share of a frame that may be put together with others
// to keep CPUs apart.
const maxLimit = 0.0005

// pruneTo searches the smallest limit, up to top, that makes a tree fit; if none does
// the tree is pruned to top.
func pruneTo(r *result.Result, t *tree, shares []float32, top float64, budget int) (*tree, error) {
	fit := func(p *tree) (bool, error) {
		data, err := p.encode(newFlameData(r, p), gzip.DefaultCompression)
		return len(data) <= budget, err
	}
	fits := t.prune(shares, top)
	if ok, err := fit(fits); !ok || err != nil {
		return fits, err
	}
	if ok, err := fit(t); ok || err != nil { // compressed better than at first
		return t, err
	}
	lo, hi := math.Log(1e-7), math.Log(top)
	for range 8 {
		limit := (lo + hi) / 2
		p := t.prune(shares, math.Exp(limit))
		ok, err := fit(p)
		if err != nil {
			return nil, err
		}
		if ok {
			fits, hi = p, limit
		} else {
			lo = limit
		}
	}
	return fits, nil
}
