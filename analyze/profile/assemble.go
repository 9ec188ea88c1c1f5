package profile

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/collect/bundle"
)

// An assembler makes the Profiles of what was counted.
type assembler struct {
	total    *union
	resolver *resolver
	kernel   []string // warnings that matter if there are kernel frames
	losses   []bundle.Loss

	kernelRank, userRank, taskRank []uint32
	tasksInOrder                   []uint32
	kernelStacks, userStacks       []Stack // by segment, in locations of the resolver
}

func (a *assembler) profiles(events []*perfdata.Event) []*Profile {
	u := a.total
	kernelOrder, userOrder := u.kernel.order(), u.user.order()
	a.tasksInOrder = u.taskOrder()
	a.kernelRank, a.userRank, a.taskRank = ranks(kernelOrder), ranks(userOrder), ranks(a.tasksInOrder)
	a.kernelStacks = resolveAll(&u.kernel, kernelOrder, a.resolver.kernelStack)
	a.userStacks = resolveAll(&u.user, userOrder, a.resolver.userStack)
	var out []*Profile
	for _, e := range events {
		out = append(out, a.profile(e))
	}
	return out
}

// resolveAll returns the stacks of all segments, by number. They are resolved
// in the order of the recording, so that the numbers of locations do not
// depend on the workers.
func resolveAll(t *segments, order []uint32, resolve func(Stack, []uint64) Stack) []Stack {
	out := make([]Stack, t.len())
	all := make(Stack, 0, len(t.words))
	for _, n := range order {
		start := len(all)
		all = resolve(all, t.at(n))
		out[n] = all[start:len(all):len(all)]
	}
	return out
}

func (a *assembler) profile(e *perfdata.Event) *Profile {
	p := &Profile{Event: Event{Name: e.Name, Unit: e.Unit(), FrequencyHz: e.Attr.FrequencyHz(), PeriodFixed: a.fixedPeriod(e.Index)}}
	stacks := a.stacks(e.Index)
	tasks := a.comms(e.Index, p)
	refs := a.refs(e.Index, stacks)
	p.Cells = a.cells(e.Index, refs, tasks)
	newPicker(a.resolver, p).pick(a, stacks)
	for _, l := range a.losses {
		if l.Event == "" || l.Event == e.Name {
			p.Losses = append(p.Losses, l)
		}
	}
	p.Warnings = warn(e.Name, a.warnings(p))
	return p
}

// fixedPeriod returns the period of all samples of an event, 0 if they have
// different ones.
func (a *assembler) fixedPeriod(event int) uint64 {
	period, some := uint64(0), false
	for i := range a.total.parts {
		c := &a.total.parts[i].events[event]
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

// A pair of segments, as ranks, is a stack. Pairs sort as numbers: stacks
// without a kernel part come last, those without a user part before those that
// have one.
type pair uint64

const noKernel = math.MaxUint32

func (a *assembler) pair(p *part, k cellKey) pair {
	kernel, user := uint64(noKernel), uint64(0)
	if n := p.kernel.of(k.kernel); n != none {
		kernel = uint64(a.kernelRank[n])
	}
	if n := p.user.of(k.user); n != none {
		user = uint64(a.userRank[n]) + 1
	}
	return pair(kernel<<32 | user)
}

// stacks returns the stacks of an event, sorted. The number of a stack is its
// place there.
func (a *assembler) stacks(event int) []pair {
	seen := map[pair]struct{}{}
	for i := range a.total.parts {
		p := &a.total.parts[i]
		for _, k := range p.events[event].keys {
			seen[a.pair(p, k)] = struct{}{}
		}
	}
	out := make([]pair, 0, len(seen))
	for k := range seen {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// comms sets the names of an event's tasks and returns the number of each
// task's name by rank.
func (a *assembler) comms(event int, p *Profile) []int32 {
	used := make([]bool, len(a.taskRank))
	for i := range a.total.parts {
		part := &a.total.parts[i]
		for _, k := range part.events[event].keys {
			used[a.taskRank[part.task[k.task]]] = true
		}
	}
	numbers := make([]int32, len(used))
	for rank, task := range a.tasksInOrder {
		if !used[rank] {
			continue
		}
		name := a.total.names[task]
		if n := len(p.Comms); n == 0 || p.Comms[n-1] != name {
			p.Comms = append(p.Comms, name)
		}
		numbers[rank] = int32(len(p.Comms) - 1)
	}
	return numbers
}

// A ref is one worker's cell with its place in the order of Profile.Cells on
// one CPU: task, then stack.
type ref struct {
	order uint64
	part  uint32
	cell  uint32
}

// refs returns the cells of an event by CPU, sorted.
func (a *assembler) refs(event int, stacks []pair) []cpuRefs {
	byCPU := map[int32]*cpuRefs{}
	for i := range a.total.parts {
		p := &a.total.parts[i]
		for n, k := range p.events[event].keys {
			c := byCPU[k.cpu]
			if c == nil {
				c = &cpuRefs{cpu: k.cpu}
				byCPU[k.cpu] = c
			}
			stack, _ := slices.BinarySearch(stacks, a.pair(p, k))
			c.refs = append(c.refs, ref{uint64(a.taskRank[p.task[k.task]])<<32 | uint64(stack), uint32(i), uint32(n)})
		}
	}
	var out []cpuRefs
	for _, c := range byCPU {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(x, y cpuRefs) int { return int(x.cpu) - int(y.cpu) })
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

// cells returns the cells of an event: those of all workers for one CPU, task
// and stack are one.
func (a *assembler) cells(event int, cpus []cpuRefs, comms []int32) []Cell {
	n := 0
	for _, c := range cpus {
		for i := range c.refs {
			if i == 0 || c.refs[i].order != c.refs[i-1].order {
				n++
			}
		}
	}
	out := make([]Cell, 0, n)
	var sq uint128
	for _, c := range cpus {
		for i, r := range c.refs {
			count, period, squares := a.total.parts[r.part].events[event].at(int(r.cell))
			if i > 0 && r.order == c.refs[i-1].order {
				last := &out[len(out)-1]
				last.Count += count
				last.Period += period
				sq = sq.plus(squares)
				last.PeriodSq = sq.float()
				continue
			}
			sq = squares
			rank := r.order >> 32
			t := a.total.tasks[a.tasksInOrder[rank]]
			out = append(out, Cell{Stack: int32(uint32(r.order)), CPU: c.cpu, PID: t.pid, TID: t.tid, Comm: comms[rank],
				Count: count, Period: period, PeriodSq: sq.float()})
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
func (k *picker) pick(a *assembler, stacks []pair) {
	kernelOf, userOf := ranks(a.kernelRank), ranks(a.userRank)
	n := 0
	parts := func(s pair) (kernel, user Stack) {
		if r := uint32(s >> 32); r != noKernel {
			kernel = a.kernelStacks[kernelOf[r]]
		}
		if r := uint32(s); r > 0 {
			user = a.userStacks[userOf[r-1]]
		}
		return kernel, user
	}
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

// warnings returns what weakens the names and stacks of a profile.
func (a *assembler) warnings(p *Profile) []string {
	var out []string
	kernel := false
	for _, m := range p.Mappings {
		kernel = kernel || m.Kernel
	}
	if kernel {
		out = append(out, a.kernel...)
	}
	if n := a.total.damaged; n > 0 {
		out = append(out, fmt.Sprintf("%d call chains of the recording have a marker that is not defined and count as their leaf alone", n))
	}
	return append(out, a.unnamedFiles(p)...)
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
	var files []*fileSymbols
	for _, n := range slices.Sorted(maps.Keys(a.resolver.files)) {
		if f := a.resolver.files[n]; f.err != nil {
			files = append(files, f)
		}
	}
	slices.SortStableFunc(files, func(x, y *fileSymbols) int {
		return cmp.Compare(weight[y.mapping.File], weight[x.mapping.File])
	})
	var out []string
	for i, f := range files {
		if i == maxUnnamed {
			out = append(out, fmt.Sprintf("%d more files have no symbols", len(files)-i))
			break
		}
		out = append(out, f.err.Error())
	}
	return out
}
