package sides

import (
	"slices"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/locks"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// all returns the runs of both sides.
func (c *cell) all() []*result.Run { return slices.Concat(c.before, c.after) }

// readings are the numbers that a run of the cell has, each once.
func (c *cell) readings() []Reading {
	var out []Reading
	for _, r := range c.all() {
		for _, have := range Readings(r) {
			if !slices.ContainsFunc(out, have.same) {
				out = append(out, have)
			}
		}
	}
	return out
}

func (c *cell) reading(want Reading) sided {
	event := ""
	if want.Of.Kind == bundle.OfEvent {
		event = want.Of.Name
	}
	return c.series(want.ID, metric.FormulaOf(want.ID).Better, event, func(r *result.Run) metric.Value {
		return valueOf(r, want)
	})
}

// sampled reports whether both sides have an event.
func (c *cell) sampled() bool {
	has := func(r *result.Run) bool { return r.Main() != nil }
	return slices.ContainsFunc(c.before, has) && slices.ContainsFunc(c.after, has)
}

// pmus names the main events of the cell's runs: result.PMUs.
func (c *cell) pmus() []string { return result.PMUs(c.all()) }

func (c *cell) costs(event string) sided {
	return c.series(metric.CostID, "lower", event, func(r *result.Run) metric.Value { return costOf(r, event) })
}

func costOf(r *result.Run, event string) metric.Value {
	if e := r.MainOf(event); e != nil {
		return e.All.PerPacket
	}
	return metric.NotMeasured(metric.CostID, "", result.MissingReading)
}

// perPacket reports whether both sides know what a packet costs by a main event.
func (c *cell) perPacket(event string) bool {
	s := c.costs(event)
	return s.tested()
}

// stages are the stages that a run of the cell has by a main event, in order of
// appearance.
func (c *cell) stages(event string) []string {
	var out []string
	for _, r := range c.all() {
		if e := r.MainOf(event); e != nil {
			for _, s := range e.All.Stages {
				out = result.AppendNew(out, s.Name)
			}
		}
	}
	return out
}

// stageOf is the cost per packet of a stage, or its share; nothing fell into a
// stage that is not listed.
func stageOf(r *result.Run, event, name string, perPacket bool) metric.Value {
	e := r.MainOf(event)
	if e == nil {
		return metric.NotMeasured(partID(perPacket), "", result.MissingReading)
	}
	whole := e.All.SpinShare // any share over busy: for the unit
	v := metric.Value{ID: metric.StageID, Unit: whole.Unit}
	if perPacket {
		v = e.All.PerPacket
		v.Value, v.SE, v.Samples = 0, 0, 0
	}
	for _, s := range e.All.Stages {
		if s.Name != name {
			continue
		}
		if perPacket {
			return s.PerPacket
		}
		return s.Share
	}
	return v
}

// locks are the classes of locks: an address says nothing in another boot, and
// SPIs are others in each setup.
func (c *cell) locks() []string {
	var out []string
	for _, r := range c.all() {
		for _, class := range locks.Classes(&r.Locks) {
			out = result.AppendNew(out, class)
		}
	}
	slices.Sort(out)
	return out
}

func lockWait(r *result.Run, class string) metric.Value {
	v := r.Locks.PerPkt
	if !v.Measured() {
		return v
	}
	if !r.Locks.WaitNS.Measured() || r.Locks.WaitNS.Value <= 0 {
		v.Value = 0
		return v
	}
	var ns uint64
	for _, l := range r.Locks.Rows {
		if l.Class() == class {
			ns += l.WaitNS
		}
	}
	v.Value *= float64(ns) / r.Locks.WaitNS.Value
	return v
}

// sameSide says how often nothing is called something, from the cell with most
// runs of one side.
func (c *comparer) sameSide(modes []modePair) *compare.AAResult {
	var runs []*result.Run
	var at *cell
	for i := range modes {
		for j := range modes[i].cells {
			for _, side := range [][]*result.Run{modes[i].cells[j].before, modes[i].cells[j].after} {
				if len(side) > len(runs) || len(side) == len(runs) && at != nil &&
					modes[i].cells[j].n > at.n {
					runs, at = side, &modes[i].cells[j]
				}
			}
		}
	}
	one := &cell{mode: at.mode, n: at.n, before: runs}
	var series []compare.Series
	for _, want := range one.readings() {
		if want.total {
			continue
		}
		series = appendWhole(series, runs, headText(want), func(r *result.Run) metric.Value {
			return valueOf(r, want)
		})
	}
	for _, event := range one.pmus() {
		perPacket := costOf(runs[0], event).Measured()
		for _, name := range one.stages(event) {
			series = appendWhole(series, runs, name, func(r *result.Run) metric.Value {
				return stageOf(r, event, name, perPacket)
			})
		}
	}
	result := compare.AA(series, c.Options.Seed, c.Options)
	return &result
}

// appendWhole adds a series if every run has a value in one unit.
func appendWhole(list []compare.Series, runs []*result.Run, name string,
	of func(*result.Run) metric.Value) []compare.Series {
	s := compare.Series{Name: name}
	for _, r := range runs {
		v := of(r)
		if !v.Measured() || (s.Unit != "" && v.Unit != s.Unit) {
			return list
		}
		s.Unit = v.Unit
		s.Values = append(s.Values, v.Value)
	}
	return append(list, s)
}

// costTable is the self cost of functions of one event, run by run: of the
// whole profile where there is one, else of the functions that Event.All lists.
func (c *cell) costTable(runs []*result.Run, event string, perPacket bool) (t compare.CostTable, of []*result.Run,
	cut bool) {
	boots := c.boots()
	t = compare.CostTable{Unit: "ratio", Callers: map[string]string{}}
	blocked := true
	for _, r := range runs {
		e := r.Event(event)
		if e == nil || e.All.Busy.Period <= 0 || perPacket && !e.All.PerPacket.Measured() {
			continue
		}
		scale := 1 / e.All.Busy.Period
		if perPacket {
			t.Unit, scale = e.All.PerPacket.Unit, e.All.PerPacket.Value/e.All.Busy.Period
		}
		cost, samples := map[string]float64{}, map[string]uint64{}
		weights, short := selfWeights(e, t.Callers)
		cut = cut || short
		for name, w := range weights {
			cost[name] = w.Period * scale
			samples[name] = w.Samples
		}
		t.Runs, t.Samples = append(t.Runs, cost), append(t.Samples, samples)
		if n := e.All.Busy.Samples; n > 0 {
			t.PerSample = append(t.PerSample, scale*e.All.Busy.Period/float64(n))
		}
		of = append(of, r)
		t.Blocks = append(t.Blocks, boots.block(r))
		blocked = blocked && boots.block(r) != ""
	}
	if !blocked {
		t.Blocks = nil
	}
	id := metric.ShareID
	if perPacket {
		id = metric.CostID
	}
	t.Notes = checks.Notes(of, func(r *result.Run) (string, metric.Value) {
		return event, metric.Value{ID: id}
	})
	return t, of, cut
}

// selfWeights is the self weight of every function by name, and notes who calls
// each. Of a run read from a results.json it is what Event.All lists: the list is
// cut if that is not all.
func selfWeights(e *result.Event, callers map[string]string) (out map[string]metric.Estimate, cut bool) {
	out = map[string]metric.Estimate{}
	for _, f := range e.Self {
		out[f.Name] = f.Weight
		if f.Caller != "" && callers[f.Name] == "" {
			callers[f.Name] = f.Caller
		}
	}
	if len(e.Self) > 0 {
		return out, false
	}
	rest := e.All.Busy
	for _, f := range e.All.Functions {
		sum := out[f.Name] // in several modules, perhaps
		sum.Add(f.Weight)
		out[f.Name] = sum
		rest.Period -= f.Weight.Period
		rest.Samples -= min(rest.Samples, f.Weight.Samples)
	}
	if rest.Period > 1e-9*e.All.Busy.Period {
		out[result.Unlisted] = metric.Estimate{Period: rest.Period, Samples: rest.Samples}
		cut = true
	}
	return out, cut
}

// functions compares self costs at one N, event by event; the main event first.
func (c *comparer) functions(at *cell) {
	pmus, boots := at.pmus(), at.boots()
	perPacket := slices.ContainsFunc(pmus, at.perPacket)
	for _, name := range at.events() {
		apart := "" // a function is one of each PMU
		if len(pmus) > 1 && slices.Contains(pmus, name) {
			apart = name
		}
		b, runsBefore, cutBefore := at.costTable(at.before, name, perPacket)
		a, runsAfter, cutAfter := at.costTable(at.after, name, perPacket)
		if len(b.Runs) == 0 || len(a.Runs) == 0 {
			continue
		}
		left := 0
		if cutBefore || cutAfter {
			left = evenLists(&b, &a)
		}
		if why := at.otherBasis(func(r *result.Run) metric.Value {
			if e := r.Event(name); e != nil && perPacket {
				return e.All.PerPacket
			}
			return metric.NotMeasured("", "", result.MissingReading)
		}); why != nil {
			b.Notes, a.Notes = append(b.Notes, *why), append(a.Notes, *why)
		}
		b, a = meanTable(b, boots.units(runsBefore)), meanTable(a, boots.units(runsAfter))
		f := result.CompareFunctions{Mode: at.mode, N: at.n, Event: name}
		f.Functions = compare.CompareFunctions("functions, "+name+" at "+at.name(), b, a, c.Options)
		if left > 0 {
			f.Functions.Notes = append(f.Functions.Notes,
				*compare.Because(compare.NotApplicable, "%d functions are listed by some runs of a "+
					"side only and count among those not listed: a results.json holds the "+
					"heaviest of each run", left))
		}
		if !perPacket {
			for i := range f.Functions.Rows {
				f.Functions.Rows[i].Comparison.Better, f.Functions.Rows[i].Comparison.Effect = "", ""
			}
		}
		c.settle(&f.Functions.Total, at, result.Subject{Kind: bundle.OfFunctions, Name: apart})
		for i := range f.Functions.Rows {
			row := &f.Functions.Rows[i]
			held := row.Comparison.Significant
			c.settle(&row.Comparison, at,
				result.Subject{Kind: bundle.OfFunction, Name: named(row.Name, apart)})
			if held && !row.Comparison.Significant {
				f.Functions.Family.Significant--
			}
			if row.WithCaller != nil {
				boots.takeBack(row.WithCaller)
			}
		}
		if boots.few() != nil {
			f.Functions.Family.Detectable = 0
		}
		c.Functions = append(c.Functions, f)
	}
}

// named is a part of what one PMU counted.
func named(part, event string) string {
	if event == "" {
		return part
	}
	return part + ", " + event
}

// events are the events of the cell's runs, the main one first.
func (c *cell) events() []string {
	var out []string
	for _, r := range c.all() {
		for _, e := range r.Mains() {
			out = result.AppendNew(out, e.Name)
		}
	}
	for _, r := range c.all() {
		for _, e := range r.Events {
			out = result.AppendNew(out, e.Name)
		}
	}
	return out
}

// evenLists moves to the rest what only some runs of a side list: where a list
// is cut off, a function it lacks may cost anything up to its last line. It
// returns how many were moved.
func evenLists(sides ...*compare.CostTable) int {
	uneven := map[string]bool{}
	for _, t := range sides {
		listed := map[string]int{}
		for _, run := range t.Runs {
			for name := range run {
				listed[name]++
			}
		}
		for name, n := range listed {
			if n < len(t.Runs) && name != result.Unlisted {
				uneven[name] = true
			}
		}
	}
	for _, t := range sides {
		for i, run := range t.Runs {
			for name := range uneven {
				if v, has := run[name]; has {
					run[result.Unlisted] += v
					t.Samples[i][result.Unlisted] += t.Samples[i][name]
					delete(run, name)
					delete(t.Samples[i], name)
				}
			}
		}
	}
	return len(uneven)
}
