package lab

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// live returns the lines of what job live left in a file.
func live(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(recorded(t, "main", "live", file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// No terminal: top prints a line for each CPU and each SA, once a second.
func TestTop(t *testing.T) {
	const cpuHead = "# time cpu CPU own/s fallback/s wrong/s waits/s wait_ns/packet received/s dropped/s " +
		"softirq system user idle"
	const saHead = "# time sa SPI dir CPU packets/s Mbit/s drops/s"
	lines := live(t, "top")
	for _, want := range []string{cpuHead, saHead, "# probes: wait by fentry, find by fentry, inbound by fentry"} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %q", want)
		}
	}
	number := func(field string) float64 {
		n, err := strconv.ParseFloat(strings.TrimSuffix(field, "%"), 64)
		if err != nil {
			t.Errorf("%q is no number", field)
		}
		return n
	}
	if programs := live(t, "top.bpf"); !strings.Contains(strings.Join(programs, "\n"), "find_begin") {
		t.Errorf("while top runs, bpftool shows %q", programs)
	}
	frames, waits, sent := map[string]int{}, map[string]float64{}, 0.0
	for _, line := range lines {
		f := strings.Fields(line)
		switch {
		case f[1] == "cpu":
			if len(f) != len(strings.Fields(cpuHead))-1 {
				t.Fatalf("%d columns: %s", len(f), line)
			}
			frames[f[2]]++
			waits[f[2]] += number(f[6])
			if number(f[3]) != 0 || number(f[4]) == 0 || number(f[5]) != 0 {
				t.Errorf("packets are on the SA of any CPU alone: %s", line)
			}
			if number(f[6]) > 0 && number(f[7]) <= 0 {
				t.Errorf("waits that take no time: %s", line)
			}
			if sum := number(f[10]) + number(f[11]) + number(f[12]) + number(f[13]); number(f[10]) == 0 ||
				sum < 99.7 || sum > 100.3 {
				t.Errorf("the parts of the CPU's time make up %.1f %%: %s", sum, line)
			}
		case f[1] == "sa" && f[3] == "out":
			if f[2] != "0x1000" || f[4] != "any" {
				t.Errorf("SA: %s", line)
			}
			sent += number(f[5])
		}
	}
	for _, cpu := range []string{"0", "1", "2", "3", "all"} {
		if frames[cpu] != 4 || waits[cpu] == 0 {
			t.Errorf("CPU %s: %d lines, want 4, of %.0f waits/s", cpu, frames[cpu], waits[cpu]/4)
		}
	}
	t.Logf("by 4 lines: %.0f packets/s, %.0f waits/s", sent/4, waits["all"]/4)
	for _, line := range lines {
		if strings.Contains(line, " cpu all ") {
			t.Log(line)
		}
	}
}

// On a terminal the screen is cleared once, and drawn anew for each frame, with
// the lock that is waited for.
func TestTopScreen(t *testing.T) {
	screen := strings.Join(live(t, "top.screen"), "\n")
	if strings.Count(screen, "\x1b[2J") != 1 || strings.Count(screen, "\x1b[H") != 3 {
		t.Errorf("%q", screen)
	}
	_, last, _ := strings.Cut(screen, "\x1b[H")
	for _, want := range []string{" CPU      own/s fallback/s", "wait ns/p    ns/wait  lock", "x->lock SPI 0x1000",
		"SPI        dir   CPU"} {
		if !strings.Contains(last, want) {
			t.Errorf("%q is not in\n%s", want, last)
		}
	}
}

// broken opens a run of job live that did not end as planned: its exit code, why
// it is partial, and that no program of the kernel nor a process is left.
func broken(t *testing.T, name, exit, why string) *run {
	t.Helper()
	if got := live(t, name+".exit"); got[0] != exit {
		t.Errorf("exit code %s, want %s", got[0], exit)
	}
	if got := live(t, name+".verify"); got[len(got)-1] != "exit 0" {
		t.Errorf("xfrmscope verify: %q", got)
	}
	if got := live(t, name+".bpf"); !slices.Equal(got, live(t, "nothing.bpf")) {
		t.Errorf("BPF programs or links are left: %q", got)
	}
	ours := regexp.MustCompile(`xfrmscope|\bperf\b`)
	for _, process := range live(t, name+".ps") {
		if ours.MatchString(process) {
			t.Errorf("a process is left: %s", process)
		}
	}
	r := open(t, recorded(t, "main", "live", name))
	if r.Manifest.Status != bundle.Partial || !strings.Contains(r.Manifest.Why, why) {
		t.Errorf("%s: %q, want it partial: %q", r.Manifest.Status, r.Manifest.Why, why)
	}
	t.Logf("%s: %s", name, r.Manifest.Why)
	return r
}

// loadEnded fails if the load, which writes to pktgen's control file, goes on.
func loadEnded(t *testing.T, name string) {
	t.Helper()
	if strings.Contains(strings.Join(live(t, name+".ps"), "\n"), "pgctrl") {
		t.Error("the load is left")
	}
	if packets := live(t, name+".packets"); len(packets) != 2 || packets[0] != packets[1] {
		t.Errorf("packets are sent still: %q", packets)
	}
}

// SIGTERM ends a run at once, and keeps what was measured; so does SIGINT in a
// probe's phase, with what the probe had counted.
func TestInterrupted(t *testing.T) {
	r := broken(t, "interrupted", "130", "interrupted after")
	loadEnded(t, "interrupted")
	if s := r.Manifest.Window.Seconds(); s <= 0 || s > 4 || len(r.Events) == 0 {
		t.Errorf("a window of %.1f s, %d events", s, len(r.Events))
	}
	recorded(t, "main", "live", "report", "report.html")

	r = broken(t, "interrupted-phase", "130", "interrupted after")
	loadEnded(t, "interrupted-phase")
	packets, seconds := r.phase(t, "count")
	var taken uint64
	for _, row := range r.locks.Acquires {
		taken += row.Count
	}
	t.Logf("count: %d acquisitions and %d packets in %.1f s", taken, packets, seconds)
	if taken < packets {
		t.Errorf("%d acquisitions of spin locks are fewer than the %d packets", taken, packets)
	}
}

// The first SIGINT in the window ends it alone: the phases follow.
func TestShortened(t *testing.T) {
	if got := live(t, "shortened.exit"); got[0] != "0" {
		t.Errorf("exit code %s", got[0])
	}
	r := open(t, recorded(t, "main", "live", "shortened"))
	packets, _ := r.phase(t, "count")
	if s := r.Manifest.Window.Seconds(); r.Manifest.Status != bundle.Complete || s <= 0 || s > 4 || packets == 0 {
		t.Errorf("%s: a window of %.1f s, %d packets in phase count", r.Manifest.Status, s, packets)
	}
}

// The wall clock orders nothing: set back by a day within the window, it is neither
// in the window's length nor in any count.
func TestClockStep(t *testing.T) {
	if got := live(t, "clock-step.exit"); got[0] != "0" {
		t.Errorf("exit code %s", got[0])
	}
	r := open(t, recorded(t, "main", "live", "clock-step"))
	if s := r.Manifest.Window.Seconds(); r.Manifest.Status != bundle.Complete || s < 3 || s > 3600 {
		t.Errorf("%s: a window of %.1f s", r.Manifest.Status, s)
	}
	packets, seconds := r.phase(t, "count")
	if packets == 0 || seconds <= 0 || seconds > 3600 {
		t.Errorf("%d packets in %.1f s of phase count", packets, seconds)
	}
}

// A CPU that goes away in the window is told of; the rest of the run is kept.
func TestUnplugged(t *testing.T) {
	if got := live(t, "unplugged.exit"); got[0] != "0" {
		t.Errorf("exit code %s", got[0])
	}
	r := open(t, recorded(t, "main", "live", "unplugged"))
	told := slices.ContainsFunc(r.Manifest.Warnings, func(w bundle.Warning) bool {
		return strings.Contains(w.Text, "CPU 3")
	})
	if r.Manifest.Status != bundle.Complete || !told {
		t.Errorf("%s, warnings %+v", r.Manifest.Status, r.Manifest.Warnings)
	}
	if got := live(t, "unplugged.verify"); got[len(got)-1] != "exit 0" {
		t.Errorf("xfrmscope verify: %q", got)
	}
}

// A perf that is killed has not written what it held: the run says so, and a
// gate that most samples are missing.
func TestPerfKilled(t *testing.T) {
	r := broken(t, "perf-killed", "1", "perf has ended")
	loadEnded(t, "perf-killed")
	for _, g := range r.Gates {
		if g.ID == "coverage" {
			t.Logf("gate %s: %s: %s", g.ID, g.Status, g.Evidence)
			if g.Status == result.GateOK {
				t.Errorf("%+v", g)
			}
		}
	}
}

// The kernel takes the probes of a recorder that is killed away, and perf ends
// with it. A load's own children go on: nobody is left to end them.
func TestKilled(t *testing.T) {
	r := broken(t, "killed", "137", "has not ended")
	if r.Manifest.Plan.CPUs.String() != "0-3" {
		t.Errorf("plan %+v", r.Manifest.Plan)
	}
}
