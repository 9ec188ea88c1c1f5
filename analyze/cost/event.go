// Package cost says where the time of a window went: per event and CPU, in shares of
// what is not idle and per packet.
//
//	profile.Profile -> Classify                   each stack with its stage, of package stage (self.go)
//	                -> NewEvent                   busy weight, spin, stages, functions (event.go, self.go)
//	                -> CheckCoverage              whether samples make up the time (coverage.go)
//	                -> NewMisses, NewHeat         misses by function; CPU by time (miss.go, heat.go)
//	perf stat       -> NewTotals                  events counted without sampling (total.go)
//	/proc/stat      -> NewCPUTimes, Accounted     what the kernel accounted (cputime.go)
//	layouts.json    -> NewLayouts                 fields that share a line (layout.go)
//
// An estimate is the sum of the samples' periods. Events are never put together.
package cost

import (
	"cmp"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
)

// A Classified is a profile with the stage of each of its stacks.
type Classified struct {
	*profile.Profile
	stages *stage.Classifier
	places []stage.Place // by stack
	named  bool          // kernel functions have names
	timed  bool          // samples stand for time, of which some was idle
}

// Classify looks up the stage of each stack of a profile.
func Classify(p *profile.Profile, table *stage.Table) *Classified {
	c := &Classified{Profile: p, stages: stage.NewClassifier(table, p),
		places: make([]stage.Place, len(p.Stacks)), named: kernelNamed(p)}
	c.timed = (&result.Event{Name: p.Event.Name, Memory: p.Event.Memory}).Timed()
	for i, s := range p.Stacks {
		c.places[i] = c.stages.Of(s)
	}
	return c
}

// idle reports whether samples are not work; unsure if they are of the idle task
// and nothing tells whether it was interrupted. A miss or an access is not idle, whoever made it.
func (c *Classified) idle(cell *profile.Cell) (idle, unsure bool) {
	if c.stages.Idle(c.places[cell.Stack]) {
		return true, false
	}
	unsure = !c.named && c.timed && (cell.PID == 0 ||
		cell.PID < 0 && cell.Comm >= 0 && strings.HasPrefix(c.Comms[cell.Comm], "swapper"))
	return unsure, unsure
}

// NewEvent analyses one profile. Packets turn weight into cost per packet.
func NewEvent(c *Classified, window float64, packets result.Packets) *result.Event {
	p := c.Profile
	e := &result.Event{Name: p.Event.Name, Unit: p.Event.Unit, Profile: p, Memory: p.Event.Memory, Losses: p.Losses,
		Warnings: p.Warnings}
	cost := costing{unit: costUnit(p.Event.Unit), window: window, rate: packets.MeasuredRate(),
		named: c.named, timed: e.Timed(), user: bundle.LeavesKernelOut(e.Name) && !kernelSeen(p)}
	all, one := newTally(c), newTally(c)
	for cells := p.Cells; len(cells) > 0; { // they are sorted by CPU
		n := 1
		for n < len(cells) && cells[n].CPU == cells[0].CPU {
			n++
		}
		one.clear()
		for i := range cells[:n] {
			one.add(&cells[i])
			all.add(&cells[i])
		}
		cpu := int(cells[0].CPU)
		e.CPUs = append(e.CPUs, one.result(cpu, cost.of(cpu, packets)))
		cells = cells[n:]
	}
	e.All = all.result(-1, cost)
	if !e.All.Unsure.Empty() {
		e.Warnings = append(slices.Clip(e.Warnings), bundle.Warn(metric.ShareID,
			"pid 0 is %s: what share of the time was busy is not measured", notToldApart))
	}
	e.Unmatched = all.functionShares(all.lost, all.busy(), cost)
	e.Self = newSelf(c)
	return e
}

// ProfileBytes is about what Release can drop of an event.
func ProfileBytes(e *result.Event) int64 {
	const cell, stack, slot, location, share = 48, 24, 4, 40, 370 // of profile.Cell, ..., result.Share
	p := e.Profile
	n := cell*len(p.Cells) + stack*len(p.Stacks) + location*(len(p.Locations)+len(p.Functions))
	for _, s := range p.Stacks {
		n += slot * len(s)
	}
	for i := range e.CPUs {
		n += share * (len(e.CPUs[i].Functions) + len(e.CPUs[i].SpinCallers))
	}
	return int64(n)
}

// Release drops what only the making of a run needs.
func Release(e *result.Event, keepProfile bool) {
	if !keepProfile {
		e.Profile = nil
		for i := range e.CPUs {
			e.CPUs[i].Functions, e.CPUs[i].SpinCallers = nil, nil
		}
	} else if e.Profile.Timeline != nil {
		p := *e.Profile // profiles are never changed
		p.Timeline = nil
		e.Profile = &p
	}
}

// A tally sums the cells of one CPU, or of all. Functions are numbered as in
// the profile, from 1; 0 is one without a symbol.
type tally struct {
	of          *Classified
	total, idle metric.Estimate
	unsure      metric.Estimate // the part of idle that may be interrupts
	spin, word  metric.Estimate
	stages      []metric.Estimate // by row of the table, then stage.User, stage.Unmatched
	receive     []metric.Estimate // the part of each below the input path
	directions  [3]metric.Estimate
	functions   []metric.Estimate
	spinners    []metric.Estimate // callers of slow paths
	takers      []metric.Estimate // callers of acquire fast paths
	lost        []metric.Estimate // leaf functions of stage.Unmatched
}

func newTally(c *Classified) *tally {
	rows, functions := len(c.stages.Table.Rows)+2, len(c.Functions)+1
	sums := func(n int) []metric.Estimate { return make([]metric.Estimate, n) }
	return &tally{
		of: c, stages: sums(rows), receive: sums(rows),
		functions: sums(functions), spinners: sums(functions), takers: sums(functions), lost: sums(functions),
	}
}

func (t *tally) clear() {
	for _, sums := range [][]metric.Estimate{t.stages, t.receive, t.functions, t.spinners, t.takers, t.lost} {
		clear(sums)
	}
	*t = tally{of: t.of, stages: t.stages, receive: t.receive, functions: t.functions, spinners: t.spinners,
		takers: t.takers, lost: t.lost}
}

func (t *tally) add(c *profile.Cell) {
	e := metric.Estimate{Samples: c.Count, Period: float64(c.Period), VarSum: c.PeriodSq}
	t.total.Add(e)
	idle, unsure := t.of.idle(c)
	if unsure {
		t.unsure.Add(e)
	}
	if idle {
		t.idle.Add(e)
		return
	}
	place := &t.of.places[c.Stack]
	row := place.Row
	switch {
	case row == stage.None && place.Kernel:
		row = len(t.of.stages.Table.Rows) + 1
		t.lost[place.Leaf+1].Add(e)
	case row == stage.None:
		row = len(t.of.stages.Table.Rows)
	}
	t.stages[row].Add(e)
	t.directions[place.Direction].Add(e)
	if place.Direction == stage.Receive {
		t.receive[row].Add(e)
	}
	t.functions[place.Leaf+1].Add(e)
	switch place.Lock {
	case stage.Spin:
		t.spin.Add(e)
		t.spinners[place.Caller+1].Add(e)
	case stage.LockWord:
		t.word.Add(e)
		t.takers[place.Caller+1].Add(e)
	}
}

func (t *tally) busy() metric.Estimate {
	return metric.Estimate{
		Samples: t.total.Samples - t.idle.Samples,
		Period:  t.total.Period - t.idle.Period,
		VarSum:  t.total.VarSum - t.idle.VarSum,
	}
}

func (t *tally) result(cpu int, cost costing) result.CPU {
	busy := t.busy()
	cost.unsure = !t.unsure.Empty()
	c := result.CPU{
		CPU: cpu, Total: t.total, Idle: t.idle, Busy: busy, Unsure: t.unsure,
		SpinShare:     cost.lockShare(metric.SpinID, t.spin, busy),
		LockWordShare: cost.lockShare(metric.LockWordID, t.word, busy),
		PerPacket:     cost.perPacket(busy),
	}
	c.Stages = t.stageShares(t.stages, busy, cost)
	c.Functions = t.functionShares(t.functions, busy, cost)
	c.SpinCallers = t.functionShares(t.spinners, busy, cost)
	if cpu >= 0 {
		return c
	}
	c.LockWordCallers = t.functionShares(t.takers, busy, cost)
	c.Receive = t.stageShares(t.receive, busy, cost)
	for i, name := range []string{"neither", "transmit", "receive"} {
		if e := t.directions[i]; !e.Empty() {
			c.Directions = append(c.Directions, cost.share(metric.DirectionID, name, "", e, busy))
		}
	}
	return c
}

// stageShares returns the stages present, in table order.
func (t *tally) stageShares(sums []metric.Estimate, busy metric.Estimate, cost costing) []result.Share {
	shares := slices.Grow([]result.Share(nil), present(sums))
	for row, e := range sums {
		if e.Empty() {
			continue
		}
		name := stage.Unmatched
		switch {
		case row < len(t.of.stages.Table.Rows):
			name = t.of.stages.Table.Rows[row].Name
		case row == len(t.of.stages.Table.Rows):
			name = stage.User
		}
		shares = append(shares, cost.share(metric.StageID, name, "", e, busy))
	}
	return shares
}

// functionShares returns the heaviest functions. Locations without a symbol
// count as one function, profile.Unknown.
func (t *tally) functionShares(sums []metric.Estimate, busy metric.Estimate, cost costing) []result.Share {
	order := make([]int, 0, present(sums))
	for i, e := range sums {
		if !e.Empty() {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		if c := cmp.Compare(sums[b].Period, sums[a].Period); c != 0 {
			return c
		}
		nameA, moduleA := t.function(a)
		nameB, moduleB := t.function(b)
		return cmp.Or(cmp.Compare(nameA, nameB), cmp.Compare(moduleA, moduleB))
	})
	order = order[:min(result.TopFunctions, len(order))]
	shares := slices.Grow([]result.Share(nil), len(order))
	for _, i := range order {
		name, module := t.function(i)
		shares = append(shares, cost.share(metric.ShareID, name, module, sums[i], busy))
	}
	return shares
}

// present counts the sums that hold anything.
func present(sums []metric.Estimate) (n int) {
	for i := range sums {
		if !sums[i].Empty() {
			n++
		}
	}
	return n
}

func (t *tally) function(i int) (name, module string) {
	if i == 0 {
		return profile.Unknown, ""
	}
	f := t.of.Functions[i-1]
	if f.Mapping >= 0 {
		module = t.of.Mappings[f.Mapping].File
	}
	return f.Name, module
}

// A costing turns weight into cost per packet.
type costing struct {
	unit   string
	window float64      // seconds the samples were taken in
	rate   metric.Value // packets/s of the same CPUs
	named  bool         // kernel functions have names
	timed  bool         // samples stand for time
	user   bool         // of user space alone
	unsure bool         // what of the weight is busy is not known
}

// notToldApart is what the idle task's samples are where no function has a name.
const notToldApart = "idle or interrupt, not told apart, for no kernel function has a name"

// unknownBusy is why nothing is said of the busy weight.
func unknownBusy() bundle.Gap {
	return bundle.Gap{What: "busy time", Why: "pid 0 is " + notToldApart,
		Fix: "give the kernel's symbols: --kallsyms FILE"}
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

func kernelSeen(p *profile.Profile) bool {
	return slices.ContainsFunc(p.Locations, func(l profile.Location) bool {
		return l.Mapping < 0 || p.Mappings[l.Mapping].Kernel
	})
}

// lockShare is share for what only names of kernel functions can tell, and only
// samples of time.
func (c costing) lockShare(id string, part, whole metric.Estimate) metric.Value {
	if !c.timed {
		return metric.NotMeasured(id, "ratio",
			bundle.Gap{What: "time in locks", Why: "the event sampled counts no time"})
	}
	if c.user {
		return metric.NotMeasured(id, "ratio", bundle.Gap{What: "time in locks",
			Why: "the event leaves the kernel out (:u)", Fix: "record as root, without :u"})
	}
	if !c.named {
		return metric.NotMeasured(id, "ratio",
			bundle.Gap{What: "time in locks", Why: "no kernel function has a name"})
	}
	return share(id, part, whole)
}

// of returns the costing of one CPU: its own packets, or none.
func (c costing) of(cpu int, packets result.Packets) costing {
	for _, p := range packets.PerCPU {
		if p.CPU == cpu {
			c.rate = p.Value
			return c
		}
	}
	if c.rate.Measured() {
		c.rate = metric.NotMeasured(metric.RateID, "packets/s", bundle.Gap{
			What: "packets of this CPU",
			Why: "the packet counters do not tell CPUs apart: an SA without a CPU number is used by all " +
				"of them",
		})
	}
	return c
}

func (c costing) perPacket(e metric.Estimate) metric.Value {
	if !c.rate.Measured() {
		return metric.NotMeasured(metric.CostID, c.unit, *c.rate.Missing)
	}
	if c.unsure {
		return metric.NotMeasured(metric.CostID, c.unit, unknownBusy())
	}
	if c.window <= 0 || c.rate.Value <= 0 {
		return metric.NotMeasured(metric.CostID, c.unit, bundle.Gap{What: "cost per packet",
			Why: "no packets were sent in the window, or its length is not known"})
	}
	k := 1 / c.window / c.rate.Value
	return packets.WeakenedBy(metric.Value{ID: metric.CostID, Value: e.Period * k, Unit: c.unit, SE: e.SE() * k,
		Samples: e.Samples}, c.rate)
}

func (c costing) share(id, name, module string, e, busy metric.Estimate) result.Share {
	return result.Share{Name: name, Module: module, Weight: e, Share: c.ofBusy(id, e, busy),
		PerPacket: c.perPacket(e)}
}

// ofBusy is share for parts of the busy weight.
func (c costing) ofBusy(id string, part, busy metric.Estimate) metric.Value {
	if c.unsure {
		return metric.NotMeasured(id, "ratio", unknownBusy())
	}
	return share(id, part, busy)
}

func share(id string, part, whole metric.Estimate) metric.Value {
	if whole.Period <= 0 {
		why := "no sample fell outside idle"
		if whole.Samples > 0 {
			why = "the periods of all samples are 0: they weigh nothing"
		}
		return metric.NotMeasured(id, "ratio", bundle.Gap{What: "shares", Why: why})
	}
	s, se := metric.Share(part, whole)
	return metric.Value{ID: id, Value: s, Unit: "ratio", SE: se, Samples: part.Samples}
}

func costUnit(period string) string {
	switch period {
	case "nanoseconds":
		return "ns/packet"
	case "count":
		return "events/packet"
	}
	return period + "/packet"
}
