package importer

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math"
	"strings"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/profile"
	"xfrmscope/collect/bundle"
)

// A builder keeps each mapping, function, location, stack and comm of a text
// once, and counts samples in one set of cells an event.
type builder struct {
	mappings  map[string]int // by file; the kernel's with a NUL behind
	functions *texts         // names, each behind its mapping's number
	locations map[profile.Location]int32
	stacks    *texts // of stackKeys
	comms     map[string]int32
	events    []*samples
	byName    map[string]*samples

	scratch []byte
	tables  profile.Profile // the shared tables; events are cut out of them
}

func newBuilder() *builder {
	return &builder{
		mappings:  map[string]int{},
		functions: newTexts(),
		locations: map[profile.Location]int32{},
		stacks:    newTexts(),
		comms:     map[string]int32{},
		byName:    map[string]*samples{},
	}
}

func (b *builder) mapping(file []byte, kernel bool) int {
	b.scratch = append(b.scratch[:0], file...)
	if kernel {
		b.scratch = append(b.scratch, 0)
	}
	n, ok := b.mappings[string(b.scratch)]
	if !ok {
		n = len(b.tables.Mappings)
		b.mappings[string(b.scratch)] = n
		b.tables.Mappings = append(b.tables.Mappings, profile.Mapping{File: string(file), Kernel: kernel})
	}
	return n
}

func (b *builder) function(name []byte, mapping int) int {
	b.scratch = binary.LittleEndian.AppendUint32(b.scratch[:0], uint32(mapping))
	b.scratch = append(b.scratch, name...)
	n, added := b.functions.number(b.scratch)
	if added {
		b.tables.Functions = append(b.tables.Functions, profile.Function{Name: string(name), Mapping: mapping})
	}
	return int(n)
}

// location returns the number of an address; without a name no symbol covers it.
func (b *builder) location(address uint64, name []byte, mapping int) int32 {
	return b.enter(b.describe(address, name, mapping))
}

func (b *builder) enter(key profile.Location) int32 {
	n, ok := b.locations[key]
	if !ok {
		n = b.newLocation(key)
		b.locations[key] = n
	}
	return n
}

func (b *builder) describe(address uint64, name []byte, mapping int) profile.Location {
	l := profile.Location{Address: address, Mapping: mapping, Function: -1}
	if len(name) > 0 && string(name) != profile.Unknown {
		l.Function = b.function(name, mapping)
	}
	return l
}

// newLocation enters a location the caller knows to be new.
func (b *builder) newLocation(l profile.Location) int32 {
	b.tables.Locations = append(doubled(b.tables.Locations, 1), l)
	return int32(len(b.tables.Locations) - 1)
}

// A stackKey is a stack being put together: its locations, leaf first.
type stackKey []byte

func (k stackKey) push(location int32) stackKey {
	return binary.LittleEndian.AppendUint32(k, uint32(location))
}

func (k stackKey) len() int { return len(k) / 4 }

func (k stackKey) at(i int) int32 { return int32(binary.LittleEndian.Uint32(k[4*i:])) }

func (b *builder) stack(k stackKey) int32 {
	n, _ := b.stacks.number(k)
	return n
}

func (b *builder) comm(name []byte) int32 {
	n, ok := b.comms[string(name)]
	if !ok {
		n = int32(len(b.tables.Comms))
		b.comms[string(name)] = n
		b.tables.Comms = append(b.tables.Comms, string(name))
	}
	return n
}

// event returns the samples of an event, which it enters if it is new.
func (b *builder) event(name []byte) *samples {
	s, ok := b.byName[string(name)]
	if !ok {
		event := profile.Event{Name: string(name), Unit: perfdata.UnitOf(string(name))}
		s = &samples{event: event, seed: maphash.MakeSeed(), minPeriod: math.MaxUint64}
		b.byName[s.event.Name] = s
		b.events = append(b.events, s)
	}
	return s
}

// samples are those of one event.
type samples struct {
	event     profile.Event
	cells     []profile.Cell
	slots     []uint32 // hash table of cells: number + 1, 0 is free
	seed      maphash.Seed
	minPeriod uint64
	maxPeriod uint64
	bare      uint64 // samples printed without a period
	empty     uint64 // samples printed without a stack
	branches  uint64 // samples printed with branches

	unaddressed uint64 // accesses to memory printed without the address of the data
}

// A cellKey is what the samples of a cell share.
type cellKey struct{ stack, cpu, pid, tid, comm int32 }

func keyOf(c *profile.Cell) cellKey { return cellKey{c.Stack, c.CPU, c.PID, c.TID, c.Comm} }

func (s *samples) add(k cellKey, period uint64) {
	c := s.cell(k)
	c.Count++
	c.Period += period
	c.PeriodSq += float64(period) * float64(period)
	s.minPeriod, s.maxPeriod = min(s.minPeriod, period), max(s.maxPeriod, period)
}

// cell returns the cell of a key, which it enters if it is new.
func (s *samples) cell(k cellKey) *profile.Cell { return &s.cells[s.number(k)] }

func (s *samples) number(k cellKey) int {
	if 2*len(s.cells) >= len(s.slots) {
		s.grow()
	}
	at := s.place(k)
	if s.slots[at] == 0 {
		c := profile.Cell{Stack: k.stack, CPU: k.cpu, PID: k.pid, TID: k.tid, Comm: k.comm}
		s.cells = append(doubled(s.cells, 1), c)
		s.slots[at] = uint32(len(s.cells))
	}
	return int(s.slots[at]) - 1
}

// place returns the slot of a key, or the free one it belongs in.
func (s *samples) place(k cellKey) uint64 {
	mask := uint64(len(s.slots) - 1)
	for i := maphash.Comparable(s.seed, k) & mask; ; i = (i + 1) & mask {
		if n := s.slots[i]; n == 0 || keyOf(&s.cells[n-1]) == k {
			return i
		}
	}
}

func (s *samples) grow() {
	s.slots = make([]uint32, max(256, 2*len(s.slots)))
	for i := range s.cells {
		s.slots[s.place(keyOf(&s.cells[i]))] = uint32(i + 1)
	}
}

// profiles returns one profile an event, in the order they were met.
func (b *builder) profiles() []*profile.Profile {
	out := make([]*profile.Profile, 0, len(b.events))
	for _, s := range b.events {
		if len(s.cells) > 0 {
			out = append(out, b.cut(s))
		}
	}
	return out
}

// kernelFile reports whether perf prints this as the file of kernel code:
// "[kernel.kallsyms]", "[esp4]", ".../vmlinux", ".../esp4.ko.xz".
func kernelFile(file []byte) bool {
	if bytes.HasPrefix(file, []byte("[")) {
		switch string(file) {
		case "[vdso]", "[vsyscall]", "[stack]", "[heap]", "[uprobes]", unknownFile:
			return false
		}
		return !bytes.HasPrefix(file, []byte("[anon")) && !bytes.HasPrefix(file, []byte("[stack:"))
	}
	base := string(file[bytes.LastIndexByte(file, '/')+1:])
	if base == "vmlinux" || strings.HasPrefix(base, "vmlinux-") || strings.HasPrefix(base, "bpf_prog_") {
		return true
	}
	_, ext, ok := strings.Cut(base, ".ko")
	return ok && (ext == "" || ext == ".xz" || ext == ".gz" || ext == ".zst" || ext == ".debug")
}

// unknownFile is what perf prints for an address outside of all mappings.
const unknownFile = "[unknown]"

// kernelAddress reports whether an address lies in the kernel's half on 64-bit machines.
func kernelAddress(a uint64) bool { return a>>63 == 1 }

func lose(profiles []*profile.Profile, l bundle.Loss) {
	for _, p := range profiles {
		p.Losses = append(p.Losses, l)
	}
}

func warn(profiles []*profile.Profile, w bundle.Warning) {
	for _, p := range profiles {
		p.Warnings = append(p.Warnings, w)
	}
}

// cut copies what one event uses of a builder's tables.
func (b *builder) cut(s *samples) *profile.Profile {
	p := profile.Cut(&b.tables, b.stacks.len(), s.cells, func(stack int32) profile.Stack {
		key := stackKey(b.stacks.at(stack))
		out := make(profile.Stack, key.len())
		for i := range out {
			out[i] = key.at(i)
		}
		return out
	})
	p.Event = s.event
	return p
}
