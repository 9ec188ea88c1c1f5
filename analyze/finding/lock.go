package finding

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

// A LockPoint is the evidence of one run, the one with most CPUs of its mode,
// for the question "which locks are waited for, and which are only slow because
// their cache line is elsewhere?".
type LockPoint struct {
	Mode    string
	Run     string
	N       int
	Cost    metric.Value // cost per packet, ns
	Spin    metric.Value // share of busy time in slow paths, by samples
	Busy    uint64       // samples that Spin is a share of
	Locks   []LockFacts  // heaviest wait first
	Callers []LockCaller // by samples, heaviest first
}

// LockFacts is what the probes saw of one lock.
type LockFacts struct {
	Name       string       // "x->lock SPI 0x1001", or an address
	Named      bool         // Name is more than an address
	Wait       metric.Value // ns/packet
	Contention metric.Value
	Bounce     metric.Value // ns/packet
	OtherFloor string       // the locks that Bounce stands on if they are not of this lock's class, "" if they are
}

// A LockCaller is a function that takes locks, by samples.
type LockCaller struct {
	Name  string
	Spin  metric.Value // share of busy time in slow paths it entered
	Word  metric.Value // share of busy time in fast paths it entered
	Cost  metric.Value // Word, a packet
	Floor metric.Value // Cost on one CPU, the highest of the runs
}

// LockFloor is the part of the cost of a packet, or of busy time, from which a
// lock is named.
const LockFloor = 0.01

// Locks says of each mode which locks spin and which are only slow. The two have
// different cures: a lock that is waited for needs less work under it or fewer
// takers; a line that bounces needs a place of its own, or a taker that stays on
// one CPU. That a line bounces is said only of a fast path that is slower than on
// one CPU: an atomic instruction takes time there as well.
func Locks(points []LockPoint) []result.Finding {
	var out []result.Finding
	for _, p := range points {
		if f, ok := locksOfMode(p); ok {
			out = append(out, f)
		}
	}
	return out
}

func locksOfMode(p LockPoint) (result.Finding, bool) {
	var spins, bounces, unclear, evidence []string
	unnamed, waits := 0, 0.0 // ns/packet
	for _, l := range p.Locks {
		spin, bounce, line := judgeLock(l, p.Cost)
		if !spin && !bounce {
			continue
		}
		if spin && l.Wait.Measured() {
			waits += l.Wait.Value
		}
		evidence = append(evidence, line)
		switch {
		case spin && !l.Named:
			unnamed++
		case spin:
			spins = append(spins, l.Name)
		default:
			bounces = append(bounces, l.Name)
		}
	}
	bySamples := len(evidence) == 0
	for _, c := range p.Callers {
		spin, word := atLeast(c.Spin, LockFloor), atLeast(c.Word, LockFloor)
		if !spin && !word {
			continue
		}
		evidence = append(evidence, callerLine(c))
		switch name := "the lock taken by " + c.Name; {
		case !bySamples || spin:
		case c.aboveFloor():
			bounces = append(bounces, name)
		default:
			unclear = append(unclear, name)
		}
	}
	if len(spins)+len(bounces)+len(unclear) == 0 {
		return result.Finding{}, false // what spins without a name, Spin says by its callers
	}
	if unnamed > 0 {
		spins = append(spins, counted(unnamed, "lock")+" without a name")
	}
	f := result.Finding{
		ID:        "lock",
		Evidence:  evidence,
		NotProven: "That removing it makes packets faster: what waits here may wait at the next lock instead.",
		Next:      "perf c2c or IBS on the lock's line: which other field of it is written, and by which CPU",
	}
	var parts []string
	if len(unclear) > 0 {
		parts = append(parts, listed(unclear)+plural(unclear, " is", " are")+" hardly waited for; the instruction or the cache line, samples cannot tell")
		f.NotProven = "What the time is: an atomic instruction takes some without any other CPU, and the sample of a clock may stand behind what it is charged to."
		f.Next = "the same on 1 CPU, with the time probe: what is above it is not the instruction"
	}
	if len(bounces) > 0 {
		parts = slices.Insert(parts, 0, listed(bounces)+plural(bounces, " is", " are")+" hardly waited for, but slower than on 1 CPU, as by a cache line from another")
		f.NotProven += " That it is the line: a busy SMT sibling or a lower clock slows the fast path, too."
	}
	if len(spins) > 0 {
		parts = slices.Insert(parts, 0, listed(spins)+plural(spins, " spins", " spin")+": somebody holds it")
		f.Next = "look at who enters it (stacks) and how long it is held; give each CPU an SA of its own where it is x->lock"
	}
	if most, ok := p.spinAtMost(); ok && len(spins) > 0 && waits > 2*most*p.Cost.Value {
		parts = append(parts, fmt.Sprintf("but samples put %.2g %% of busy time at most in slow paths", 100*most))
		evidence = append(evidence, fmt.Sprintf("waits by probe: %s of %s; by samples: %s of busy time", figure(waits), quantity(p.Cost), percent(p.Spin)))
		f.Evidence = evidence
		f.NotProven = "That CPUs spin: a virtual CPU that the host did not run waits as long, and the probe has a window of its own."
		f.Next = "the same on bare metal, or with steal time beside it (/proc/stat)"
	}
	f.Say(p.Mode+" on "+cpus(p.N), "%s", strings.Join(parts, "; "))
	return f, true
}

// spinAtMost is the upper end of what samples say of slow paths: of no sample,
// three (the 95 % limit of a Poisson count of 0).
func (p LockPoint) spinAtMost() (share float64, ok bool) {
	if !p.Spin.Measured() || p.Busy == 0 || !p.Cost.Measured() {
		return 0, false
	}
	return p.Spin.Value + max(2*p.Spin.SE, 3/float64(p.Busy)), true
}

// atLeast reports whether a value is at a floor or above, by two errors.
func atLeast(v metric.Value, floor float64) bool {
	return v.Measured() && v.Value-2*v.SE >= floor
}

// aboveFloor reports whether the fast path takes more than on one CPU, by
// LockFloor of busy time.
func (c LockCaller) aboveFloor() bool {
	if !c.Cost.Measured() || !c.Floor.Measured() || c.Cost.Unit != c.Floor.Unit || c.Cost.Value <= 0 {
		return false
	}
	more := c.Cost.Value - c.Floor.Value - 2*math.Hypot(c.Cost.SE, c.Floor.SE)
	return c.Word.Value*more/c.Cost.Value >= LockFloor
}

func plural(names []string, one, several string) string {
	if len(names) == 1 {
		return one
	}
	return several
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// judgeLock says whether a lock spins or, not spinning, bounces.
func judgeLock(l LockFacts, cost metric.Value) (spins, bounces bool, line string) {
	parts := []string{}
	heavy := func(v metric.Value) bool {
		return cost.Measured() && cost.Value > 0 && atLeast(v, LockFloor*cost.Value)
	}
	spins = heavy(l.Wait) || atLeast(l.Contention, LockFloor)
	waited := l.Wait.Measured() || l.Contention.Measured()
	bounces = !spins && waited && l.OtherFloor == "" && heavy(l.Bounce)
	for _, v := range []struct {
		what string
		metric.Value
	}{{"waits", l.Wait}, {"contended", l.Contention}, {"fast path above that on 1 CPU", l.Bounce}} {
		switch {
		case !v.Measured():
			parts = append(parts, v.what+": not measured")
		case v.Unit == "ratio":
			parts = append(parts, fmt.Sprintf("%s: %s of acquisitions", v.what, percent(v.Value)))
		default:
			parts = append(parts, v.what+": "+quantity(v.Value))
		}
	}
	if l.OtherFloor != "" {
		parts[len(parts)-1] += " (of " + l.OtherFloor + ": its own class was not timed there)"
	}
	return spins, bounces, l.Name + ": " + strings.Join(parts, ", ")
}

func callerLine(c LockCaller) string {
	var parts []string
	for _, v := range []struct {
		what string
		metric.Value
	}{{"slow path", c.Spin}, {"lock word", c.Word}} {
		if v.Measured() {
			parts = append(parts, fmt.Sprintf("%s %s of busy time", v.what, percent(v.Value)))
		}
	}
	if c.Word.Measured() && c.Cost.Measured() && c.Cost.Value > 0 {
		parts = append(parts, quantity(c.Cost))
		if c.Floor.Measured() {
			parts = append(parts, quantity(c.Floor)+" on 1 CPU")
		}
	}
	return "taken by " + c.Name + ": " + strings.Join(parts, ", ")
}

// MergeCallers joins the callers of slow paths and of fast paths by name,
// heaviest first.
func MergeCallers(spin, word []LockCaller) []LockCaller {
	none := func(id string) metric.Value { return metric.Value{ID: id, Unit: "ratio"} }
	out := slices.Clone(spin)
	for i := range out {
		out[i].Word = none(metric.LockWordID)
	}
	for _, w := range word {
		i := slices.IndexFunc(out, func(c LockCaller) bool { return c.Name == w.Name })
		if i < 0 {
			w.Spin = none(metric.SpinID)
			out = append(out, w)
			continue
		}
		out[i].Word, out[i].Cost, out[i].Floor = w.Word, w.Cost, w.Floor
	}
	slices.SortStableFunc(out, func(a, b LockCaller) int {
		return cmp.Or(cmp.Compare(b.Spin.Value+b.Word.Value, a.Spin.Value+a.Word.Value), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// listed names up to three things: "a, b and c", "a, b and 4 more".
func listed(names []string) string {
	switch n := len(names); {
	case n == 0:
		return ""
	case n == 1:
		return names[0]
	case n <= 3:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:2], ", "), len(names)-2)
}

// quantity prints a number with its unit, and its error or the range that losses
// leave.
func quantity(v metric.Value) string {
	switch {
	case v.Ranged():
		return fmt.Sprintf("%s..%s %s", figure(v.Low), figure(v.High), v.Unit)
	case v.SE > 0:
		return fmt.Sprintf("%s +- %s %s", figure(v.Value), figure(v.SE), v.Unit)
	}
	return figure(v.Value) + " " + v.Unit
}

// figure prints a number with four digits, large ones in full.
func figure(v float64) string {
	if math.Abs(v) >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g", v)
}
