package reports

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

func csvHead() []string {
	return []string{"run", "mode", "n", "event", "cpu", "about", "name", "metric", "value", "unit", "se",
		"samples", "not_measured", "side", "doubt", "basis", "low", "high", "caveats"}
}

// A Number is one number of a Result and where it stands.
type Number struct {
	Run   *result.Run
	Event string // the sampled event, "" for what is no sample
	CPU   int    // -1: all measured CPUs together
	About string // "run", "cpu", "stage", "function", "spin caller", "cache", "lock", "find", "field" or "SA"
	Name  string // of the stage, function, lock, field or SA
	metric.Value
}

// Numbers yields every number of a Result, run after run. Those that were not
// measured, or are none, have Missing set.
func Numbers(r *result.Result) iter.Seq[Number] {
	return func(yield func(Number) bool) {
		var list numbers // of one run at a time: those of all take more memory than the Result
		for _, run := range result.RunsPresent(r) {
			list.all = list.all[:0]
			list.run(run)
			for _, n := range list.all {
				if !yield(n) {
					return
				}
			}
		}
	}
}

// CSV writes every number of the Result, one to a line, at full precision:
//
//	run, mode, n   the run, its mode and the number of CPUs measured
//	event          the sampled event, "" for what is no sample
//	cpu            a CPU, "all" for all measured ones together
//	about          "run", "cpu", "stage", "function", "spin caller", "cache", "lock", "find", "field" or "SA"
//	name           of the stage, function, lock, field or SA
//	metric         an id of the catalogue, or what the probe or the SA counted
//	value, se      in unit; empty if not measured, se of a plain count
//	samples        behind the value, empty if it is not sampled
//	not_measured   why there is no value
//	side           "before" or "after" in a comparison
//	doubt          why the value is not to be believed: which cross-check it fails
//	basis          of a cost per packet, and of what is not taken from what its metric says first:
//	               "by samples", "by /proc/stat; samples cover 70 %"
//	low, high      where the value lies if all losses are to one side, if they leave that open
//	caveats        what else weakens it, words apart: "loss", "perf-effect",
//	               "probe-effect", "coverage", "warning"
//
// A text that a spreadsheet would take for a formula has an apostrophe in
// front.
func CSV(w io.Writer, r *result.Result) error {
	c := csv.NewWriter(w)
	if err := c.Write(csvHead()); err != nil {
		return err
	}
	var line []string
	for n := range Numbers(r) {
		line = csvLine(line[:0], n)
		if err := c.Write(line); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func csvLine(to []string, n Number) []string {
	on := "all"
	if n.CPU >= 0 {
		on = strconv.Itoa(n.CPU)
	}
	var value, se, samples, why, low, high string
	if n.Measured() {
		value = format.Exact(n.Value.Value)
		if n.Ranged() {
			low, high = format.Exact(n.Low), format.Exact(n.High)
		}
		if n.SE > 0 {
			se = format.Exact(n.SE)
		}
		if n.Samples > 0 {
			samples = strconv.FormatUint(n.Samples, 10)
		}
	} else {
		why = cmp.Or(n.Missing.Why, "not measured")
	}
	return append(to, format.SafeCell(n.Run.Name), format.SafeCell(n.Run.Mode), strconv.Itoa(n.Run.N),
		format.SafeCell(n.Event), on, n.About,
		format.SafeCell(n.Name), n.ID, value, format.SafeCell(n.Unit), se, samples, format.SafeCell(why),
		format.SafeCell(n.Run.Side), format.SafeCell(n.Doubt), format.SafeCell(view.Basis(n.Value)), low, high,
		strings.Join(checks.Caveats(n.Run, n.Event, n.Value), " "))
}

// numbers collects those of one run.
type numbers struct {
	all   []Number
	of    *result.Run
	event string
}

// allCPUs stands for all measured CPUs together.
const allCPUs = -1

func (c *numbers) run(r *result.Run) {
	c.of, c.event = r, ""
	c.value(allCPUs, "run", "", r.Packets.Total)
	c.value(allCPUs, "run", "", r.Packets.Headline())
	if p := r.Packets; p.Unperturbed != nil {
		p.Rate.ID = metric.SampledID
		c.value(allCPUs, "run", "", p.Rate)
	}
	if e := r.Packets.PerfEffect; e != nil {
		c.value(allCPUs, "run", "", *e)
	}
	for _, v := range r.Packets.PerCPU {
		c.value(v.CPU, "cpu", "", v.Value)
	}
	for _, e := range r.Events {
		c.event = e.Name
		c.cpu("run", e.Unit, &e.All)
		for i := range e.CPUs {
			c.cpu("cpu", e.Unit, &e.CPUs[i])
		}
	}
	for _, m := range r.Misses {
		c.event = m.Event
		for _, v := range []metric.Value{m.PerKiloCycle, m.PerKiloInstructions, m.PerPacket} {
			c.value(m.CPU, "cache", "", v)
		}
		for _, f := range m.Functions {
			c.value(m.CPU, "cache", f.Name, f.Value)
		}
	}
	for _, t := range r.Counted {
		c.event = t.Event
		for _, v := range []metric.Value{t.PerSecond, t.PerPacket, t.PerKiloCycle, t.Running} {
			c.value(allCPUs, "counted", "", v)
		}
	}
	c.event = ""
	c.lines(r.Lines)
	c.locks(&r.Locks)
	if f := r.Lookups; f != nil {
		for _, v := range []metric.Value{f.Calls, f.PerPacket, f.Fallback, f.WrongCPU, f.CacheEmpty, f.P50,
			f.P99, f.Mean, f.Walk} {
			c.value(allCPUs, "find", "", v)
		}
		c.count(allCPUs, "find", "", "find_no_sa", "calls", f.NoSA)
	}
	if t := r.Traffic; t != nil {
		c.value(allCPUs, "run", "", t.Throughput)
		c.value(allCPUs, "run", "", t.Loss)
	}
	for _, s := range r.SAs {
		if s.Deleted {
			continue // what it carried is not known
		}
		name := fmt.Sprintf("%s %s 0x%08x to %s", s.NetNS, s.Proto, s.SPI, s.Dst)
		cpu := allCPUs
		if s.PCPU != nil {
			cpu = int(*s.PCPU)
		}
		c.count(cpu, "SA", strings.TrimSpace(name), "packets", "packets", s.DeltaPackets)
		c.count(cpu, "SA", strings.TrimSpace(name), "bytes", "bytes", s.DeltaBytes)
	}
}

// cpu adds what one event says of one CPU, or of all.
func (c *numbers) cpu(about, unit string, a *result.CPU) {
	c.estimate(a.CPU, about, "total", unit, a.Total)
	c.estimate(a.CPU, about, "idle", unit, a.Idle)
	c.estimate(a.CPU, about, "busy", unit, a.Busy)
	for _, v := range []metric.Value{a.SpinShare, a.LockWordShare, a.PerPacket} {
		c.value(a.CPU, about, "", v)
	}
	for _, list := range []struct {
		about  string
		shares []result.Share
	}{{"stage", a.Stages}, {"function", a.Functions}, {"spin caller", a.SpinCallers}} {
		for _, s := range list.shares {
			c.value(a.CPU, list.about, s.Name, s.Share)
			if s.PerPacket.Measured() { // else the CPU's own line says why
				c.value(a.CPU, list.about, s.Name, s.PerPacket)
			}
		}
	}
}

func (c *numbers) lines(l *result.Lines) {
	if l == nil {
		return
	}
	c.value(allCPUs, "run", "", l.PerPacket)
	for _, f := range l.Fields {
		for _, v := range []metric.Value{f.PerPacket, f.Share, f.Apart, f.Cycles} {
			c.value(allCPUs, "field", f.Name, v)
		}
	}
	if l.Aside.ID != "" {
		c.value(allCPUs, "run", "", l.Aside)
	}
	if l.Foreign != nil {
		c.value(allCPUs, "run", "", l.Foreign.PerPacket)
	}
}

func (c *numbers) locks(l *result.Locks) {
	for _, v := range []metric.Value{l.Waits, l.WaitNS, l.PerPkt, l.Effect} {
		c.value(allCPUs, "run", "", v)
	}
	for _, p := range l.CPUs {
		c.count(p.CPU, "cpu", "", metric.WaitsID, "waits", p.Waits)
		c.count(p.CPU, "cpu", "", metric.WaitID, "ns", p.WaitNS)
		c.count(p.CPU, "cpu", "", "longest_wait_ns", "ns", p.MaxNS)
	}
	for _, k := range l.Rows {
		name := strings.TrimSpace(k.Name + " " + k.Lock)
		c.count(allCPUs, "lock", name, metric.WaitsID, "waits", k.Waits)
		c.count(allCPUs, "lock", name, metric.WaitID, "ns", k.WaitNS)
		c.count(allCPUs, "lock", name, "longest_wait_ns", "ns", k.MaxNS)
		for _, v := range []metric.Value{k.P50, k.P99, k.Acquisitions, k.Contention, k.Bounce} {
			c.value(allCPUs, "lock", name, v)
		}
	}
}

// estimate adds a sum of periods with its standard error.
func (c *numbers) estimate(cpu int, about, what, unit string, e metric.Estimate) {
	c.value(cpu, about, "", metric.Value{ID: what, Value: e.Period, SE: e.SE(), Unit: unit, Samples: e.Samples})
}

// count adds what was counted and not sampled.
func (c *numbers) count(cpu int, about, name, id, unit string, n uint64) {
	c.value(cpu, about, name, metric.Value{ID: id, Value: float64(n), Unit: unit})
}

// value adds a metric, or why there is none.
func (c *numbers) value(cpu int, about, name string, v metric.Value) {
	if v.ID == "" { // a Result that was not analysed
		return
	}
	if v.Measured() && !format.Finite(v) {
		v = metric.NotMeasured(v.ID, v.Unit, bundle.Gap{What: v.ID, Why: "the value is not a number"})
	}
	c.all = append(c.all, Number{c.of, c.event, cpu, about, name, v})
}
