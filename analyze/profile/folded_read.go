package profile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"xfrmscope/analyze/symbols"
)

// FoldedSource says what folded text holds, which the text does not say.
type FoldedSource struct {
	// Event is what was sampled. If PeriodFixed is set, a weight is taken for
	// that many times a sample's period and Count follows; for weights that
	// are samples set it to 1. Else each line counts as one sample.
	Event Event

	NoComm bool // lines begin with the root frame, not with a task's name
	PerCPU bool // lines begin with a frame "cpu3", as FoldedOptions.PerCPU writes
}

// maxFoldedLine is the longest line read: the deepest kernel stack (127 frames)
// of the longest names has 64 KiB.
const maxFoldedLine = 4 << 20

// ErrNotFolded is returned for input none of whose lines is folded text.
var ErrNotFolded = errors.New("no line is of the form frame;frame;... WEIGHT")

// ReadFolded reads folded text, as WriteFolded and stackcollapse-perf.pl write
// it: lines "comm;root;...;leaf WEIGHT". Frames ending in _[k] are the
// kernel's; a name in brackets is a mapping whose function is not known. Lines
// of another form are counted in a warning; it is an error if all are.
func ReadFolded(r io.Reader, src FoldedSource) (*Profile, error) {
	f := foldedReader{b: newTableBuilder(src.Event), src: src}
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 64<<10), maxFoldedLine)
	for in.Scan() {
		f.lines++
		if line := bytes.TrimRight(in.Bytes(), " \r"); len(line) > 0 && line[0] != '#' && !f.line(string(line)) {
			f.bad++
			if f.firstBad == 0 {
				f.firstBad = f.lines
			}
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("reading folded text, line %d: %w", f.lines+1, err)
	}
	if f.bad > 0 && len(f.b.cells) == 0 {
		return nil, fmt.Errorf("reading folded text, line %d: %w", f.firstBad, ErrNotFolded)
	}
	p := f.b.profile()
	if f.bad > 0 {
		p.Warnings = warn(src.Event.Name, []string{fmt.Sprintf("%d lines of the folded text are of another form and not counted, the first is line %d", f.bad, f.firstBad)})
	}
	return p, nil
}

type foldedReader struct {
	b                    *tableBuilder
	src                  FoldedSource
	lines, bad, firstBad int
	stack                Stack
}

func (f *foldedReader) line(s string) bool {
	i := strings.LastIndexByte(s, ' ')
	if i <= 0 {
		return false
	}
	weight, err := strconv.ParseUint(s[i+1:], 10, 64)
	if err != nil {
		return false
	}
	c := Cell{CPU: -1, PID: -1, TID: -1, Comm: -1, Count: f.count(weight), Period: weight}
	frames := strings.TrimRight(s[:i], " ")
	if f.src.PerCPU {
		cpu, rest, _ := strings.Cut(frames, ";")
		if c.CPU, err = foldedCPU(cpu); err != nil {
			return false
		}
		frames = rest
	}
	more := true
	if !f.src.NoComm {
		var comm string
		comm, frames, more = strings.Cut(frames, ";")
		if comm != unknownComm {
			c.Comm = f.b.comm(comm)
		}
	}
	f.stack = f.stack[:0]
	for more {
		i := strings.LastIndexByte(frames, ';')
		f.stack = append(f.stack, f.frame(frames[i+1:]))
		if more = i >= 0; more {
			frames = frames[:i]
		}
	}
	f.b.add(f.stack, c)
	return true
}

func (f *foldedReader) count(weight uint64) uint64 {
	if p := f.src.Event.PeriodFixed; p > 0 {
		return max(1, (weight+p/2)/p)
	}
	return 1
}

func foldedCPU(s string) (int32, error) {
	if s == cpuText(-1) {
		return -1, nil
	}
	digits, ok := strings.CutPrefix(s, "cpu")
	if !ok {
		return 0, strconv.ErrSyntax
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return int32(n), err
}

// frame returns the location of a frame.
func (f *foldedReader) frame(text string) int32 {
	name, kernel := strings.CutSuffix(text, "_[k]")
	jit := false
	if !kernel {
		name, jit = strings.CutSuffix(text, "_[j]")
	}
	m := Mapping{Kernel: kernel}
	switch file := strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"); {
	case name == Unknown:
		return f.b.location(Location{0, -1, -1})
	case len(file) == len(name)-2:
		m.File = file
		return f.b.location(Location{0, f.b.mapping(m), -1})
	case kernel:
		m.File = symbols.KernelImage
	case jit:
		m.File = foldedPerfMap
	default:
		return f.b.location(Location{0, -1, f.b.function(Function{name, -1})})
	}
	mapping := f.b.mapping(m)
	return f.b.location(Location{0, mapping, f.b.function(Function{name, mapping})})
}

// foldedPerfMap is the mapping of frames marked as made by a just-in-time
// compiler: the process is not known.
const foldedPerfMap = "/tmp/perf-0.map"
