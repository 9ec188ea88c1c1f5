package parquet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports"
	"xfrmscope/samples"
)

// write analyses an embedded sample into tables, with lines of its first run.
func write(t *testing.T) (dir string, r *result.Result) {
	t.Helper()
	fsys, err := samples.Open("pcpu")
	if err != nil {
		t.Fatal(err)
	}
	runs, err := bundle.OpenAllFS(fsys, "sample:pcpu")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	tables, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tables.Close()
	r, err = analyze.Runs(t.Context(), runs, analyze.Options{Whole: tables.Samples})
	if err != nil {
		t.Fatal(err)
	}
	r.Runs[0].Lines = &result.Lines{Source: "simulated", Fields: []result.LineField{{Name: "xfrm_state.lock",
		PerPacket: metric.Value{ID: "x", Value: 1.5, SE: 0.1, Unit: "transfers/packet"},
		Cycles:    metric.NotMeasured("y", "cycles/packet", bundle.Gap{Why: "no clock"})}}}
	if names, _ := filepath.Glob(filepath.Join(dir, "*.parquet")); len(names) > 0 {
		t.Errorf("%v are there before they are whole", names)
	}
	if _, err := tables.Finish(r); err != nil {
		t.Fatal(err)
	}
	return dir, r
}

func rows[T any](t *testing.T, dir, name string) []T {
	t.Helper()
	list, err := pq.ReadFile[T](filepath.Join(dir, name))
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return list
}

// TestRoundTrip: what is read back is what was analysed.
func TestRoundTrip(t *testing.T) {
	dir, r := write(t)
	weight := map[string]int64{}
	for _, row := range rows[sampleRow](t, dir, "samples.parquet") {
		weight[row.Run] += row.Weight
		if row.Stack == "" || !strings.HasSuffix(row.Stack, row.Function) ||
			(row.CPUTimeNS != nil) != (row.Unit == "nanoseconds") {
			t.Fatalf("row %+v", row)
		}
	}
	for _, run := range r.Runs {
		_, want := run.Main().Profile.Total()
		if len(run.Events) == 1 && weight[run.Name] != int64(want) {
			t.Errorf("%s: weight %d, want %d", run.Name, weight[run.Name], want)
		}
	}
	i, all := 0, rows[metricRow](t, dir, "metrics.parquet")
	for n := range reports.Numbers(r) {
		if i >= len(all) {
			break
		}
		row := all[i]
		i++
		if row.Run != n.Run.Name || row.Metric != n.ID || (row.Value != nil) != n.Measured() ||
			row.Value != nil && *row.Value != n.Value.Value || (row.NotMeasured == nil) != n.Measured() {
			t.Fatalf("row %d is %+v, want %+v", i, row, n)
		}
	}
	if i == 0 || i != len(all) {
		t.Errorf("%d rows of metrics, %d read", len(all), i)
	}
	lines := rows[lineRow](t, dir, "lines.parquet")
	if len(lines) != 1 || *lines[0].Transfers != 1.5 || lines[0].Cycles != nil {
		t.Errorf("lines %+v", lines)
	}
}

// TestAbandoned leaves nothing behind.
func TestAbandoned(t *testing.T) {
	dir := t.TempDir()
	tables, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	tables.Close()
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// TestDuckDB: DuckDB reads the tables, and answers the queries of `report --help`.
func TestDuckDB(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	if _, err := os.Stat("duckdb/node_modules"); err != nil {
		t.Skip("no DuckDB: `npm ci --prefix reports/parquet/duckdb` installs it")
	}
	dir, r := write(t)
	help, err := os.ReadFile("../../cmd/xfrmscope/report.go")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"duckdb/query.mjs",
		"select count(*) from 'out/metrics.parquet'",
		"select sum(weight) from 'out/samples.parquet' where event = '" + r.Runs[0].Main().Name + "'",
		"select field, transfers_per_packet, cycles_per_packet from 'out/lines.parquet'"}
	for line := range strings.Lines(string(help)) {
		if sql := strings.TrimSpace(line); strings.HasPrefix(sql, "select ") {
			args = append(args, sql)
		}
	}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "'out/", "'"+dir+"/")
	}
	out, err := exec.CommandContext(t.Context(), "node", args...).CombinedOutput()
	var answers [][][]any
	if err != nil || json.Unmarshal(out, &answers) != nil || len(answers) != len(args)-1 || len(answers) < 5 {
		t.Fatalf("%v: %d answers to %d queries\n%.2000s", err, len(answers), len(args)-1, out)
	}
	figures, weight := 0, uint64(0)
	for range reports.Numbers(r) {
		figures++
	}
	for _, run := range r.Runs {
		_, period := run.Main().Profile.Total()
		weight += period
	}
	got := fmt.Sprint(answers[:3])
	if want := fmt.Sprintf("[[[%d]] [[%d]] [[xfrm_state.lock 1.5 <nil>]]]", figures, weight); got != want {
		t.Errorf("DuckDB says %s, want %s", got, want)
	}
	for i, a := range answers[3:] {
		if len(a) == 0 {
			t.Errorf("%s: no row", args[i+4])
		}
	}
}
