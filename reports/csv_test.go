package reports

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/testdata/sample"
)

// csvLines renders twice and reads the lines back.
func csvLines(t *testing.T, r *result.Result) [][]string {
	t.Helper()
	var b, again bytes.Buffer
	if err := CSV(&b, r); err != nil {
		t.Fatal(err)
	}
	if err := CSV(&again, r); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("a second render differs")
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(lines[0], csvHead()) {
		t.Errorf("head is %v", lines[0])
	}
	for _, l := range lines[1:] {
		if (l[8] == "") != (l[12] != "") {
			t.Errorf("a line has a value and a reason, or neither: %q", l)
		}
		if _, err := strconv.ParseFloat(l[8], 64); l[8] != "" && err != nil {
			t.Errorf("%q: %v", l, err)
		}
	}
	return lines[1:]
}

// csvFigure finds the one line with the given fields, by name of the column.
func csvFigure(t *testing.T, lines [][]string, want map[string]string) []string {
	t.Helper()
	var found [][]string
	for _, l := range lines {
		all := true
		for k, v := range want {
			all = all && l[slices.Index(csvHead(), k)] == v
		}
		if all {
			found = append(found, l)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d lines have %v", len(found), want)
	}
	return found[0]
}

func TestCSVHoldsTheNumbers(t *testing.T) {
	r := sample.WithPMU()
	run := r.Runs[5]
	lines := csvLines(t, r)
	e := run.Events[0]
	of := func(about, name, id, cpu string) map[string]string {
		return map[string]string{"run": run.Name, "about": about, "name": name, "metric": id, "cpu": cpu}
	}
	mainEvent := func(w map[string]string) map[string]string { w["event"] = e.Name; return w }
	for _, tt := range []struct {
		at   map[string]string
		want metric.Value
	}{
		{of("run", "", metric.RateID, "all"), run.Packets.Rate},
		{of("run", "", metric.WaitPacketID, "all"), run.Locks.PerPkt},
		{of("run", "", metric.EffectID, "all"), run.Locks.Effect},
		{mainEvent(of("run", "", metric.SpinID, "all")), e.All.SpinShare},
		{mainEvent(of("run", "", metric.CostID, "all")), e.All.PerPacket},
		{mainEvent(of("cpu", "", metric.SpinID, "2")), e.CPUs[2].SpinShare},
		{mainEvent(of("stage", e.All.Stages[1].Name, metric.StageID, "all")), e.All.Stages[1].Share},
		{mainEvent(of("function", "native_queued_spin_lock_slowpath", metric.CostID, "all")),
			e.All.Functions[0].PerPacket},
		{of("cache", "", metric.MPKIID, "3"), run.Misses[4].PerKiloInstructions},
	} {
		l := csvFigure(t, lines, tt.at)
		value, _ := strconv.ParseFloat(l[8], 64)
		se, _ := strconv.ParseFloat(l[10], 64)
		if value != tt.want.Value || se != tt.want.SE || l[9] != tt.want.Unit ||
			cmp.Or(l[11], "0") != strconv.FormatUint(tt.want.Samples, 10) {
			t.Errorf("%v is %v, want %+v", tt.at, l, tt.want)
		}
	}
	if l := csvFigure(t, lines, mainEvent(of("cpu", "", metric.CostID, "2"))); !strings.Contains(l[12],
		"do not tell CPUs apart") {
		t.Errorf("a missing value says %q", l[12])
	}
	at, cost := mainEvent(of("run", "", metric.CostID, "all")), &run.Events[0].All.PerPacket
	if l := csvFigure(t, lines, at); l[15] != "by samples" {
		t.Errorf("the basis of a cost is %q", l[15])
	}
	cost.Basis = metric.ByAccounting + "; samples cover 70 %"
	if l := csvFigure(t, csvLines(t, r), at); l[15] != "by /proc/stat; samples cover 70 %" {
		t.Errorf("the basis of a cost by accounting is %q", l[15])
	}
	if l := csvFigure(t, lines, of("SA", "esp 0x00001001 to 192.1.2.45", "packets",
		"all")); l[8] != strconv.FormatUint(run.SAs[0].DeltaPackets, 10) {
		t.Errorf("the SA has %v", l)
	}
	if l := csvFigure(t, lines, of("lock", "x->lock SPI 0x1001 0xffff888104a3c6d8", metric.WaitsID,
		"all")); l[8] != strconv.FormatUint(run.Locks.Rows[0].Waits, 10) {
		t.Errorf("the lock has %v", l)
	}
}

func TestCSVOfExtremes(t *testing.T) {
	for name, r := range sample.Extremes(t) {
		t.Run(name, func(t *testing.T) {
			for _, l := range csvLines(t, r) {
				for _, f := range []int{0, 1, 3, 6, 9, 12} {
					if l[f] != "" && strings.ContainsRune("=+-@", rune(l[f][0])) ||
						strings.ContainsAny(l[f], "\x00\x1b\n\r") {
						t.Fatalf("field %d is %q", f, l[f])
					}
				}
			}
		})
	}
	r := sample.One()
	r.Runs[0].Name = "=HYPERLINK(\"http://example.com\")"
	if l := csvLines(t, r)[0]; l[0] != `'=HYPERLINK("http://example.com")` {
		t.Errorf("a formula stands in the table: %q", l[0])
	}
}
