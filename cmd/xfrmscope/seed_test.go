package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"xfrmscope/analyze/result"
)

// seedFiles are files of the published per-CPU SA test, which stands outside
// the project.
func seedFiles(t *testing.T, patterns ...string) []string {
	t.Helper()
	var out []string
	for _, p := range patterns {
		files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "fixtures", "seed", p))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) == 0 {
			t.Skipf("the published test's files are not here: no %s", p)
		}
		out = append(out, files...)
	}
	return out
}

func reportOn(t *testing.T, args ...string) *result.Result {
	t.Helper()
	dir := t.TempDir()
	code, _, stderr := cli(append([]string{"report", "-o", dir}, args...)...)
	if code != exitOK || stderr != "" {
		t.Fatalf("report %v: exit %d, stderr %s", args, code, stderr)
	}
	var r result.Result
	if err := json.Unmarshal([]byte(readFile(t, filepath.Join(dir, "results.json"))), &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// The published test, from its files alone: whether TRex's CSV, its JSON or
// both are given, and whether imported first or not.
func TestSeed(t *testing.T) {
	csvFiles, jsonFiles := seedFiles(t, "trex-*.csv"), seedFiles(t, "trex-*.json")
	sweep := filepath.Join(t.TempDir(), "sweep")
	if code, _, stderr := cli(append([]string{"import", "-o", sweep}, jsonFiles...)...); code != exitOK {
		t.Fatalf("import: exit %d, %s", code, stderr)
	}
	all := slices.Concat(csvFiles, jsonFiles, seedFiles(t, "*.svg"))
	for name, args := range map[string][]string{"CSV": csvFiles, "JSON": jsonFiles, "all": all, "sweep": {sweep}} {
		t.Run(name, func(t *testing.T) { checkSeed(t, name, reportOn(t, args...)) })
	}
	var words strings.Builder
	for _, f := range reportOn(t, jsonFiles...).Findings {
		fmt.Fprintln(&words, f.Claim)
	}
	golden(t, "seed-claims.txt", words.String())
}

func checkSeed(t *testing.T, name string, r *result.Result) {
	raw := rawSeed(t)
	for mode, want := range map[string]struct {
		lastGood int
		at       string // against the ceiling
	}{"pcpu": {5, "at the ceiling"}, "shared": {2, "below the ceiling"}, "plain": {lastGood: 7}} {
		i := slices.IndexFunc(r.Curves, func(c result.Curve) bool { return c.Mode == mode })
		if i < 0 {
			t.Errorf("no curve of %s", mode)
			continue
		}
		c := r.Curves[i]
		if len(c.Runs) != 80 || len(c.Scaling.Rows) != 16 || c.Scaling.Unit != "bit/s" {
			t.Errorf("%s: %d runs, %d N, unit %s: a run in a CSV and in a JSON is one run", mode,
				len(c.Runs), len(c.Scaling.Rows), c.Scaling.Unit)
		}
		for _, row := range c.Scaling.Rows {
			m := raw[mode][row.N]
			if row.Rate.N != 5 || math.Abs(row.Rate.Median/(1<<30)-m.rate) > 0.006 {
				t.Errorf("%s, %d flows: %d runs, median %.3f Gibit/s, by hand %.3f", mode, row.N,
					row.Rate.N, row.Rate.Median/(1<<30), m.rate)
			}
			if name == "CSV" && mode != "pcpu" {
				continue // the CSV of losses is that of pcpu
			}
			if row.Loss == nil || math.Abs(*row.Loss-m.loss) > 0.0001 {
				t.Errorf("%s, %d flows: loss %v, by hand %.4f", mode, row.N, row.Loss, m.loss)
			}
		}
		// By hand: the first N with less than 0.9 of N times one flow, or more than 0.1 % lost.
		knee := 1
		for ; knee <= 16 && raw[mode][knee].rate >= 0.9*float64(knee)*raw[mode][1].rate &&
			raw[mode][knee].loss <= 0.001; knee++ {
		}
		if name != "CSV" && c.Scaling.Knee.LastGood != knee-1 || mode == "pcpu" && knee-1 != want.lastGood {
			t.Errorf("%s: linear to %d, by hand to %d, want %d", mode, c.Scaling.Knee.LastGood, knee-1,
				want.lastGood)
		}
		if want.at == "" {
			continue
		}
		if c.Ceiling == nil || string(c.Ceiling.Verdict) != want.at {
			t.Errorf("%s: ceiling %+v, want %s", mode, c.Ceiling, want.at)
			continue
		}
		sum := 0.0
		for n := 10; n <= 16; n++ { // where all three are flat
			sum += raw[mode][n].rate / raw["plain"][n].rate / 7
		}
		if math.Abs(c.Ceiling.Ratio.Value-sum) > 0.005 {
			t.Errorf("%s: %.4f of the ceiling, by hand %.4f", mode, c.Ceiling.Ratio.Value, sum)
		}
	}
}

// seedPoint is the median of five runs.
type seedPoint struct{ rate, loss float64 } // Gibit/s, share

// rawSeed reads the published files without the importer: rates from the CSV,
// losses from the packet counts of the JSON.
func rawSeed(t *testing.T) map[string]map[int]seedPoint {
	t.Helper()
	out := map[string]map[int]seedPoint{}
	for mode, stem := range map[string]string{"pcpu": "pcpu", "shared": "one-sa", "plain": "no-ipsec"} {
		out[mode] = map[int]seedPoint{}
		reader := csv.NewReader(strings.NewReader(readFile(t, seedFiles(t, "trex-20250728-"+stem+".csv")[0])))
		reader.Comment = '#'
		rows, err := reader.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			var v []float64
			for _, cell := range row[1:6] {
				f, err := strconv.ParseFloat(cell, 64)
				if err != nil {
					t.Fatal(err)
				}
				v = append(v, f)
			}
			slices.Sort(v)
			n, _ := strconv.Atoi(row[0])
			out[mode][n] = seedPoint{rate: v[2]}
		}
		data, err := os.ReadFile(seedFiles(t, "trex-20250728-"+stem+".json")[0])
		if err != nil {
			t.Fatal(err)
		}
		var runs [][]struct {
			Flow int     `json:"flow"`
			Sent float64 `json:"tx_opackets"`
			Came float64 `json:"rx_ipackets"`
		}
		if err := json.Unmarshal(data, &runs); err != nil {
			t.Fatal(err)
		}
		lost := map[int][]float64{}
		for _, r := range slices.Concat(runs...) {
			lost[r.Flow] = append(lost[r.Flow], 1-r.Came/r.Sent)
		}
		for n, v := range lost {
			slices.Sort(v)
			p := out[mode][n]
			p.loss = v[2]
			out[mode][n] = p
		}
	}
	return out
}

// The digest shows the three curves with their losses.
func TestSeedDigest(t *testing.T) {
	code, stdout, stderr := cli(append([]string{"show"}, seedFiles(t, "trex-*.csv", "trex-*.json")...)...)
	if code != exitOK || stderr != "" {
		t.Fatalf("exit %d, stderr %s", code, stderr)
	}
	for _, want := range []string{"shared   pcpu  plain   shared   pcpu  plain\n",
		"  5         7.37  16.79  16.79    56.1%   0.0%   0.0%", "  16        7.38  24.02  24.35 "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
}
