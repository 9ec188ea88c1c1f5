package scaling

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// seedCurve reads a table "flows,run_1 .. run_5,average" of the published
// per-CPU SA test, outside the project. Loss is in percent.
func seedCurve(t *testing.T, name, loss string) Curve {
	t.Helper()
	c := Curve{Name: name, Unit: "Gbit/s"}
	lost := map[int][]float64{}
	if loss != "" {
		for _, r := range seedRows(t, loss) {
			for _, v := range r[1:6] {
				lost[int(r[0])] = append(lost[int(r[0])], v/100)
			}
		}
	}
	for _, r := range seedRows(t, name) {
		n := int(r[0])
		c.Points = append(c.Points, Point{N: n, Values: r[1:6], Loss: lost[n]})
	}
	return c
}

func seedRows(t *testing.T, name string) [][]float64 {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "fixtures", "seed", "trex-20250728-"+name+".csv")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("the published test's tables are not here: %v", err)
	}
	r := csv.NewReader(strings.NewReader(string(text)))
	r.Comment = '#'
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]float64
	for _, record := range records {
		var row []float64
		for _, field := range record {
			v, err := strconv.ParseFloat(field, 64)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			row = append(row, v)
		}
		out = append(out, row)
	}
	return out
}

// What the published test says in words: pCPU is linear to 5 flows, one SA to
// 2, and the plateau of pCPU is the ceiling of the plain path; one SA's is not.
func TestPublishedTest(t *testing.T) {
	plain := seedCurve(t, "no-ipsec", "")
	for _, tt := range []struct {
		name, loss     string
		lastGood, knee int
		by             string
		ceiling        CeilingVerdict
	}{
		{"pcpu", "pcpu-lp", 5, 6, "loss", AtCeiling},
		{"one-sa", "", 2, 3, "efficiency", BelowCeiling},
	} {
		c := seedCurve(t, tt.name, tt.loss)
		s := Scale(c, Options{})
		if s.Knee.LastGood != tt.lastGood || s.Knee.N != tt.knee || s.Knee.By != tt.by || !s.Knee.Shown {
			t.Errorf("%s: knee %+v, want good to %d, past at %d by %s",
				tt.name, s.Knee, tt.lastGood, tt.knee, tt.by)
		}
		k := CompareCeiling(c, plain, Options{})
		t.Logf("%s: knee %d by %s (%s), plateau %+v; ceiling %.4f [%.4f, %.4f], %s, from %d on",
			tt.name, s.Knee.N, s.Knee.By, s.Knee.Text, s.Level, k.Ratio.Value, k.Ratio.Interval.Lo,
			k.Ratio.Interval.Hi, k.Verdict, k.Reached)
		if k.Verdict != tt.ceiling {
			t.Errorf("%s: %s at ratio %+v, want %s", tt.name, k.Verdict, k.Ratio, tt.ceiling)
		}
	}
}
