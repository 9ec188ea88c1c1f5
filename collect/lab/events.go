package lab

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"xfrmscope/collect/bundle"
)

// events are what is counted of each function and CPU, in this order.
var events = []string{
	bundle.SimPrefix + "cycles", bundle.SimPrefix + "instructions", bundle.SimPrefix + "L1-misses",
	bundle.SimPrefix + "transfers", bundle.SimPrefix + "upgrades",
}

// A tally is how often each event happened.
type tally [5]uint64

// A place is a context on a CPU.
type place struct{ context, cpu int }

// byContext adds up what the senders' CPUs counted in all windows, which have one
// numbering of contexts.
func (c *Counts) byContext() map[place]tally {
	sums := map[place]tally{}
	for _, w := range c.windows {
		for _, e := range w.counts {
			if e.cpu >= w.senders {
				continue
			}
			at := place{e.context, e.cpu}
			sum := sums[at]
			misses := e.n[metL2] + e.n[metLLC] + e.n[metDRAM] + e.n[metTransfer]
			add := tally{e.n[countCycles], e.n[countInsns], misses, e.n[metTransfer], e.n[metUpgrade]}
			for i, n := range add {
				sum[i] += n
			}
			sums[at] = sum
		}
	}
	return sums
}

// chain is the callchain of a context as perf records one: the kernel's, from the
// function itself on. A caller's address is one past its start: it is taken for a
// return address, which is past the call. An interrupt has no caller: whom it happened to
// interrupt would make a context of each, and says nothing.
func (w *window) chain(number int, functions *functions) []uint64 {
	const kernel = ^uint64(127) // PERF_CONTEXT_KERNEL
	chain := []uint64{kernel}
	for at, seen := number, 0; at != 0 && seen < len(w.contexts); seen++ {
		c := w.contexts[at]
		if c.function != 0 {
			chain = append(chain, c.function+uint64(min(seen, 1)))
			if functions.of(c.function).interrupts() {
				break
			}
		}
		at = c.parent
	}
	return chain
}

// functions are the text symbols of a boot, by address.
type functions struct{ all []function }

type function struct {
	addr   uint64
	name   string
	module string // "" for the kernel itself
	kind   byte   // as in /proc/kallsyms
}

// interrupts reports whether it is the entry of interrupts or exceptions.
func (f function) interrupts() bool {
	return strings.HasPrefix(f.name, "asm_sysvec_") || strings.HasPrefix(f.name, "asm_exc_") ||
		f.name == "asm_common_interrupt" || f.name == "asm_spurious_interrupt"
}

func newFunctions(kallsyms []byte) *functions {
	f := &functions{}
	for line := range strings.Lines(string(kallsyms)) {
		words := strings.Fields(line)
		if len(words) < 3 || strings.HasPrefix(words[2], "__pfx_") {
			continue
		}
		if addr, err := strconv.ParseUint(words[0], 16, 64); err == nil {
			e := function{addr: addr, name: words[2], kind: words[1][0]}
			if len(words) > 3 {
				e.module = strings.Trim(words[3], "[]")
			}
			f.all = append(f.all, e)
		}
	}
	slices.SortStableFunc(f.all, func(a, b function) int { return cmp.Compare(a.addr, b.addr) })
	return f
}

// of returns the function an instruction is in; one in user space stands for itself.
func (f *functions) of(pc uint64) function {
	i, _ := slices.BinarySearchFunc(f.all, pc, func(e function, pc uint64) int {
		if e.addr <= pc {
			return -1
		}
		return 1
	})
	if i == 0 {
		return function{addr: pc}
	}
	return f.all[i-1]
}

// seen are those of the functions that are in a context of the senders, as in
// /proc/kallsyms, and what follows each, by which its end is known.
func (f *functions) seen(windows []*window) []byte {
	last := windows[len(windows)-1] // knows all contexts
	done, starts := map[int]bool{}, map[uint64]bool{}
	for _, w := range windows {
		for _, e := range w.counts {
			for at := e.context; at != 0 && e.cpu < w.senders && !done[at]; at = last.contexts[at].parent {
				done[at], starts[last.contexts[at].function] = true, true
			}
		}
	}
	var b bytes.Buffer
	var before, current uint64 // addresses
	for _, e := range f.all {
		if e.addr != current {
			before, current = current, e.addr
		}
		if !starts[current] && !starts[before] {
			continue
		}
		fmt.Fprintf(&b, "%016x %c %s", e.addr, e.kind, e.name)
		if e.module != "" {
			fmt.Fprintf(&b, "\t[%s]", e.module)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// perfData writes sums as a recording: one sample for each event, context and CPU,
// whose period is the sum (tools/perf/Documentation/perf.data-file-format.txt, 7.3).
// It is compressed as perf record -z does it: contexts are much alike.
func perfData(sums map[place]tally, w *window, functions *functions, start int64) ([]byte, error) {
	const (
		headSize, attrSize, idSection       = 104, 112, 16
		typeRaw                             = 4
		sampleType                          = 1<<16 | 1<<0 | 1<<1 | 1<<2 | 1<<5 | 1<<7 | 1<<8 // see samples
		featureEventDesc, featureCompressed = 12, 27
	)
	le := binary.LittleEndian
	attr := func(b []byte, event int) []byte {
		a := make([]byte, attrSize)
		le.PutUint32(a, typeRaw)
		le.PutUint32(a[4:], attrSize)
		le.PutUint64(a[8:], uint64(event))
		le.PutUint64(a[16:], 1) // sample_period
		le.PutUint64(a[24:], sampleType)
		return append(b, a...)
	}
	var attrs, ids, names []byte
	names = le.AppendUint32(le.AppendUint32(nil, uint32(len(events))), attrSize)
	idsAt := headSize + len(events)*(attrSize+idSection)
	for i, name := range events {
		attrs = attr(attrs, i)
		attrs = le.AppendUint64(le.AppendUint64(attrs, uint64(idsAt+8*i)), 8)
		ids = le.AppendUint64(ids, uint64(i+1))
		padded := (len(name) + 64) &^ 63
		names = le.AppendUint32(le.AppendUint32(attr(names, i), 1), uint32(padded))
		names = append(append(names, name...), make([]byte, padded-len(name))...)
		names = le.AppendUint64(names, uint64(i+1))
	}
	data, err := compressed(samples(sums, w, functions, start))
	if err != nil {
		return nil, err
	}
	var packing []byte
	for _, word := range []uint32{1, 1, 1, 1, 1 << 20} { // version, zstd, level, ratio, length of the ring
		packing = le.AppendUint32(packing, word)
	}
	var out bytes.Buffer
	out.WriteString("PERFILE2")
	head := []int{headSize, attrSize + idSection, headSize, len(attrs), idsAt + len(ids), len(data), 0, 0,
		1<<featureEventDesc | 1<<featureCompressed, 0, 0, 0}
	for _, word := range head {
		out.Write(le.AppendUint64(nil, uint64(word)))
	}
	for _, part := range [][]byte{attrs, ids, data} {
		out.Write(part)
	}
	at := uint64(out.Len() + 2*16)
	for _, feature := range [][]byte{names, packing} {
		out.Write(le.AppendUint64(le.AppendUint64(nil, at), uint64(len(feature))))
		at += uint64(len(feature))
	}
	out.Write(names)
	out.Write(packing)
	return out.Bytes(), nil
}

// samples are the records: IDENTIFIER, IP, TID, TIME, CPU, PERIOD, CALLCHAIN. They have
// one time, and are in an order by which they compress well.
func samples(sums map[place]tally, w *window, functions *functions, start int64) (records [][]byte) {
	const recordComm, recordSample, kernelMode, firstTask = 3, 9, 1, 1000
	le := binary.LittleEndian
	task := func(cpu int) uint64 { return uint64(firstTask+cpu) * (1<<32 + 1) } // pid and tid
	type row struct {
		cpu   int
		chain []uint64
		tally tally
	}
	rows := map[string]*row{}
	for p, t := range sums {
		chain := w.chain(p.context, functions)
		key := fmt.Sprint(p.cpu, chain)
		if rows[key] == nil {
			rows[key] = &row{cpu: p.cpu, chain: chain}
		}
		for i, n := range t {
			rows[key].tally[i] += n
		}
	}
	order := slices.SortedFunc(maps.Values(rows), func(a, b *row) int {
		return cmp.Or(slices.Compare(a.chain, b.chain), cmp.Compare(a.cpu, b.cpu))
	})
	for cpu := range w.senders {
		r := le.AppendUint16(le.AppendUint16(le.AppendUint32(nil, recordComm), 0), 24)
		records = append(records, append(le.AppendUint64(r, task(cpu)), "pktgen\x00\x00"...))
	}
	for _, r := range order {
		chain := r.chain
		if len(chain) == 1 {
			continue // user space, where a sender has no business
		}
		for i, n := range r.tally {
			if n == 0 {
				continue
			}
			size := 8 * (1 + 7 + len(chain))
			b := le.AppendUint32(make([]byte, 0, size), recordSample)
			b = le.AppendUint16(le.AppendUint16(b, kernelMode), uint16(size))
			id, cpu, depth := uint64(i+1), uint64(r.cpu), uint64(len(chain))
			fixed := []uint64{id, chain[1], task(r.cpu), uint64(start), cpu, n, depth}
			for _, word := range append(fixed, chain...) {
				b = le.AppendUint64(b, word)
			}
			records = append(records, b)
		}
	}
	return records
}

// compressed packs records into PERF_RECORD_COMPRESSED, each of whole records.
func compressed(records [][]byte) ([]byte, error) {
	const recordCompressed, piece = 81, 256 << 10 // which becomes some 20 KiB; 64 are allowed
	var out, part []byte
	var packed bytes.Buffer
	z, err := zstd.NewWriter(&packed, zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return nil, err
	}
	for i, r := range records {
		if part = append(part, r...); len(part) < piece && i < len(records)-1 {
			continue
		}
		if _, err := z.Write(part); err != nil {
			return nil, err
		}
		if err := z.Flush(); err != nil {
			return nil, err
		}
		out = binary.LittleEndian.AppendUint32(out, recordCompressed)
		out = binary.LittleEndian.AppendUint16(out, 0)
		out = binary.LittleEndian.AppendUint16(out, uint16(8+packed.Len()))
		out = append(out, packed.Bytes()...)
		packed.Reset()
		part = part[:0]
	}
	return out, nil
}
