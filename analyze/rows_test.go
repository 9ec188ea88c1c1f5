package analyze

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

// A madeRun is a bundle made in memory: what the probes of a run of n CPUs with
// an SA each would have recorded.
type madeRun struct {
	manifest bundle.Manifest
	sas      []bundle.SA
	locks    []bundle.LockLine
	finds    []bundle.FindLine
	counters []bundle.Counter
	facts    []bundle.Fact
	layouts  []bundle.StructLayout
}

const second = int64(1e9)

// window returns seconds from..to of the run.
func window(from, to int64) bundle.Window {
	return bundle.Window{StartNS: from * second, EndNS: to * second}
}

func makeRun(mode string, n int) *madeRun {
	m := &madeRun{manifest: bundle.Manifest{
		Schema: 1, Status: bundle.Complete, Window: window(1, 3),
		Plan:   bundle.Plan{Labels: map[string]string{"mode": mode}},
		Probes: []bundle.Probe{{Name: "wait", Rung: "fentry", Window: window(5, 7)}},
		Host:   bundle.Host{Name: "west", Kernel: "7.3.4", BuildID: "1f"},
	}}
	packets := uint64(1000 * n)
	at := int64(4)
	for _, p := range []struct{ name, probe string }{{"none-0", ""}, {"wait", "wait"}, {"none-1", ""}, {"count", "count"}, {"none-2", ""}, {"time", "time"}, {"none-3", ""}, {"find", "find"}, {"none-4", ""}, {"stacks", "stacks"}, {"none-5", ""}} {
		phase := bundle.Phase{Name: p.name, Probe: p.probe, Window: window(at, at+2), Packets: packets, Counted: true}
		if p.probe != "" {
			phase.Packets = packets * 99 / 100
		}
		m.manifest.Phases = append(m.manifest.Phases, phase)
		at += 2
	}
	for cpu := range n {
		m.manifest.Plan.CPUs = append(m.manifest.Plan.CPUs, cpu)
	}
	for cpu := range n {
		m.addSA(cpu)
	}
	return m
}

// addSA adds the SA of one CPU: 1000 packets in the window, 990 in each phase
// with a probe, 1 % of its acquisitions contended.
func (m *madeRun) addSA(cpu int) {
	spi, pcpu := uint32(0x1001+cpu), uint32(cpu)
	for _, at := range []struct {
		phase string
		time  int64
		n     uint64
	}{{"start", 1, 0}, {"end", 3, 1000}} {
		m.sas = append(m.sas, bundle.SA{Phase: at.phase, TimeNS: at.time * second, SPI: spi, Dir: "out", PCPU: &pcpu, Packets: at.n})
	}
	lock, name := lockOf(cpu), ""
	hist := make([]uint64, 32)
	hist[7] = 10 // 128 to 256 ns
	m.locks = append(m.locks,
		bundle.LockLine{Account: &bundle.LockAccount{CPU: cpu, Begun: 10, Ended: 10}},
		bundle.LockLine{Row: &bundle.LockRow{CPU: cpu, Lock: lock, Name: name, Count: 10, WaitNS: 2000, MaxNS: 250, Hist: hist}},
		bundle.LockLine{Acquire: &bundle.AcquireRow{Phase: "count", CPU: cpu, Lock: lock, Count: 990}},
		bundle.LockLine{AcquireAccount: &bundle.AcquireAccount{Phase: "count", CPU: cpu, Count: 990}},
		bundle.LockLine{Acquire: &bundle.AcquireRow{Phase: "time", CPU: cpu, Lock: lock, Count: 990, Fast: 98, FastNS: 98 * (20 + 10*uint64(len(m.manifest.Plan.CPUs)-1)), FastHist: []uint64{0, 0, 0, 0, 0, 0, 0, 0, 98}}},
		bundle.LockLine{Stack: &bundle.StackRow{CPU: cpu, Lock: lock, Count: 3, Frames: []string{"0xffffffff81000010", "0xffffffff81000110", "0xffffffff81000210"}}},
	)
	own := cpu
	m.finds = append(m.finds,
		bundle.FindLine{Row: &bundle.FindRow{CPU: cpu, State: "0x1", Lock: lock, SPI: spi, PCPU: &own, Count: 980}},
		bundle.FindLine{Row: &bundle.FindRow{CPU: cpu, State: "0x2", SPI: 0x1000, Count: 10}},
		bundle.FindLine{Account: &bundle.FindAccount{CPU: cpu, Calls: 990, CacheKnown: true, CacheEmpty: 990, Timed: 98, TimedNS: 98 * 100, Hist: []uint64{0, 0, 0, 0, 0, 0, 98}, Walked: 98, WalkSum: 98 * uint64(len(m.manifest.Plan.CPUs)+1)}},
	)
}

func lockOf(cpu int) string { return "0xff1100000000000" + string(rune('0'+cpu)) }

func lines[T any](rows []T) *fstest.MapFile {
	var b bytes.Buffer
	for _, r := range rows {
		data, err := json.Marshal(r)
		if err != nil {
			panic(err)
		}
		b.Write(append(data, '\n'))
	}
	return &fstest.MapFile{Data: b.Bytes()}
}

func (m *madeRun) open(t testing.TB, path string) *bundle.Run {
	t.Helper()
	manifest, err := json.Marshal(m.manifest)
	if err != nil {
		t.Fatal(err)
	}
	layouts, err := json.Marshal(m.layouts)
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{
		"manifest.json": {Data: manifest}, "layouts.json": {Data: layouts},
		"sas.jsonl": lines(m.sas), "locks.jsonl": lines(m.locks), "finds.jsonl": lines(m.finds),
		"counters.jsonl": lines(m.counters), "placement.jsonl": lines(m.facts),
		"symbols/kallsyms.gz": {Data: []byte("ffffffff81000000 T native_queued_spin_lock_slowpath\nffffffff81000100 T _raw_spin_lock_bh\nffffffff81000200 t xfrm_output_resume\nffffffff81000300 t end\n")},
	}
	r, err := bundle.Open(fsys, path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func analyse(t testing.TB, runs ...*bundle.Run) *Result {
	t.Helper()
	r, err := Runs(context.Background(), runs, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestProbesOfARun(t *testing.T) {
	run := analyse(t, makeRun("pcpu", 2).open(t, "a"), makeRun("pcpu", 1).open(t, "b")).Runs[1]
	if len(run.Warnings) > 0 {
		t.Errorf("warnings: %+v", run.Warnings)
	}
	wantValue(t, "waits", run.Locks.Waits, 20)
	wantValue(t, "wait per packet", run.Locks.PerPkt, 4000.0/1980)
	wantValue(t, "effect of the wait probe", run.Locks.Effect, -0.01)
	wantValue(t, "acquisitions", run.Locks.Acquired, 1980)
	l := run.Locks.Rows[0]
	wantValue(t, "acquisitions of the lock", l.Acquisitions, 990)
	wantValue(t, "contention", l.Contention, 10.0/990)
	wantValue(t, "bounce: 10 ns above the floor, half of the acquisitions", l.Bounce, 5)
	wantValue(t, "median wait, no longer than the longest", l.P50, 250)
	if l.SPI != 0x1001 || l.PCPU == nil || *l.PCPU != 0 {
		t.Errorf("lock %+v, want the x->lock of SPI 0x1001 on CPU 0 by the find probe", l)
	}
	if len(l.Callers) != 1 || l.Callers[0].Name != "xfrm_output_resume" || l.Callers[0].Share.Value != 1 {
		t.Errorf("callers %+v, want xfrm_output_resume", l.Callers)
	}
	if se := l.Contention.SE; math.Abs(se-l.Contention.Value*math.Sqrt(1.0/10+1.0/990)) > 1e-9 {
		t.Errorf("error of the contention ratio %v", se)
	}

	f := run.Finds
	wantValue(t, "calls", f.Calls, 1980)
	wantValue(t, "calls per packet", f.PerPacket, 1)
	wantValue(t, "fallback although there is one", f.Fallback, 20.0/1980)
	wantValue(t, "wrong CPU", f.WrongCPU, 0)
	wantValue(t, "empty lists", f.CacheEmpty, 1)
	wantValue(t, "mean", f.Mean, 100)
	wantValue(t, "median", f.P50, 128)
	m := run.Matrix
	if len(m.Rows) != 3 || m.Rows[0].Calls[0] != 980 || m.Rows[0].Calls[1] != 0 || m.Rows[2].PCPU != nil || m.Rows[2].Calls[1] != 10 {
		t.Errorf("matrix %+v, want the SAs by CPU, then the fallback", m)
	}
	for _, id := range run.Identities {
		switch id.ID {
		case "lock-packets", "find-packets":
			if id.Verdict != Holds || id.Residual != 0 {
				t.Errorf("%+v, want it to hold exactly", id)
			}
		default:
			if id.Verdict != NotMeasured || id.Why == "" {
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
		m := makeRun("pcpu", 2)
		for i := range m.manifest.Phases {
			if p := &m.manifest.Phases[i]; p.Probe == "count" || p.Probe == "find" {
				p.Skipped = tt.skipped
			}
		}
		run := analyse(t, m.open(t, "a")).Runs[0]
		for name, v := range map[string]metric.Value{"contention": run.Locks.Rows[0].Contention, "fallback": run.Finds.Fallback, "calls per packet": run.Finds.PerPacket} {
			if v.Ranged() != tt.ranged || v.Measured() == tt.refused {
				t.Errorf("%d lost: %s = %+v, want range %v, refused %v", tt.skipped, name, v, tt.ranged, tt.refused)
			}
		}
		if !run.Locks.Acquired.Measured() || !run.Finds.Calls.Measured() {
			t.Errorf("%d lost: a count is a count, whatever was lost besides", tt.skipped)
		}
	}
}

// A wait whose begin the kernel skipped and whose end was seen is one wait.
func TestWaitLoss(t *testing.T) {
	accounts := []bundle.LockAccount{{CPU: 0, Begun: 90, Ended: 80, Mismatched: 10, Late: 5}, {CPU: 1, Late: 1}}
	for _, tt := range []struct{ skipped, lost, all uint64 }{{0, 16, 96}, {6, 16, 96}, {9, 19, 99}} {
		if lost, all := waitLoss(accounts, span{skipped: tt.skipped}); lost != tt.lost || all != tt.all {
			t.Errorf("%d skipped: %d of %d were lost, want %d of %d", tt.skipped, lost, all, tt.lost, tt.all)
		}
	}
}

// A call whose end was not seen is of no SA.
func TestFindEndsMissed(t *testing.T) {
	m := makeRun("pcpu", 2)
	for i := range m.finds {
		if a := m.finds[i].Account; a != nil {
			a.Calls += 20
		}
	}
	f := analyse(t, m.open(t, "a")).Runs[0].Finds
	if !f.Fallback.Ranged() || f.Fallback.High != 60.0/2020 || !f.Calls.Measured() || f.Calls.Value != 2020 {
		t.Errorf("fallback %+v of %+v calls, want a range up to 60 in 2020", f.Fallback, f.Calls)
	}
}

// A run without the newer probes says of each figure why it has none.
func TestNoProbes(t *testing.T) {
	m := makeRun("pcpu", 1)
	m.manifest.Phases, m.manifest.Probes, m.locks, m.finds = nil, nil, nil, nil
	run := analyse(t, m.open(t, "a")).Runs[0]
	if run.Finds != nil || run.Matrix != nil || run.Phases != nil {
		t.Errorf("finds %+v, matrix %+v, phases %+v, want none", run.Finds, run.Matrix, run.Phases)
	}
	for _, v := range []metric.Value{run.Locks.Waits, run.Locks.Acquired, run.Locks.PerPkt, run.Locks.Effect} {
		if v.Measured() || v.Missing.Why == "" {
			t.Errorf("%+v, want not measured, with the reason", v)
		}
	}
}

// Each probe's window is told of if the traffic in it was another one.
func TestPhasesWarn(t *testing.T) {
	m := makeRun("pcpu", 1)
	for i := range m.manifest.Phases {
		if p := &m.manifest.Phases[i]; p.Probe == "find" || p.Probe == "time" {
			p.Packets = 900
		}
	}
	run := analyse(t, m.open(t, "a")).Runs[0]
	var got []string
	for _, w := range run.Warnings {
		if strings.Contains(w.Text, "probe's window") {
			got = append(got, w.Weakens+": "+w.Text)
		}
	}
	const text = "probe's window packets/s changed by -10 %, ± 0 % of the load's own, against the windows without a probe beside it"
	if want := []string{metric.BounceID + ": in the time " + text, metric.FindID + ": in the find " + text}; !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestPhaseEffect(t *testing.T) {
	phase := func(probe string, packets uint64, counted bool) bundle.Phase {
		return bundle.Phase{Name: probe, Probe: probe, Window: window(0, 1), Packets: packets, Counted: counted}
	}
	got := newPhases(&bundle.Manifest{Phases: []bundle.Phase{phase("", 100, true), phase("wait", 99, true), phase("", 120, true), phase("find", 108, true), phase("count", 90, false)}})
	wantValue(t, "wait: beside 100 and 120", got[1].Effect, 99.0/110-1)
	noise := 20.0 / 110 / math.Sqrt2 // of two that differ by 20 in 110
	if se := got[1].Effect.SE; math.Abs(se-99.0/110*noise) > 1e-9 {
		t.Errorf("error %v, want the noise of a window, for half of two and one of twice the length", se)
	}
	if se := got[3].Effect.SE; math.Abs(se-108.0/120*noise*math.Sqrt(1.5)) > 1e-9 {
		t.Errorf("error %v, want the noise of one window and one of twice the length", se)
	}
	wantValue(t, "find: no phase behind it", got[3].Effect, 108.0/120-1)
	for _, i := range []int{0, 4} {
		if got[i].Effect.Measured() {
			t.Errorf("phase %d: effect %+v, want none", i, got[i].Effect)
		}
	}
}

// That there was no pause is known where one was counted; that nothing moved,
// where both ends were read.
func TestQuietGates(t *testing.T) {
	fact := func(phase, topic, name, value string, counter bool) bundle.Fact {
		return bundle.Fact{Phase: phase, Topic: topic, Subject: "eth0", Name: name, Value: value, Counter: counter}
	}
	pause := []bundle.Fact{fact("start", "pause", "rx_pause_frames", "0", true), fact("end", "pause", "rx_pause_frames", "0", true)}
	irq := []bundle.Fact{fact("start", "irq", "affinity", "1", false), fact("end", "irq", "affinity", "1", false)}
	for _, tt := range []struct {
		name         string
		facts        []bundle.Fact
		pause, drift string
	}{
		{"nothing", nil, GateNotMeasured, GateNotMeasured},
		{"no pause", pause, GateOK, GateNotMeasured},
		{"no counter", irq, GateNotMeasured, GateOK},
		{"the start alone", irq[:1], GateNotMeasured, GateNotMeasured},
		{"the end alone", irq[1:], GateNotMeasured, GateNotMeasured},
	} {
		m := makeRun("pcpu", 1)
		m.facts = tt.facts
		for _, g := range analyse(t, m.open(t, "a")).Runs[0].Gates {
			want, ok := map[string]string{"pause": tt.pause, "irq-drift": tt.drift}[g.ID]
			if ok && g.Status != want {
				t.Errorf("%s: gate %s is %s (%s), want %s", tt.name, g.ID, g.Status, g.Evidence, want)
			}
		}
	}
}

func TestDriftAndLayouts(t *testing.T) {
	fact := func(phase, topic, name, value string, counter bool) bundle.Fact {
		return bundle.Fact{Phase: phase, Topic: topic, Subject: "eth0", Name: name, Value: value, Counter: counter}
	}
	m := makeRun("pcpu", 1)
	m.facts = []bundle.Fact{
		fact("start", "irq", "affinity", "1", false), fact("end", "irq", "affinity", "3", false),
		fact("start", "rss", "table", "0 1", false), fact("end", "rss", "table", "0 1", false),
		fact("start", "pause", "rx_pause_frames", "5", true), fact("end", "pause", "rx_pause_frames", "12", true),
		fact("end", "ntuple", "rule 1", "x", false),
		fact("start", "stat", "rx_dropped", "500", true), fact("end", "stat", "rx_dropped", "3", true),
	}
	m.layouts = []bundle.StructLayout{
		{Struct: "net", Size: 4096, Fields: []bundle.StructField{{Name: "lock", Offset: 0, Size: 4}}},
		{Struct: "xfrm_state", Size: 760, Fields: []bundle.StructField{{Name: "bydst", Offset: 8, Size: 16}, {Name: "refcnt.refs", Offset: 104, Size: 4}, {Name: "lock", Offset: 108, Size: 4}, {Name: "pcpu_num", Offset: 112, Size: 4}, {Name: "cold", Offset: 300, Size: 4}}},
	}
	r := analyse(t, m.open(t, "a"))
	run := r.Runs[0]
	if len(run.Drift) != 2 || run.Drift[0] != (Drift{"irq", "eth0", "affinity", "1", "3"}) || run.Drift[1] != (Drift{"ntuple", "eth0", "rule 1", "", "x"}) {
		t.Errorf("drift %+v, want the interrupt and the new rule; a counter is none", run.Drift)
	}
	if len(run.Layouts) != 1 || len(run.Layouts[0].Fields) != 4 || run.Layouts[0].Fields[1].Line != 1 {
		t.Errorf("layouts %+v, want the hot fields of xfrm_state", run.Layouts)
	}
	for id, want := range map[string]string{"pause": GateFailed, "irq-drift": GateFailed, "drops": GateNotMeasured, "lost-samples": GateNotMeasured} {
		if got := run.gate(id); got != want {
			t.Errorf("gate %s: %s, want %s: %+v", id, got, want, run.Gates)
		}
	}
	for _, id := range []string{"drift", "false-sharing", "state-cache", "not-xfrm"} {
		if !hasFinding(r, id) {
			t.Errorf("no finding %s", id)
		}
	}
}

func hasFinding(r *Result, id string) bool {
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
	m := makeRun("pcpu", 1)
	m.counters = []bundle.Counter{at("start", "system", 0), at("end", "system", 1e9), at("start", "idle", 0), at("end", "idle", 1e9), at("start", "irq", 9), at("end", "irq", 1),
		{Phase: "start", Source: xfrmStat, Name: "XfrmInError"}, {Phase: "end", Source: xfrmStat, Name: "XfrmInError", Value: 100}}
	run := analyse(t, m.open(t, "a")).Runs[0]
	for id, want := range map[string]string{"idle-cpus": GateFailed, "drops": GateFailed, "generator-limited": GateNotMeasured} {
		if got := run.gate(id); got != want {
			t.Errorf("gate %s: %s, want %s: %+v", id, got, want, run.Gates)
		}
	}
}

// What is damaged is said; nothing else is lost, and nothing panics.
func TestDamagedRows(t *testing.T) {
	m := makeRun("pcpu", 1)
	b := m.open(t, "a")
	files := fstest.MapFS{}
	manifest, _ := json.Marshal(m.manifest)
	files["manifest.json"] = &fstest.MapFile{Data: manifest}
	for _, name := range []string{"sas.jsonl", "locks.jsonl", "finds.jsonl", "counters.jsonl", "placement.jsonl", "layouts.json", "traffic.json", "perf.data"} {
		files[name] = &fstest.MapFile{Data: []byte("{\"row\":{\"cpu\":-5,\"count\":18446744073709551615}}\n{broken")}
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
	for _, name := range []string{"sas.jsonl:2", "locks.jsonl:2", "finds.jsonl:2", "counters.jsonl:2", "placement.jsonl:2", "layouts.json", "traffic.json"} {
		if !strings.Contains(strings.Join(texts, "\n"), name) {
			t.Errorf("no warning names %s: %q", name, texts)
		}
	}
}

// Waits are of the CPUs measured; so are the acquisitions they are held against.
func TestContentionOfTheMeasured(t *testing.T) {
	m := makeRun("shared", 1)
	m.locks = append(m.locks,
		bundle.LockLine{Acquire: &bundle.AcquireRow{Phase: "count", CPU: 5, Lock: lockOf(0), Count: 3000}},
		bundle.LockLine{AcquireAccount: &bundle.AcquireAccount{Phase: "count", CPU: 5, Count: 3000}})
	l := analyse(t, m.open(t, "a")).Runs[0].Locks.Rows[0]
	wantValue(t, "acquisitions on all CPUs", l.Acquisitions, 3990)
	wantValue(t, "contention on CPU 0", l.Contention, 10.0/990)
}
