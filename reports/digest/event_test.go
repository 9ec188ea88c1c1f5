package digest

import (
	"strings"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

func eventOn(name string, cpu int, function string, spin metric.Value) *result.Event {
	weight := metric.Estimate{Samples: 4, Period: 4, VarSum: 4}
	c := result.CPU{CPU: cpu, Total: weight, Busy: weight, SpinShare: spin, LockWordShare: spin,
		PerPacket: metric.NotMeasured(metric.CostID, "", bundle.Gap{What: "packets"}),
		Functions: []result.Share{{Name: function, Weight: weight,
			Share: metric.Value{Value: 1, Unit: "ratio"}}}}
	all := c
	all.CPU = result.AllCPUs
	return &result.Event{Name: name, Unit: "cycles", All: all, CPUs: []result.CPU{c}}
}

func digestOf(t *testing.T, events ...*result.Event) string {
	t.Helper()
	var b strings.Builder
	r := &result.Result{Runs: []*result.Run{{Name: "a", N: 2, Events: events}},
		Curves: []result.Curve{{Runs: []int{0}}}}
	if err := Show(&b, r, ShowOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Both PMUs of a hybrid CPU are in the digest: their CPUs, functions and spin.
func TestHybridDigest(t *testing.T) {
	ratio := func(v float64) metric.Value { return metric.Value{ID: metric.SpinID, Value: v, Unit: "ratio"} }
	text := digestOf(t, eventOn("cpu_core/cycles/", 5, "native_queued_spin_lock_slowpath", ratio(1)),
		eventOn("cpu_atom/cycles/", 17, "xfrm_state_find", ratio(0)))
	for _, want := range []string{
		"perf cpu_core/cycles/ and cpu_atom/cycles/", "\n  5 ", "\n  17 ",
		"\n  all cpu_core ", "\n  all cpu_atom ",
		"A cpu_atom/cycles/: 0 of 4 busy samples spin", "of cpu_atom/cycles/ ", "100.0%  xfrm_state_find",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// A table over N has a row for each PMU, and what is of the run stands in the first.
func TestHybridDigestOverN(t *testing.T) {
	ratio := func(v float64) metric.Value { return metric.Value{ID: metric.SpinID, Value: v, Unit: "ratio"} }
	cost := func(e *result.Event, v float64) *result.Event {
		e.All.PerPacket = metric.Value{ID: metric.CostID, Value: v, Unit: "cycles/packet"}
		return e
	}
	r := &result.Result{Curves: []result.Curve{{Mode: "pcpu", Runs: []int{0, 1}}}}
	for n := range 2 {
		run := &result.Run{Mode: "pcpu", N: n + 1, Packets: result.Packets{
			Rate: metric.Value{ID: metric.RateID, Value: 1e6, Unit: "packets/s"}}}
		run.Events = append(run.Events, cost(eventOn("cpu_core/cycles/", 5, "f", ratio(.5)), 2000))
		if n == 1 {
			run.Events = append(run.Events, cost(eventOn("cpu_atom/cycles/", 17, "g", ratio(0)), 4000))
		}
		r.Runs = append(r.Runs, run)
	}
	var b strings.Builder
	if err := Show(&b, r, ShowOptions{}); err != nil {
		t.Fatal(err)
	}
	rows := strings.Join(strings.Fields(b.String()), " ")
	want := "1 cpu_core 1000 2000 50.0% 0 2 cpu_core 1000 2000 50.0% 0 2 cpu_atom - 4000 0.0% -"
	if !strings.Contains(rows, want) {
		t.Errorf("want %s in\n%s", want, b.String())
	}
}

// A share of misses or faults is none of busy time, in no table of the digest.
func TestDigestOfNoTime(t *testing.T) {
	unknown := metric.NotMeasured(metric.SpinID, "ratio", bundle.Gap{What: "time in locks", Why: "no time"})
	for _, event := range []string{"L1-dcache-load-misses", "page-faults", "lock:contention_begin"} {
		text := digestOf(t, eventOn(event, 0, "xfrm_state_find", unknown))
		if strings.Contains(text, "busy") || !strings.Contains(text, "most of the "+event+" samples are") {
			t.Errorf("%s: busy is said in\n%s", event, text)
		}
	}
}

// Where ticks were lost the head of the cost says that it is not the samples'.
func TestDigestOfAccounting(t *testing.T) {
	cost := metric.Value{ID: metric.CostID, Value: 500, Unit: "ns/packet"}
	for basis, want := range map[string]bool{"": false, metric.ByAccounting + "; samples cover 70 %": true} {
		e := eventOn("cpu-clock", 0, "xfrm_state_find", metric.Value{ID: metric.SpinID, Unit: "ratio"})
		cost.Basis = basis
		e.All.PerPacket = cost
		text := digestOf(t, e)
		if got := strings.Contains(text, "] by /proc/stat; "); got != want {
			t.Errorf("of basis %q:\n%s", basis, text)
		}
	}
}
