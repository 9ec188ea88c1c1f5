package lab

import (
	"math"
	"slices"
	"testing"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// One command made the whole sweep, while the clock was stepped by years; its
// report shows that a shared SA scales worse than per-CPU SAs, by more than the
// repeats differ among themselves.
func TestSweep(t *testing.T) {
	dir := recorded(t, "main", "sweep", "sweep")
	runs, err := bundle.OpenAll(dir)
	if err != nil {
		t.Fatal(err)
	}
	sweep := runs[0].Sweep
	if err := sweep.VerifyTable(); err != nil {
		t.Error(err)
	}
	if len(runs) != 18 || len(sweep.Missing()) != 0 || len(sweep.Aside) != 0 || sweep.Scenario == "" {
		t.Errorf("%d runs, missing %v, set aside %v, scenario %q",
			len(runs), sweep.Missing(), sweep.Aside, sweep.Scenario)
	}
	stepped := false
	for _, r := range runs {
		if err := r.Verify(); err != nil {
			t.Error(err)
		}
		if r.Plan.Scenario != sweep.Scenario {
			t.Errorf("%s is of scenario %q", r.Path, r.Plan.Scenario)
		}
		if s := r.Window.Seconds(); math.Abs(s-2) > 1 {
			t.Errorf("%s: a window of %.2f s", r.Path, s)
		}
		stepped = stepped || r.Started.Year() == 2031
	}
	if !stepped {
		t.Error("the clock was not stepped in the middle")
	}
	recorded(t, "main", "sweep", "report", "report.html")
	recorded(t, "main", "sweep", "report", "digest.txt")
	var result result.Result
	readJSON(t, recorded(t, "main", "sweep", "report", "results.json"), &result)
	checkReport(t, &result)
}

func checkReport(t *testing.T, result *result.Result) {
	for _, c := range result.Curves {
		if c.Scaling == nil || len(c.Runs) != 6 {
			t.Errorf("curve %s: %d runs, scaling %+v", c.Mode, len(c.Runs), c.Scaling)
		}
		if c.Mode != "plain" && c.Ceiling == nil {
			t.Errorf("curve %s is held against no ceiling", c.Mode)
		}
	}
	if len(result.Curves) != 3 || len(result.Findings) == 0 {
		t.Errorf("%d curves, findings %+v", len(result.Curves), result.Findings)
	}
	at := func(mode string) (rates, spins []float64) {
		for _, r := range result.Runs {
			if r.Mode != mode || r.N != 4 {
				continue
			}
			if mode == "pcpu" && r.Matrix == nil {
				t.Errorf("%s has no matrix of SAs and CPUs", r.Name)
			}
			rates = append(rates, r.Packets.Rate.Value)
			spins = append(spins, r.Main().All.SpinShare.Value)
		}
		if len(rates) != 2 {
			t.Fatalf("%s: %d runs on 4 CPUs", mode, len(rates))
		}
		return rates, spins
	}
	sharedRates, sharedSpins := at("shared")
	pcpuRates, pcpuSpins := at("pcpu")
	if slices.Max(sharedRates) >= slices.Min(pcpuRates) {
		t.Errorf("on 4 CPUs a shared SA carries %.0f packets/s and per-CPU SAs %.0f: no difference beyond "+
			"the repeats'", sharedRates, pcpuRates)
	}
	if slices.Min(sharedSpins) < 0.1 || slices.Max(pcpuSpins) > slices.Min(sharedSpins)/5 {
		t.Errorf("on 4 CPUs a shared SA spins %.3f of the busy time, per-CPU SAs %.3f", sharedSpins, pcpuSpins)
	}
	t.Logf("on 4 CPUs: shared SA %.0f packets/s, spin share %.2f; per-CPU SAs %.0f packets/s, spin share %.3f",
		sharedRates, sharedSpins, pcpuRates, pcpuSpins)
}

// The kernel's generator, by the example scenario as it is: its own result
// counts the packets.
func TestPktgen(t *testing.T) {
	dir := recorded(t, "main", "sweep", "pktgen", "pktgen-n1-r1")
	r := open(t, dir)
	if !r.Packets.Rate.Measured() || r.Packets.Rate.Value < 100 {
		t.Errorf("packets %+v", r.Packets)
	}
	t.Logf("%.0f packets/s by %s", r.Packets.Rate.Value, r.Packets.Source)
}
