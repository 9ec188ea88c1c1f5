package cost

import (
	"cmp"
	"math"
	"slices"

	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// An Times is CPU time, in ns.
type Times struct{ user, system, softirq, irq, Idle, steal uint64 }

// add adds a counter of /proc/stat.
func (a *Times) add(name string, ns uint64) {
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
		a.Idle += ns
	case "steal":
		a.steal += ns
	}
}

func (a Times) Busy() float64 { return float64(a.user+a.system+a.softirq+a.irq) / 1e9 }

func (a Times) Sum() float64 { return a.Busy() + float64(a.Idle+a.steal)/1e9 }

// shares are to four digits, which is more than ticks tell.
func (a Times) shares() result.TimeShares {
	sum := a.Sum()
	of := func(ns uint64) float64 { return math.Round(1e4*float64(ns)/1e9/sum) / 1e4 }
	return result.TimeShares{Seconds: math.Round(1e3*sum) / 1e3, User: of(a.user), System: of(a.system),
		Softirq: of(a.softirq), IRQ: of(a.irq), Idle: of(a.Idle), Steal: of(a.steal)}
}

// A AccountedCPU is what the kernel accounted one CPU in the window.
type AccountedCPU struct {
	CPU int
	Times
}

// Accounted returns what /proc/stat counted, by CPU. Counters that went
// backwards count as nothing.
func Accounted(deltas []packets.Delta) []AccountedCPU {
	var out []AccountedCPU
	byCPU := map[int]int{}
	for _, d := range deltas {
		if d.Source != packets.ProcStat || d.CPU == nil {
			continue
		}
		at, ok := byCPU[*d.CPU]
		if !ok {
			at = len(out)
			byCPU[*d.CPU] = at
			out = append(out, AccountedCPU{CPU: *d.CPU})
		}
		out[at].add(d.Name, d.Value)
	}
	return out
}

// NewCPUTimes returns the times of the measured CPUs; nil if they were not read
// at both ends.
func NewCPUTimes(r *result.Run, in packets.Rows) *result.CPUTimes {
	w, cpus := r.Manifest.Window, r.Manifest.Plan.CPUs
	t := &result.CPUTimes{Steps: timeSteps(timeReads(in.Counters, w, cpus), w)}
	for _, c := range Accounted(in.Deltas) {
		if cpus.Contains(c.CPU) && c.Sum() > 0 {
			t.CPUs = append(t.CPUs, result.CPUTime{CPU: c.CPU, Softirqs: softirqs(in.Deltas, c.CPU),
				TimeShares: c.shares()})
		}
	}
	if len(t.CPUs) == 0 {
		return nil
	}
	slices.SortFunc(t.CPUs, func(a, b result.CPUTime) int { return cmp.Compare(a.CPU, b.CPU) })
	return t
}

func softirqs(deltas []packets.Delta, cpu int) map[string]uint64 {
	var out map[string]uint64
	for _, d := range deltas {
		if d.Source == packets.ProcSoftirqs && d.CPU != nil && *d.CPU == cpu && d.Value > 0 {
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
	at   int64
	rows []*bundle.Counter
}

// timeReads returns the reads of the measured CPUs at the start, within and at
// the end of the window. Those in the phases of the probes are behind it.
func timeReads(rows []bundle.Counter, w bundle.Window, cpus bundle.CPUSet) []timeRead {
	var out []timeRead
	for i := range rows {
		c := &rows[i]
		within := c.TimeNS >= w.StartNS && c.TimeNS <= w.EndNS
		if c.Source != packets.ProcStat || c.CPU == nil || !cpus.Contains(*c.CPU) ||
			c.Phase == bundle.PhaseSample && !within {
			continue
		}
		if len(out) == 0 || out[len(out)-1].at != c.TimeNS {
			out = append(out, timeRead{at: c.TimeNS})
		}
		last := &out[len(out)-1]
		last.rows = append(last.rows, c)
	}
	return out
}

// minStep is the shortest step that ticks can tell something of.
const minStep = 500_000_000 // ns

// timeSteps pairs each read with the next.
func timeSteps(reads []timeRead, w bundle.Window) []result.TimeStep {
	var out []result.TimeStep
	for i := 0; i+1 < len(reads); {
		j := i + 1
		for j+1 < len(reads) && (reads[j].at-reads[i].at < minStep ||
			reads[len(reads)-1].at-reads[j].at < minStep) {
			j++
		}
		var sum Times
		for d := range packets.Grown(reads[i].rows, reads[j].rows) {
			sum.add(d.Name, d.Value)
		}
		seconds := func(ns int64) float64 { return math.Round(float64(ns-w.StartNS)/1e6) / 1e3 }
		if sum.Sum() > 0 {
			out = append(out, result.TimeStep{StartS: seconds(reads[i].at), EndS: seconds(reads[j].at),
				TimeShares: sum.shares()})
		}
		i = j
	}
	return out
}
