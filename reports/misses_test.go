package reports

import (
	"strings"
	"testing"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

// withPMU gives the runs of a sweep a miss event; one has no instructions.
func withPMU() *analyze.Result {
	r := testSweep()
	gap := bundle.Gap{What: "misses per 1000 instructions", Why: "the run has no event that counts instructions"}
	for i, run := range r.Runs[1:] {
		run.Gaps = nil
		b := newProfileBuilder("L1-dcache-load-misses:k", "count")
		b.add(testRoot+";ip_forward;ip_forward_finish;xfrm4_output;xfrm_output_resume;esp_output;skb_cow_data", 0, 70)
		b.add(testRoot+";ip_forward;__xfrm_route_forward;xfrm_lookup_with_ifid;xfrm_state_find", 0, 30)
		run.Events = append(run.Events, testEvent(b.p, 10, 0, nil))
		for cpu := -1; cpu < run.N; cpu++ {
			m := analyze.Miss{
				Event:               "L1-dcache-load-misses:k",
				CPU:                 cpu,
				PerKiloCycle:        metric.Value{ID: metric.MPKCID, Value: 12.25 + float64(cpu), SE: .5, Unit: "1/1000 cycles", Samples: 600},
				PerKiloInstructions: metric.Value{ID: metric.MPKIID, Value: 31.75, SE: 1.5, Unit: "1/1000 instructions", Samples: 600},
				PerPacket:           metric.Value{ID: metric.CostID, Value: 41.5 + float64(i), SE: 2, Unit: "events/packet", Samples: 600},
			}
			if i == 0 {
				m.PerKiloInstructions = metric.NotMeasured(metric.MPKIID, "1/1000 instructions", gap)
			}
			if cpu < 0 {
				share := metric.Value{ID: metric.ShareID, Value: .4, SE: .02, Unit: "ratio", Samples: 240}
				m.Functions = []analyze.Intensity{{Name: "esp_output_tail", Misses: share, Work: share, Value: metric.Value{ID: metric.IntensityID, Value: 3.75, SE: .25, Unit: "1"}}}
			}
			run.Misses = append(run.Misses, m)
		}
		run.Counted = []analyze.Total{{
			Event: "L1-dcache-load-misses:k", PerSecond: metric.Value{ID: metric.CountRateID, Value: 8.125e6, Unit: "1/s"},
			PerPacket:    metric.Value{ID: metric.CountedID, Value: 44.25, Unit: "events/packet"},
			PerKiloCycle: metric.NotMeasured(metric.CountedKID, "1/1000 cycles", bundle.Gap{What: "counts per 1000 cycles", Why: "no cycles were counted"}),
			Running:      metric.Value{ID: metric.RunningID, Value: .625, Unit: "ratio"},
		}}
	}
	return r
}

func TestMissesAreShown(t *testing.T) {
	r := withPMU()
	page := string(html(t, r, HTMLOptions{Static: true, FlameBytes: -1}))
	section := page[strings.Index(page, `<section id="misses">`):]
	section = section[:strings.Index(section, "</section>")]
	for _, want := range []string{
		"Where do cache misses fall?", `id="miss-table"`, `id="miss-cpu-table"`, "11.25", "15.25", "31.8", "± 1.5", "42.5",
		"no event that counts instructions", "skb_cow_data", "not measured: no hardware counters: event cycles does not open (ENOENT)", "pcpu N=1",
		`id="miss-intensity"`, "esp_output_tail", "3.75", "± 0.25", `id="counted-table"`, "44.25", "62.5", "Not measured: per 1000 (no cycles were counted)",
	} {
		if !strings.Contains(section, want) {
			t.Errorf("the section does not show %q:\n%s", want, section)
		}
	}
	text := strings.Join(strings.Fields(digest(t, r)), " ")
	for _, want := range []string{
		"L1-dcache-load-misses:k, shared N=4: 11.25 +- 0.50 per 1000 cycles, 31.8 +- 1.5 per 1000 instructions, 45.5 +- 2.0 per packet",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the digest does not say %q:\n%s", want, digest(t, r))
		}
	}
}

// TestMissesSayWhyNot: without an event that counts them, and without a reason
// in the recording, the page says what to record.
func TestMissesSayWhyNot(t *testing.T) {
	r := testOne()
	r.Runs[0].Gaps = nil
	page := string(html(t, r, HTMLOptions{Static: true, FlameBytes: -1}))
	if !strings.Contains(page, "no event that counts cache misses was sampled") || !strings.Contains(page, "L1-dcache-load-misses:k") {
		t.Error("the page does not say why no misses were counted")
	}
	if strings.Contains(page, `id="miss-table"`) {
		t.Error("there is a table of nothing")
	}
}

func TestProbeEffectMarksWaits(t *testing.T) {
	r := probed() // effects of -20, -10, 0, +10 and +20 %; the first run's is 0.4 %
	if got := []bool{perturbed(r.Runs[0]), perturbed(r.Runs[1]), perturbed(r.Runs[3])}; got[0] || !got[1] || got[2] {
		t.Errorf("perturbed = %v, want only the second", got)
	}
	text := digest(t, r)
	for _, want := range []string{"*: counted at other pkt/s", "   9.98* ", "  13.2k* ", "   3535* "} {
		if !strings.Contains(text, want) {
			t.Errorf("the digest lacks %q:\n%s", want, text)
		}
	}
	if text := digest(t, testSweep()); strings.Contains(text, "*") {
		t.Errorf("waits are marked without a cause:\n%s", text)
	}
	one := testResult(r.Runs[5])
	if text := digest(t, one); !strings.Contains(text, "lock wait* 13 245 ns/packet") || !strings.Contains(text, "*by probe  +20 % packets/s") {
		t.Errorf("one run:\n%s", text)
	}
	page := string(html(t, r, HTMLOptions{Static: true, FlameBytes: -1}))
	for _, want := range []string{"perturbed: &#43;20", "probe effect", `title="perturbed: counted while`, "<small>perturbed</small>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
