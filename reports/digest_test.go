package reports

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

// digest renders a digest.
// mailLines and mailColumns bound a digest.
const (
	mailLines   = 30
	mailColumns = 72
)

func digest(t *testing.T, r *analyze.Result) string {
	t.Helper()
	return mailText(t, func(w *bytes.Buffer) error { return Digest(w, r) })
}

// mailText renders twice and checks what holds for every text of a mail.
func mailText(t *testing.T, render func(*bytes.Buffer) error) string {
	t.Helper()
	var b, again bytes.Buffer
	if err := render(&b); err != nil {
		t.Fatal(err)
	}
	if err := render(&again); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("a second render differs")
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) > mailLines {
		t.Errorf("%d lines, want at most %d:\n%s", len(lines), mailLines, b.String())
	}
	for i, l := range lines {
		if len(l) > mailColumns {
			t.Errorf("line %d has %d columns: %s", i+1, len(l), l)
		}
		if strings.HasSuffix(l, " ") {
			t.Errorf("line %d ends with a space: %q", i+1, l)
		}
	}
	for _, c := range b.Bytes() {
		if (c < ' ' && c != '\n') || c > '~' {
			t.Fatalf("holds byte %#x:\n%q", c, b.String())
		}
	}
	return b.String()
}

func TestDigestGolden(t *testing.T) {
	golden(t, "digest-sweep.txt", []byte(digest(t, testSweep())))
	golden(t, "digest-one.txt", []byte(digest(t, testOne())))
	golden(t, "digest-compare.txt", []byte(digest(t, testComparison(t, 6))))
	golden(t, "digest-same.txt", []byte(digest(t, sameTwice(t))))
}

// TestDigestShowsRows: a table is not all head, and the claims come before it.
func TestDigestShowsRows(t *testing.T) {
	for n, rows := range map[int]int{1: 1, 2: 2, 4: 4, 64: 4} {
		got := digest(t, testResult(testRun(runSpec{mode: "shared", n: n, ratePer: 90_000, spin: .3, seconds: 10})))
		table := got[strings.Index(got, "    CPU   samples"):]
		table = table[:strings.Index(table, "\n\n")]
		if strings.Count(table, "\n") != rows {
			t.Errorf("%d CPUs: want %d rows:\n%s", n, rows, got)
		}
		if strings.Count(got, "\n  ") < 12 || !strings.Contains(got, "xfrm_state_find") || strings.Index(got, "found: ") > strings.Index(got, "traffic") {
			t.Errorf("%d CPUs: no functions, or the claims come late:\n%s", n, got)
		}
	}
}

// TestDigestKeepsEveryClaim cuts everything else first.
func TestDigestKeepsEveryClaim(t *testing.T) {
	r := testSweep()
	for i := range 4 {
		f := r.Findings[0]
		f.Claim = fmt.Sprintf("claim %d: %s", i, f.Claim)
		r.Findings = append(r.Findings, f)
	}
	got := digest(t, r)
	for i := range 4 {
		if !strings.Contains(got, fmt.Sprintf("found: claim %d", i)) {
			t.Errorf("claim %d was cut:\n%s", i, got)
		}
	}
	if !strings.Contains(got, "(see report.html for ") {
		t.Errorf("nothing says what was cut:\n%s", got)
	}
}

// TestDigestListsUnlabelledRuns: runs of different directories repeat nothing.
func TestDigestListsUnlabelledRuns(t *testing.T) {
	var runs []*analyze.Run
	for i := range 3 {
		run := testRun(runSpec{n: 2, ratePer: 90_000 + float64(1000*i), spin: .3, seconds: 10})
		run.Name, run.Path = fmt.Sprintf("baseline-%d", i), fmt.Sprintf("runs/baseline-%d", i)
		runs = append(runs, run)
	}
	r := testResult(runs...)
	got := digest(t, r)
	for i := range 3 {
		if !strings.Contains(got, fmt.Sprintf("  ..line-%d", i)) {
			t.Errorf("run %d is not listed:\n%s", i, got)
		}
	}
	if strings.Contains(got, "repeats") {
		t.Errorf("they are taken for repeats:\n%s", got)
	}
	if n := len(lastOfModes(r)); n != 3 {
		t.Errorf("%d of them are on the first screen", n)
	}
}

func TestDigestSaysWhatIsMissing(t *testing.T) {
	got := digest(t, withoutAnything())
	for _, want := range []string{"no samples", "no outbound SA was read", "the kernel has no BTF", "not recorded"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not said in\n%s", want, got)
		}
	}
	digest(t, &analyze.Result{})
	digest(t, &analyze.Result{Runs: []*analyze.Run{nil, {}}})
}

func TestDigestOfExtremes(t *testing.T) {
	for name, r := range extremes(t) {
		t.Run(name, func(t *testing.T) { digest(t, r) })
	}
}

// withoutAnything is a run of which nothing was measured.
func withoutAnything() *analyze.Result {
	packets := bundle.Gap{What: "packets", Why: "no outbound SA was read and no packet counts were given", Fix: "record with --netns NAME"}
	locks := bundle.Gap{What: "lock waits", Why: "the kernel has no BTF", Fix: "CONFIG_DEBUG_INFO_BTF=y"}
	return testResult(&analyze.Run{
		Name: "bare", N: 1, Manifest: bundle.Manifest{Status: bundle.Partial, Why: "interrupted"},
		Packets: analyze.Packets{Total: metric.NotMeasured(metric.PacketsID, "packets", packets), Rate: metric.NotMeasured(metric.RateID, "packets/s", packets)},
		Locks:   analyze.Locks{Gap: &locks, Waits: metric.NotMeasured(metric.WaitsID, "waits", locks), WaitNS: metric.NotMeasured(metric.WaitID, "ns", locks), PerPkt: metric.NotMeasured(metric.WaitPacketID, "ns/packet", locks)},
	})
}

// extremes are Results that break layouts.
func extremes(t testing.TB) map[string]*analyze.Result {
	many := make([]*analyze.Run, 0, 64)
	for i := range 64 {
		r := testRun(runSpec{mode: []string{"pcpu", "shared"}[i/32], n: 1 + i%32/8, ratePer: 90_000 + 10*float64(i%7), spin: .01, seconds: 1, noise: i % 3})
		r.Name = fmt.Sprintf("%s rep=%d", r.Name, i%8)
		many = append(many, r)
	}
	wide := testRun(runSpec{mode: "shared", n: 256, ratePer: 900, spin: .9, seconds: 1})
	return map[string]*analyze.Result{
		"nothing":            withoutAnything(),
		"no runs":            {},
		"zero samples":       zeroSamples(),
		"no symbols":         noSymbols(),
		"one CPU":            testResult(testRun(runSpec{mode: "pcpu", n: 1, ratePer: 91_000, seconds: 10})),
		"256 CPUs":           testResult(wide),
		"64 runs":            testResult(many...),
		"hostile":            hostileResult(t),
		"hostile full":       hostileFull(),
		"full":               testFull(),
		"comparison":         testComparison(t, 4),
		"one a side":         testComparison(t, 1),
		"same twice":         sameTwice(t),
		"hostile comparison": hostileComparison(t),
		"not a number":       notNumbers(),
	}
}

func zeroSamples() *analyze.Result {
	r := testRun(runSpec{mode: "shared", n: 2, ratePer: 1000, seconds: 10})
	b := newProfileBuilder("cpu-clock", "nanoseconds")
	r.Events = []*analyze.Event{testEvent(b.p, 10, 2000, nil)}
	return testResult(r)
}

func noSymbols() *analyze.Result {
	r := testRun(runSpec{mode: "shared", n: 2, ratePer: 1000, seconds: 10})
	p := testProfile(runSpec{mode: "shared", n: 2, spin: .2, seconds: 10})
	for i := range p.Locations {
		p.Locations[i].Function = -1
	}
	p.Functions = nil
	r.Events = []*analyze.Event{testEvent(p, 10, 2000, nil)}
	return testResult(r)
}

// notNumbers holds what no analysis should return.
func notNumbers() *analyze.Result {
	r := testSweep()
	for i, run := range r.Runs {
		bad := []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e300, 0}[i%6]
		run.Packets.Rate.Value, run.Packets.Rate.SE = bad, bad
		run.Locks.PerPkt.Value = bad
		e := run.Events[0]
		e.All.SpinShare.Value, e.All.PerPacket.SE = bad, bad
		e.CPUs[0].SpinShare.SE = bad
		e.All.Stages[0].PerPacket.Value = bad
	}
	return r
}

// hostileResult has a hostile name in every string field.
func hostileResult(t testing.TB) *analyze.Result {
	r := testSweep()
	r.Tool = hostile
	for i := range r.Findings {
		f := &r.Findings[i]
		f.ID, f.Claim, f.NotProven, f.Next, f.Evidence = hostile, hostile, hostile, hostile, []string{hostile, long(t)}
	}
	r.Warnings = []bundle.Warning{{Weakens: hostile, Text: hostile}}
	for i := range r.Curves {
		r.Curves[i].Mode = hostile
	}
	for _, run := range r.Runs {
		hostileRun(run, long(t))
	}
	return r
}

func hostileRun(run *analyze.Run, long string) {
	loss := []bundle.Loss{{Source: hostile, What: hostile, Count: 3, Of: 9, Event: hostile, Effect: hostile}}
	gap := bundle.Gap{What: hostile, Why: hostile, Fix: hostile}
	warn := []bundle.Warning{{Weakens: hostile, Text: hostile}}
	run.Name, run.Path, run.Mode, run.Packets.Source = hostile, hostile, hostile, hostile
	run.Labels = map[string]string{hostile: hostile}
	run.Losses, run.Gaps, run.Warnings, run.Locks.Losses = loss, []bundle.Gap{gap}, warn, loss
	run.Drops = []analyze.Drop{{NetNS: hostile, Name: hostile, Delta: 7}}
	m := &run.Manifest
	m.Tool, m.Source, m.Why, m.Status = hostile, hostile, hostile, bundle.Partial
	m.Host = bundle.Host{Name: hostile, Kernel: hostile, Version: hostile, Arch: hostile, BuildID: hostile, CPUModel: hostile, CmdLine: hostile}
	m.Plan.Events, m.Plan.Labels = []string{hostile}, run.Labels
	m.Events = []bundle.Event{{Asked: hostile, Opened: hostile + "x", Why: hostile}}
	m.Commands = []bundle.Command{{Argv: []string{hostile, hostile}, Exit: 1, Log: hostile}}
	m.Probes = []bundle.Probe{{Name: hostile, Rung: hostile, Blind: []string{hostile}}}
	m.Files = []bundle.File{{Name: hostile, SHA256: hostile}}
	m.Losses, m.Warnings, m.Gaps = loss, warn, []bundle.Gap{gap}
	run.Locks.Rung, run.Locks.Blind = hostile, []string{hostile}
	for i := range run.Locks.Rows {
		run.Locks.Rows[i].Lock, run.Locks.Rows[i].Name = hostile, hostile
	}
	for i := range run.SAs {
		s := &run.SAs[i]
		s.NetNS, s.Src, s.Dst, s.Proto, s.Mode, s.Dir = hostile, hostile, hostile, hostile, hostile, hostile
	}
	for _, e := range run.Events {
		e.Name, e.Unit, e.Losses, e.Warnings = hostile, hostile, loss, warn
		e.Profile.Event.Name, e.Profile.Event.Unit, e.Profile.Comms = hostile, hostile, []string{hostile}
		e.Profile.Losses = loss
		e.All.PerPacket.Unit = hostile
		for i := range e.Profile.Functions {
			e.Profile.Functions[i].Name += hostile
		}
		for i := range e.Profile.Mappings {
			e.Profile.Mappings[i].File = hostile
		}
		for _, list := range [][]analyze.Share{e.All.Stages, e.All.Functions, e.All.SpinCallers, e.Unmatched} {
			for i := range list {
				list[i].Name, list[i].Module = hostile+long[:i*20], hostile
			}
		}
	}
}
