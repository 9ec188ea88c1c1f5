//go:build !race

// The program that is broken here is built without the race detector.

package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
)

// A faultBench is a program, a scenario of short runs, and what its commands
// write.
type faultBench struct {
	t        *testing.T
	program  string
	dir      string // of the scenario and the traces
	sweep    string
	scenario string
}

// TestFaults breaks sweeps in every way there is.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("makes sweeps")
	}
	if os.Geteuid() != 0 {
		t.Skip("recording needs root")
	}
	if _, err := exec.LookPath("perf"); err != nil {
		t.Skip("perf is not installed")
	}
	program := program(t)
	for name, test := range map[string]func(*testing.T, string){
		"kill": faultKill, "disk": faultDisk, "children": faultChildren, "interrupt": faultInterrupt,
		"outputs": faultOutputs, "symbols": faultSymbols,
	} {
		t.Run(name, func(t *testing.T) { test(t, program) })
	}
}

// newFaultBench writes a scenario of that many repeats of two modes. The set-up
// fails where an earlier one was not undone, and the load notes each of its
// starts.
func newFaultBench(t *testing.T, program string, repeats int) *faultBench {
	t.Helper()
	online, err := procfs.Root("").Online()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	b := &faultBench{t: t, program: program, dir: dir, sweep: filepath.Join(dir, "sweep"),
		scenario: filepath.Join(dir, "scenario.yaml")}
	text := strings.NewReplacer("DIR", dir, "CPU", strconv.Itoa(online[len(online)-1]), "REPEATS",
		strconv.Itoa(repeats)).Replace(`apiVersion: xfrmscope/v1
name: faults
cpus: {sets: [CPU]}
modes:
  - {name: a, setup: 'mkdir DIR/up', teardown: 'rmdir DIR/up'}
  - {name: b, setup: 'mkdir DIR/up', teardown: 'rmdir DIR/up'}
load: {command: 'echo {run} >> DIR/loads; echo $$ > DIR/pid; while :; do :; done', cpus: '{cpus}'}
warm_up: 0s
steady: {within: 0s}
window: 200ms
repeats: REPEATS
events: [cpu-clock]
frequency: 499
probes: [none]
`)
	if err := os.WriteFile(b.scenario, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return b
}

// start starts the sweep, or goes on with it.
func (b *faultBench) start() (*exec.Cmd, *bytes.Buffer) {
	b.t.Helper()
	cmd := exec.Command(b.program, "sweep", b.scenario, "-o", b.sweep)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	return cmd, &out
}

// fails runs the sweep, which is to fail with want in its message.
func (b *faultBench) fails(want string) {
	b.t.Helper()
	cmd, out := b.start()
	if err := cmd.Wait(); err == nil || !strings.Contains(out.String(), want) {
		b.t.Errorf("%v, want %q in\n%s", err, want, out)
	}
}

// completes runs the sweep to its end.
func (b *faultBench) completes(runs int) *bundle.Sweep {
	b.t.Helper()
	cmd, out := b.start()
	if err := cmd.Wait(); err != nil {
		b.t.Fatalf("%v\n%s", err, out)
	}
	s := b.check()
	if s == nil || len(s.Runs) != runs || len(s.Missing()) != 0 {
		b.t.Fatalf("not complete: %+v\n%s", s, out)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "up")); err == nil {
		b.t.Error("the set-up is left")
	}
	return s
}

// check opens and verifies every finished run; nil if there is none yet.
func (b *faultBench) check() *bundle.Sweep {
	b.t.Helper()
	s, err := bundle.OpenSweep(os.DirFS(b.sweep), b.sweep)
	var not *bundle.NotBundleError
	if errors.As(err, &not) {
		return nil
	}
	if err != nil {
		b.t.Fatal(err)
	}
	if err := s.VerifyTable(); err != nil {
		b.t.Error(err)
	}
	for _, r := range s.Runs {
		if err := r.Verify(); err != nil {
			b.t.Error(err)
		}
		if r.Status != bundle.Complete || r.Window.Seconds() < 0.19 {
			b.t.Errorf("%s: %s, %.2f s", r.Path, r.Status, r.Window.Seconds())
		}
	}
	return s
}

// loads counts how often the load was started, by run.
func (b *faultBench) loads() map[string]int {
	data, _ := os.ReadFile(filepath.Join(b.dir, "loads"))
	n := map[string]int{}
	for _, run := range strings.Fields(string(data)) {
		n[run]++
	}
	return n
}

// Killed at random moments, a sweep loses no finished run, measures none twice,
// and in the end is complete.
func faultKill(t *testing.T, program string) {
	want := faultScale(2, 50)
	b := newFaultBench(t, program, faultScale(1, 20))
	rng := rand.New(rand.NewPCG(7, 11))
	type finished struct {
		sum   string // of the manifest: another run would have another
		loads int
	}
	seen := map[string]finished{}
	kills := 0
	for kills < want {
		cmd, out := b.start()
		time.Sleep(time.Duration(50+rng.IntN(4000)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			break // it had ended: complete
		}
		if err := cmd.Wait(); err == nil {
			break
		}
		kills++
		if strings.Contains(out.String(), "xfrmscope: ") {
			t.Fatalf("kill %d: %s", kills, out)
		}
		s := b.check()
		if s == nil {
			continue
		}
		loads := b.loads()
		for i, dir := range s.Dirs {
			now := finished{s.Runs[i].Sum, loads[dir]}
			if before, ok := seen[dir]; ok && before != now {
				t.Errorf("kill %d: %s was finished, and is another: %+v, now %+v", kills, dir, before,
					now)
			}
			seen[dir] = now
		}
		for dir := range seen {
			if !slices.Contains(s.Dirs, dir) {
				t.Errorf("kill %d: %s was finished, and is lost", kills, dir)
			}
		}
	}
	planned := 2 * faultScale(1, 20)
	s := b.completes(planned)
	loads := b.loads()
	for i, dir := range s.Dirs {
		if before, ok := seen[dir]; ok && before != (finished{s.Runs[i].Sum, loads[dir]}) {
			t.Errorf("%s was finished, and was made again", dir)
		}
	}
	started := 0
	for _, n := range loads {
		started += n
	}
	t.Logf("%d kills -9; %d of %d runs finished, opened and verified after each; %d kept aside; the load was "+
		"started %d times; none measured twice",
		kills, len(s.Dirs), planned, len(s.Aside), started)
}

// On a full disk a sweep stops, says so and loses nothing; with room it goes on.
func faultDisk(t *testing.T, program string) {
	b := newFaultBench(t, program, 2)
	if err := os.Mkdir(b.sweep, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", b.sweep, "tmpfs", 0, "size=1600k"); err != nil {
		t.Skip("mounting a small tmpfs: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(b.sweep, unix.MNT_DETACH) })
	// After the first run something else fills the disk.
	cmd, out := b.start()
	for deadline := time.Now().Add(time.Minute); b.check() == nil && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	filler, err := os.Create(filepath.Join(b.sweep, "log", "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := filler.Write(make([]byte, 4096)); err != nil {
			break
		}
	}
	filler.Close()
	if err := cmd.Wait(); err == nil || !strings.Contains(out.String(), "no space left on device") {
		t.Fatalf("%v, %s", err, out)
	}
	before := len(b.check().Dirs)
	if before == 0 {
		t.Fatal("no run was finished before")
	}
	b.fails("no space left on device")
	if err := unix.Mount("tmpfs", b.sweep, "tmpfs", unix.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filler.Name()); err != nil {
		t.Fatal(err)
	}
	s := b.completes(4)
	t.Logf("full after %d of 4 runs: %s; with room %d runs, %d kept aside", before, strings.TrimSpace(out.String()),
		len(s.Dirs), len(s.Aside))
}

// What is written to a disk that is full, or that fails, is not there: not a part
// of it, and what was there before stays.
func faultOutputs(t *testing.T, program string) {
	dir := sampleDir(t, "pcpu")
	for name, disk := range map[string]func(t *testing.T, dir string){"full": fullDisk, "failing": failingDisk} {
		t.Run(name, func(t *testing.T) {
			on := t.TempDir()
			disk(t, on)
			earlier := filepath.Join(on, "earlier")
			if err := os.Mkdir(earlier, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{"digest.txt", "notes"} {
				err := os.WriteFile(filepath.Join(earlier, file), []byte("mine\n"), 0o644)
				if err != nil {
					t.Fatal(err)
				}
			}
			before := shell(t, on, "find . | sort")
			for _, args := range [][]string{
				{"report", dir, "-o", filepath.Join(on, "report")},
				{"report", dir, "-o", earlier},
				{"compare", dir, dir, "-o", filepath.Join(on, "compared")},
				{"pack", dir, "-o", filepath.Join(on, "run.tar.zst")},
				{"pack", dir, "--publish", "-o", filepath.Join(on, "run.tar.zst")},
				{"push", dir, "--openmetrics", filepath.Join(on, "figures.txt")},
			} {
				out, err := exec.Command(program, args...).CombinedOutput()
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.ExitCode() != exitFailure ||
					!strings.Contains(string(out), "no space left on device") &&
						!strings.Contains(string(out), "input/output error") {
					t.Errorf("%q: %v\n%s", args, err, out)
				}
				if after := shell(t, on, "find . | sort"); after != before {
					t.Errorf("%q left\n%swhere there was\n%s", args, after, before)
				}
			}
			if got := shell(t, on, "cat earlier/*"); got != "mine\nmine\n" {
				t.Errorf("what was there is %q", got)
			}
		})
	}
}

// fullDisk mounts a file system on dir that has next to no room.
func fullDisk(t *testing.T, dir string) {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=24k"); err != nil {
		t.Skip("mounting a small tmpfs: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

// failingDisk mounts an ext4 of 64 MB on dir, whose image lies on a full disk: it
// takes what is written, and says that it failed when it brings it to its image.
func failingDisk(t *testing.T, dir string) {
	below := t.TempDir()
	if err := unix.Mount("tmpfs", below, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("mounting a small tmpfs: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(below, unix.MNT_DETACH) })
	image := filepath.Join(below, "image")
	const script = `truncate -s 64M "$1"; mkfs.ext4 -q -O ^has_journal -E lazy_itable_init=1,discard "$1"
mount -o loop "$1" "$2"
dd if=/dev/zero of="$1.filler" bs=4k 2>/dev/null || true`
	if out, err := exec.Command("sh", "-ec", script, "sh", image, dir).CombinedOutput(); err != nil {
		t.Skipf("mounting an image: %v\n%s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
}

// Where the kernel's symbols cannot be read the run is partial, and says so.
func faultSymbols(t *testing.T, program string) {
	dir := t.TempDir()
	run, hidden := filepath.Join(dir, "run"), filepath.Join(dir, "hidden")
	if err := os.WriteFile(hidden, []byte("0000000000000000 T _text\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	online, err := procfs.Root("").Online()
	if err != nil {
		t.Fatal(err)
	}
	const hide = `mount --bind "$1" /proc/kallsyms || exit 99; shift; exec "$@"`
	cmd := exec.Command("unshare", "-m", "sh", "-ec", hide, "sh", hidden, program, "record", "-C",
		online[len(online)-1:].String(), "-d", "200ms", "-e", "cpu-clock", "--no-probes", "-o", run)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() == 99 || cmd.ProcessState.ExitCode() < 0 {
		t.Skipf("hiding /proc/kallsyms: %v\n%s", err, out)
	}
	if cmd.ProcessState.ExitCode() != exitFailure ||
		!strings.Contains(string(out), "function names of the kernel are not known") {
		t.Errorf("%v\n%s", err, out)
	}
	runs, err := bundle.OpenAll(run)
	if err != nil || runs[0].Status != bundle.Partial || runs[0].Verify() != nil {
		t.Errorf("%v: %+v", err, runs)
	}
}

// A perf or a load that is killed ends the run, not what was finished before.
func faultChildren(t *testing.T, program string) {
	b := newFaultBench(t, program, 1)
	shell(t, b.dir, "sed -i 's/200ms/1s/' scenario.yaml")
	for _, tt := range []struct {
		child, run string // run in which it is killed
		pid        func(sweep int) int
		want       string
	}{
		{"perf", "a-n1-r1", func(sweep int) int { return childOf(sweep, "perf") }, "perf has ended"},
		{"load", "b-n1-r1", func(int) int {
			data, _ := os.ReadFile(filepath.Join(b.dir, "pid"))
			pid, _ := strconv.Atoi(strings.TrimSpace(string(data)))
			return pid
		}, "the load failed with exit status 137"},
	} {
		before := b.loads()[tt.run]
		cmd, out := b.start()
		for deadline := time.Now().Add(time.Minute); b.loads()[tt.run] == before &&
			time.Now().Before(deadline); {
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(300 * time.Millisecond)
		pid := tt.pid(cmd.Process.Pid)
		if pid <= 1 {
			t.Fatalf("there is no %s: %s", tt.child, out)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil || !strings.Contains(out.String(), tt.want) ||
			!strings.Contains(out.String(), "of 2 runs are in") {
			t.Errorf("%s: %v, want %q in\n%s", tt.child, err, tt.want, out)
		}
		t.Log(out)
	}
	if s := b.completes(2); len(s.Aside) != 2 {
		t.Errorf("aside %v", s.Aside)
	}
}

// childOf returns the child of a process that runs a program of that name.
func childOf(parent int, name string) int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		var pid, ppid int
		var comm, state string
		if n, _ := fmt.Sscanf(string(data), "%d %s %s %d", &pid, &comm, &state, &ppid); n == 4 &&
			ppid == parent && comm == "("+name+")" {
			return pid
		}
	}
	return -1
}

// Ctrl-C keeps what was measured, undoes the set-up and says how to go on.
func faultInterrupt(t *testing.T, program string) {
	b := newFaultBench(t, program, 1)
	shell(t, b.dir, "sed -i 's/200ms/10s/' scenario.yaml")
	cmd, out := b.start()
	for deadline := time.Now().Add(time.Minute); len(b.loads()) < 1 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	if cmd.ProcessState.ExitCode() != exitInterrupted ||
		!strings.Contains(out.String(), "the same command goes on with the others") {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "up")); err == nil {
		t.Error("the set-up is left")
	}
	runs, err := bundle.OpenAll(filepath.Join(b.sweep, "aside/a-n1-r1.1"))
	if err != nil || runs[0].Status != bundle.Partial || runs[0].Verify() != nil {
		t.Errorf("what was measured: %v", err)
	}
}

// The wall clock orders nothing: stepped by years between runs, a sweep reads
// the same.
func TestFaultClock(t *testing.T) {
	dir := sampleDir(t, "pcpu")
	_, want, _ := cli("show", dir)
	for i, run := range []string{"n1", "n2", "n4"} {
		err := bundle.Amend(filepath.Join(dir, run),
			func(m *bundle.Manifest) { m.Started = m.Started.AddDate(10*(1-i), 0, 0) })
		if err != nil {
			t.Fatal(err)
		}
	}
	if code, got, stderr := cli("show", dir); code != exitOK || got != want {
		t.Errorf("exit %d, %s\n%s\nwant\n%s", code, stderr, got, want)
	}
	if code, _, stderr := cli("verify", dir); code != exitOK {
		t.Error(stderr)
	}
}
