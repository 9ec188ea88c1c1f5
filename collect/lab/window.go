package lab

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// What is counted, in the order of coherent.c; first what an access met that the L1
// could not serve.
const (
	metL2 = iota
	metLLC
	metDRAM
	metTransfer
	metUpgrade
	countInsns
	countCycles
	countCalls
	kinds
)

// A window is what the plugin counted in one window.
type window struct {
	senders   int
	forgotten int64 // lines the directory lost: too many were in use
	kept      int64 // objects whose free is deferred: allocated but not freed
	cpus      []cpuCount
	contexts  map[int]frame // by number, from 1
	counts    []count
	shares    []share
	touches   []touch
}

type cpuCount struct{ packets, cycles, ticks, tickInsns uint64 }

// A frame is a context: a function that was called from another; parent 0: by nobody.
type frame struct {
	parent   int
	function uint64 // its address; 0: user space
}

// A count is what was counted in a context on a CPU.
type count struct {
	context, cpu int
	n            [kinds]uint64
}

// A share is the transfers between one instruction that reads and one that wrote.
type share struct {
	addr           uint64 // of the first byte read
	reader, writer uint64 // instructions; writer 0: not known
	offset         int    // of the first byte written last, in its line
	n, apart       uint64 // apart: no byte read was among those written
	to, from       uint64 // sets of CPUs, as bits
}

// A touch is what one instruction of a sender did at one address; seen is its misses and
// a sample of its hits.
type touch struct {
	pc, addr                uint64
	store                   bool
	seen, misses, transfers uint64
}

// readWindow reads a file of the plugin (dump in coherent.c).
func readWindow(r io.Reader) (*window, error) {
	w := &window{contexts: map[int]frame{}}
	lines := bufio.NewScanner(r)
	ended := false
	for n := 1; lines.Scan(); n++ {
		f := fields{rest: lines.Text()}
		switch kind := f.word(); kind {
		case "coherent":
			version, cpus := f.number(10), 0
			f.word()
			cpus = int(f.number(10))
			f.word()
			w.senders = int(f.number(10))
			f.word()
			w.forgotten = int64(f.number(10))
			f.word()
			w.kept = f.signed()
			if version != 6 || cpus > 64 {
				return nil, fmt.Errorf("a window of version %d with %d CPUs", version, cpus)
			}
			w.cpus = make([]cpuCount, cpus)
		case "cpu":
			if i := f.cpu(w); f.err == nil {
				w.cpus[i] = cpuCount{f.number(10), f.number(10), f.number(10), f.number(10)}
			}
		case "n":
			number := int(f.number(10))
			w.contexts[number] = frame{int(f.number(10)), f.number(16)}
		case "c":
			c := count{context: int(f.number(10)), cpu: f.cpu(w)}
			for k := range c.n {
				c.n[k] = f.number(10)
			}
			w.counts = append(w.counts, c)
		case "s":
			w.shares = append(w.shares, share{f.number(16), f.number(16), f.number(16), int(f.number(10)),
				f.number(10), f.number(10), f.number(16), f.number(16)})
		case "t":
			w.touches = append(w.touches, touch{f.number(16), f.number(16), f.number(10) != 0,
				f.number(10), f.number(10), f.number(10)})
		case "end":
			ended = true
		default:
			f.err = fmt.Errorf("%q is no record", kind)
		}
		if f.err != nil {
			return nil, fmt.Errorf("line %d of a window: %w", n, f.err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if !ended {
		return nil, fmt.Errorf("a window was cut off after %d counts", len(w.counts))
	}
	return w, nil
}

// fields takes a line apart; the first error stays.
type fields struct {
	rest string
	err  error
}

func (f *fields) word() string {
	var w string
	w, f.rest, _ = strings.Cut(f.rest, " ")
	return w
}

func (f *fields) number(base int) uint64 {
	n, err := strconv.ParseUint(f.word(), base, 64)
	f.err = cmp.Or(f.err, err)
	return n
}

func (f *fields) signed() int64 {
	n, err := strconv.ParseInt(f.word(), 10, 64)
	f.err = cmp.Or(f.err, err)
	return n
}

func (f *fields) cpu(w *window) int {
	i := f.number(10)
	if f.err == nil && i >= uint64(len(w.cpus)) {
		f.err = fmt.Errorf("CPU %d of %d", i, len(w.cpus))
	}
	return int(i)
}
