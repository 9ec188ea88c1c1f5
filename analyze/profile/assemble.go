package profile

import (
	"cmp"
	"slices"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/collect/bundle"
)

// An assembler makes the Profiles of what was counted.
type assembler struct {
	tables   *tables
	resolver *resolver
	warnings []bundle.Warning         // that always do
	losses   map[string][]bundle.Loss // by event, "" for those of all

	names                    []string // of the tasks
	taskOrder                []uint32 // numbers, in order
	taskRank                 []uint32 // places in the order, by number
	stackOrder               []uint32 // numbers, in order
	kernelStacks, userStacks []Stack  // by number of the segment, in locations of the resolver

	// Of the event in the making:
	stackPlace renumbering // stacks to their places in Profile.Stacks
	taskComm   renumbering // tasks to their names in Profile.Comms
	picker     picker
}

func newAssembler(t *tables, ts *tasks, r *resolver) *assembler {
	a := &assembler{tables: t, resolver: r}
	for _, k := range t.tasks.list {
		a.names = append(a.names, ts.name(k))
	}
	a.taskOrder = taskOrder(t.tasks.list, a.names)
	a.taskRank = ranks(a.taskOrder, uint32(len(a.names)))
	kernelOrder, userOrder := t.kernel.order(), t.user.order()
	a.stackOrder = stackOrder(t, kernelOrder, userOrder)
	a.kernelStacks = resolveAll(&t.kernel, kernelOrder, r.kernelStack)
	a.userStacks = resolveAll(&t.user, userOrder, r.userStack)
	t.free()
	a.stackPlace, a.taskComm = newRenumbering(int(t.stacks.limit())), newRenumbering(len(a.taskRank))
	a.picker = picker{r, nil, newRenumbering(len(r.mappings.list)), newRenumbering(len(r.functions.list)),
		newRenumbering(len(r.locations.list))}
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
	p := &Profile{Event: Event{Name: e.Name, Unit: e.Unit(), FrequencyHz: e.FrequencyHz(), Memory: e.Memory()}}
	if a.tables.events[e.Index] != nil {
		p.Event.PeriodFixed = a.fixedPeriod(e.Index)
		stacks := a.stacks(e.Index)
		a.comms(e.Index, p)
		p.Cells = a.cells(e.Index, len(stacks))
		if bundle.Simulated(e.Name) {
			for i := range p.Cells {
				p.Cells[i].PeriodSq = 0
			}
		}
		a.picker.pick(a, p, stacks)
	}
	p.Losses = append(p.Losses, a.losses[""]...)
	if e.Name != "" {
		p.Losses = append(p.Losses, a.losses[e.Name]...)
	}
	p.Warnings = a.allWarnings(e.Name, p)
	for _, what := range e.Unused() {
		p.Warnings = append(p.Warnings, bundle.Warn(e.Name, "recorded, not used: %s", what).
			Of(bundle.WarnUnused))
	}
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

// stacks returns the stacks of an event in order, and sets stackPlace to the
// place that the number of each has among them.
func (a *assembler) stacks(event int) []stackKey {
	numbers := a.used(event, &a.stackPlace, func(c *cell) uint32 { return c.stack })
	stacks := make([]stackKey, 0, len(numbers))
	for _, n := range a.stackOrder {
		if _, ok := a.stackPlace.get(n); ok {
			a.stackPlace.set(n, int32(len(stacks)))
			stacks = append(stacks, *a.tables.stacks.at(n))
		}
	}
	return stacks
}

// comms sets the names of an event's tasks, and taskComm to the name of each
// task.
func (a *assembler) comms(event int, p *Profile) {
	numbers := a.used(event, &a.taskComm, func(c *cell) uint32 { return c.task })
	slices.SortFunc(numbers, func(x, y uint32) int { return cmp.Compare(a.taskRank[x], a.taskRank[y]) })
	for _, task := range numbers {
		name := a.names[task]
		if n := len(p.Comms); n == 0 || p.Comms[n-1] != name {
			p.Comms = append(p.Comms, name)
		}
		a.taskComm.set(task, int32(len(p.Comms)-1))
	}
}

// used returns what the cells of an event use, each number once.
func (a *assembler) used(event int, seen *renumbering, of func(*cell) uint32) []uint32 {
	seen.begin()
	var numbers []uint32
	a.each(event, func(_ uint32, c *cell) {
		n := of(c)
		if _, ok := seen.get(n); !ok {
			seen.set(n, 0)
			numbers = append(numbers, n)
		}
	})
	return numbers
}

// A ref is a cell with the ranks by which Profile.Cells are in order.
type ref struct{ number, cpu, task, stack uint32 }

// refs returns the cells of an event in order, and the CPUs by rank. stacks is how many
// the event has.
func (a *assembler) refs(event, stacks int) (list []ref, cpus []int32) {
	n := 0
	for i := range a.tables.events[event] {
		n += a.tables.events[event][i].index.len()
	}
	list = make([]ref, 0, n)
	met := map[int32]uint32{}
	a.each(event, func(n uint32, c *cell) {
		cpu, ok := met[c.cpu]
		if !ok {
			cpu = uint32(len(cpus))
			met[c.cpu], cpus = cpu, append(cpus, c.cpu)
		}
		stack, _ := a.stackPlace.get(c.stack)
		list = append(list, ref{n, cpu, a.taskRank[c.task], uint32(stack)})
	})
	slices.Sort(cpus)
	rank := make([]uint32, len(cpus)) // by the order in which they were met
	for i, cpu := range cpus {
		rank[met[cpu]] = uint32(i)
	}
	for i := range list {
		list[i].cpu = rank[list[i].cpu]
	}
	list = byRank(list, uint32(stacks), func(r ref) uint32 { return r.stack })
	list = byRank(list, uint32(len(a.taskOrder)), func(r ref) uint32 { return r.task })
	return byRank(list, uint32(len(cpus)), func(r ref) uint32 { return r.cpu }), cpus
}

// cells returns the cells of an event, in order.
func (a *assembler) cells(event, stacks int) []Cell {
	list, cpus := a.refs(event, stacks)
	out := make([]Cell, 0, len(list))
	for _, r := range list {
		stripe, local := split(r.number)
		count, sums := a.tables.events[event][stripe].cells.at(local)
		task := a.taskOrder[r.task]
		comm, _ := a.taskComm.get(task)
		t := a.tables.tasks.list[task]
		out = append(out, Cell{Stack: int32(r.stack), CPU: cpus[r.cpu], PID: t.pid, TID: t.tid,
			Comm: comm, Count: count, Period: sums.period, PeriodSq: sums.squares.float()})
	}
	return out
}

// A picker copies the locations, functions and mappings that one event needs
// from the resolver's tables, numbered in the order of its stacks.
type picker struct {
	from                           *resolver
	to                             *Profile
	mappings, functions, locations renumbering
}

// pick sets the stacks of a profile and all they refer to.
func (k *picker) pick(a *assembler, p *Profile, stacks []stackKey) {
	k.to = p
	k.mappings.begin()
	k.functions.begin()
	k.locations.begin()
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
	if i, ok := k.locations.get(uint32(n)); ok {
		return i
	}
	l := k.from.locations.list[n]
	l.Mapping, l.Function = k.mapping(l.Mapping), k.function(l.Function)
	k.to.Locations = append(k.to.Locations, l)
	return k.locations.set(uint32(n), int32(len(k.to.Locations)-1))
}

func (k *picker) mapping(n int) int {
	if n < 0 {
		return -1
	}
	if i, ok := k.mappings.get(uint32(n)); ok {
		return int(i)
	}
	k.to.Mappings = append(k.to.Mappings, k.from.mappings.list[n])
	return int(k.mappings.set(uint32(n), int32(len(k.to.Mappings)-1)))
}

func (k *picker) function(n int) int {
	if n < 0 {
		return -1
	}
	if i, ok := k.functions.get(uint32(n)); ok {
		return int(i)
	}
	f := k.from.functions.list[n]
	f.Mapping = k.mapping(f.Mapping)
	k.to.Functions = append(k.to.Functions, f)
	return int(k.functions.set(uint32(n), int32(len(k.to.Functions)-1)))
}

// allWarnings returns what weakens the names and stacks of a profile, and so
// everything of its event.
func (a *assembler) allWarnings(event string, p *Profile) []bundle.Warning {
	var out []bundle.Warning
	if slices.ContainsFunc(p.Mappings, func(m Mapping) bool { return m.Kernel }) {
		out = append(out, a.resolver.warnings...)
	}
	out = append(append(out, a.warnings...), a.unnamedFiles(p)...)
	for i := range out {
		out[i].Weakens = event
	}
	return out
}

// maxUnnamed is how many files without symbols are listed one by one.
const maxUnnamed = 5

// unnamedFiles says which files of a profile have no symbols, those with the
// most weight first.
func (a *assembler) unnamedFiles(p *Profile) []bundle.Warning {
	type file struct {
		err    error
		weight uint64
	}
	files := make([]file, len(p.Mappings))
	some := false
	for i, m := range p.Mappings {
		files[i].err = a.resolver.unnamed[mappingKey{m.File, m.BuildID}]
		some = some || files[i].err != nil
	}
	if !some {
		return nil
	}
	for _, c := range p.Cells {
		if s := p.Stacks[c.Stack]; len(s) > 0 && p.Locations[s[0]].Mapping >= 0 {
			files[p.Locations[s[0]].Mapping].weight += c.Period
		}
	}
	files = slices.DeleteFunc(files, func(f file) bool { return f.err == nil })
	slices.SortStableFunc(files, func(x, y file) int { return cmp.Compare(y.weight, x.weight) })
	var out []bundle.Warning
	for _, f := range files[:min(len(files), maxUnnamed)] {
		out = append(out, bundle.Warn("", "%v", f.err))
	}
	if n := len(files) - maxUnnamed; n > 0 {
		out = append(out, bundle.Warn("", "%d more files have no symbols", n))
	}
	return out
}
