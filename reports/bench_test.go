package reports

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/testdata/sample"
	"xfrmscope/reports/view"
)

// benchText renders twice and reads every line back as benchstat does.
func benchText(t *testing.T, r *result.Result) (string, []*benchfmt.Result, benchfmt.UnitMetadataMap) {
	t.Helper()
	var b, again bytes.Buffer
	if err := Benchfmt(&b, r); err != nil {
		t.Fatal(err)
	}
	if err := Benchfmt(&again, r); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("a second render differs")
	}
	text := b.String()
	var results []*benchfmt.Result
	reader := benchfmt.NewReader(strings.NewReader(text), "bench.txt")
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			t.Errorf("%v", rec)
		case *benchfmt.Result:
			results = append(results, rec.Clone())
		}
	}
	if err := reader.Err(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(text, "\nBenchmark"); n != len(results) {
		t.Errorf("%d results of %d lines", len(results), n)
	}
	return text, results, reader.Units()
}

func TestBenchfmt(t *testing.T) {
	r := sample.WithPMU()
	run := r.Runs[5]
	run.Labels = map[string]string{"mode": "shared", "n": "4", "repeat": "2", "kernel": "6.18 + 1/2"}
	run.Events[0].All.PerPacket.Basis = metric.ByAccounting + "; samples cover 70 %"
	text, results, units := benchText(t, r)
	byName := map[string]*benchfmt.Result{}
	for _, res := range results {
		byName[string(res.Name)] = res
	}
	a := run.Events[0].All
	for _, tt := range []struct {
		name, unit string
		want       float64
	}{
		{"Xfrm/mode=shared/kernel=6.18_+_1_2/n=4", "packets/s", run.Packets.Rate.Value},
		{"Xfrm/mode=shared/kernel=6.18_+_1_2/n=4", "sec/packet", a.PerPacket.Value / 1e9},
		{"Xfrm/mode=shared/kernel=6.18_+_1_2/n=4", "spin-ratio", a.SpinShare.Value},
		{"Xfrm/mode=shared/kernel=6.18_+_1_2/n=4", "lock-wait-sec/packet", run.Locks.PerPkt.Value / 1e9},
		{"Xfrm/mode=shared/kernel=6.18_+_1_2/n=4", "L1-dcache-load-misses:k/1000-cycles", 11.25},
		{"XfrmStage/mode=pcpu/stage=SA_lookup/n=2", "ratio", stageShare(t, r.Runs[1], "SA lookup")},
		{"XfrmCPU/mode=pcpu/cpu=1/n=4", "packets/s", r.Runs[2].Packets.PerCPU[1].Value.Value},
	} {
		res := byName[tt.name]
		if res == nil {
			t.Errorf("no %s in\n%s", tt.name, text)
			continue
		}
		if got, ok := res.Value(tt.unit); !ok || got < tt.want*(1-1e-12) || got > tt.want*(1+1e-12) {
			t.Errorf("%s has %v %s, want %v", tt.name, got, tt.unit, tt.want)
		}
	}
	if got := byName["Xfrm/mode=pcpu/n=2"].GetConfig("cpu"); got != "QEMU Virtual CPU version 2.5+" {
		t.Errorf("cpu is %q", got)
	}
	for name, want := range map[string]string{"Xfrm/mode=pcpu/n=2": "by samples",
		"Xfrm/mode=shared/kernel=6.18_+_1_2/n=4": "by /proc/stat"} {
		if got := byName[name].GetConfig("cost"); got != want {
			t.Errorf("the cost of %s is %q, want %q", name, got, want)
		}
	}
	for unit, want := range map[string]int{"packets/s": 1, "ns/packet": -1, "spin-ratio": -1,
		"lock-wait-ns/packet": -1, "L1-dcache-load-misses:k/1000-cycles": -1, "ratio": 0} {
		if got := units.GetBetter(unit); got != want {
			t.Errorf("better of %s is %d, want %d", unit, got, want)
		}
	}
	if !strings.HasPrefix(text, "# host west, kernel 6.18.5") {
		t.Errorf("it begins with %.60q", text)
	}
}

func stageShare(t *testing.T, r *result.Run, name string) float64 {
	t.Helper()
	for _, s := range view.AllCPUs(r).Stages {
		if s.Name == name {
			return s.Share.Value
		}
	}
	t.Fatalf("%s has no stage %s", r.Name, name)
	return 0
}

func TestBenchfmtOfExtremes(t *testing.T) {
	for name, r := range sample.Extremes(t) {
		t.Run(name, func(t *testing.T) { benchText(t, r) })
	}
}

// TestBenchstatReadsIt compares two modes with the tool itself.
func TestBenchstatReadsIt(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "benchstat")
	if out, err := exec.Command("go", "build", "-o", tool,
		"golang.org/x/perf/cmd/benchstat").CombinedOutput(); err != nil {
		t.Fatalf("building benchstat: %v\n%s", err, out)
	}
	for _, tt := range []struct {
		r    *result.Result
		args []string
		want []string
	}{
		{sample.Sweep(), []string{"-row", ".name /n", "-col", "/mode"}, []string{"packets/s", "shared"}},
		{sample.Comparison(t, 4), []string{"-row", ".name /mode /n", "-col", "side"},
			[]string{"packets/s", "before", "after", "+30.00% (p=0.029 n=4)"}},
	} {
		file := filepath.Join(t.TempDir(), "bench.txt")
		text, _, _ := benchText(t, tt.r)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(tool, append(tt.args, "-filter", ".name:Xfrm", file)...).CombinedOutput()
		for _, want := range tt.want {
			if err != nil || !strings.Contains(string(out), want) {
				t.Errorf("benchstat: %v, want %q in\n%s", err, want, out)
			}
		}
	}
}
