package cost

import (
	"cmp"
	"slices"

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
}

func Classify(p *profile.Profile, table *stage.Table) *Classified {
	c := &Classified{Profile: p, stages: stage.NewClassifier(table, p), places: make([]stage.Place, len(p.Stacks))}
	for i, s := range p.Stacks {
		c.places[i] = c.stages.Of(s)
	}
	return c
}

// NewEvent analyses one profile. Packets turn weight into cost per packet.
func NewEvent(c *Classified, window float64, packets result.Packets) *result.Event {
	p := c.Profile
	e := &result.Event{Name: p.Event.Name, Unit: p.Event.Unit, Profile: p, Losses: p.Losses, Warnings: p.Warnings}
	cost := costing{unit: costUnit(p.Event.Unit), window: window, rate: packets.MeasuredRate(),
		named: kernelNamed(p)}
	all, one := newTally(c.stages, p), newTally(c.stages, p)
	for cells := p.Cells; len(cells) > 0; { // they are sorted by CPU
		n := 1
		for n < len(cells) && cells[n].CPU == cells[0].CPU {
			n++
		}
		one.clear()
		for i := range cells[:n] {
			place := &c.places[cells[i].Stack]
			one.add(&cells[i], place)
			all.add(&cells[i], place)
		}
		cpu := int(cells[0].CPU)
		e.CPUs = append(e.CPUs, one.result(cpu, cost.of(cpu, packets)))
		cells = cells[n:]
	}
	e.All = all.result(-1, cost)
	e.Unmatched = all.functionShares(all.lost, all.busy(), cost)
	e.Self = newSelf(c)
	return e
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
	c           *stage.Classifier
	p           *profile.Profile
	total, idle metric.Estimate
	spin, word  metric.Estimate
	stages      []metric.Estimate // by row of the table, then UserStage, NoStage
	receive     []metric.Estimate // the part of each below the input path
	directions  [3]metric.Estimate
	functions   []metric.Estimate
	spinners    []metric.Estimate // callers of slow paths
	takers      []metric.Estimate // callers of acquire fast paths
	lost        []metric.Estimate // leaf functions of NoStage
}

func newTally(c *stage.Classifier, p *profile.Profile) *tally {
	rows, functions := len(c.Table.Rows)+2, len(p.Functions)+1
	sums := func(n int) []metric.Estimate { return make([]metric.Estimate, n) }
	return &tally{
		c: c, p: p,
		stages: sums(rows), receive: sums(rows),
		functions: sums(functions), spinners: sums(functions), takers: sums(functions), lost: sums(functions),
	}
}

func (t *tally) clear() {
	for _, sums := range [][]metric.Estimate{t.stages, t.receive, t.functions, t.spinners, t.takers, t.lost} {
		clear(sums)
	}
	*t = tally{c: t.c, p: t.p, stages: t.stages, receive: t.receive, functions: t.functions, spinners: t.spinners,
		takers: t.takers, lost: t.lost}
}

func (t *tally) add(c *profile.Cell, place *stage.Place) {
	e := metric.Estimate{Samples: c.Count, Period: float64(c.Period), VarSum: c.PeriodSq}
	t.total.Add(e)
	if t.c.Idle(*place) {
		t.idle.Add(e)
		return
	}
	row := place.Row
	switch {
	case row == stage.None && place.Kernel:
		row = len(t.c.Table.Rows) + 1
		t.lost[place.Leaf+1].Add(e)
	case row == stage.None:
		row = len(t.c.Table.Rows)
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
	c := result.CPU{
		CPU: cpu, Total: t.total, Idle: t.idle, Busy: busy,
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
	var shares []result.Share
	for row, e := range sums {
		if e.Empty() {
			continue
		}
		name := result.NoStage
		switch {
		case row < len(t.c.Table.Rows):
			name = t.c.Table.Rows[row].Name
		case row == len(t.c.Table.Rows):
			name = result.UserStage
		}
		shares = append(shares, cost.share(metric.StageID, name, "", e, busy))
	}
	return shares
}

// functionShares returns the heaviest functions. Locations without a symbol
// count as one function, profile.Unknown.
func (t *tally) functionShares(sums []metric.Estimate, busy metric.Estimate, cost costing) []result.Share {
	var order []int
	for i, e := range sums {
		if !e.Empty() {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		nameA, moduleA := t.function(a)
		nameB, moduleB := t.function(b)
		return cmp.Or(cmp.Compare(sums[b].Period, sums[a].Period), cmp.Compare(nameA, nameB),
			cmp.Compare(moduleA, moduleB))
	})
	var shares []result.Share
	for _, i := range order[:min(result.TopFunctions, len(order))] {
		name, module := t.function(i)
		shares = append(shares, cost.share(metric.ShareID, name, module, sums[i], busy))
	}
	return shares
}

func (t *tally) function(i int) (name, module string) {
	if i == 0 {
		return profile.Unknown, ""
	}
	f := t.p.Functions[i-1]
	if f.Mapping >= 0 {
		module = t.p.Mappings[f.Mapping].File
	}
	return f.Name, module
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
	if c.window <= 0 || c.rate.Value <= 0 {
		return metric.NotMeasured(metric.CostID, c.unit,
			bundle.Gap{What: "cost per packet",
				Why: "no packets were sent in the window, or its length is not known"})
	}
	k := 1 / c.window / c.rate.Value
	return packets.WeakenedBy(metric.Value{ID: metric.CostID, Value: e.Period * k, Unit: c.unit, SE: e.SE() * k,
		Samples: e.Samples}, c.rate)
}

func (c costing) share(id, name, module string, e, busy metric.Estimate) result.Share {
	return result.Share{Name: name, Module: module, Weight: e, Share: share(id, e, busy), PerPacket: c.perPacket(e)}
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
