package lines

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func sent(n float64) metric.Value {
	return metric.Value{ID: metric.PacketsID, Value: n, Unit: "packets"}
}

// The rows of a simulated run of 4 CPUs with per-CPU SAs, cut to the first 60.
func simulated(t *testing.T) []bundle.Line {
	t.Helper()
	data, err := os.ReadFile("testdata/pcpu-n4.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var rows []bundle.Line
	for line := range strings.Lines(string(data)) {
		var row bundle.Line
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

func TestGoldenRows(t *testing.T) {
	l := New(simulated(t), bundle.CPUSet{0, 1, 2, 3}, sent(1000), "no prefetch")
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s: %.4g per packet; %s\n", l.Source, l.Counts, l.PerPacket.Value, l.Lacks)
	for _, f := range l.Fields {
		fmt.Fprintf(&b, "%s %.4g per packet, %.1f %%, apart %.2f\n",
			f.Name, f.PerPacket.Value, 100*f.Share.Value,
			f.Apart.Value)
		fmt.Fprintf(&b, "  written by %v\n  read by %v\n  with %v\n", f.Writers, f.Readers, f.With)
	}
	const path = "testdata/pcpu-n4.golden"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || b.String() != string(want) {
		t.Errorf("%s differs (go test -update rewrites it): %v\n%s", path, err, b.String())
	}
}

// Every transfer is of one field: fields sum to the whole, whatever the rows.
func TestFieldsSum(t *testing.T) {
	l := New(simulated(t), nil, sent(1000), "")
	var perPacket, share float64
	for _, f := range l.Fields {
		perPacket += f.PerPacket.Value
		share += f.Share.Value
		var read float64
		for _, p := range f.Readers {
			read += p.Share
		}
		if math.Abs(read-1) > 1e-9 {
			t.Errorf("%s: readers sum to %v", f.Name, read)
		}
	}
	if math.Abs(perPacket-l.PerPacket.Value) > 1e-9 || math.Abs(share-1) > 1e-9 {
		t.Errorf("fields sum to %v of %v, shares to %v", perPacket, l.PerPacket.Value, share)
	}
}

func TestNothing(t *testing.T) {
	if l := New(nil, nil, sent(1), ""); l != nil {
		t.Errorf("no rows: %+v", l)
	}
	l := New([]bundle.Line{{Read: "a", Written: "a", Transfers: 3, Apart: 9}}, nil,
		metric.NotMeasured(metric.PacketsID, "packets", bundle.Gap{What: "packets", Why: "not counted"}), "")
	f := l.Fields[0]
	if l.PerPacket.Measured() || f.PerPacket.Measured() || f.Cycles.Measured() || f.Share.Value != 1 ||
		f.Apart.Value != 1 || len(f.With) != 0 {
		t.Errorf("without packets: %+v", l)
	}
}

func TestCycles(t *testing.T) {
	l := New([]bundle.Line{{Read: "a", Transfers: 3}, {Read: "b", Transfers: 1}}, nil,
		sent(10), "")
	if c := l.Fields[0].Cycles; c.Value != 30 || c.Unit != "cycles/packet" {
		t.Errorf("cycles %+v", c)
	}
}

// What xfrm_state_find reads of an SA that another CPU sends by is foreign; where a row
// has the owner among its readers and not as its only writer, it may not be.
func TestForeignSAs(t *testing.T) {
	one := 1
	row := func(readers, writers bundle.CPUSet, reader string, n uint64) bundle.Line {
		return bundle.Line{Read: "xfrm_state.pcpu_num",
			Reader: reader, Readers: readers, Writers: writers, Transfers: n,
			Object: bundle.LineObject{SPI: 0x1002, PCPU: &one}}
	}
	for _, test := range []struct {
		name      string
		row       bundle.Line
		low, high float64
		sas       int
	}{
		{"the owner wrote", row(bundle.CPUSet{0, 1, 2}, bundle.CPUSet{1}, "xfrm_state_find", 10), 1, 0, 1},
		{"only others read", row(bundle.CPUSet{0, 2}, bundle.CPUSet{0, 1}, "xfrm_state_find", 10), 1, 0, 1},
		{"not told", row(bundle.CPUSet{0, 1}, bundle.CPUSet{0, 1}, "xfrm_state_find", 10), 0, 1, 1},
		{"the owner reads", row(bundle.CPUSet{1}, bundle.CPUSet{0}, "xfrm_state_find", 10), 0, 0, 0},
		{"no lookup", row(bundle.CPUSet{0}, bundle.CPUSet{1}, "xfrm_output", 10), 0, 0, 0},
	} {
		x := New([]bundle.Line{test.row}, nil, sent(10), "").Foreign
		if x == nil || x.PerPacket.Value != test.low || x.PerPacket.High != test.high || x.SAs != test.sas {
			t.Errorf("%s: %+v", test.name, x)
		}
	}
	if x := New([]bundle.Line{{Read: "xfrm_state.lock", Reader: "xfrm_state_find", Transfers: 1}}, nil, sent(1),
		"").Foreign; x != nil {
		t.Errorf("nobody knows whose the SA is: %+v", x)
	}
}

// What a CPU wrote that is not measured is told from the rest, as far as rows tell it.
func TestAside(t *testing.T) {
	rows := []bundle.Line{{Read: "a", Transfers: 10, Writers: bundle.CPUSet{0, 1}},
		{Read: "a", Transfers: 5, Writers: bundle.CPUSet{2}}, {Read: "b", Transfers: 7}}
	l := New(rows, bundle.CPUSet{0, 1}, sent(10), "")
	if l.PerPacket.Value != 2.2 || l.Aside.Value != 0.5 || l.Aside.Ranged() {
		t.Errorf("%+v of %+v", l.Aside, l.PerPacket)
	}
	rows = append(rows, bundle.Line{Read: "c", Transfers: 3, Writers: bundle.CPUSet{1, 2}})
	if a := New(rows, bundle.CPUSet{0, 1}, sent(10), "").Aside; a.Low != 0.5 || a.High != 0.8 {
		t.Errorf("with a row of both: %+v", a)
	}
}

func TestPoints(t *testing.T) {
	run := func(n int, mode string, transfers ...uint64) *result.Run {
		var rows []bundle.Line
		for i, k := range transfers {
			rows = append(rows, bundle.Line{Read: string(rune('a' + i)), Transfers: k})
		}
		return &result.Run{N: n, Mode: mode, Lines: New(rows, nil, sent(10), "")}
	}
	p := Points([]*result.Run{run(1, "m"), run(2, "m", 10), run(2, "m", 20), run(2, "m", 30, 3)})
	if len(p) != 1 || p[0].N != 2 || p[0].Runs != 3 || p[0].Unit != "transfers/packet" {
		t.Fatalf("points %+v", p)
	}
	// 1, 2 and 3: mean 2, standard error 1/sqrt 3, t(0.975, 2) = 4.302653
	a := p[0].At("a")
	if a.Value != 2 || math.Abs(a.Interval.Hi-(2+4.302653/math.Sqrt(3))) > 1e-5 || a.Interval.Lo != 0 {
		t.Errorf("a: %+v", a)
	}
	if b := p[0].At("b"); math.Abs(b.Value-0.1) > 1e-12 {
		t.Errorf("a field that two runs lack: %+v", b)
	}
	if c := p[0].At("c"); c.Value != 0 || c.Interval.Known() {
		t.Errorf("no such field: %+v", c)
	}
	if p := Points([]*result.Run{run(2, "", 10), run(2, "", 20)}); len(p) != 2 || p[0].At("a").Interval.Known() {
		t.Errorf("runs without a mode repeat nothing: %+v", p)
	}
	half := metric.Value{ID: metric.LineShareID, Value: 0.7, Unit: "ratio", SE: 0.3}
	shares := &result.Lines{PerPacket: metric.NotMeasured("", "", bundle.Gap{Why: "no packets"}),
		Fields: []result.LineField{{Name: "a", Share: half}}}
	p = Points([]*result.Run{{N: 2, Mode: "m", Lines: shares}})
	if a := p[0].At("a"); a.Interval.Hi != 1 || math.Abs(a.Interval.Lo-(0.7-half.Half())) > 1e-12 {
		t.Errorf("more than all: %+v", a)
	}
}
