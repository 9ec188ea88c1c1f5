package profile

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/klauspost/compress/gzip"
)

// Names of what a pprof profile says beside stacks and weights. The numeric labels have their name as unit too: a label
// 0 without a unit is not stored (google/pprof profile/encode.go), and `go tool pprof -tagfocus cpu=0` finds those with
// one.
const (
	labelCPU   = "cpu" // numeric
	labelPID   = "pid" // numeric, read only
	labelTID   = "tid" // numeric, read only
	labelComm  = "comm"
	labelStage = "stage"

	// samplesType is the first sample type; the second is the event, its unit the period's, and it is the default.
	samplesType = "samples"
	samplesUnit = "count"
)

// PprofOptions say what a pprof profile holds.
type PprofOptions struct {
	// Stage returns the label "stage" of the samples of a stack, "" for none. It is called once for each stack.
	Stage func(p *Profile, stack int32) string

	// StartNS and DurationNS say when it was taken: Unix time, and for how long. 0 if not known.
	StartNS, DurationNS int64
}

// WritePprof writes a profile as profile.proto (github.com/google/pprof/proto/profile.proto), gzipped. Sample types are
// samples/count and, as default, the event with the unit of its period; labels are cpu, comm and stage; losses and
// warnings are comments. Cells that only their PID and TID tell apart are added up. The same profile gives the same
// bytes.
//
// It encodes the messages itself (field numbers below): google/pprof holds every sample with maps of its labels in
// memory, 2.4 kB each, where a recording of minutes has a million.
func WritePprof(w io.Writer, p *Profile, o PprofOptions) error {
	r, pipe := io.Pipe()
	go func() {
		e := &pprofEncoder{w: pipe, p: p, o: o}
		e.str("")
		e.encode()
		pipe.CloseWithError(e.flush())
	}()
	defer r.Close() // ends the goroutine if w fails
	zw, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err == nil {
		_, err = io.CopyBuffer(zw, r, make([]byte, 2*spillAt))
	}
	if err == nil {
		err = zw.Close()
	}
	if err != nil {
		return fmt.Errorf("writing pprof profile: %w", err)
	}
	return nil
}

// Fields of profile.proto.
const (
	profileSampleType, profileSample, profileMapping, profileLocation = 1, 2, 3, 4
	profileFunction, profileString, profilePeriodType, profilePeriod  = 5, 6, 11, 12
	profileTime, profileDuration, profileComment, profileDefaultType  = 9, 10, 13, 14

	valueType, valueUnit                         = 1, 2
	sampleLocation, sampleValue, sampleLabel     = 1, 2, 3
	labelKey, labelStr, labelNum, labelUnit      = 1, 2, 3, 4
	mappingID, mappingStart, mappingLimit        = 1, 2, 3
	mappingOffset, mappingFile, mappingBuildID   = 4, 5, 6
	mappingHasFunctions                          = 7
	locationID, locationMapping, locationAddress = 1, 2, 3
	locationLine, lineFunction                   = 4, 1
	functionID, functionName, functionSystemName = 1, 2, 3
)

// A pprofEncoder writes one profile, message by message. Strings are numbered
// as they are met and written last: the order of fields is free.
type pprofEncoder struct {
	w       io.Writer
	p       *Profile
	o       PprofOptions
	strings table[string, string]
	out     []byte // not yet written
	msg     []byte // the message in the making
	sub     []byte // one inside it
	labels  []byte // of the cells of one CPU and task
	err     error
}

func (e *pprofEncoder) str(s string) uint64 { return uint64(e.strings.add(s, s)) }

func (e *pprofEncoder) encode() {
	e.valueType(profileSampleType, samplesType, samplesUnit)
	e.valueType(profileSampleType, e.p.Event.Name, e.p.Event.Unit)
	e.samples()
	for i := range e.p.Mappings {
		e.mapping(i)
	}
	e.locations()
	if n := clip(e.p.Event.PeriodFixed); n > 0 {
		e.valueType(profilePeriodType, e.p.Event.Name, e.p.Event.Unit)
		e.out = number64(e.out, profilePeriod, uint64(n))
	}
	e.out = number64(e.out, profileTime, uint64(e.o.StartNS))
	e.out = number64(e.out, profileDuration, uint64(e.o.DurationNS))
	for _, c := range Comments(e.p) {
		e.out = always(e.out, profileComment, e.str(c))
	}
	e.out = number64(e.out, profileDefaultType, e.str(e.p.Event.Name))
	for _, s := range e.strings.list {
		e.out = text(e.out, profileString, s)
		e.spill()
	}
}

func (e *pprofEncoder) valueType(field int, typ, unit string) {
	e.msg = number64(e.msg[:0], valueType, e.str(typ))
	e.message(field, number64(e.msg, valueUnit, e.str(unit)))
}

// message writes a message as a field of the profile.
func (e *pprofEncoder) message(field int, m []byte) {
	e.msg = m
	e.out = nested(e.out, field, m)
	e.spill()
}

const spillAt = 64 << 10

func (e *pprofEncoder) spill() {
	if len(e.out) >= spillAt {
		e.err = e.flush()
	}
}

func (e *pprofEncoder) flush() error {
	if e.err == nil {
		_, e.err = e.w.Write(e.out)
	}
	e.out = e.out[:0]
	return e.err
}

// samples writes the cells. Those of one CPU and task follow each other and
// share their labels.
func (e *pprofEncoder) samples() {
	stages := e.stages()
	cells := WithoutTasks(e.p.Cells)
	for i := range cells {
		c := &cells[i]
		if i == 0 || !sameTask(c, &cells[i-1]) {
			e.taskLabels(c)
		}
		e.sub = e.sub[:0]
		for _, loc := range e.p.Stacks[c.Stack] {
			e.sub = binary.AppendUvarint(e.sub, uint64(loc)+1)
		}
		m := e.msg[:0]
		if len(e.sub) > 0 {
			m = nested(m, sampleLocation, e.sub)
		}
		e.sub = binary.AppendUvarint(e.sub[:0], uint64(clip(c.Count)))
		e.sub = binary.AppendUvarint(e.sub, uint64(clip(c.Period)))
		m = append(nested(m, sampleValue, e.sub), e.labels...)
		if s := stages[c.Stack]; s != 0 {
			m = e.label(m, labelStage, labelStr, s, "")
		}
		e.message(profileSample, m)
	}
}

func sameTask(a, b *Cell) bool { return a.CPU == b.CPU && a.Comm == b.Comm }

// stages returns the number of each stack's stage, 0 for none.
func (e *pprofEncoder) stages() []uint64 {
	out := make([]uint64, len(e.p.Stacks))
	for i := range out {
		if e.o.Stage != nil {
			out[i] = e.str(e.o.Stage(e.p, int32(i)))
		}
	}
	return out
}

// taskLabels sets the labels of a cell's CPU and task.
func (e *pprofEncoder) taskLabels(c *Cell) {
	e.labels = e.labels[:0]
	if c.Comm >= 0 {
		e.labels = e.label(e.labels, labelComm, labelStr, e.str(e.p.Comms[c.Comm]), "")
	}
	if c.CPU >= 0 {
		e.labels = e.label(e.labels, labelCPU, labelNum, uint64(c.CPU), labelCPU)
	}
}

// label appends a label with its value in a field.
func (e *pprofEncoder) label(b []byte, key string, field int, value uint64, unit string) []byte {
	e.sub = number64(e.sub[:0], labelKey, e.str(key))
	e.sub = number64(e.sub, field, value)
	e.sub = number64(e.sub, labelUnit, e.str(unit))
	return nested(b, sampleLabel, e.sub)
}

func (e *pprofEncoder) mapping(i int) {
	m := &e.p.Mappings[i]
	b := number64(e.msg[:0], mappingID, uint64(i+1))
	b = number64(b, mappingStart, m.Start)
	b = number64(b, mappingLimit, m.Limit)
	b = number64(b, mappingOffset, m.Offset)
	b = number64(b, mappingFile, e.str(m.File))
	b = number64(b, mappingBuildID, e.str(m.BuildID))
	e.message(profileMapping, number64(b, mappingHasFunctions, 1))
}

// locations writes locations and functions. An address without a symbol is in function Unknown, so that it is shown as
// a frame.
func (e *pprofEncoder) locations() {
	unknown := false
	for i, l := range e.p.Locations {
		b := number64(e.msg[:0], locationID, uint64(i+1))
		b = number64(b, locationMapping, uint64(l.Mapping+1))
		b = number64(b, locationAddress, l.Address)
		function := uint64(l.Function + 1)
		if l.Function < 0 {
			unknown, function = true, uint64(len(e.p.Functions)+1)
		}
		e.sub = number64(e.sub[:0], lineFunction, function)
		e.message(profileLocation, nested(b, locationLine, e.sub))
	}
	for i, f := range e.p.Functions {
		e.function(i, displayName(f.Name), f.Name)
	}
	if unknown {
		e.function(len(e.p.Functions), Unknown, Unknown)
	}
}

func (e *pprofEncoder) function(i int, name, systemName string) {
	b := number64(e.msg[:0], functionID, uint64(i+1))
	b = number64(b, functionName, e.str(name))
	e.message(profileFunction, number64(b, functionSystemName, e.str(systemName)))
}

// Wire types of protocol buffers.
const (
	wireVarint = 0
	wireBytes  = 2
)

// number64 appends a field unless it is 0, which is the same as left out.
func number64(b []byte, field int, v uint64) []byte {
	if v == 0 {
		return b
	}
	return always(b, field, v)
}

// always appends a field, one of several too.
func always(b []byte, field int, v uint64) []byte {
	return binary.AppendUvarint(append(b, byte(field<<3|wireVarint)), v)
}

// nested appends a field of bytes: a message, or numbers packed.
func nested(b []byte, field int, m []byte) []byte {
	b = binary.AppendUvarint(append(b, byte(field<<3|wireBytes)), uint64(len(m)))
	return append(b, m...)
}

func text(b []byte, field int, s string) []byte {
	b = binary.AppendUvarint(append(b, byte(field<<3|wireBytes)), uint64(len(s)))
	return append(b, s...)
}

// Comments are what a reader of the profile must know.
func Comments(p *Profile) []string {
	var out []string
	for i := range p.Losses {
		out = append(out, lossText(&p.Losses[i]))
	}
	for _, w := range p.Warnings {
		out = append(out, "warning: "+w.Text)
	}
	return out
}

// clip keeps a sum in the range of a pprof value.
func clip(v uint64) int64 { return int64(min(v, math.MaxInt64)) }
