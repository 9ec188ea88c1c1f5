package reports

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// Benchfmt writes the runs in the Go benchmark format, for benchstat and its
// kin (golang.org/design/14313-benchmark-format):
//
//	BenchmarkXfrm/mode=pcpu/n=4 1 156949 ns/packet 17797 packets/s ...
//	BenchmarkXfrmStage/mode=pcpu/stage=crypto/n=4 1 15230 ns/packet 0.1 ratio
//	BenchmarkXfrmLine/mode=pcpu/field=xfrm_policy.refcnt/n=4 1 1.3 lines/packet ...
//	BenchmarkXfrmCPU/mode=pcpu/cpu=2/n=4 1 ...
//
// Repeats have one name. Labels of a run are parts of its name, a run without
// a mode has run=NAME. A number that is not to be believed has 1 in-doubt/UNIT
// beside it, below the bar so that nobody scales it. What was not measured is left
// out; a comment at the top says what was measured on and how many warnings there
// are. The processor, the event and what the cost is taken from are configuration:
// numbers of different ones are never compared.
//
//	benchstat -filter .name:Xfrm -row /n -col /mode benchfmt.txt
//
// In a comparison the side is configuration:
//
//	benchstat -filter .name:Xfrm -row ".name /mode /n" -col side -ignore event benchfmt.txt
func Benchfmt(w io.Writer, r *result.Result) error {
	runs := result.RunsPresent(r)
	if len(runs) > 0 {
		host, what := view.WhereText(runs)
		weak := len(view.Warnings(r).Kinds()) + len(view.Losses(r).Kinds())
		_, err := fmt.Fprintf(w, "# %s\n# %s\n# warnings and losses that weaken these numbers: %d, see "+
			"digest.txt\n", format.ASCII(host, 200), format.ASCII(what, 200), weak)
		if err != nil {
			return err
		}
	}
	b := benchList{asked: map[[2]string]bool{}}
	for _, run := range view.ByPMU(runs...) {
		b.run(run)
	}
	out := benchfmt.NewWriter(w)
	for _, u := range b.units {
		if err := out.Write(u); err != nil {
			return err
		}
	}
	for _, res := range b.results {
		if err := out.Write(res); err != nil {
			return err
		}
	}
	return nil
}

// A benchList collects results and the units they have.
type benchList struct {
	results []*benchfmt.Result
	units   []*benchfmt.UnitMetadata
	asked   map[[2]string]bool // units and ids that were looked up
}

// A benchValue is a metric and the unit it has in the benchmark format, where
// the unit is the name of the metric, too.
type benchValue struct {
	metric.Value
	unit string
}

func (b *benchList) run(r *result.Run) {
	config := benchConfig(r)
	a := view.AllCPUs(r)
	b.add(config, "Xfrm"+benchLabels(r), r.N, append(cpuValues(r.Packets.Headline(), a), lockValues(r)...))
	for _, s := range a.Stages {
		b.add(config, "XfrmStage"+benchLabels(r)+"/stage="+benchName(s.Name), r.N,
			[]benchValue{{s.PerPacket, s.PerPacket.Unit}, {s.Share, "ratio"}})
	}
	if r.Lines != nil {
		for _, f := range r.Lines.Fields {
			b.add(config, "XfrmLine"+benchLabels(r)+"/field="+benchName(f.Name), r.N,
				[]benchValue{{f.PerPacket, "lines/packet"}, {f.Share, "line-ratio"}})
		}
	}
	if e := r.Main(); e != nil {
		for _, c := range e.CPUs {
			b.add(config, fmt.Sprintf("XfrmCPU%s/cpu=%s", benchLabels(r),
				benchName(format.CPUNumber(c.CPU))), r.N, cpuValues(view.RateOfCPU(r, c.CPU), c))
		}
	}
}

func cpuValues(rate metric.Value, c result.CPU) []benchValue {
	return []benchValue{{c.PerPacket, c.PerPacket.Unit}, {rate, "packets/s"}, {c.SpinShare, "spin-ratio"},
		{c.LockWordShare, "lockword-ratio"}}
}

// lockValues are what the probe counted, and the cache misses.
func lockValues(r *result.Run) []benchValue {
	values := []benchValue{{r.Locks.PerPkt, "lock-wait-ns/packet"}, {r.Locks.Waits, "lock-waits"}}
	if r.Lines != nil {
		values = append(values, benchValue{r.Lines.PerPacket, "lines/packet"})
	}
	if t := r.Traffic; t != nil {
		values = append(values, benchValue{t.Throughput, "bit/s"}, benchValue{t.Loss, "loss-ratio"})
	}
	for _, m := range r.Misses {
		if m.CPU < 0 {
			event := benchName(m.Event)
			values = append(values, benchValue{m.PerKiloCycle, event + "/1000-cycles"},
				benchValue{m.PerKiloInstructions, event + "/1000-instructions"},
				benchValue{m.PerPacket, event + "/packet"})
		}
	}
	return values
}

// add appends a result of the values that were measured, if there are any. The
// number of CPUs ends the name: "-8" at its end would be read as GOMAXPROCS.
func (b *benchList) add(config []benchfmt.Config, name string, n int, values []benchValue) {
	res := &benchfmt.Result{Config: config, Name: benchfmt.Name(fmt.Sprintf("%s/n=%d", name, n)), Iters: 1}
	for _, v := range values {
		if v.ID == "" || !format.Finite(v.Value) {
			continue
		}
		unit := benchUnit(v.unit)
		res.Values = append(res.Values, benchfmt.Value{Value: v.Value.Value, Unit: unit})
		b.unit(unit, v.ID)
		if v.Doubt != "" {
			res.Values = append(res.Values, benchfmt.Value{Value: 1, Unit: "in-doubt/" + unit})
		}
	}
	if len(res.Values) > 0 {
		b.results = append(b.results, res)
	}
}

// unit says once of a unit whether less or more of it is better.
func (b *benchList) unit(unit, id string) {
	if b.asked[[2]string{unit, id}] ||
		slices.ContainsFunc(b.units, func(u *benchfmt.UnitMetadata) bool { return u.OrigUnit == unit }) {
		return
	}
	b.asked[[2]string{unit, id}] = true
	if f := metric.FormulaOf(id); f.Better != "" {
		key := benchfmt.UnitMetadataKey{Unit: unit, Key: "better"}
		b.units = append(b.units, &benchfmt.UnitMetadata{UnitMetadataKey: key, OrigUnit: unit, Value: f.Better})
	}
}

// benchConfig is what numbers must have in common to be compared.
func benchConfig(r *result.Run) []benchfmt.Config {
	var config []benchfmt.Config
	add := func(key, value string) {
		if value != "" {
			config = append(config, benchfmt.Config{Key: key, Value: []byte(format.ASCII(value, 120)),
				File: true})
		}
	}
	add("goarch", r.Manifest.Host.Arch)
	add("cpu", r.Manifest.Host.CPUModel)
	if e := r.Main(); e != nil {
		add("event", e.Name)
		add("cost", costBasis(e.All.PerPacket))
	}
	add(bundle.LabelSide, r.Side)
	return config
}

// costBasis is what a cost per packet is taken from, without how much of the time
// the samples cover, which differs between repeats; "" if there is no cost.
func costBasis(v metric.Value) string {
	if strings.HasPrefix(v.Basis, metric.ByAccounting) {
		return metric.ByAccounting
	}
	return view.Basis(v)
}

// benchLabels are the parts of a name that tell runs apart: the mode or the
// name, then the other labels but for the number of a repeat.
func benchLabels(r *result.Run) string {
	parts := "/run=" + benchName(r.Name)
	if r.Mode != "" {
		parts = "/mode=" + benchName(r.Mode)
	}
	for _, k := range slices.Sorted(maps.Keys(r.Labels)) {
		if k != bundle.LabelMode && k != bundle.LabelN && k != bundle.LabelRepeat {
			parts += "/" + benchName(k) + "=" + benchName(r.Labels[k])
		}
	}
	return parts
}

// benchUnit is benchName for a unit, which may hold '/'.
func benchUnit(s string) string {
	parts := strings.Split(s, "/")
	for i := range parts {
		parts[i] = benchName(parts[i])
	}
	return strings.Join(parts, "/")
}

// benchName returns s with '_' for what would end a name or part it: blanks,
// '/', '=', and what is not ASCII.
func benchName(s string) string {
	s = strings.Map(func(c rune) rune {
		if c <= ' ' || c > '~' || c == '/' || c == '=' {
			return '_'
		}
		return c
	}, format.ASCII(s, 80))
	return cmp.Or(s, "none")
}
