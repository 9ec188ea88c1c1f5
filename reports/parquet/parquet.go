// Package parquet writes the samples, cache lines and figures of runs as tables
// for DuckDB, ClickHouse or Spark. A name of a column ends with its unit where it
// has one; what was not measured is null. All tables begin with the columns of
// their run:
//
//	run, side, mode, repeat, host, kernel   text
//	n             CPUs measured
//	started_ns    Unix time
//
//	samples.parquet   a row for each stack, CPU and task of each event
//	  event, unit     what was sampled, and what weight counts
//	  cpu, pid, tid, comm, stage
//	  function, module, stack   the leaf; the stack is ROOT;...;LEAF
//	  samples, weight
//	  cpu_time_ns     weight, of events that sample time
//	lines.parquet     a row for each field whose cache lines moved between CPUs
//	  source, field
//	  transfers_per_packet, transfers_per_packet_se, cycles_per_packet
//	  share_ratio     of all transfers
//	  apart_ratio     of the field's: false sharing
//	metrics.parquet   a row for each line of results.csv
//	  event, cpu, about, name, metric, value, se, unit, samples, not_measured, basis
package parquet

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	pq "github.com/parquet-go/parquet-go"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports"
	"xfrmscope/reports/view"
)

// Names returns the names of the tables.
func Names() []string { return []string{"samples.parquet", "lines.parquet", "metrics.parquet"} }

// rowGroup is how many rows are held before they are written.
const rowGroup = 1 << 16

// A runColumns is what every row says of its run.
type runColumns struct {
	Run       string `parquet:"run,dict"`
	Side      string `parquet:"side,dict"`
	Mode      string `parquet:"mode,dict"`
	N         int32  `parquet:"n"`
	Repeat    string `parquet:"repeat,dict"`
	Host      string `parquet:"host,dict"`
	Kernel    string `parquet:"kernel,dict"`
	StartedNS int64  `parquet:"started_ns"`
}

func columnsOf(r *result.Run) runColumns {
	c := runColumns{Run: text(r.Name), Side: text(r.Side), Mode: text(r.Mode), N: int32(r.N),
		Repeat: text(r.Labels[bundle.LabelRepeat]), Host: text(r.Manifest.Host.Name),
		Kernel: text(r.Manifest.Host.Kernel)}
	if !r.Manifest.Started.IsZero() {
		c.StartedNS = r.Manifest.Started.UnixNano()
	}
	return c
}

type sampleRow struct {
	runColumns
	Event     string `parquet:"event,dict"`
	Unit      string `parquet:"unit,dict"`
	CPU       *int32 `parquet:"cpu,optional"`
	PID       *int32 `parquet:"pid,optional"`
	TID       *int32 `parquet:"tid,optional"`
	Comm      string `parquet:"comm,dict"`
	Stage     string `parquet:"stage,dict"`
	Function  string `parquet:"function,dict"`
	Module    string `parquet:"module,dict"`
	Stack     string `parquet:"stack,dict"`
	Samples   int64  `parquet:"samples"`
	Weight    int64  `parquet:"weight"`
	CPUTimeNS *int64 `parquet:"cpu_time_ns,optional"`
}

type lineRow struct {
	runColumns
	Source      string   `parquet:"source,dict"`
	Field       string   `parquet:"field,dict"`
	Transfers   *float64 `parquet:"transfers_per_packet,optional"`
	TransfersSE *float64 `parquet:"transfers_per_packet_se,optional"`
	Cycles      *float64 `parquet:"cycles_per_packet,optional"`
	Share       *float64 `parquet:"share_ratio,optional"`
	Apart       *float64 `parquet:"apart_ratio,optional"`
}

type metricRow struct {
	runColumns
	Event       string   `parquet:"event,dict"`
	CPU         *int32   `parquet:"cpu,optional"`
	About       string   `parquet:"about,dict"`
	Name        string   `parquet:"name,dict"`
	Metric      string   `parquet:"metric,dict"`
	Value       *float64 `parquet:"value,optional"`
	SE          *float64 `parquet:"se,optional"`
	Unit        string   `parquet:"unit,dict"`
	Samples     int64    `parquet:"samples"`
	NotMeasured *string  `parquet:"not_measured,optional,dict"`
	Basis       string   `parquet:"basis,dict"`
}

// Tables are being written. Whoever creates them closes them.
type Tables struct {
	dir     string
	files   []*os.File // in the order of Names, under names of their own until all are whole
	samples *pq.GenericWriter[sampleRow]
	lines   *pq.GenericWriter[lineRow]
	metrics *pq.GenericWriter[metricRow]
	rows    []sampleRow
}

// Create begins the tables in dir, which it makes if needed.
func Create(dir string) (*Tables, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	t := &Tables{dir: dir}
	for _, name := range Names() {
		f, err := os.OpenFile(part(dir, name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
		if err != nil {
			t.Close()
			return nil, err
		}
		t.files = append(t.files, f)
	}
	t.samples = pq.NewGenericWriter[sampleRow](t.files[0], pq.Compression(&pq.Snappy),
		pq.MaxRowsPerRowGroup(rowGroup))
	t.lines = pq.NewGenericWriter[lineRow](t.files[1], pq.Compression(&pq.Snappy))
	t.metrics = pq.NewGenericWriter[metricRow](t.files[2], pq.Compression(&pq.Snappy),
		pq.MaxRowsPerRowGroup(rowGroup))
	return t, nil
}

func part(dir, name string) string { return filepath.Join(dir, "."+name+".part") }

// Close removes what was not finished.
func (t *Tables) Close() {
	for i, f := range t.files {
		f.Close()
		os.Remove(part(t.dir, Names()[i])) // of no effect once it is renamed
	}
	t.files = nil
}

// Samples adds those of a run: analyze.Options.Whole.
func (t *Tables) Samples(r *result.Run) error {
	of := columnsOf(r)
	for _, e := range r.Events {
		if e.Profile == nil {
			continue
		}
		if err := t.profile(of, e.Profile); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tables) profile(of runColumns, p *profile.Profile) error {
	classes := stage.NewClassifier(stage.Default(), p)
	stacks := make([]sampleRow, len(p.Stacks)) // what the rows of one stack have in common
	for i, s := range p.Stacks {
		row := sampleRow{runColumns: of, Event: text(p.Event.Name), Unit: text(p.Event.Unit),
			Stage: classes.Name(classes.Of(s))}
		var names []string
		for _, location := range slices.Backward(s) {
			names = append(names, strings.ReplaceAll(text(p.FunctionName(location)), ";", ":"))
		}
		row.Stack = strings.Join(names, ";")
		if len(s) > 0 {
			row.Function = text(p.FunctionName(s[0]))
			if m := p.Locations[s[0]].Mapping; m >= 0 {
				row.Module = text(p.Mappings[m].File)
			}
		}
		stacks[i] = row
	}
	for i := range p.Cells {
		c := &p.Cells[i]
		row := stacks[c.Stack]
		row.CPU, row.PID, row.TID = known(c.CPU), known(c.PID), known(c.TID)
		if c.Comm >= 0 {
			row.Comm = text(p.Comms[c.Comm])
		}
		row.Samples, row.Weight = int64(c.Count), int64(c.Period)
		if p.Event.Unit == "nanoseconds" {
			ns := row.Weight
			row.CPUTimeNS = &ns
		}
		if t.rows = append(t.rows, row); len(t.rows) >= 1024 {
			if err := t.flush(); err != nil {
				return err
			}
		}
	}
	return t.flush()
}

func (t *Tables) flush() error {
	_, err := t.samples.Write(t.rows)
	clear(t.rows)
	t.rows = t.rows[:0]
	return err
}

// Finish writes the other tables and gives all of them their names, which it
// returns.
func (t *Tables) Finish(r *result.Result) ([]string, error) {
	for _, run := range r.Runs {
		if run == nil || run.Lines == nil {
			continue
		}
		for _, f := range run.Lines.Fields {
			row := lineRow{runColumns: columnsOf(run), Source: text(run.Lines.Source), Field: text(f.Name),
				Transfers: value(f.PerPacket), Cycles: value(f.Cycles), Share: value(f.Share),
				Apart: value(f.Apart)}
			if row.Transfers != nil {
				row.TransfersSE = &f.PerPacket.SE
			}
			if _, err := t.lines.Write([]lineRow{row}); err != nil {
				return nil, err
			}
		}
	}
	for n := range reports.Numbers(r) {
		row := metricRow{runColumns: columnsOf(n.Run), Event: text(n.Event), CPU: known(int32(n.CPU)),
			About: n.About, Name: text(n.Name), Metric: n.ID, Value: value(n.Value), Unit: text(n.Unit),
			Basis: text(view.Basis(n.Value))}
		if row.Value == nil {
			why := text(n.Missing.Why)
			row.NotMeasured = &why
		} else {
			row.SE, row.Samples = &n.SE, int64(n.Samples)
		}
		if _, err := t.metrics.Write([]metricRow{row}); err != nil {
			return nil, err
		}
	}
	err := errors.Join(t.samples.Close(), t.lines.Close(), t.metrics.Close())
	for _, f := range t.files {
		err = errors.Join(err, f.Close())
	}
	for _, name := range Names() {
		if err == nil {
			err = os.Rename(part(t.dir, name), filepath.Join(t.dir, name))
		}
	}
	if err != nil {
		return nil, err
	}
	return Names(), nil
}

// text is what every reader of the format takes.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// known is a number that recordings give as -1 if they do not have it.
func known(n int32) *int32 {
	if n < 0 {
		return nil
	}
	return &n
}

func value(v metric.Value) *float64 {
	if !v.Measured() || v.ID == "" {
		return nil
	}
	return &v.Value
}
