package analyze

import (
	"cmp"
	"math"
	"slices"

	"xfrmscope/collect/bundle"
)

// CPUTimes is what the kernel accounted to the measured CPUs, of /proc/stat: in
// ticks of 10 ms, which is what its shares are sure to.
type CPUTimes struct {
	CPUs  []CPUTime  `json:"cpus"`            // of the window, by CPU
	Steps []TimeStep `json:"steps,omitempty"` // of all of them together, once a second of the window
}

// A CPUTime is one CPU in the window.
type CPUTime struct {
	CPU      int               `json:"cpu"`
	Softirqs map[string]uint64 `json:"softirqs,omitempty"` // how often each kind ran in the window, of /proc/softirqs: "NET_RX"; none that did not
	TimeShares
}

// A TimeStep is the time from one read to the next. The first read is just
// before the window opened, the last just after it was shut.
type TimeStep struct {
	StartS float64 `json:"start_s"` // since the window opened
	EndS   float64 `json:"end_s"`
	TimeShares
}

// TimeShares is what a time was spent on, as ratios of what was accounted.
type TimeShares struct {
	Seconds float64 `json:"seconds"` // accounted, of all CPUs meant
	User    float64 `json:"user"`    // nice included
	System  float64 `json:"system"`
	Softirq float64 `json:"softirq"`
	IRQ     float64 `json:"irq"`
	Idle    float64 `json:"idle"` // iowait included
	Steal   float64 `json:"steal"`
}

const (
	procStat     = "/proc/stat"
	procSoftirqs = "/proc/softirqs"
)

// An accounted is CPU time, in ns.
type accounted struct{ user, system, softirq, irq, idle, steal uint64 }

// add adds a counter of /proc/stat.
func (a *accounted) add(name string, ns uint64) {
	switch name {
	case "user", "nice":
		a.user += ns
	case "system":
		a.system += ns
	case "softirq":
		a.softirq += ns
	case "irq":
		a.irq += ns
	case "idle", "iowait":
		a.idle += ns
	case "steal":
		a.steal += ns
	}
}

func (a accounted) busy() float64 { return float64(a.user+a.system+a.softirq+a.irq) / 1e9 }
func (a accounted) sum() float64  { return a.busy() + float64(a.idle+a.steal)/1e9 }

// shares are to four digits, which is more than ticks tell.
func (a accounted) shares() TimeShares {
	sum := a.sum()
	of := func(ns uint64) float64 { return math.Round(1e4*float64(ns)/1e9/sum) / 1e4 }
	return TimeShares{Seconds: math.Round(1e3*sum) / 1e3, User: of(a.user), System: of(a.system), Softirq: of(a.softirq), IRQ: of(a.irq), Idle: of(a.idle), Steal: of(a.steal)}
}

// A cpuTime is what the kernel accounted one CPU in the window.
type cpuTime struct {
	cpu int
	accounted
}

// cpuTimes returns what /proc/stat counted, by CPU. Counters that went
// backwards count as nothing.
func cpuTimes(deltas []delta) []cpuTime {
	var out []cpuTime
	byCPU := map[int]int{}
	for _, d := range deltas {
		if d.Source != procStat || d.CPU == nil {
			continue
		}
		at, ok := byCPU[*d.CPU]
		if !ok {
			at = len(out)
			byCPU[*d.CPU] = at
			out = append(out, cpuTime{cpu: *d.CPU})
		}
		out[at].add(d.Name, d.Value)
	}
	return out
}

// newCPUTimes returns the times of the measured CPUs; nil if they were not read
// at both ends.
func newCPUTimes(r *Run, in input) *CPUTimes {
	w, cpus := r.Manifest.Window, r.Manifest.Plan.CPUs
	t := &CPUTimes{Steps: timeSteps(timeReads(in.counters, w, cpus), w)}
	for _, c := range cpuTimes(in.deltas) {
		if cpus.Contains(c.cpu) && c.sum() > 0 {
			t.CPUs = append(t.CPUs, CPUTime{c.cpu, softirqs(in.deltas, c.cpu), c.shares()})
		}
	}
	if len(t.CPUs) == 0 {
		return nil
	}
	slices.SortFunc(t.CPUs, func(a, b CPUTime) int { return cmp.Compare(a.CPU, b.CPU) })
	return t
}

func softirqs(deltas []delta, cpu int) map[string]uint64 {
	var out map[string]uint64
	for _, d := range deltas {
		if d.Source == procSoftirqs && d.CPU != nil && *d.CPU == cpu && d.Value > 0 {
			if out == nil {
				out = map[string]uint64{}
			}
			out[d.Name] = d.Value
		}
	}
	return out
}

// A timeRead is the CPU times at one moment.
type timeRead struct {
	at     int64
	values map[bundle.CounterKey]uint64
}

// timeReads returns the reads of the measured CPUs at the start, within and at
// the end of the window. Those in the phases of the probes are behind it.
func timeReads(rows []bundle.Counter, w bundle.Window, cpus bundle.CPUSet) []timeRead {
	var out []timeRead
	for i := range rows {
		c := &rows[i]
		within := c.TimeNS >= w.StartNS && c.TimeNS <= w.EndNS
		if c.Source != procStat || c.CPU == nil || !cpus.Contains(*c.CPU) || c.Phase == bundle.PhaseSample && !within {
			continue
		}
		if len(out) == 0 || out[len(out)-1].at != c.TimeNS {
			out = append(out, timeRead{c.TimeNS, map[bundle.CounterKey]uint64{}})
		}
		out[len(out)-1].values[c.Key()] = c.Value
	}
	return out
}

// minStep is the shortest step that ticks can tell something of.
const minStep = 500_000_000 // ns

// timeSteps pairs each read with the next.
func timeSteps(reads []timeRead, w bundle.Window) []TimeStep {
	var out []TimeStep
	for i := 0; i+1 < len(reads); {
		j := i + 1
		for j+1 < len(reads) && (reads[j].at-reads[i].at < minStep || reads[len(reads)-1].at-reads[j].at < minStep) {
			j++
		}
		var sum accounted
		for key, after := range reads[j].values {
			if before, ok := reads[i].values[key]; ok && after >= before {
				sum.add(key.Name, after-before)
			}
		}
		seconds := func(ns int64) float64 { return math.Round(float64(ns-w.StartNS)/1e6) / 1e3 }
		if sum.sum() > 0 {
			out = append(out, TimeStep{seconds(reads[i].at), seconds(reads[j].at), sum.shares()})
		}
		i = j
	}
	return out
}
