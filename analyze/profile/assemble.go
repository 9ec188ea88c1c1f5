package profile

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/collect/bundle"
)

// An assembler makes the Profiles of what was counted.
type assembler struct {
	tables   *tables
	resolver *resolver
	kernel   []string // warnings that matter where there are kernel frames
	warnings []string // that always do
	losses   []bundle.Loss

	names                    []string // of the tasks
	stackOrder, taskOrder    []uint32 // numbers, in order
	taskRank                 []uint32 // places in the order, by number
	kernelStacks, userStacks []Stack  // by number of the segment, in locations of the resolver
}

func newAssembler(t *tables, ts *tasks, r *resolver) *assembler {
	a := &assembler{tables: t, resolver: r}
	for _, k := range t.tasks.list {
		a.names = append(a.names, ts.name(k))
	}
	a.taskOrder = taskOrder(t.tasks.list, a.names)
	a.taskRank = ranks(a.taskOrder, uint32(len(a.names)))
	kernelOrder, userOrder := t.kernel.order(), t.user.order()
	a.stackOrder = stackOrder(&t.stacks, ranks(kernelOrder, t.kernel.limit()), ranks(userOrder, t.user.limit()))
	a.kernelStacks = resolveAll(&t.kernel, kernelOrder, r.kernelStack)
	a.userStacks = resolveAll(&t.user, userOrder, r.userStack)
	// What only counting needs is free now.
	t.kernel, t.user, t.raw = segmentTable{}, segmentTable{}, indexTable[uint32]{}
	for e := range t.events {
		for i := range t.events[e] {
			t.events[e][i].index.close()
		}
	}
	return a
}

// resolveAll returns the stacks of all segments, by number. They are resolved
// in their order, so that the numbers of locations do not depend on the
// workers.
func resolveAll(t *segmentTable, order []uint32, resolve func(Stack, []uint64) Stack) []Stack {
	out := make([]Stack, t.limit())
	all := make(Stack, 0, t.words())
	var words []uint64
	for _, n := range order {
		start := len(all)
		words = t.appendTo(words[:0], n)
		all = resolve(all, words)
		out[n] = all[start:len(all):len(all)]
	}
	return out
}

func (a *assembler) profile(e *perfdata.Event) *Profile {
	p := &Profile{Event: Event{Name: e.Name, Unit: e.Unit(), FrequencyHz: e.Attr.FrequencyHz(), PeriodFixed: a.fixedPeriod(e.Index)}}
	stacks, places := a.stacks(e.Index)
	comms := a.comms(e.Index, p)
	p.Cells = a.cells(e.Index, a.refs(e.Index, places), comms)
	newPicker(a.resolver, p).pick(a, stacks)
	for _, l := range a.losses {
		if l.Event == "" || l.Event == e.Name {
			p.Losses = append(p.Losses, l)
		}
	}
	p.Warnings = warn(e.Name, a.allWarnings(p))
	return p
}

// fixedPeriod returns the period of all samples of an event, 0 if they have
// different ones.
func (a *assembler) fixedPeriod(event int) uint64 {
	period, some := uint64(0), false
	for i := range a.tables.events[event] {
		c := &a.tables.events[event][i].cells
		switch {
		case c.samples == 0:
			continue
		case c.variable || some && c.fixed != period:
			return 0
		}
		period, some = c.fixed, true
	}
	return period
}

// each calls do with every cell of an event and its number.
func (a *assembler) each(event int, do func(n uint32, c *cell)) {
	for i := range a.tables.events[event] {
		t := &a.tables.events[event][i].index
		for n := range uint32(t.len()) {
			do(number(i, n), t.at(n))
		}
	}
}

// stacks returns the stacks of an event in order, and the place that each
// number has among them.
func (a *assembler) stacks(event int) (stacks []stackKey, places []uint32) {
	places = make([]uint32, a.tables.stacks.limit())
	a.each(event, func(_ uint32, c *cell) { places[c.stack] = none })
	for _, n := range a.stackOrder {
		if places[n] == none {
			places[n] = uint32(len(stacks))
			stacks = append(stacks, *a.tables.stacks.at(n))
		}
	}
	return stacks, places
}

// comms sets the names of an event's tasks and returns the number of each
// task's name, by the task's rank.
func (a *assembler) comms(event int, p *Profile) []int32 {
	used := make([]bool, len(a.taskRank))
	a.each(event, func(_ uint32, c *cell) { used[a.taskRank[c.task]] = true })
	numbers := make([]int32, len(used))
	for rank, task := range a.taskOrder {
		if !used[rank] {
			continue
		}
		name := a.names[task]
		if n := len(p.Comms); n == 0 || p.Comms[n-1] != name {
			p.Comms = append(p.Comms, name)
		}
		numbers[rank] = int32(len(p.Comms) - 1)
	}
	return numbers
}

// A ref is a cell with its place in the order of Profile.Cells on one CPU:
// task, then stack.
type ref struct {
	order uint64
	cell  uint32
}

// refs returns the cells of an event by CPU, sorted. stacks are the places of
// the stacks in the event.
func (a *assembler) refs(event int, stacks []uint32) []cpuRefs {
	sizes := map[int32]int{}
	a.each(event, func(_ uint32, c *cell) { sizes[c.cpu]++ })
	cpus := slices.Sorted(maps.Keys(sizes))
	out := make([]cpuRefs, len(cpus))
	at := map[int32]*cpuRefs{}
	for i, cpu := range cpus {
		out[i] = cpuRefs{cpu, make([]ref, 0, sizes[cpu])}
		at[cpu] = &out[i]
	}
	a.each(event, func(n uint32, c *cell) {
		r := at[c.cpu]
		r.refs = append(r.refs, ref{uint64(a.taskRank[c.task])<<32 | uint64(stacks[c.stack]), n})
	})
	inParallel(len(out), func(i int) {
		slices.SortFunc(out[i].refs, func(x, y ref) int { return cmp.Compare(x.order, y.order) })
	})
	return out
}

type cpuRefs struct {
	cpu  int32
	refs []ref
}

// inParallel calls do with 0..n-1, as many at a time as there are CPUs.
func inParallel(n int, do func(int)) {
	var wg sync.WaitGroup
	limit := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range n {
		limit <- struct{}{}
		wg.Go(func() {
			do(i)
			<-limit
		})
	}
	wg.Wait()
}

// cells returns the cells of an event, in order. comms are the names of the
// tasks by rank.
func (a *assembler) cells(event int, cpus []cpuRefs, comms []int32) []Cell {
	n := 0
	for _, c := range cpus {
		n += len(c.refs)
	}
	out := make([]Cell, 0, n)
	for _, c := range cpus {
		for _, r := range c.refs {
			stripe, local := split(r.cell)
			count, sums := a.tables.events[event][stripe].cells.at(local)
			rank := r.order >> 32
			t := a.tables.tasks.list[a.taskOrder[rank]]
			out = append(out, Cell{Stack: int32(uint32(r.order)), CPU: c.cpu, PID: t.pid, TID: t.tid, Comm: comms[rank],
				Count: count, Period: sums.period, PeriodSq: sums.squares.float()})
		}
	}
	return out
}

// A picker copies the locations, functions and mappings that one event needs
// from the resolver's tables, numbered in the order of its stacks.
type picker struct {
	from                           *resolver
	to                             *Profile
	mappings, functions, locations []int32 // by number in from; -1 not copied yet
}

func newPicker(from *resolver, to *Profile) *picker {
	unset := func(n int) []int32 { return slices.Repeat([]int32{-1}, n) }
	return &picker{from, to, unset(len(from.mappings.list)), unset(len(from.functions.list)), unset(len(from.locations.list))}
}

// pick sets the stacks of the profile and all they refer to.
func (k *picker) pick(a *assembler, stacks []stackKey) {
	parts := func(s stackKey) (kernel, user Stack) {
		if s.kernel != none {
			kernel = a.kernelStacks[s.kernel]
		}
		if s.user != none {
			user = a.userStacks[s.user]
		}
		return kernel, user
	}
	n := 0
	for _, s := range stacks {
		kernel, user := parts(s)
		n += len(kernel) + len(user)
	}
	all := make(Stack, 0, n)
	k.to.Stacks = make([]Stack, 0, len(stacks))
	for _, s := range stacks {
		start := len(all)
		kernel, user := parts(s)
		for _, loc := range kernel {
			all = append(all, k.location(loc))
		}
		for _, loc := range user {
			all = append(all, k.location(loc))
		}
		k.to.Stacks = append(k.to.Stacks, all[start:len(all):len(all)])
	}
}

func (k *picker) location(n int32) int32 {
	if k.locations[n] < 0 {
		l := k.from.locations.list[n]
		l.Mapping, l.Function = k.mapping(l.Mapping), k.function(l.Function)
		k.locations[n] = int32(len(k.to.Locations))
		k.to.Locations = append(k.to.Locations, l)
	}
	return k.locations[n]
}

func (k *picker) mapping(n int) int {
	if n >= 0 && k.mappings[n] < 0 {
		k.mappings[n] = int32(len(k.to.Mappings))
		k.to.Mappings = append(k.to.Mappings, k.from.mappings.list[n])
	}
	if n < 0 {
		return -1
	}
	return int(k.mappings[n])
}

func (k *picker) function(n int) int {
	if n < 0 {
		return -1
	}
	if k.functions[n] < 0 {
		f := k.from.functions.list[n]
		f.Mapping = k.mapping(f.Mapping)
		k.functions[n] = int32(len(k.to.Functions))
		k.to.Functions = append(k.to.Functions, f)
	}
	return int(k.functions[n])
}

// allWarnings returns what weakens the names and stacks of a profile.
func (a *assembler) allWarnings(p *Profile) []string {
	var out []string
	if slices.ContainsFunc(p.Mappings, func(m Mapping) bool { return m.Kernel }) {
		out = append(out, a.kernel...)
	}
	return append(append(out, a.warnings...), a.unnamedFiles(p)...)
}

// maxUnnamed is how many files without symbols are listed one by one.
const maxUnnamed = 5

// unnamedFiles says which files of a profile have no symbols, those with the
// most weight first.
func (a *assembler) unnamedFiles(p *Profile) []string {
	weight := map[string]uint64{}
	for _, c := range p.Cells {
		if s := p.Stacks[c.Stack]; len(s) > 0 && p.Locations[s[0]].Mapping >= 0 {
			weight[p.Mappings[p.Locations[s[0]].Mapping].File] += c.Period
		}
	}
	var files []*userFile
	for _, n := range slices.Sorted(maps.Keys(a.resolver.unnamed)) {
		files = append(files, a.resolver.unnamed[n])
	}
	slices.SortStableFunc(files, func(x, y *userFile) int { return cmp.Compare(weight[y.name], weight[x.name]) })
	var out []string
	for i, f := range files {
		if i == maxUnnamed {
			out = append(out, fmt.Sprintf("%d more files have no symbols", len(files)-i))
			break
		}
		out = append(out, f.names.err.Error())
	}
	return out
}
