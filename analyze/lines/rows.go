package lines

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// New adds up the rows of a simulated machine, nil if there are none. Nothing of
// them is sampled: each transfer to one of the CPUs was counted.
func New(rows []bundle.Line, cpus bundle.CPUSet, packets metric.Value, lacks string) *result.Lines {
	if len(rows) == 0 {
		return nil
	}
	l := &result.Lines{Source: "simulated", Lacks: lacks,
		Counts: "every access of the measured CPUs that another CPU's cache answered"}
	fields := map[string]*field{}
	var whole field
	for _, row := range rows {
		f := fields[row.Read]
		if f == nil {
			f = newField()
			fields[row.Read] = f
		}
		f.add(row)
		whole.tally.add(row)
	}
	l.PerPacket = perPacket(metric.TransferID, "transfers/packet", whole.transfers, packets)
	l.Aside = aside(rows, cpus, packets)
	for name, f := range fields {
		l.Fields = append(l.Fields, f.result(name, whole.tally, packets))
	}
	sortFields(l.Fields)
	l.Foreign = foreign(rows, packets)
	return l
}

// sortFields puts the most first.
func sortFields(fields []result.LineField) {
	slices.SortFunc(fields, func(a, b result.LineField) int {
		return cmp.Or(cmp.Compare(b.Share.Value, a.Share.Value), cmp.Compare(a.Name, b.Name))
	})
}

// A tally is sums over rows.
type tally struct{ transfers, apart float64 }

func (t *tally) add(row bundle.Line) {
	t.transfers += float64(row.Transfers)
	t.apart += float64(min(row.Apart, row.Transfers))
}

// A field is the rows of one, and whose they are.
type field struct {
	tally
	writers, readers, with, objects map[string]float64
}

func newField() *field {
	return &field{writers: map[string]float64{}, readers: map[string]float64{}, with: map[string]float64{},
		objects: map[string]float64{}}
}

func (f *field) add(row bundle.Line) {
	f.tally.add(row)
	n := float64(row.Transfers)
	f.writers[row.Writer] += n
	f.readers[row.Reader] += n
	if apart := min(row.Apart, row.Transfers); apart > 0 && row.Written != row.Read {
		f.with[row.Written] += float64(apart)
	}
	if o := row.Object.String(); o != "" {
		f.objects[o] += n
	}
}

func (f *field) result(name string, whole tally, packets metric.Value) result.LineField {
	out := result.LineField{Name: name,
		PerPacket: perPacket(metric.TransferID, "transfers/packet", f.transfers, packets),
		Share:     ratio(metric.LineShareID, f.transfers, whole.transfers),
		Apart:     ratio(metric.ApartID, f.apart, f.transfers),
		Writers:   parts(f.writers, f.transfers), Readers: parts(f.readers, f.transfers),
		With: parts(f.with, f.transfers), Objects: parts(f.objects, f.transfers),
	}
	out.Cycles = perPacket(metric.LineCyclesID, "cycles/packet", bundle.SimTransferCycles*f.transfers, packets)
	return out
}

// parts are the shares of a whole, the largest first.
func parts(of map[string]float64, whole float64) []result.LinePart {
	names := slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(cmp.Compare(of[b], of[a]), cmp.Compare(a, b))
	})
	var out []result.LinePart
	for _, name := range names {
		if whole > 0 && of[name] > 0 {
			out = append(out, result.LinePart{Name: name, Share: of[name] / whole})
		}
	}
	return out
}

func ratio(id string, part, whole float64) metric.Value {
	if whole <= 0 {
		return metric.NotMeasured(id, "ratio", bundle.Gap{What: "the share", Why: "no line moved"})
	}
	return metric.Value{ID: id, Value: part / whole, Unit: "ratio"}
}

func perPacket(id, unit string, n float64, packets metric.Value) metric.Value {
	if !packets.Measured() || packets.Value <= 0 {
		why := "no packet was sent"
		if !packets.Measured() {
			why = packets.Missing.Why
		}
		return metric.NotMeasured(id, unit, bundle.Gap{What: "lines per packet", Why: why})
	}
	return metric.Value{ID: id, Value: n / packets.Value, Unit: unit, Doubt: packets.Doubt}
}

// aside is what CPUs wrote that are not measured. Rows that such a CPU and a measured one
// wrote leave a range.
func aside(rows []bundle.Line, cpus bundle.CPUSet, packets metric.Value) metric.Value {
	var sure, open float64
	for _, row := range rows {
		measured := 0
		for _, cpu := range row.Writers {
			if slices.Contains(cpus, cpu) {
				measured++
			}
		}
		switch n := float64(row.Transfers); {
		case measured == len(row.Writers): // or it is not known who wrote
		case measured == 0:
			sure += n
		default:
			open += n
		}
	}
	v := perPacket(metric.AsideID, "transfers/packet", sure, packets)
	if v.Measured() && open > 0 {
		v.Low, v.High = v.Value, (sure+open)/packets.Value
	}
	return v
}

// foreign is what xfrm_state_find read of SAs that have a CPU of their own, when it
// ran on another: nil if no row says whose an SA is. A row that does not tell the
// owner from the others leaves a range.
func foreign(rows []bundle.Line, packets metric.Value) *result.ForeignSAs {
	var sure, open float64
	known, sas, fields := false, map[string]bool{}, map[string]float64{}
	for _, row := range rows {
		if row.Object.PCPU == nil || !strings.HasPrefix(row.Read, "xfrm_state.") {
			continue
		}
		known = true
		owner, n := *row.Object.PCPU, float64(row.Transfers)
		if row.Reader != "xfrm_state_find" {
			continue
		}
		// What the owner wrote last came to nobody but others.
		own := len(row.Writers) == 1 && row.Writers[0] == owner
		switch mayOwn := slices.Contains(row.Readers, owner); {
		case own || !mayOwn:
			sure += n
		case len(row.Readers) > 1:
			open += n
		default:
			continue
		}
		sas[row.Object.String()] = true
		fields[row.Read] += n
	}
	if !known {
		return nil
	}
	v := perPacket(metric.ForeignID, "transfers/packet", sure, packets)
	if v.Measured() && open > 0 {
		v.Low, v.High = v.Value, (sure+open)/packets.Value
	}
	return &result.ForeignSAs{SAs: len(sas), PerPacket: v, Fields: parts(fields, sure+open)}
}
