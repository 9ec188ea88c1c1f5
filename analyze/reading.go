package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
)

// A reading is one number of a run as a whole.
type reading struct {
	id    string // of metric.Catalogue
	of    string // what it is a number of, if the run has several: "event L1-dcache-load-misses:k"
	value metric.Value
	total bool // grows with the length of the window: two runs cannot be compared by it
}

// readings are the numbers of a run that a comparison may test, in the order of
// a report.
func readings(r *Run) []reading {
	out := wholeReadings(r)
	for _, class := range r.Locks.classes() {
		for _, id := range []string{metric.ContentionID, metric.BounceID} {
			want := reading{id: id, of: lockPrefix + class}
			want.value = valueOf(r, want)
			out = append(out, want)
		}
	}
	return out
}

// wholeReadings are those that are not of a class of locks.
func wholeReadings(r *Run) []reading {
	out := []reading{
		{id: metric.RateID, value: r.Packets.Rate},
		{id: metric.PacketsID, value: r.Packets.Total, total: true},
	}
	if t := r.Traffic; t != nil {
		out = append(out, reading{id: metric.ThroughputID, value: t.Throughput}, reading{id: metric.LossID, value: t.Loss})
	}
	if e := r.Main(); e != nil {
		out = append(out,
			reading{id: metric.CostID, value: e.All.PerPacket},
			reading{id: metric.SpinID, value: e.All.SpinShare},
			reading{id: metric.LockWordID, value: e.All.LockWordShare},
			reading{id: metric.SpinCostID, value: partOf(metric.SpinCostID, e.All.SpinShare, e.All.PerPacket)},
			reading{id: metric.WordCostID, value: partOf(metric.WordCostID, e.All.LockWordShare, e.All.PerPacket)})
	}
	out = append(out,
		reading{id: metric.WaitPacketID, value: r.Locks.PerPkt},
		reading{id: metric.WaitsID, value: r.Locks.Waits, total: true},
		reading{id: metric.WaitID, value: r.Locks.WaitNS, total: true})
	if f := r.Finds; f != nil {
		out = append(out,
			reading{id: metric.FindPacketID, value: f.PerPacket},
			reading{id: metric.FindMeanID, value: f.Mean},
			reading{id: metric.FindP99ID, value: f.P99},
			reading{id: metric.WalkID, value: f.Walk},
			reading{id: metric.FallbackID, value: f.Fallback},
			reading{id: metric.WrongCPUID, value: f.WrongCPU},
			reading{id: metric.CacheEmptyID, value: f.CacheEmpty})
	}
	for _, m := range r.Misses {
		if m.CPU == allCPUs {
			of := "event " + m.Event
			out = append(out,
				reading{id: metric.MissPacketID, of: of, value: m.PerPacket},
				reading{id: metric.MPKCID, of: of, value: m.PerKiloCycle},
				reading{id: metric.MPKIID, of: of, value: m.PerKiloInstructions})
		}
	}
	return append(out, reading{id: metric.JainID, value: r.Packets.Jain})
}

// lockPrefix begins reading.of of locks, which are compared in a table of theirs.
const lockPrefix = "lock "

// ComparableIDs are the ids of the catalogue that every run has a number of, so
// that two sides can be compared by them: what a headline or a condition may
// name. What is made of many runs, as a speed-up, and what grows with the length
// of the window are not.
func ComparableIDs() []string {
	one := &Run{Traffic: &Traffic{}, Finds: &Finds{}, Events: []*Event{{}}, Misses: []Miss{{CPU: allCPUs}}, Locks: Locks{Rows: []Lock{{}}}}
	var out []string
	for _, r := range readings(one) {
		if r.id != "" && !r.total {
			out = appendNew(out, r.id)
		}
	}
	return out
}

// NotComparable says why two sides cannot be compared by an id, "" if they can.
func NotComparable(id string) string {
	known := ComparableIDs()
	catalogued := slices.ContainsFunc(metric.Catalogue(), func(f metric.Formula) bool { return f.ID == id })
	grows := slices.ContainsFunc(readings(&Run{}), func(r reading) bool { return r.id == id && r.total })
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
	return metric.Value{ID: id, Value: share.Value * cost.Value, Unit: cost.Unit, SE: share.SE * cost.Value, Samples: share.Samples, Doubt: cmp.Or(share.Doubt, cost.Doubt)}
}

// isShare reports whether a number moves when other parts of the whole do: with
// costs per packet beside it, a change of it is neither better nor worse.
func isShare(id string) bool { return id == metric.SpinID || id == metric.LockWordID }

// allCPUs is the CPU number of figures over all of them.
const allCPUs = -1

// same reports whether two readings are of the same number.
func (r reading) same(o reading) bool { return r.id == o.id && r.of == o.of }

// valueOf returns the run's value of a reading, not measured if it has none.
func valueOf(r *Run, want reading) metric.Value {
	if class, ok := strings.CutPrefix(want.of, lockPrefix); ok {
		if want.id == metric.ContentionID {
			return r.Locks.contentionOf(class)
		}
		return r.Locks.bounceOf(class)
	}
	for _, have := range wholeReadings(r) {
		if have.same(want) {
			return have.value
		}
	}
	return metric.NotMeasured(want.id, "", missingReading)
}

// formulaOf returns the catalogue's entry of an id.
func formulaOf(id string) metric.Formula {
	for _, f := range metric.Catalogue() {
		if f.ID == id {
			return f
		}
	}
	return metric.Formula{ID: id, Name: id}
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

// series sets one value a run against the other side's. name is a metric id.
func (c *cell) series(name, better string, of func(*Run) metric.Value) sided {
	var s sided
	for _, side := range []struct {
		name string
		runs []*Run
		to   *compare.Series
	}{{Before, c.before, &s.pair.Before}, {After, c.after, &s.pair.After}} {
		side.to.Name, side.to.Better = name, better
		sampled, counted, blocked := true, isCount(name), true
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
			side.to.PerCount = append(side.to.PerCount, perSample(r, name))
			side.to.Blocks = append(side.to.Blocks, r.Labels[blockLabel])
			sampled = sampled && v.SE > 0
			counted = counted && (v.Samples > 0 || v.Value == 0 && perSample(r, name) > 0)
			blocked = blocked && r.Labels[blockLabel] != ""
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
	}
	if s.pair.Before.Blocks == nil || s.pair.After.Blocks == nil {
		s.pair.Before.Blocks, s.pair.After.Blocks = nil, nil
	}
	return s
}

// isCount reports whether a metric is proportional to the samples behind it, so
// that their number has its error; of the others, as a share of lookups or a mean
// time, they are what it was taken over.
func isCount(id string) bool {
	switch id {
	case metric.SpinID, metric.LockWordID, metric.StageID, metric.CostID, metric.SpinCostID, metric.WordCostID, metric.MissPacketID:
		return true
	}
	return false
}

// perSample is what one sample of the main event is worth in a metric, 0 if it is
// none of samples.
func perSample(r *Run, id string) float64 {
	e := r.Main()
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

func notRead(c *cell, side string, r *Run, name string, v metric.Value, unit string) *compare.Reason {
	if v.Measured() {
		return compare.Because(compare.DifferentKey, "%s, %s: %s of %s is in %s, of other runs in %s: left out", c.name(), side, name, r.Name, v.Unit, unit)
	}
	return compare.Because(compare.NoRuns, "%s, %s: %s of %s was not measured: %s", c.name(), side, name, r.Name, v.Missing.Why)
}
