package lines

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// mostFields bounds what is told apart: beyond it lines without a name are one row.
const mostFields = 1 << 17

// otherLines is that row.
const otherLines = "other lines"

// A sampled is the samples of one field.
type sampled struct {
	n, period        float64 // that are transfers
	slab             float64 // of them named by slab cache
	weight, weighted float64 // sum of latencies, and of how many
	from             [places]float64
	cpus             map[int32]float64
	writers, readers map[string]float64 // writers: of all samples that write the field
	objects          map[string]float64
}

// A reading is all samples of memory accesses of a recording.
type reading struct {
	name   *Names
	cpu    cpuKind
	events []string
	ops    bool // all events sample ops alike: a period counts ops
	biased bool // a threshold chose the samples
	spe    bool // Arm's

	seen, transfers, period float64
	unknown                 float64 // of a CPU whose data sources are not known
	by                      [proofs]float64
	from                    [places]float64
	cpus                    map[int32]float64
	fields                  map[string]*sampled
}

// Sampled reads the memory accesses of a recording that were sampled, nil if it has no
// such event. r has the packets and what was counted; the error is a failure to read.
func Sampled(ctx context.Context, f *perfdata.File, n *Names, r *result.Run) (*result.Lines, error) {
	var events []string
	for _, e := range f.Events {
		if e.Memory() {
			events = append(events, e.Name)
		}
	}
	if len(events) == 0 {
		return nil, nil
	}
	read := newReading(events, f.Meta.CPUID, n)
	err := eachSample(ctx, f, func(s *perfdata.Sample) {
		if s.Event.Memory() {
			a := s.Access(&f.Meta)
			read.add(&a)
		}
	})
	if err != nil {
		return nil, err
	}
	return read.result(r), nil
}

// Printed reads the memory accesses of a text, nil if there are none. cpuid is as perf
// prints it, "" if it did not.
func Printed(accesses []perfdata.Access, cpuid string, n *Names, r *result.Run) *result.Lines {
	var events []string
	for i := range accesses {
		if !slices.Contains(events, accesses[i].Event) {
			events = append(events, accesses[i].Event)
		}
	}
	if len(events) == 0 {
		return nil
	}
	read := newReading(events, cpuid, n)
	for i := range accesses {
		read.add(&accesses[i])
	}
	return read.result(r)
}

func newReading(events []string, cpuid string, n *Names) *reading {
	r := &reading{name: n, events: events, cpu: cpuOf(cpuid), ops: true, cpus: map[int32]float64{},
		fields: map[string]*sampled{}}
	for _, e := range events {
		ibs := strings.HasPrefix(e, "ibs_op/")
		r.cpu.amd = r.cpu.amd || ibs
		r.ops = r.ops && ibs && strings.Contains(e, "cnt_ctl=1")
		r.spe = r.spe || strings.HasPrefix(e, "arm_spe")
		r.biased = r.biased || strings.Contains(e, "ldlat") || strings.Contains(e, "l3missonly") ||
			strings.Contains(e, "min_latency")
	}
	return r
}

// eachSample decodes all samples of a recording, in the order of its file.
func eachSample(ctx context.Context, f *perfdata.File, add func(*perfdata.Sample)) error {
	d, err := f.NewDecoder()
	if err != nil {
		return err
	}
	for b, err := range f.Blocks(ctx) {
		if err != nil {
			return err
		}
		if err := d.Decode(b, func(s *perfdata.Sample) error { add(s); return nil }); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) add(a *perfdata.Access) {
	t := classify(a.Source, r.cpu)
	r.seen++
	if a.SourceUnknown {
		r.unknown++
	}
	if t.from == nowhere && !a.Write {
		return
	}
	place := r.name.instruction(a)
	name := r.name.of(a, place)
	at := r.fields[name.field]
	if at == nil {
		if len(r.fields) >= mostFields {
			name = named{field: otherLines}
		}
		if at = r.fields[name.field]; at == nil {
			at = &sampled{cpus: map[int32]float64{}, writers: map[string]float64{},
				readers: map[string]float64{}, objects: map[string]float64{}}
			r.fields[name.field] = at
		}
	}
	if a.Write {
		at.writers[place.function]++
	}
	if t.from == nowhere {
		return
	}
	r.ops = r.ops && a.Period > 0 // a text need not print it
	at.n++
	at.period += float64(a.Period)
	at.from[t.from]++
	at.cpus[a.CPU]++
	at.readers[place.function]++
	if name.object != "" {
		at.objects[name.object]++
	}
	if name.slab {
		at.slab++
	}
	if a.Latency > 0 {
		at.weight += float64(a.Latency)
		at.weighted++
	}
	r.transfers++
	r.period += float64(a.Period)
	r.by[t.by]++
	r.from[t.from]++
	r.cpus[a.CPU]++
}

// result scales what was seen. A field that nothing was taken from is no row: its
// writers are of no transfer.
func (r *reading) result(run *result.Run) *result.Lines {
	l := &result.Lines{Source: "samples of " + strings.Join(r.events, ", "), Counts: r.counts(), Lacks: r.lacks()}
	scale := r.scale(run)
	l.PerPacket = scale.whole(r)
	for name, s := range r.fields {
		if s.n == 0 {
			continue
		}
		f := result.LineField{Name: name, PerPacket: scale.of(s, r), Share: r.share(s),
			Writers: parts(s.writers, sum(s.writers)), Readers: parts(s.readers,
				s.n), Objects: parts(s.objects, s.n),
			From: fromParts(s), Slab: s.slab / s.n,
			Apart: metric.NotMeasured(metric.ApartID, "ratio", bundle.Gap{What: "false sharing",
				Why: "a sample does not say which bytes the other CPU wrote"}),
		}
		f.Cycles = r.cycles(s, f.PerPacket)
		l.Fields = append(l.Fields, f)
	}
	sortFields(l.Fields)
	if len(l.Fields) == 0 { // no table of lines says what their lack means
		run.Warn("cache lines that move", "%s", l.Counts)
	}
	return l
}

func sum(of map[string]float64) float64 {
	total := 0.0
	for _, n := range of {
		total += n
	}
	return total
}

func fromParts(s *sampled) []result.LinePart {
	from := map[string]float64{}
	for p := near; p < places; p++ {
		from[p.String()] += s.from[p]
	}
	return parts(from, s.n)
}

// counts says how a sample was known to be a transfer, as CPUs tell it differently.
func (r *reading) counts() string {
	var list []string
	for p := modified; p < proofs; p++ {
		if r.by[p] > 0 {
			list = append(list, fmt.Sprintf("%.0f of %s", r.by[p], p))
		}
	}
	switch {
	case len(list) > 0:
		return fmt.Sprintf("of %.0f samples %.0f are transfers: %s",
			r.seen, r.transfers, strings.Join(list, ", "))
	case r.cpu.noHITM:
		return fmt.Sprintf("none of %.0f samples, but this CPU (Zen 3) cannot tell: that is not no sharing",
			r.seen)
	case r.seen == 0:
		return "no sample of a memory access"
	case r.unknown > 0:
		return fmt.Sprintf("none of %.0f samples, but this CPU's data sources are not known: "+
			"that is not no sharing", r.seen)
	}
	return fmt.Sprintf("none of %.0f samples: less than %.2g of the accesses sampled (95 %%)", r.seen, 3/r.seen)
}

// lacks says what the CPU cannot tell.
func (r *reading) lacks() string {
	var list []string
	if r.cpu.amd {
		list = append(list, "stores have no source on AMD: only the next reader's miss is seen",
			"a modified line that was shared once already (Owned) does not count as HITM")
	}
	if r.cpu.noHITM {
		list = append(list, "Zen 3 does not tell modified lines")
	}
	if r.spe {
		list = append(list, "stores do not tell where the line was")
	}
	if r.unknown > 0 {
		list = append(list, fmt.Sprintf("the data sources of the CPU that took %.0f of the samples are not "+
			"known: of them only accesses to another socket count, to its memory as to its caches",
			r.unknown))
	}
	if r.biased && r.spe {
		list = append(list, "a threshold (min_latency) chose slow accesses")
	} else if r.biased {
		list = append(list,
			"a threshold (ldlat, l3missonly) chose slow accesses; on Zen 5 it hides what stays in a CCX")
	}
	slabs := 0.0
	for _, f := range r.fields {
		slabs += f.slab
	}
	if slabs > 0 {
		list = append(list, fmt.Sprintf("%.0f are named by slab cache, by what lay there when the window "+
			"ended: no proof; general and merged caches (slab_nomerge) tell no field", slabs))
	}
	return strings.Join(list, "; ")
}

func (r *reading) share(s *sampled) metric.Value {
	p := s.n / r.transfers
	return ending(metric.Value{ID: metric.LineShareID, Value: p, Unit: "ratio", Samples: uint64(s.n),
		SE: max(math.Sqrt(p*(1-p)/r.transfers), r.spread(s)*p)}, r.transfers)
}

// ending ends the interval of a share of n samples where shares do; that of all of them is Wilson's, for they may be
// few.
func ending(v metric.Value, n float64) metric.Value {
	const z = 1.96
	switch half := v.Half(); {
	case v.Value >= 1 && n > 0:
		v.Low, v.High = n/(n+z*z), 1
	case v.Value+half > 1:
		v.Low, v.High = max(v.Value-half, 0), 1
	}
	return v
}

// spread is the relative error of a field's part, by how it differs between CPUs:
// samples of one CPU may come in clusters. 0 if one CPU was sampled.
func (r *reading) spread(s *sampled) float64 {
	m := float64(len(r.cpus))
	if m < 2 || s.n == 0 {
		return 0
	}
	p, squares := s.n/r.transfers, 0.0
	for cpu, n := range r.cpus { // linearised: the residual of each CPU's count
		d := s.cpus[cpu] - p*n
		squares += d * d
	}
	return math.Sqrt(m/(m-1)*squares) / s.n
}

// cycles is what waiting for a field's lines took, by the mean latency of its samples.
func (r *reading) cycles(s *sampled, perPacket metric.Value) metric.Value {
	missing := func(why string) metric.Value {
		return metric.NotMeasured(metric.LineCyclesID, "cycles/packet",
			bundle.Gap{What: "cycles of lines moved", Why: why})
	}
	switch {
	case !perPacket.Measured():
		return missing(perPacket.Missing.Why)
	case s.weighted == 0:
		return missing("the samples have no latency (perf record -W, perf script -F +weight)")
	}
	v := perPacket.Scaled(s.weight/s.weighted, "mean latency of its samples")
	v.ID, v.Unit = metric.LineCyclesID, "cycles/packet"
	return v
}

// poisson95 is the exact interval of a count.
func poisson95(n float64) (low, high float64) {
	if n > 0 {
		low = distuv.Gamma{Alpha: n, Beta: 1}.Quantile(0.025)
	}
	return low, distuv.Gamma{Alpha: n + 1, Beta: 1}.Quantile(0.975)
}
