package finding

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	analyzed "xfrmscope/analyze/locks"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// lockFloor is the part of the cost of a packet, or of busy time, from which a
// lock is named.
const lockFloor = 0.01

// locks: which locks are waited for, and which are only slow because their cache
// line is elsewhere, in the run with most CPUs of each mode? The two have
// different cures: a lock that is waited for needs less work under it or fewer
// takers; a line that bounces needs a place of its own, or a taker that stays on
// one CPU. That a line bounces is said only of a fast path that is slower than on
// one CPU: an atomic instruction takes time there as well.
func locks(r *result.Result) []result.Finding {
	var out []result.Finding
	for _, run := range view.LastOfModes(r) {
		if f, ok := locksOf(r.Runs, run); ok {
			out = append(out, f)
		}
	}
	return out
}

func locksOf(all []*result.Run, run *result.Run) (result.Finding, bool) {
	cost := costNS(run)
	var spins, bounces, unclear, evidence []string
	unnamed, waits := 0, 0.0 // ns/packet
	for i := range run.Locks.Rows {
		l := &run.Locks.Rows[i]
		spin, bounce := judgeLock(l, cost)
		if !spin && !bounce {
			continue
		}
		if spin && l.PerPkt.Measured() {
			waits += l.PerPkt.Value
		}
		evidence = append(evidence, lockLine(l))
		switch {
		case spin && l.Name == "" && l.SPI == 0 && len(l.Callers) == 0:
			unnamed++
		case spin:
			spins = append(spins, l.Label())
		default:
			bounces = append(bounces, l.Label())
		}
	}
	bySamples := len(evidence) == 0
	for _, t := range takers(all, run) {
		spin, word := atLeast(t.spin, lockFloor), atLeast(t.word, lockFloor)
		if !spin && !word {
			continue
		}
		evidence = append(evidence, t.line(run.Main().Of()))
		switch name := "the lock taken by " + t.name; {
		case !bySamples || spin:
		case t.aboveFloor():
			bounces = append(bounces, name)
		default:
			unclear = append(unclear, name)
		}
	}
	if len(spins)+len(bounces)+len(unclear) == 0 {
		return result.Finding{}, false // what spins without a name, question spin says by its callers
	}
	if unnamed > 0 {
		spins = append(spins, format.Counted(unnamed, "lock")+" without a name")
	}
	f := result.Finding{
		ID:        result.OfALock,
		NotProven: "That removing it makes packets faster: what waits here may wait at the next lock instead.",
		Next:      "perf c2c or IBS on the lock's line: which other field of it is written, and by which CPU",
	}
	var parts []string
	if len(unclear) > 0 {
		parts = append(parts, listed(unclear)+plural(unclear, " is", " are")+
			" hardly waited for; the instruction or the cache line, samples cannot tell")
		f.NotProven = "What the time is: an atomic instruction takes some without any other CPU, " +
			"and the sample of a clock may stand behind what it is charged to."
		f.Next = "the same on 1 CPU, with the time probe: what is above it is not the instruction"
	}
	if len(bounces) > 0 {
		parts = slices.Insert(parts, 0, listed(bounces)+plural(bounces, " is", " are")+
			" hardly waited for, but slower than on 1 CPU, as by a cache line from another")
		f.NotProven += " That it is the line: a busy SMT sibling or a lower clock slows the fast path, too."
	}
	if len(spins) > 0 {
		parts = slices.Insert(parts, 0, listed(spins)+plural(spins, " spins", " spin")+": somebody holds it")
		f.Next = "look at who enters it (stacks) and how long it is held; " +
			"give each CPU an SA of its own where it is x->lock"
	}
	if most, ok := spinAtMost(run, cost); ok && len(spins) > 0 && waits > 2*most*cost.Value {
		parts = append(parts, fmt.Sprintf("but samples put %s %% of busy time at most in slow paths",
			format.Figures(100*most, 2)))
		evidence = append(evidence, fmt.Sprintf("waits by probe: %s of %s; by samples: %s of busy time",
			format.FourDigits(waits), format.Quantity(cost), format.Percent(run.Main().All.SpinShare)))
		f.NotProven = "That CPUs spin: a virtual CPU that the host did not run waits as long, " +
			"and the probe has a window of its own."
		f.Next = "the same on bare metal, or with steal time beside it (/proc/stat)"
	}
	f.Evidence = evidence
	f.Say(ofRun(run), "%s", strings.Join(parts, "; "))
	return f, true
}

// costNS is the cost of a packet, of a run whose samples are of time.
func costNS(run *result.Run) metric.Value {
	if e := run.Main(); e != nil && e.Unit == "nanoseconds" {
		return e.All.PerPacket
	}
	return metric.NotMeasured(metric.CostID, "ns/packet", result.MissingReading)
}

// spinAtMost is the upper end of what samples say of slow paths: of no sample,
// three (the 95 % limit of a Poisson count of 0).
func spinAtMost(run *result.Run, cost metric.Value) (share float64, ok bool) {
	e := run.Main()
	if e == nil || !e.All.SpinShare.Measured() || e.All.Busy.Samples == 0 || !cost.Measured() {
		return 0, false
	}
	_, high := e.All.SpinShare.Score()
	return max(high, e.All.SpinShare.Value+3/float64(e.All.Busy.Samples)), true
}

// atLeast reports whether the interval of a value is at a floor or above.
func atLeast(v metric.Value, floor float64) bool {
	return v.Measured() && v.Value-v.Half() >= floor
}

// judgeLock says whether a lock spins or, not spinning, bounces. One that stands
// on other locks' floor is not said to bounce.
func judgeLock(l *result.Lock, cost metric.Value) (spins, bounces bool) {
	heavy := func(v metric.Value) bool {
		return cost.Measured() && cost.Value > 0 && atLeast(v, lockFloor*cost.Value)
	}
	spins = heavy(l.PerPkt) || atLeast(l.Contention, lockFloor)
	waited := l.PerPkt.Measured() || l.Contention.Measured()
	return spins, !spins && waited && (l.Floor == nil || l.Floor.Own) && heavy(l.Bounce)
}

// lockLine is what the probes saw of a lock.
func lockLine(l *result.Lock) string {
	var parts []string
	for _, v := range []struct {
		what string
		metric.Value
	}{{"waits", l.PerPkt}, {"contended", l.Contention}, {"fast path above that on 1 CPU", l.Bounce}} {
		switch {
		case !v.Measured():
			parts = append(parts, v.what+": not measured")
		case v.Unit == "ratio":
			parts = append(parts, fmt.Sprintf("%s: %s of acquisitions", v.what, format.Percent(v.Value)))
		default:
			parts = append(parts, v.what+": "+format.Quantity(v.Value))
		}
	}
	line := l.Label() + ": " + strings.Join(parts, ", ")
	if l.Floor != nil && !l.Floor.Own {
		line += " (of " + l.Floor.Of + ": its own class was not timed there)"
	}
	return line
}

// A taker is a function that takes locks, by samples.
type taker struct {
	name       string
	spin, word metric.Value // share of busy time in slow and in fast paths it entered
	cost       metric.Value // word, a packet
	floor      metric.Value // cost on one CPU, the highest of the runs
}

// takers are the callers of slow and of fast paths of a run, heaviest first, on each PMU
// of a hybrid CPU.
func takers(all []*result.Run, run *result.Run) []taker {
	var out []taker
	mains := run.Mains()
	for _, e := range mains {
		if !e.Timed() {
			continue
		}
		of := takersOf(all, run, e)
		for i := range of {
			if len(mains) > 1 {
				of[i].name += " (" + e.Name + ")"
			}
		}
		out = append(out, of...)
	}
	slices.SortStableFunc(out, func(a, b taker) int {
		return cmp.Or(cmp.Compare(b.spin.Value+b.word.Value, a.spin.Value+a.word.Value),
			cmp.Compare(a.name, b.name))
	})
	return out
}

func takersOf(all []*result.Run, run *result.Run, e *result.Event) (out []taker) {
	for _, c := range e.All.SpinCallers {
		out = append(out, taker{name: c.Name, spin: c.Share,
			word: metric.Value{ID: metric.LockWordID, Unit: "ratio"}})
	}
	for _, c := range e.All.LockWordCallers {
		i := slices.IndexFunc(out, func(t taker) bool { return t.name == c.Name })
		if i < 0 {
			i = len(out)
			out = append(out, taker{name: c.Name, spin: metric.Value{ID: metric.SpinID, Unit: "ratio"}})
		}
		out[i].word, out[i].cost, out[i].floor = c.Share, c.PerPacket, wordFloor(all, run, e.Name, c.Name)
	}
	return out
}

// wordFloor is what the fast paths that a caller entered cost a packet on one
// CPU, the highest of the runs of the same mode, host and kernel.
func wordFloor(all []*result.Run, r *result.Run, event, caller string) metric.Value {
	floor := metric.NotMeasured(metric.WordCostID, "", bundle.Gap{What: "fast-path cost on one CPU",
		Why: "no run of one CPU of this mode, host and kernel has samples and packets"})
	for _, o := range all {
		e := o.Event(event)
		if r.N == 1 || o.N != 1 || !analyzed.Like(o, r) || o.Mode != r.Mode || e == nil ||
			!e.All.PerPacket.Measured() {
			continue
		}
		v := metric.Value{ID: metric.WordCostID, Unit: e.All.PerPacket.Unit} // not listed: no sample
		callers := e.All.LockWordCallers
		i := slices.IndexFunc(callers, func(s result.Share) bool { return s.Name == caller })
		switch {
		case i >= 0:
			v = callers[i].PerPacket
		case len(callers) == result.TopFunctions: // cut: no more than the last
			v = lastOf(callers).PerPacket
		}
		if !floor.Measured() || v.Value > floor.Value {
			floor = v
		}
	}
	return floor
}

// aboveFloor reports whether the fast path takes more than on one CPU, by
// lockFloor of busy time.
func (t taker) aboveFloor() bool {
	if !t.cost.Measured() || !t.floor.Measured() || t.cost.Unit != t.floor.Unit || t.cost.Value <= 0 {
		return false
	}
	more := t.cost.Value - t.floor.Value - math.Hypot(t.cost.Half(), t.floor.Half())
	return t.word.Value*more/t.cost.Value >= lockFloor
}

func (t taker) line(of string) string {
	var parts []string
	if t.spin.Measured() {
		parts = append(parts, fmt.Sprintf("slow path %s of %s", format.Percent(t.spin), of))
	}
	if t.word.Measured() {
		parts = append(parts, fmt.Sprintf("fast path %s of %s", format.Percent(t.word), of))
	}
	if t.word.Measured() && t.cost.Measured() && t.cost.Value > 0 {
		parts = append(parts, format.Quantity(t.cost))
		if t.floor.Measured() {
			parts = append(parts, format.Quantity(t.floor)+" on 1 CPU")
		}
	}
	return "taken by " + t.name + ": " + strings.Join(parts, ", ")
}
