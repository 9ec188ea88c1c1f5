package profile

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	pprof "github.com/google/pprof/profile"

	"xfrmscope/collect/bundle"
)

// maxPprof is the largest pprof profile read, unpacked.
const maxPprof = 1 << 30

var errTooBig = errors.New("input is beyond the limit")

// ReadPprof reads a pprof profile, gzipped or not, and converts it as fromPprof
// does.
func ReadPprof(r io.Reader) ([]*Profile, error) {
	br := bufio.NewReader(r)
	var in io.Reader = br
	if magic, _ := br.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, fmt.Errorf("reading pprof profile: %w", err)
		}
		in = zr
	}
	data, err := io.ReadAll(io.LimitReader(in, maxPprof+1))
	if err == nil && len(data) > maxPprof {
		err = errTooBig
	}
	if err != nil {
		return nil, fmt.Errorf("reading pprof profile: %w", err)
	}
	g, err := pprof.ParseData(data)
	if err != nil {
		return nil, fmt.Errorf("reading pprof profile: %w", err)
	}
	return fromPprof(g)
}

// fromPprof converts a pprof profile: one Profile of each sample type, with
// that value as period and the type's name as event. A type samples/count is
// the Count of the others and a Profile of its own only if it is alone. Where
// there is none, the Count is the number of samples in the file, which says
// little of how many were taken; PeriodSq then follows from Count and Period.
//
// Labels cpu, pid, tid (numbers) and comm are read, others are not; a stage
// belongs to a stack and can be found again. Comments become warnings.
func fromPprof(g *pprof.Profile) ([]*Profile, error) {
	if err := g.CheckValid(); err != nil {
		return nil, fmt.Errorf("reading pprof profile: %w", err)
	}
	counts := -1
	for i, t := range g.SampleType {
		if t.Type == samplesType && t.Unit == samplesUnit {
			counts = i
		}
	}
	var out []*Profile
	for i := range g.SampleType {
		if i == counts && len(g.SampleType) > 1 {
			continue
		}
		p, err := fromSampleType(g, i, counts)
		if err != nil {
			return nil, fmt.Errorf("reading pprof profile, %s: %w", g.SampleType[i].Type, err)
		}
		out = append(out, p)
	}
	return out, nil
}

func fromSampleType(g *pprof.Profile, value, counts int) (*Profile, error) {
	t := g.SampleType[value]
	b := newTableBuilder(Event{Name: t.Type, Unit: t.Unit})
	if g.PeriodType != nil && *g.PeriodType == (pprof.ValueType{Type: t.Type, Unit: t.Unit}) && g.Period > 0 &&
		counts >= 0 {
		b.p.Event.PeriodFixed = uint64(g.Period)
	}
	locations := map[*pprof.Location][]int32{}
	for n, s := range g.Sample {
		period, count := s.Value[value], int64(1)
		if counts >= 0 {
			count = s.Value[counts]
		}
		if period < 0 || count < 0 {
			return nil,
				fmt.Errorf("sample %d has the value %d: a difference of profiles can't be imported, "+
					"give both", n, min(period, count))
		}
		if period == 0 && count == 0 || counts < 0 && period == 0 {
			continue
		}
		var stack Stack
		for _, l := range s.Location {
			ids, ok := locations[l]
			if !ok {
				ids = b.pprofLocation(l)
				locations[l] = ids
			}
			stack = append(stack, ids...)
		}
		c := Cell{CPU: labelNumber(s, labelCPU), PID: labelNumber(s, labelPID), TID: labelNumber(s, labelTID),
			Comm: -1, Count: uint64(count), Period: uint64(period)}
		if comm := s.Label[labelComm]; len(comm) > 0 {
			c.Comm = b.comm(comm[0])
		}
		b.add(stack, c)
	}
	for _, c := range g.Comments {
		b.p.Warnings = append(b.p.Warnings, bundle.Warn(t.Type, "%s", strings.TrimPrefix(c, "warning: ")))
	}
	return b.profile(), nil
}

// labelNumber returns a label that is a number, -1 if there is none.
func labelNumber(s *pprof.Sample, name string) int32 {
	if v := s.NumLabel[name]; len(v) > 0 && v[0] >= 0 && int64(int32(v[0])) == v[0] {
		return int32(v[0])
	}
	return -1
}

// pprofLocation adds a location, several if calls were inlined there.
func (b *tableBuilder) pprofLocation(l *pprof.Location) []int32 {
	mapping := -1
	if m := l.Mapping; m != nil {
		mapping = b.mapping(Mapping{File: m.File, BuildID: m.BuildID, Start: m.Start, Limit: m.Limit,
			Offset: m.Offset, Kernel: isKernelFile(m.File)})
	}
	if len(l.Line) == 0 {
		return []int32{b.location(Location{Address: l.Address, Mapping: mapping, Function: -1})}
	}
	var out []int32
	for i, line := range l.Line {
		function := -1
		if f := line.Function; f != nil && f.Name != Unknown {
			name := f.SystemName
			name = cmp.Or(name, f.Name)
			function = b.function(Function{name, mapping})
		}
		out = append(out, b.location(Location{
			Address: l.Address, Mapping: mapping, Function: function, Inlined: i < len(l.Line)-1,
		}))
	}
	return out
}

// isKernelFile says whether a mapping of that name is the kernel's: the image,
// "[module]", vmlinux or a .ko file.
func isKernelFile(file string) bool {
	switch file {
	case "[vdso]", "[vsyscall]", "[stack]", "[heap]", "[uprobes]", UserTime, GuestTime, Hypervisor:
		return false
	}
	base := file[strings.LastIndexByte(file, '/')+1:]
	return strings.HasPrefix(file, "[") || strings.HasPrefix(base, "vmlinux") || strings.HasSuffix(base, ".ko") ||
		strings.Contains(base, ".ko.")
}
