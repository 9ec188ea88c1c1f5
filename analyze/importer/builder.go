package importer

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/profile"
	"xfrmscope/collect/bundle"
)

// A builder keeps each mapping, function, location, stack and comm of a text
// once, and counts samples in one set of cells an event.
type builder struct {
	mappings  map[mappingKey]int
	functions map[profile.Function]int
	locations map[profile.Location]int32
	stacks    map[string]int32 // by locations, 4 bytes each
	comms     map[string]int32
	events    []*samples
	byName    map[string]*samples

	tables profile.Profile // the shared tables; events are cut out of them
}

type mappingKey struct {
	file   string
	kernel bool
}

func newBuilder() *builder {
	return &builder{
		mappings:  map[mappingKey]int{},
		functions: map[profile.Function]int{},
		locations: map[profile.Location]int32{},
		stacks:    map[string]int32{},
		comms:     map[string]int32{},
		byName:    map[string]*samples{},
	}
}

func (b *builder) mapping(file string, kernel bool) int {
	key := mappingKey{file, kernel}
	n, ok := b.mappings[key]
	if !ok {
		n = len(b.tables.Mappings)
		b.mappings[key] = n
		b.tables.Mappings = append(b.tables.Mappings, profile.Mapping{File: file, Kernel: kernel})
	}
	return n
}

func (b *builder) function(name string, mapping int) int {
	key := profile.Function{Name: name, Mapping: mapping}
	n, ok := b.functions[key]
	if !ok {
		n = len(b.tables.Functions)
		b.functions[key] = n
		b.tables.Functions = append(b.tables.Functions, key)
	}
	return n
}

// location returns the number of an address; name "" is one without a symbol.
func (b *builder) location(address uint64, name string, mapping int) int32 {
	key := profile.Location{Address: address, Mapping: mapping, Function: -1}
	if name != "" && name != profile.Unknown {
		key.Function = b.function(name, mapping)
	}
	n, ok := b.locations[key]
	if !ok {
		n = int32(len(b.tables.Locations))
		b.locations[key] = n
		b.tables.Locations = append(b.tables.Locations, key)
	}
	return n
}

// A stackKey is a stack being put together: its locations, leaf first.
type stackKey []byte

func (k stackKey) push(location int32) stackKey {
	return binary.LittleEndian.AppendUint32(k, uint32(location))
}

func (k stackKey) len() int { return len(k) / 4 }

func (k stackKey) stack() profile.Stack {
	s := make(profile.Stack, k.len())
	for i := range s {
		s[i] = int32(binary.LittleEndian.Uint32(k[4*i:]))
	}
	return s
}

func (b *builder) stack(k stackKey) int32 {
	n, ok := b.stacks[string(k)]
	if !ok {
		n = int32(len(b.tables.Stacks))
		b.stacks[string(k)] = n
		b.tables.Stacks = append(b.tables.Stacks, k.stack())
	}
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
		s = &samples{event: profile.Event{Name: string(name), Unit: unitOf(string(name))}, index: map[cellKey]int32{}, minPeriod: math.MaxUint64}
		b.byName[s.event.Name] = s
		b.events = append(b.events, s)
	}
	return s
}

// samples are those of one event.
type samples struct {
	event     profile.Event
	index     map[cellKey]int32
	cells     []profile.Cell
	minPeriod uint64
	maxPeriod uint64
	bare      uint64 // samples printed without a period
	empty     uint64 // samples printed without a stack
}

type cellKey struct{ stack, cpu, pid, tid, comm int32 }

// add counts a sample.
func (s *samples) add(k cellKey, period uint64) {
	c := s.cell(k)
	c.Count++
	c.Period += period
	c.PeriodSq += float64(period) * float64(period)
	s.minPeriod, s.maxPeriod = min(s.minPeriod, period), max(s.maxPeriod, period)
}

func (s *samples) cell(k cellKey) *profile.Cell {
	n, ok := s.index[k]
	if !ok {
		n = int32(len(s.cells))
		s.index[k] = n
		s.cells = append(s.cells, profile.Cell{Stack: k.stack, CPU: k.cpu, PID: k.pid, TID: k.tid, Comm: k.comm})
	}
	return &s.cells[n]
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

// cut copies what one event uses of the tables. New numbers follow the old
// order, which is that of the text.
func (b *builder) cut(s *samples) *profile.Profile {
	p := &profile.Profile{Event: s.event}
	stacks := make([]bool, len(b.tables.Stacks))
	comms := make([]bool, len(b.tables.Comms))
	for _, c := range s.cells {
		stacks[c.Stack] = true
		if c.Comm >= 0 {
			comms[c.Comm] = true
		}
	}
	locations := make([]bool, len(b.tables.Locations))
	for i, used := range stacks {
		if !used {
			continue
		}
		for _, l := range b.tables.Stacks[i] {
			locations[l] = true
		}
	}
	functions := make([]bool, len(b.tables.Functions))
	mappings := make([]bool, len(b.tables.Mappings))
	for i, l := range b.tables.Locations {
		if !locations[i] {
			continue
		}
		if l.Function >= 0 {
			functions[l.Function] = true
		}
		if l.Mapping >= 0 {
			mappings[l.Mapping] = true
		}
	}
	b.copyTables(p, s, renumber(mappings), renumber(functions), renumber(locations), renumber(stacks), renumber(comms))
	return p
}

func (b *builder) copyTables(p *profile.Profile, s *samples, mappings, functions, locations, stacks, comms []int32) {
	t := &b.tables
	p.Mappings = kept(t.Mappings, mappings)
	p.Functions = kept(t.Functions, functions)
	for i := range p.Functions {
		p.Functions[i].Mapping = renumbered(mappings, p.Functions[i].Mapping)
	}
	p.Locations = kept(t.Locations, locations)
	for i := range p.Locations {
		l := &p.Locations[i]
		l.Mapping, l.Function = renumbered(mappings, l.Mapping), renumbered(functions, l.Function)
	}
	p.Stacks = kept(t.Stacks, stacks)
	for i, stack := range p.Stacks {
		p.Stacks[i] = slices.Clone(stack)
		for j, l := range p.Stacks[i] {
			p.Stacks[i][j] = locations[l]
		}
	}
	p.Comms = kept(t.Comms, comms)
	p.Cells = slices.Clone(s.cells)
	for i := range p.Cells {
		c := &p.Cells[i]
		c.Stack, c.Comm = stacks[c.Stack], int32(renumbered(comms, int(c.Comm)))
	}
	slices.SortFunc(p.Cells, compareCells)
}

// renumber numbers the used entries of a table; the others get -1.
func renumber(used []bool) []int32 {
	numbers := make([]int32, len(used))
	next := int32(0)
	for i, u := range used {
		numbers[i] = -1
		if u {
			numbers[i] = next
			next++
		}
	}
	return numbers
}

func renumbered(numbers []int32, i int) int {
	if i < 0 {
		return -1
	}
	return int(numbers[i])
}

// kept returns the entries of a table that have a new number.
func kept[T any](table []T, numbers []int32) []T {
	var out []T
	for i, n := range numbers {
		if n >= 0 {
			out = append(out, table[i])
		}
	}
	return out
}

// compareCells is the order of Profile.Cells.
func compareCells(a, b profile.Cell) int {
	return cmp.Or(cmp.Compare(a.CPU, b.CPU), cmp.Compare(a.Comm, b.Comm), cmp.Compare(a.PID, b.PID), cmp.Compare(a.TID, b.TID), cmp.Compare(a.Stack, b.Stack))
}

// unitOf returns what a period of an event counts, by perf's name of it:
// "cpu-clock:uhH", "cycles:ppp", "cpu_core/cpu-cycles/k".
func unitOf(event string) string {
	name := event
	if _, in, ok := strings.Cut(name, "/"); ok {
		name, _, _ = strings.Cut(in, "/")
	}
	name, _, _ = strings.Cut(name, ":")
	switch {
	case name == "cpu-clock", name == "task-clock":
		return "nanoseconds"
	case name == "cycles", strings.HasSuffix(name, "-cycles"):
		return "cycles"
	case name == "instructions":
		return "instructions"
	}
	return "count"
}

// kernelFile reports whether perf prints this as the file of kernel code:
// "[kernel.kallsyms]", "[esp4]", ".../vmlinux", ".../esp4.ko.xz".
func kernelFile(file string) bool {
	if strings.HasPrefix(file, "[") {
		switch file {
		case "[vdso]", "[vsyscall]", "[stack]", "[heap]", "[uprobes]", unknownFile:
			return false
		}
		return !strings.HasPrefix(file, "[anon") && !strings.HasPrefix(file, "[stack:")
	}
	base := file[strings.LastIndexByte(file, '/')+1:]
	if base == "vmlinux" || strings.HasPrefix(base, "vmlinux-") || strings.HasPrefix(base, "bpf_prog_") {
		return true
	}
	_, ext, ok := strings.Cut(base, ".ko")
	return ok && (ext == "" || ext == ".xz" || ext == ".gz" || ext == ".zst" || ext == ".debug")
}

// unknownFile is what perf prints for an address outside of all mappings.
const unknownFile = "[unknown]"

// kernelAddress reports whether an address lies in the kernel's half on 64-bit
// machines.
func kernelAddress(a uint64) bool { return a>>63 == 1 }

// lose appends a loss to every profile.
func lose(profiles []*profile.Profile, l bundle.Loss) {
	for _, p := range profiles {
		p.Losses = append(p.Losses, l)
	}
}

// warn appends a warning to every profile.
func warn(profiles []*profile.Profile, weakens, text string) {
	for _, p := range profiles {
		p.Warnings = append(p.Warnings, bundle.Warning{Weakens: weakens, Text: text})
	}
}
