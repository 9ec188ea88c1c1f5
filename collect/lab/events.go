package lab

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/collect/bundle"
)

// events are what is counted of each function and CPU, in this order.
var events = []string{
	bundle.SimPrefix + "cycles", bundle.SimPrefix + "instructions", bundle.SimPrefix + "L1-misses",
	bundle.SimPrefix + "transfers", bundle.SimPrefix + "upgrades",
}

// A tally is how often each event happened.
type tally [5]uint64

// A place is a function on a CPU.
type place struct {
	function uint64 // its address
	cpu      int
}

// byFunction adds up what the senders' CPUs counted.
func (c *Counts) byFunction(functions *functions) map[place]tally {
	sums := map[place]tally{}
	for _, w := range c.windows {
		add := func(pc uint64, cpu int, t tally) {
			if cpu >= w.senders {
				return
			}
			at := place{functions.of(pc).addr, cpu}
			sum := sums[at]
			for i, n := range t {
				sum[i] += n
			}
			sums[at] = sum
		}
		for _, b := range w.blocks {
			add(b.pc, b.cpu, tally{b.cycles * b.executions, b.insns * b.executions})
		}
		for _, m := range w.misses {
			var cycles uint64
			for kind, n := range m.met {
				cycles += n * w.cost[kind]
			}
			misses := m.met[metL2] + m.met[metLLC] + m.met[metDRAM] + m.met[metTransfer]
			add(m.pc, m.cpu, tally{cycles, 0, misses, m.met[metTransfer], m.met[metUpgrade]})
		}
	}
	return sums
}

// functions are the text symbols of a boot, by address.
type functions struct{ all []function }

type function struct {
	addr uint64
	name string
}

func newFunctions(kallsyms []byte) *functions {
	f := &functions{}
	for line := range strings.Lines(string(kallsyms)) {
		words := strings.Fields(line)
		if len(words) < 3 || strings.HasPrefix(words[2], "__pfx_") {
			continue
		}
		if addr, err := strconv.ParseUint(words[0], 16, 64); err == nil {
			f.all = append(f.all, function{addr, words[2]})
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

// perfData writes sums as a recording: one sample for each event, function and CPU,
// whose period is the sum (tools/perf/Documentation/perf.data-file-format.txt, 7.3).
func perfData(sums map[place]tally, start int64) []byte {
	const (
		headSize, attrSize, idSection = 104, 112, 16
		typeRaw                       = 4
		// IDENTIFIER IP TID TIME CPU PERIOD
		sampleType               = 1<<16 | 1<<0 | 1<<1 | 1<<2 | 1<<7 | 1<<8
		recordSample, kernelMode = 9, 1
		sampleSize               = 8 + 6*8
		featureEventDesc         = 12
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
	var attrs, ids, data, names []byte
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
	places := make([]place, 0, len(sums))
	for p := range sums {
		places = append(places, p)
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.cpu, b.cpu), cmp.Compare(a.function, b.function))
	})
	for _, p := range places {
		for i, n := range sums[p] {
			if n == 0 {
				continue
			}
			data = le.AppendUint32(data, recordSample)
			data = le.AppendUint16(le.AppendUint16(data, kernelMode), sampleSize)
			for _, word := range []uint64{uint64(i + 1), p.function, 0, uint64(start), uint64(p.cpu), n} {
				data = le.AppendUint64(data, word)
			}
		}
	}
	var out bytes.Buffer
	out.WriteString("PERFILE2")
	head := []int{headSize, attrSize + idSection, headSize, len(attrs), idsAt + len(ids), len(data), 0, 0,
		1 << featureEventDesc, 0, 0, 0}
	for _, word := range head {
		out.Write(le.AppendUint64(nil, uint64(word)))
	}
	for _, part := range [][]byte{attrs, ids, data} {
		out.Write(part)
	}
	out.Write(le.AppendUint64(le.AppendUint64(nil, uint64(out.Len()+16)), uint64(len(names))))
	out.Write(names)
	return out.Bytes()
}
