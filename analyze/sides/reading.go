package sides

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/locks"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// A Reading is one number of a run as a whole.
type Reading struct {
	ID    string         // of metric.Catalogue
	Of    result.Subject // what it is a number of, if the run has several
	Value metric.Value
	total bool // grows with the length of the window: two runs cannot be compared by it
}

// Readings are the numbers of a run that a comparison may test, in the order of
// a report.
func Readings(r *result.Run) []Reading {
	out := wholeReadings(r)
	for _, class := range locks.Classes(&r.Locks) {
		for _, id := range []string{metric.ContentionID, metric.BounceID} {
			want := Reading{ID: id, Of: result.Subject{Kind: bundle.OfLock, Name: class}}
			want.Value = valueOf(r, want)
			out = append(out, want)
		}
	}
	return out
}

// wholeReadings are those that are not of a class of locks.
func wholeReadings(r *result.Run) []Reading {
	out := []Reading{
		{ID: metric.RateID, Value: r.Packets.Headline()},
		{ID: metric.PacketsID, Value: r.Packets.Total, total: true},
	}
	if t := r.Traffic; t != nil {
		out = append(out, Reading{ID: metric.ThroughputID, Value: t.Throughput},
			Reading{ID: metric.LossID, Value: t.Loss})
	}
	for _, event := range result.PMUs([]*result.Run{r}) {
		if e := r.MainOf(event); e != nil {
			out = append(out, sampledReadings(e, ofPMU(event))...)
		}
	}
	out = append(out, Reading{ID: metric.WaitPacketID, Value: r.Locks.PerPkt},
		Reading{ID: metric.WaitsID, Value: r.Locks.Waits, total: true},
		Reading{ID: metric.WaitID, Value: r.Locks.WaitNS, total: true})
	if f := r.Lookups; f != nil {
		out = append(out, Reading{ID: metric.FindPacketID, Value: f.PerPacket},
			Reading{ID: metric.FindMeanID, Value: f.Mean}, Reading{ID: metric.FindP99ID, Value: f.P99},
			Reading{ID: metric.WalkID, Value: f.Walk}, Reading{ID: metric.FallbackID, Value: f.Fallback},
			Reading{ID: metric.WrongCPUID, Value: f.WrongCPU},
			Reading{ID: metric.CacheEmptyID, Value: f.CacheEmpty})
	}
	if r.Lines != nil {
		out = append(out, Reading{ID: metric.TransferID, Value: r.Lines.PerPacket})
	}
	for _, m := range r.Misses {
		if m.CPU == result.AllCPUs {
			of := result.Subject{Kind: bundle.OfEvent, Name: m.Event}
			out = append(out, Reading{ID: metric.MissPacketID, Of: of, Value: m.PerPacket},
				Reading{ID: metric.MPKCID, Of: of, Value: m.PerKiloCycle},
				Reading{ID: metric.MPKIID, Of: of, Value: m.PerKiloInstructions})
		}
	}
	for _, t := range r.Counted {
		if r.Event(t.Event) == nil {
			out = append(out, Reading{ID: metric.CountedID,
				Of: result.Subject{Kind: bundle.OfEvent, Name: t.Event}, Value: t.PerPacket})
		}
	}
	return append(out, Reading{ID: metric.JainID, Value: r.Packets.Jain})
}

// ofPMU is what a number of the event of one PMU is of; of the only one, the run.
func ofPMU(event string) result.Subject {
	if event == "" {
		return result.Subject{}
	}
	return result.Subject{Kind: bundle.OfEvent, Name: event}
}

// sampledReadings are those of a main event.
func sampledReadings(e *result.Event, of result.Subject) []Reading {
	a := &e.All
	return []Reading{{ID: metric.CostID, Of: of, Value: a.PerPacket},
		{ID: metric.SpinID, Of: of, Value: a.SpinShare},
		{ID: metric.LockWordID, Of: of, Value: a.LockWordShare},
		{ID: metric.SpinCostID, Of: of, Value: partOf(metric.SpinCostID, a.SpinShare, a.PerPacket)},
		{ID: metric.WordCostID, Of: of, Value: partOf(metric.WordCostID, a.LockWordShare, a.PerPacket)}}
}

// ComparableIDs are the ids of the catalogue that every run has a number of, so
// that two sides can be compared by them: what a headline or a condition may
// name. What is made of many runs, as a speed-up, and what grows with the length
// of the window are not.
func ComparableIDs() []string {
	one := &result.Run{Traffic: &result.Traffic{}, Lookups: &result.Lookups{}, Events: []*result.Event{{}},
		Misses: []result.Miss{{CPU: result.AllCPUs}}, Lines: &result.Lines{}, Counted: []result.Total{{}},
		Locks: result.Locks{Rows: []result.Lock{{}}}}
	var out []string
	for _, r := range Readings(one) {
		if r.ID != "" && !r.total {
			out = result.AppendNew(out, r.ID)
		}
	}
	return out
}

// NotComparable says why two sides cannot be compared by an id, "" if they can.
func NotComparable(id string) string {
	known := ComparableIDs()
	catalogued := slices.ContainsFunc(metric.Catalogue(), func(f metric.Formula) bool { return f.ID == id })
	grows := slices.ContainsFunc(Readings(&result.Run{}), func(r Reading) bool { return r.ID == id && r.total })
	switch {
	case slices.Contains(known, id):
		return ""
	case grows:
		return fmt.Sprintf("%s grows with the length of the window: name a metric per packet or per second", id)
	case catalogued:
		return fmt.Sprintf("%s is no number of one run, so it is not compared run by run", id)
	}
	return "there is no metric " + id
}

// partOf is the part of a packet's cost that a share makes up.
func partOf(id string, share, cost metric.Value) metric.Value {
	for _, v := range []metric.Value{share, cost} {
		if !v.Measured() {
			return metric.NotMeasured(id, cost.Unit, *v.Missing)
		}
	}
	return metric.Value{ID: id, Value: share.Value * cost.Value, Unit: cost.Unit, SE: share.SE * cost.Value,
		Samples: share.Samples, Basis: cost.Basis, Doubt: cmp.Or(share.Doubt, cost.Doubt)}
}

// isShare reports whether a number moves when other parts of the whole do: with
// costs per packet beside it, a change of it is neither better nor worse.
func isShare(id string) bool { return id == metric.SpinID || id == metric.LockWordID }

// same reports whether two readings are of the same number.
func (r Reading) same(o Reading) bool { return r.ID == o.ID && r.Of == o.Of }

// valueOf returns the run's value of a reading, not measured if it has none.
func valueOf(r *result.Run, want Reading) metric.Value {
	if class := want.Of.Name; want.Of.Kind == bundle.OfLock {
		if want.ID == metric.ContentionID {
			return locks.ContentionOf(&r.Locks, class)
		}
		return locks.BounceOf(&r.Locks, class)
	}
	for _, have := range wholeReadings(r) {
		if have.same(want) {
			return have.Value
		}
	}
	return metric.NotMeasured(want.ID, "", result.MissingReading)
}

// A sided is one value a run on both sides, with why runs have none.
type sided struct {
	pair    compare.Pair
	missing []compare.Reason
}

// tested reports whether both sides have a value.
func (s *sided) tested() bool {
	return len(s.pair.Before.Values) > 0 && len(s.pair.After.Values) > 0
}

// unmeasured reports whether no run of either side has a value.
func (s *sided) unmeasured() bool {
	return len(s.pair.Before.Values) == 0 && len(s.pair.After.Values) == 0
}

// series sets one value a run against the other side's. name is a metric id; event is
// the main event it is of, as MainOf has it.
func (c *cell) series(name, better, event string, of func(*result.Run) metric.Value) sided {
	var s sided
	boots := c.boots()
	for _, side := range []struct {
		name string
		runs []*result.Run
		to   *compare.Series
	}{{Before, c.before, &s.pair.Before}, {After, c.after, &s.pair.After}} {
		side.to.Name, side.to.Better = name, better
		sampled, counted, blocked := true, isCount(name), true
		var read []*result.Run
		for _, r := range side.runs {
			v := of(r)
			if !v.Measured() || (side.to.Unit != "" && v.Unit != side.to.Unit) {
				s.missing = append(s.missing, *notRead(c, side.name, r, name, v, side.to.Unit))
				continue
			}
			side.to.Unit = v.Unit
			if v.Unit == "ratio" {
				side.to.Least = leastShare
			}
			side.to.Values = append(side.to.Values, v.Value)
			side.to.SE = append(side.to.SE, v.SE)
			side.to.Counts = append(side.to.Counts, v.Samples)
			side.to.PerCount = append(side.to.PerCount, perSample(r.MainOf(event), name))
			side.to.Blocks, read = append(side.to.Blocks, boots.block(r)), append(read, r)
			sampled = sampled && v.SE > 0
			exact := v.Value > 0 && v.SE == 0 // a simulated machine counts all there is
			counted = counted && !exact &&
				(v.Samples > 0 || v.Value == 0 && perSample(r.MainOf(event), name) > 0)
			blocked = blocked && boots.block(r) != ""
		}
		if !sampled {
			side.to.SE = nil
		}
		if !counted {
			side.to.Counts = nil
		}
		if !blocked {
			side.to.Blocks = nil
		}
		side.to.Notes = checks.Notes(read, func(r *result.Run) (string, metric.Value) {
			if e := cmp.Or(r.MainOf(event), r.Main()); e != nil && isCount(name) {
				return e.Name, of(r)
			}
			return "", of(r)
		})
		*side.to = meanSeries(*side.to, boots.units(read))
	}
	if isCost(name) {
		if why := c.otherBasis(of); why != nil {
			s.pair.Before.Notes = append(s.pair.Before.Notes, *why)
			s.pair.After.Notes = append(s.pair.After.Notes, *why)
		}
	}
	if s.pair.Before.Blocks == nil || s.pair.After.Blocks == nil {
		s.pair.Before.Blocks, s.pair.After.Blocks = nil, nil
	}
	return s
}

// isCost reports whether a metric is a cost per packet of time or cycles.
func isCost(id string) bool {
	return id == metric.CostID || id == metric.SpinCostID || id == metric.WordCostID
}

// otherBasis says that costs of the sides are taken from different things, nil if they
// are not: then a difference may be one of these.
func (c *cell) otherBasis(of func(*result.Run) metric.Value) *compare.Reason {
	from := func(runs []*result.Run) string {
		var all []string
		for _, r := range runs {
			if v := of(r); v.Measured() && isCost(v.ID) {
				basis, _, _ := strings.Cut(v.Basis, ";")
				all = result.AppendNew(all, cmp.Or(basis, "by samples"))
			}
		}
		slices.Sort(all)
		return strings.Join(all, " and ")
	}
	before, after := from(c.before), from(c.after)
	if before == after || before == "" || after == "" {
		return nil
	}
	return compare.Because(compare.OtherBasis, "the cost is %s before and %s after: part of a difference may be "+
		"that of the two", before, after)
}

// isCount reports whether a metric is proportional to the samples behind it, so
// that their number has its error; of the others, as a share of lookups or a mean
// time, they are what it was taken over.
func isCount(id string) bool {
	switch id {
	case metric.SpinID, metric.LockWordID, metric.StageID, metric.CostID, metric.SpinCostID, metric.WordCostID,
		metric.MissPacketID:
		return true
	}
	return false
}

// perSample is what one sample of a main event is worth in a metric, 0 if it is none
// of samples.
func perSample(e *result.Event, id string) float64 {
	if e == nil || e.All.Busy.Samples == 0 {
		return 0
	}
	n := float64(e.All.Busy.Samples)
	switch id {
	case metric.SpinID, metric.LockWordID, metric.StageID:
		return 1 / n
	case metric.CostID, metric.SpinCostID, metric.WordCostID:
		if e.All.PerPacket.Measured() {
			return e.All.PerPacket.Value / n
		}
	}
	return 0
}

// leastShare is the smallest interesting share where there was none before:
// scaling.Options.LossLimit.
const leastShare = 0.001

func notRead(c *cell, side string, r *result.Run, id string, v metric.Value, unit string) *compare.Reason {
	name := metric.FormulaOf(id).Name
	if v.Measured() {
		return compare.Because(compare.DifferentKey, "%s, %s: %s of %s is in %s, of other runs in %s: left out",
			c.name(), side, name, r.Name, v.Unit, unit)
	}
	return compare.Because(compare.NoRuns, "%s, %s: %s of %s was not measured: %s", c.name(), side, name, r.Name,
		v.Missing.Why)
}
