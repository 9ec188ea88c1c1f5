package analyze

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/finding"
)

func analyse(t testing.TB, runs ...*bundle.Run) *result.Result {
	t.Helper()
	r, err := Runs(context.Background(), runs, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.Findings = finding.All(r)
	return r
}

func TestProbesOfARun(t *testing.T) {
	run := analyse(t, testrun.Make("pcpu", 2).Open(t, "a"), testrun.Make("pcpu", 1).Open(t, "b")).Runs[1]
	if len(run.Warnings) > 0 {
		t.Errorf("warnings: %+v", run.Warnings)
	}
	testrun.WantValue(t, "waits", run.Locks.Waits, 20)
	testrun.WantValue(t, "wait per packet", run.Locks.PerPkt, 4000.0/1980)
	testrun.WantValue(t, "effect of the wait probe", run.Locks.Effect, -0.01)
	testrun.WantValue(t, "acquisitions", run.Locks.Acquired, 1980)
	l := run.Locks.Rows[0]
	testrun.WantValue(t, "acquisitions of the lock", l.Acquisitions, 990)
	testrun.WantValue(t, "contention", l.Contention, 10.0/990)
	testrun.WantValue(t, "bounce: 10 ns above the floor, half of the acquisitions", l.Bounce, 5)
	testrun.WantValue(t, "median wait, no longer than the longest", l.P50, 250)
	if l.SPI != 0x1001 || l.PCPU == nil || *l.PCPU != 0 {
		t.Errorf("lock %+v, want the x->lock of SPI 0x1001 on CPU 0 by the find probe", l)
	}
	if len(l.Callers) != 1 || l.Callers[0].Name != "xfrm_output_resume" || l.Callers[0].Share.Value != 1 {
		t.Errorf("callers %+v, want xfrm_output_resume", l.Callers)
	}
	if se := l.Contention.SE; math.Abs(se-l.Contention.Value*math.Sqrt(1.0/10+1.0/990)) > 1e-9 {
		t.Errorf("error of the contention ratio %v", se)
	}

	f := run.Lookups
	testrun.WantValue(t, "calls", f.Calls, 1980)
	testrun.WantValue(t, "calls per packet", f.PerPacket, 1)
	testrun.WantValue(t, "fallback although there is one", f.Fallback, 20.0/1980)
	testrun.WantValue(t, "wrong CPU", f.WrongCPU, 0)
	testrun.WantValue(t, "empty lists", f.CacheEmpty, 1)
	testrun.WantValue(t, "mean", f.Mean, 100)
	testrun.WantValue(t, "median", f.P50, 128)
	m := run.Matrix
	if len(m.Rows) != 3 || m.Rows[0].Calls[0] != 980 || m.Rows[0].Calls[1] != 0 || m.Rows[2].PCPU != nil ||
		m.Rows[2].Calls[1] != 10 {
		t.Errorf("matrix %+v, want the SAs by CPU, then the fallback", m)
	}
	for _, id := range run.ConsistencyChecks {
		switch id.ID {
		case "lock-packets", "find-packets":
			if id.Verdict != result.CheckHolds || id.Residual != 0 {
				t.Errorf("%+v, want it to hold exactly", id)
			}
		default:
			if id.Verdict != result.NotMeasured || id.Why == "" {
				t.Errorf("%+v, want not measured, with the reason", id)
			}
		}
	}
}

// Above 1 % of losses a ratio is a range, above 5 % there is none.
func TestProbeLosses(t *testing.T) {
	for _, tt := range []struct {
		skipped         uint64
		ranged, refused bool
	}{{0, false, false}, {30, true, false}, {200, false, true}} {
		m := testrun.Make("pcpu", 2)
		for i := range m.Manifest.Phases {
			if p := &m.Manifest.Phases[i]; p.Probe == "count" || p.Probe == "find" {
				p.Skipped = tt.skipped
			}
		}
		run := analyse(t, m.Open(t, "a")).Runs[0]
		for name, v := range map[string]metric.Value{"contention": run.Locks.Rows[0].Contention,
			"fallback": run.Lookups.Fallback, "calls per packet": run.Lookups.PerPacket} {
			if v.Ranged() != tt.ranged || v.Measured() == tt.refused {
				t.Errorf("%d lost: %s = %+v, want range %v, refused %v", tt.skipped, name, v, tt.ranged,
					tt.refused)
			}
		}
		if !run.Locks.Acquired.Measured() || !run.Lookups.Calls.Measured() {
			t.Errorf("%d lost: a count is a count, whatever was lost besides", tt.skipped)
		}
	}
}

// A call whose end was not seen is of no SA.
func TestFindEndsMissed(t *testing.T) {
	m := testrun.Make("pcpu", 2)
	for i := range m.Finds {
		if a := m.Finds[i].Account; a != nil {
			a.Calls += 20
		}
	}
	f := analyse(t, m.Open(t, "a")).Runs[0].Lookups
	if !f.Fallback.Ranged() || f.Fallback.High != 60.0/2020 || !f.Calls.Measured() || f.Calls.Value != 2020 {
		t.Errorf("fallback %+v of %+v calls, want a range up to 60 in 2020", f.Fallback, f.Calls)
	}
}

// A run without the newer probes says of each figure why it has none.
func TestNoProbes(t *testing.T) {
	m := testrun.Make("pcpu", 1)
	m.Manifest.Phases, m.Manifest.Probes, m.Locks, m.Finds = nil, nil, nil, nil
	run := analyse(t, m.Open(t, "a")).Runs[0]
	if run.Lookups != nil || run.Matrix != nil || run.Phases != nil {
		t.Errorf("finds %+v, matrix %+v, phases %+v, want none", run.Lookups, run.Matrix, run.Phases)
	}
	for _, v := range []metric.Value{run.Locks.Waits, run.Locks.Acquired, run.Locks.PerPkt, run.Locks.Effect} {
		if v.Measured() || v.Missing.Why == "" {
			t.Errorf("%+v, want not measured, with the reason", v)
		}
	}
}

// Each probe's window is told of if the traffic in it was another one.
func TestPhasesWarn(t *testing.T) {
	m := testrun.Make("pcpu", 1)
	for i := range m.Manifest.Phases {
		if p := &m.Manifest.Phases[i]; p.Probe == "find" || p.Probe == "time" {
			p.Packets = 900
		}
	}
	run := analyse(t, m.Open(t, "a")).Runs[0]
	var got []string
	for _, w := range run.Warnings {
		if strings.Contains(w.Text, "probe's window") {
			got = append(got, w.Weakens+": "+w.Text)
		}
	}
	const text = "probe's window packets/s changed by -10 %, +- 0 % of the load's own, against the windows " +
		"without a probe beside it"
	if want := []string{metric.BounceID + ": in the time " + text, metric.FindID + ": in the find " +
		text}; !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// That there was no pause is known where one was counted; that nothing moved,
// where both ends were read.
func TestQuietGates(t *testing.T) {
	fact := func(phase, topic, name, value string, counter bool) bundle.Fact {
		return bundle.Fact{Phase: phase, Topic: topic, Subject: "eth0", Name: name, Value: value,
			Counter: counter}
	}
	pause := []bundle.Fact{fact("start", "pause", "rx_pause_frames", "0", true),
		fact("end", "pause", "rx_pause_frames", "0", true)}
	irq := []bundle.Fact{fact("start", "irq", "affinity", "1", false), fact("end", "irq", "affinity", "1", false)}
	for _, tt := range []struct {
		name         string
		facts        []bundle.Fact
		pause, drift string
	}{
		{"nothing", nil, result.NotMeasured, result.NotMeasured},
		{"no pause", pause, result.GateOK, result.NotMeasured},
		{"no counter", irq, result.NotMeasured, result.GateOK},
		{"the start alone", irq[:1], result.NotMeasured, result.NotMeasured},
		{"the end alone", irq[1:], result.NotMeasured, result.NotMeasured},
	} {
		m := testrun.Make("pcpu", 1)
		m.Facts = tt.facts
		for _, g := range analyse(t, m.Open(t, "a")).Runs[0].Gates {
			want, ok := map[string]string{"pause": tt.pause, "irq-drift": tt.drift}[g.ID]
			if ok && g.Status != want {
				t.Errorf("%s: gate %s is %s (%s), want %s", tt.name, g.ID, g.Status, g.Evidence, want)
			}
		}
	}
}

func TestDriftAndLayouts(t *testing.T) {
	fact := func(phase, topic, name, value string, counter bool) bundle.Fact {
		return bundle.Fact{Phase: phase, Topic: topic, Subject: "eth0", Name: name, Value: value,
			Counter: counter}
	}
	m := testrun.Make("pcpu", 1)
	m.Facts = []bundle.Fact{
		fact("start", "irq", "affinity", "1", false), fact("end", "irq", "affinity", "3", false),
		fact("start", "rss", "table", "0 1", false), fact("end", "rss", "table", "0 1", false),
		fact("start", "pause", "rx_pause_frames", "5", true),
		fact("end", "pause", "rx_pause_frames", "12", true),
		fact("end", "ntuple", "rule 1", "x", false),
		fact("start", "stat", "rx_dropped", "500", true), fact("end", "stat", "rx_dropped", "3", true),
	}
	m.Layouts = []bundle.StructLayout{
		{Struct: "net", Size: 4096, Fields: []bundle.StructField{{Name: "lock", Offset: 0, Size: 4}}},
		{Struct: "xfrm_state", Size: 760,
			Fields: []bundle.StructField{{Name: "bydst", Offset: 8, Size: 16},
				{Name: "refcnt.refs", Offset: 104, Size: 4}, {Name: "lock", Offset: 108, Size: 4},
				{Name: "pcpu_num", Offset: 112, Size: 4},
				{Name: "cold", Offset: 300, Size: 4}}},
	}
	r := analyse(t, m.Open(t, "a"))
	run := r.Runs[0]
	if len(run.Drift) != 2 ||
		run.Drift[0] != (result.Drift{Topic: "irq", Subject: "eth0", Name: "affinity", Start: "1", End: "3"}) ||
		run.Drift[1] != (result.Drift{Topic: "ntuple", Subject: "eth0", Name: "rule 1", Start: "",
			End: "x"}) {
		t.Errorf("drift %+v, want the interrupt and the new rule; a counter is none", run.Drift)
	}
	if len(run.Layouts) != 1 || len(run.Layouts[0].Fields) != 4 || run.Layouts[0].Fields[1].Line != 1 {
		t.Errorf("layouts %+v, want the hot fields of xfrm_state", run.Layouts)
	}
	for id, want := range map[string]string{"pause": result.GateFailed, "irq-drift": result.GateFailed,
		"drops": result.NotMeasured, "lost-samples": result.NotMeasured} {
		if got := run.Gate(id); got != want {
			t.Errorf("gate %s: %s, want %s: %+v", id, got, want, run.Gates)
		}
	}
	for _, id := range []string{"drift", "false-sharing", "state-cache", "not-xfrm"} {
		if !hasFinding(r, id) {
			t.Errorf("no finding %s", id)
		}
	}
}

func hasFinding(r *result.Result, id string) bool {
	for _, f := range r.Findings {
		if f.ID == id {
			return true
		}
	}
	return false
}

// A CPU that was idle, and counters that went backwards.
func TestGatesOfCounters(t *testing.T) {
	cpu := 0
	at := func(phase, name string, ns uint64) bundle.Counter {
		return bundle.Counter{Phase: phase, Source: "/proc/stat", CPU: &cpu, Name: name, Unit: "ns", Value: ns}
	}
	m := testrun.Make("pcpu", 1)
	m.Counters = []bundle.Counter{at("start", "system", 0), at("end", "system", 1e9), at("start", "idle", 0),
		at("end", "idle", 1e9), at("start", "irq", 9), at("end", "irq", 1),
		{Phase: "start", Source: packets.XfrmStat, Name: "XfrmInError"},
		{Phase: "end", Source: packets.XfrmStat, Name: "XfrmInError", Value: 100}}
	run := analyse(t, m.Open(t, "a")).Runs[0]
	for id, want := range map[string]string{"idle-cpus": result.GateFailed, "drops": result.GateFailed,
		"generator-limited": result.NotMeasured} {
		if got := run.Gate(id); got != want {
			t.Errorf("gate %s: %s, want %s: %+v", id, got, want, run.Gates)
		}
	}
}

// What is damaged is said; nothing else is lost, and nothing panics.
func TestDamagedRows(t *testing.T) {
	m := testrun.Make("pcpu", 1)
	b := m.Open(t, "a")
	files := fstest.MapFS{}
	manifest, _ := json.Marshal(m.Manifest)
	files["manifest.json"] = &fstest.MapFile{Data: manifest}
	for _, name := range []string{"sas.jsonl", "locks.jsonl", "finds.jsonl", "counters.jsonl", "placement.jsonl",
		"layouts.json", "traffic.json", "perf.data"} {
		files[name] = &fstest.MapFile{
			Data: []byte("{\"row\":{\"cpu\":-5,\"count\":18446744073709551615}}\n{broken")}
	}
	broken, err := bundle.Open(files, "b")
	if err != nil {
		t.Fatal(err)
	}
	r := analyse(t, b, broken)
	var texts []string
	for _, w := range r.Runs[1].Warnings {
		texts = append(texts, w.Text)
	}
	for _, name := range []string{"sas.jsonl:2", "locks.jsonl:2", "finds.jsonl:2", "counters.jsonl:2",
		"placement.jsonl:2", "layouts.json", "traffic.json"} {
		if !strings.Contains(strings.Join(texts, "\n"), name) {
			t.Errorf("no warning names %s: %q", name, texts)
		}
	}
}

// Waits are of the CPUs measured; so are the acquisitions they are held against.
func TestContentionOfTheMeasured(t *testing.T) {
	m := testrun.Make("shared", 1)
	m.Locks = append(m.Locks,
		bundle.LockLine{Acquire: &bundle.AcquireRow{Phase: "count", CPU: 5, Lock: testrun.LockOf(0),
			Count: 3000}},
		bundle.LockLine{AcquireAccount: &bundle.AcquireAccount{Phase: "count", CPU: 5, Count: 3000}})
	l := analyse(t, m.Open(t, "a")).Runs[0].Locks.Rows[0]
	testrun.WantValue(t, "acquisitions on all CPUs", l.Acquisitions, 3990)
	testrun.WantValue(t, "contention on CPU 0", l.Contention, 10.0/990)
}
