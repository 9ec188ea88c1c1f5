package analyze

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
)

// NoStage names the weight of kernel stacks that no stage claims, UserStage
// that of stacks without a kernel frame.
const (
	NoStage   = "unmatched"
	UserStage = "user space"
)

// newEvent analyses one profile. packetRate turns weight into cost per packet.
func newEvent(p *profile.Profile, window float64, packets Packets) *Event {
	e := &Event{Name: p.Event.Name, Unit: p.Event.Unit, Profile: p, Losses: p.Losses, Warnings: p.Warnings}
	table := stage.Default()
	facts := stackFacts(p, table)
	all := newTally(-1)
	byCPU := map[int]*tally{}
	for i := range p.Cells {
		c := &p.Cells[i]
		t := byCPU[int(c.CPU)]
		if t == nil {
			t = newTally(int(c.CPU))
			byCPU[int(c.CPU)] = t
		}
		t.add(c, &facts[c.Stack])
		all.add(c, &facts[c.Stack])
	}
	cost := costing{unit: costUnit(p.Event.Unit), window: window, rate: packets.Rate}
	cost.named = kernelNamed(p)
	e.All = all.result(p, table, cost)
	e.Unmatched = all.unmatched(p, cost)
	for _, cpu := range slices.Sorted(maps.Keys(byCPU)) {
		e.CPUs = append(e.CPUs, byCPU[cpu].result(p, table, cost.of(cpu, packets)))
	}
	return e
}

// A fact is what one stack says, whatever CPU it was seen on.
type fact struct {
	leaf   int32 // function, -1 unknown
	stage  string
	idle   bool
	lock   stage.LockKind
	caller int32 // first function above the lock primitives if lock is Spin
}

// stackFacts classifies every stack once.
func stackFacts(p *profile.Profile, table *stage.Table) []fact {
	rows := make([]int, len(p.Functions))
	locks := make([]stage.LockKind, len(p.Functions))
	for i, f := range p.Functions {
		rows[i] = stage.None
		if f.Mapping < 0 || p.Mappings[f.Mapping].Kernel {
			rows[i] = table.Of(f.Name)
			locks[i] = stage.LockKindOf(f.Name)
		}
	}
	facts := make([]fact, len(p.Stacks))
	for i, s := range p.Stacks {
		facts[i] = classify(p, table, s, rows, locks)
	}
	return facts
}

func classify(p *profile.Profile, table *stage.Table, s profile.Stack, rows []int, locks []stage.LockKind) fact {
	f := fact{leaf: -1, caller: -1, stage: UserStage}
	for depth, loc := range s {
		l := &p.Locations[loc]
		if l.Mapping < 0 || p.Mappings[l.Mapping].Kernel {
			f.stage = NoStage // a kernel frame: no longer user space
		}
		if l.Function < 0 {
			continue
		}
		if depth == 0 {
			f.leaf = int32(l.Function)
			f.lock = locks[l.Function]
		}
		if row := rows[l.Function]; row != stage.None {
			f.stage, f.idle = table.Rows[row].Name, table.Rows[row].Key == stage.Idle
			break
		}
	}
	if f.lock == stage.Spin {
		f.caller = callerOf(p, s, locks)
	}
	return f
}

// callerOf returns the first function above the lock primitives and above the
// trampolines of whoever traces them.
func callerOf(p *profile.Profile, s profile.Stack, locks []stage.LockKind) int32 {
	for _, loc := range s {
		fn := p.Locations[loc].Function
		if fn >= 0 && locks[fn] == stage.NoLock && !strings.HasPrefix(p.Functions[fn].Name, "bpf_trampoline_") {
			return int32(fn)
		}
	}
	return -1
}

// A tally sums the cells of one CPU, or of all.
type tally struct {
	cpu         int
	total, idle metric.Estimate
	spin, word  metric.Estimate
	stages      map[string]metric.Estimate
	functions   map[int32]metric.Estimate
	callers     map[int32]metric.Estimate
	lost        map[int32]metric.Estimate // leaf functions of NoStage
}

func newTally(cpu int) *tally {
	return &tally{
		cpu:       cpu,
		stages:    map[string]metric.Estimate{},
		functions: map[int32]metric.Estimate{},
		callers:   map[int32]metric.Estimate{},
		lost:      map[int32]metric.Estimate{},
	}
}

func (t *tally) add(c *profile.Cell, f *fact) {
	e := metric.Estimate{Samples: c.Count, Period: float64(c.Period), VarSum: c.PeriodSq}
	t.total.Add(e)
	if f.idle {
		t.idle.Add(e)
		return
	}
	addTo(t.functions, f.leaf, e)
	addTo(t.stages, f.stage, e)
	switch f.lock {
	case stage.Spin:
		t.spin.Add(e)
		addTo(t.callers, f.caller, e)
	case stage.LockWord:
		t.word.Add(e)
	}
	if f.stage == NoStage {
		addTo(t.lost, f.leaf, e)
	}
}

func addTo[K comparable](m map[K]metric.Estimate, k K, e metric.Estimate) {
	sum := m[k]
	sum.Add(e)
	m[k] = sum
}

func (t *tally) busy() metric.Estimate {
	return metric.Estimate{
		Samples: t.total.Samples - t.idle.Samples,
		Period:  t.total.Period - t.idle.Period,
		VarSum:  t.total.VarSum - t.idle.VarSum,
	}
}

func (t *tally) result(p *profile.Profile, table *stage.Table, cost costing) CPU {
	busy := t.busy()
	c := CPU{
		CPU: t.cpu, Total: t.total, Idle: t.idle, Busy: busy,
		SpinShare:     cost.lockShare(metric.SpinID, t.spin, busy),
		LockWordShare: cost.lockShare(metric.LockWordID, t.word, busy),
		PerPacket:     cost.perPacket(busy),
	}
	for _, name := range stageOrder(table, t.stages) {
		c.Stages = append(c.Stages, cost.share(metric.StageID, name, "", t.stages[name], busy))
	}
	c.Functions = functionShares(p, t.functions, busy, cost, TopFunctions)
	c.SpinCallers = functionShares(p, t.callers, busy, cost, TopFunctions)
	return c
}

func (t *tally) unmatched(p *profile.Profile, cost costing) []Share {
	return functionShares(p, t.lost, t.busy(), cost, TopFunctions)
}

// stageOrder returns the stages present, in table order.
func stageOrder(table *stage.Table, have map[string]metric.Estimate) []string {
	var names []string
	for _, row := range table.Rows {
		names = append(names, row.Name)
	}
	names = append(names, UserStage, NoStage)
	return slices.DeleteFunc(names, func(n string) bool { _, ok := have[n]; return !ok })
}

// functionShares returns the heaviest functions. Locations without a symbol
// count as one function, profile.Unknown.
func functionShares(p *profile.Profile, m map[int32]metric.Estimate, busy metric.Estimate, cost costing, limit int) []Share {
	var shares []Share
	for fn, e := range m {
		name, module := profile.Unknown, ""
		if fn >= 0 {
			name = p.Functions[fn].Name
			if mi := p.Functions[fn].Mapping; mi >= 0 {
				module = p.Mappings[mi].File
			}
		}
		shares = append(shares, cost.share(metric.ShareID, name, module, e, busy))
	}
	slices.SortFunc(shares, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Weight.Period, a.Weight.Period), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Module, b.Module))
	})
	return shares[:min(limit, len(shares))]
}

// A costing turns weight into cost per packet.
type costing struct {
	unit   string
	window float64      // seconds the samples were taken in
	rate   metric.Value // packets/s of the same CPUs
	named  bool         // kernel functions have names
}

// kernelNamed reports whether kernel functions can be told apart; it is true of
// a profile without a kernel frame.
func kernelNamed(p *profile.Profile) bool {
	kernel := false
	for _, l := range p.Locations {
		if l.Mapping >= 0 && !p.Mappings[l.Mapping].Kernel {
			continue
		}
		if l.Function >= 0 {
			return true
		}
		kernel = true
	}
	return !kernel
}

// lockShare is share for what only names of kernel functions can tell.
func (c costing) lockShare(id string, part, whole metric.Estimate) metric.Value {
	if !c.named {
		return metric.NotMeasured(id, "ratio", bundle.Gap{What: "time in locks", Why: "no kernel function has a name"})
	}
	return share(id, part, whole)
}

// of returns the costing of one CPU: its own packets, or none.
func (c costing) of(cpu int, packets Packets) costing {
	for _, p := range packets.PerCPU {
		if p.CPU == cpu {
			c.rate = p.Value
			return c
		}
	}
	if c.rate.Measured() {
		c.rate = metric.NotMeasured(metric.RateID, "packets/s", bundle.Gap{
			What: "packets of this CPU",
			Why:  "the packet counters do not tell CPUs apart: an SA without a CPU number is used by all of them",
		})
	}
	return c
}

func (c costing) perPacket(e metric.Estimate) metric.Value {
	if !c.rate.Measured() {
		return metric.NotMeasured(metric.CostID, c.unit, *c.rate.Missing)
	}
	if c.window <= 0 || c.rate.Value <= 0 {
		return metric.NotMeasured(metric.CostID, c.unit, bundle.Gap{What: "cost per packet", Why: "no packets were sent in the window, or its length is not known"})
	}
	k := 1 / c.window / c.rate.Value
	return metric.Value{ID: metric.CostID, Value: e.Period * k, Unit: c.unit, SE: e.SE() * k, Samples: e.Samples}
}

func (c costing) share(id, name, module string, e, busy metric.Estimate) Share {
	return Share{Name: name, Module: module, Weight: e, Share: share(id, e, busy), PerPacket: c.perPacket(e)}
}

func share(id string, part, whole metric.Estimate) metric.Value {
	if whole.Period <= 0 {
		return metric.NotMeasured(id, "ratio", bundle.Gap{What: "shares", Why: "no sample fell outside idle"})
	}
	s, se := metric.Share(part, whole)
	return metric.Value{ID: id, Value: s, Unit: "ratio", SE: se, Samples: part.Samples}
}

// costUnit returns the unit of a cost per packet.
func costUnit(period string) string {
	switch period {
	case "nanoseconds":
		return "ns/packet"
	case "count":
		return "events/packet"
	}
	return period + "/packet"
}
