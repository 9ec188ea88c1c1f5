package analyze

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/sides"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The recorded samples give the same Result on every machine: every number that
// is compared, the sums that are checked, the curves and the findings.
func TestGoldenSamples(t *testing.T) {
	got := outline(analyse(t, sampleRuns(t)...))
	const path = "testdata/samples.golden"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		g, w := lineAt(gotLines, i), lineAt(wantLines, i)
		if g != w {
			t.Fatalf("%s:%d differs (go test -update rewrites it)\ngot  %s\nwant %s", path, i+1, g, w)
		}
	}
}

func lineAt(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(no line)"
}

// outline writes a Result as text, a number a line.
func outline(r *result.Result) []byte {
	var b bytes.Buffer
	for _, run := range r.Runs {
		fmt.Fprintf(&b, "run %s\n", run.Name)
		for _, x := range sides.Readings(run) {
			line(&b, strings.TrimSpace(x.ID+" "+x.Of.String()), x.Value)
		}
		line(&b, "effect of the wait probe", run.Locks.Effect)
		line(&b, "jain", run.Packets.Jain)
		for _, e := range run.Events {
			for _, s := range e.All.Stages {
				line(&b, e.Name+" stage "+s.Name, s.Share)
			}
			for _, s := range e.All.Functions[:min(8, len(e.All.Functions))] {
				line(&b, e.Name+" function "+s.Name, s.PerPacket)
			}
			for _, c := range e.CPUs {
				line(&b, fmt.Sprintf("%s CPU %d", e.Name, c.CPU), c.PerPacket)
			}
		}
		for _, l := range run.Locks.Rows[:min(4, len(run.Locks.Rows))] {
			line(&b, "lock "+l.Name+" acquisitions", l.Acquisitions)
			line(&b, "lock "+l.Name+" contention", l.Contention)
			line(&b, "lock "+l.Name+" wait", l.PerPkt)
			line(&b, "lock "+l.Name+" bounce", l.Bounce)
		}
		for _, i := range run.ConsistencyChecks {
			fmt.Fprintf(&b, "  sum %s: %s, residual %s %s\n", i.ID, i.Verdict, digits(i.Residual), i.Why)
		}
		for _, g := range run.Gates {
			fmt.Fprintf(&b, "  gate %s: %s, %s\n", g.ID, g.Status, g.Evidence)
		}
	}
	for _, c := range r.Curves {
		fmt.Fprintf(&b, "curve %s\n", c.Mode)
		if c.Scaling != nil {
			for _, row := range c.Scaling.Rows {
				fmt.Fprintf(&b, "  n=%d rate %s speedup %s efficiency %s\n", row.N,
					digits(row.Rate.Median), digits(row.Speedup.Value),
					digits(row.Efficiency.Value))
			}
		}
		for _, bill := range c.StageBreakdowns {
			for _, row := range bill.Rows {
				fmt.Fprintf(&b, "  bill %d to %d %s: %s to %s %s\n", bill.Base, bill.N, row.Key,
					digits(row.Base), digits(row.AtN), bill.Unit)
			}
		}
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "finding %s: %s\n", f.ID, f.Claim)
	}
	return b.Bytes()
}

func line(b *bytes.Buffer, name string, v metric.Value) {
	if !v.Measured() {
		fmt.Fprintf(b, "  %s: not measured: %s\n", name, v.Missing.Why)
		return
	}
	fmt.Fprintf(b, "  %s: %s +- %s %s, n %d\n", name, digits(v.Value), digits(v.SE), v.Unit, v.Samples)
}

// digits are as many as every machine agrees on.
func digits(v float64) string { return fmt.Sprintf("%.6g", v) }
