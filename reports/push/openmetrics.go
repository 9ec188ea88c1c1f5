package push

import (
	"bytes"
	"crypto/sha256"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports"
)

// Figures returns every number of a Result as gauges, sorted by name:
//
//	xfrmscope_ID                 the value, unit as label
//	xfrmscope_ID_standard_error  its standard error, where it has one
//	xfrmscope_not_measured       1 for a number that is not there; labels metric and why
//
// with the run's Labels and event, cpu ("all" or a number), about and name. A
// figure that was not measured is never a zero. withTime stamps each with the
// start of its run, as back-filling needs and a Pushgateway refuses.
func Figures(r *result.Result, withTime bool) []*dto.MetricFamily {
	f := families{byName: map[string]*dto.MetricFamily{}, seen: map[[sha256.Size]byte]bool{},
		pairs: map[Label]*dto.LabelPair{}, help: map[string]string{}}
	for _, formula := range metric.Catalogue() {
		f.help[formula.ID] = formula.Text
	}
	for n := range reports.Numbers(r) {
		labels := append(Labels(n.Run), Label{"event", n.Event}, Label{"cpu", cpuLabel(n.CPU)},
			Label{"about", n.About}, Label{"name", n.Name})
		var at time.Time
		if withTime {
			at = n.Run.Manifest.Started
		}
		if !n.Measured() {
			f.add("not_measured", "figures that are not there",
				append(labels, Label{"metric", n.ID}, Label{"why", n.Missing.Why}), 1, at)
			continue
		}
		labels = append(labels, Label{"unit", n.Unit})
		f.add(n.ID, f.help[n.ID], labels, n.Value.Value, at)
		if n.SE > 0 {
			f.add(n.ID+"_standard_error", "standard error of "+n.ID, labels, n.SE, at)
		}
	}
	out := make([]*dto.MetricFamily, 0, len(f.byName))
	for _, family := range f.byName {
		out = append(out, family)
	}
	slices.SortFunc(out, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return out
}

func cpuLabel(cpu int) string {
	if cpu < 0 {
		return "all"
	}
	return strconv.Itoa(cpu)
}

// families collects metrics. Two with the same labels cannot be told apart by
// a server, which refuses the second: the first is kept.
type families struct {
	byName map[string]*dto.MetricFamily
	seen   map[[sha256.Size]byte]bool
	pairs  map[Label]*dto.LabelPair // there are few, and ten of them on each of 100,000 figures
	help   map[string]string
}

func (f *families) add(id, help string, labels []Label, value float64, at time.Time) {
	name := "xfrmscope_" + labelName(id)
	m := &dto.Metric{Gauge: &dto.Gauge{Value: &value}}
	key := name
	for _, l := range labels {
		if l.Value == "" {
			continue
		}
		l.Value = strings.ToValidUTF8(l.Value, "\uFFFD")
		if f.pairs[l] == nil {
			f.pairs[l] = &dto.LabelPair{Name: &l.Name, Value: &l.Value}
		}
		m.Label = append(m.Label, f.pairs[l])
		key += "\x00" + l.Name + "\x00" + l.Value
	}
	sum := sha256.Sum256([]byte(key))
	if f.seen[sum] {
		return
	}
	f.seen[sum] = true
	if !at.IsZero() {
		ms := at.UnixMilli()
		m.TimestampMs = &ms
	}
	if f.byName[name] == nil {
		f.byName[name] = &dto.MetricFamily{Name: &name, Help: &help, Type: dto.MetricType_GAUGE.Enum()}
	}
	f.byName[name].Metric = append(f.byName[name].Metric, m)
}

// OpenMetrics writes the figures as OpenMetrics text, each at the time of its
// run.
func OpenMetrics(w io.Writer, r *result.Result) error {
	return encode(w, r, true, expfmt.NewFormat(expfmt.TypeOpenMetrics))
}

func encode(w io.Writer, r *result.Result, withTime bool, format expfmt.Format) error {
	enc := expfmt.NewEncoder(w, format)
	for _, family := range Figures(r, withTime) {
		if err := enc.Encode(family); err != nil {
			return err
		}
	}
	if c, ok := enc.(expfmt.Closer); ok {
		return c.Close()
	}
	return nil
}

// text is the figures without times, as a Pushgateway takes them.
func text(r *result.Result) ([]byte, error) {
	var b bytes.Buffer
	err := encode(&b, r, false, expfmt.NewFormat(expfmt.TypeTextPlain))
	return b.Bytes(), err
}
