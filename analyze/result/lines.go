package result

import (
	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
)

// Lines are the cache lines that came from the cache of another CPU, by what was
// read of them: of a simulated machine, or of samples that hardware took.
type Lines struct {
	Source string `json:"source"` // "simulated", "samples of ibs_op/cnt_ctl=1/"
	// what is counted as a transfer, and what the source does not see of it
	Counts string `json:"counts"`
	Lacks  string `json:"lacks,omitempty"`

	PerPacket metric.Value `json:"per_packet"`     // all of them
	Aside     metric.Value `json:"aside,omitzero"` // that CPUs wrote which are not measured, if that is known
	Fields    []LineField  `json:"fields"`         // the most first
	// by xfrm_state_find of SAs that belong to another CPU; nil if it is not known which SA a line is in
	Foreign *ForeignSAs `json:"foreign_sas,omitempty"`
}

// A LineField is one field, of all objects of its kind.
type LineField struct {
	Name      string       `json:"name"` // "xfrm_state.id.daddr", a symbol, or as much as is known
	PerPacket metric.Value `json:"per_packet"`
	Share     metric.Value `json:"share"` // of all transfers
	Cycles    metric.Value `json:"cycles_per_packet"`

	Writers []LinePart `json:"writers,omitempty"` // functions, the most first
	Readers []LinePart `json:"readers,omitempty"`
	// False sharing: the part of the transfers that read no byte which was written, and
	// what was written in their lines.
	Apart   metric.Value `json:"apart"`
	With    []LinePart   `json:"with,omitempty"`
	Objects []LinePart   `json:"objects,omitempty"` // "SPI 0x1002 pcpu 1", as far as they are known
	From    []LinePart   `json:"from,omitempty"`    // "same CCX", "other node"; none if it is not known
	// the part of the transfers that is named by slab cache: evidence, no proof
	Slab float64 `json:"by_slab_cache,omitempty"`
}

// A LinePart is a part of the transfers of a field.
type LinePart struct {
	Name  string  `json:"name"`
	Share float64 `json:"share"` // of the field's
}

// ForeignSAs is what the walk of xfrm_state_find took from the CPUs of other SAs.
type ForeignSAs struct {
	SAs       int          `json:"sas"`
	PerPacket metric.Value `json:"per_packet"`
	Fields    []LinePart   `json:"fields"`
}

// A LinePoint is the lines that moved at one N of a mode: means over its runs.
type LinePoint struct {
	N      int        `json:"n"`
	Name   string     `json:"name"` // of its first run
	Runs   int        `json:"runs"`
	Unit   string     `json:"unit"` // "transfers/packet", "ratio" where packets are not known
	Total  LineMean   `json:"total"`
	Fields []LineMean `json:"fields"` // the most first
	Source string     `json:"source"`
	Lacks  string     `json:"lacks,omitempty"`
}

// Run returns the one of a curve's runs whose readers and writers stand for the
// point, nil if it is not there.
func (p *LinePoint) Run(runs []*Run) *Run {
	for _, r := range runs {
		if r.Name == p.Name && r.N == p.N && r.Lines != nil {
			return r
		}
	}
	return nil
}

// A LineMean is one field's mean, with its 95 % interval.
type LineMean struct {
	Name string           `json:"name"`
	Mean compare.Estimate `json:"mean"`
}

// Field returns a field of a name, nil if no line of it moved.
func (l *Lines) Field(name string) *LineField {
	for i := range l.Fields {
		if l.Fields[i].Name == name {
			return &l.Fields[i]
		}
	}
	return nil
}

// FalseSharing reports whether more than half of a field's transfers read nothing
// that had been written.
func (f *LineField) FalseSharing() bool { return f.Apart.Measured() && f.Apart.Value > 0.5 }

// At returns a field's mean, 0 if no line of it moved.
func (p *LinePoint) At(name string) compare.Estimate {
	for _, f := range p.Fields {
		if f.Name == name {
			return f.Mean
		}
	}
	return compare.Estimate{Interval: compare.NoInterval(compare.Because(compare.NotApplicable, "none moved"))}
}
