package profile

import (
	"math"

	pprof "github.com/google/pprof/profile"
)

// Names of what a pprof profile says beside stacks and weights. The numeric
// labels have their name as unit too: a label 0 without a unit is not stored
// (google/pprof profile/encode.go), and `go tool pprof -tagfocus cpu=0` finds
// those with one.
const (
	LabelCPU   = "cpu" // numeric
	LabelPID   = "pid" // numeric
	LabelTID   = "tid" // numeric
	LabelComm  = "comm"
	LabelStage = "stage"

	// SamplesType is the first sample type; the second is the event, its unit
	// the period's, and it is the default.
	SamplesType = "samples"
	samplesUnit = "count"
)

// PprofOptions say what a pprof profile holds.
type PprofOptions struct {
	// Stage returns the label "stage" of the samples of a stack, "" for none.
	// It is called once for each stack.
	Stage func(p *Profile, stack int32) string

	// NoTasks leaves out the labels pid and tid and adds up the cells that only
	// they tell apart: a far smaller file.
	NoTasks bool
}

// ToPprof converts a profile; to write one, WritePprof takes far less memory. Sample types are samples/count and, as default,
// the event with the unit of its period; labels are cpu, pid, tid, comm and
// stage; losses and warnings are comments. The result shares nothing with p.
func ToPprof(p *Profile, o PprofOptions) *pprof.Profile {
	g := &pprof.Profile{
		SampleType: []*pprof.ValueType{
			{Type: SamplesType, Unit: samplesUnit},
			{Type: p.Event.Name, Unit: p.Event.Unit},
		},
		DefaultSampleType: p.Event.Name,
		Comments:          comments(p),
	}
	if n := p.Event.PeriodFixed; n > 0 && n <= math.MaxInt64 {
		g.PeriodType, g.Period = &pprof.ValueType{Type: p.Event.Name, Unit: p.Event.Unit}, int64(n)
	}
	for i, m := range p.Mappings {
		g.Mapping = append(g.Mapping, &pprof.Mapping{ID: uint64(i + 1), Start: m.Start, Limit: m.Limit, Offset: m.Offset,
			File: m.File, BuildID: m.BuildID, HasFunctions: true})
	}
	toLocations(p, g)
	stages := stagesOf(p, o)
	for _, c := range outCells(p, o) {
		g.Sample = append(g.Sample, toSample(p, g, &c, stages[c.Stack], o))
	}
	return g
}

// comments are what a reader of the profile must know.
func comments(p *Profile) []string {
	var out []string
	for i := range p.Losses {
		out = append(out, lossText(&p.Losses[i]))
	}
	for _, w := range p.Warnings {
		out = append(out, "warning: "+w.Text)
	}
	return out
}

// toLocations adds functions and locations. An address without a symbol is in
// function Unknown, one of each mapping, so that it is shown as a frame.
func toLocations(p *Profile, g *pprof.Profile) {
	for _, f := range p.Functions {
		g.Function = append(g.Function, &pprof.Function{ID: uint64(len(g.Function) + 1), Name: displayName(f.Name), SystemName: f.Name})
	}
	var unknown *pprof.Function
	for i, l := range p.Locations {
		loc := &pprof.Location{ID: uint64(i + 1), Address: l.Address}
		if l.Mapping >= 0 {
			loc.Mapping = g.Mapping[l.Mapping]
		}
		switch {
		case l.Function >= 0:
			loc.Line = []pprof.Line{{Function: g.Function[l.Function]}}
		case unknown == nil:
			unknown = &pprof.Function{ID: uint64(len(g.Function) + 1), Name: Unknown, SystemName: Unknown}
			g.Function = append(g.Function, unknown)
			fallthrough
		default:
			loc.Line = []pprof.Line{{Function: unknown}}
		}
		g.Location = append(g.Location, loc)
	}
}

func stagesOf(p *Profile, o PprofOptions) []string {
	out := make([]string, len(p.Stacks))
	if o.Stage != nil {
		for i := range out {
			out[i] = o.Stage(p, int32(i))
		}
	}
	return out
}

func toSample(p *Profile, g *pprof.Profile, c *Cell, stage string, o PprofOptions) *pprof.Sample {
	s := &pprof.Sample{Value: []int64{clip(c.Count), clip(c.Period)},
		NumLabel: map[string][]int64{}, NumUnit: map[string][]string{}, Label: map[string][]string{}}
	for _, loc := range p.Stacks[c.Stack] {
		s.Location = append(s.Location, g.Location[loc])
	}
	number := func(name string, v int32) {
		if v >= 0 {
			s.NumLabel[name], s.NumUnit[name] = []int64{int64(v)}, []string{name}
		}
	}
	number(LabelCPU, c.CPU)
	if !o.NoTasks {
		number(LabelPID, c.PID)
		number(LabelTID, c.TID)
	}
	if c.Comm >= 0 {
		s.Label[LabelComm] = []string{p.Comms[c.Comm]}
	}
	if stage != "" {
		s.Label[LabelStage] = []string{stage}
	}
	return s
}

// clip keeps a sum in the range of a pprof value.
func clip(v uint64) int64 { return int64(min(v, math.MaxInt64)) }

// outCells returns the cells a pprof profile has as samples: those of p, or
// fewer without tasks. Cells are sorted by CPU, comm, task, stack.
func outCells(p *Profile, o PprofOptions) []Cell {
	if !o.NoTasks {
		return p.Cells
	}
	return withoutTasks(p.Cells)
}
