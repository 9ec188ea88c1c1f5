package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain makes the test binary the program, if it is called by its name.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "xfrmscope" {
		main()
	}
	os.Exit(m.Run())
}

// program returns the program for tests that run it as one: the test binary by
// its other name, which takes no linking.
func program(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "xfrmscope")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if os.Link(self, program) != nil { // it lies on another disk
		shell(t, ".", "cp "+self+" "+program)
	}
	return program
}

func fifo(t *testing.T, path string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// imported makes a run of a few stacks.
func imported(t *testing.T, run string) string {
	t.Helper()
	if code, _, stderr := cli("import", stacksFile(t, t.TempDir()), "-o", run); code != exitOK {
		t.Fatal(stderr)
	}
	return run
}

// No command waits for what nobody writes, wherever it meets it.
func TestNothingWaitsForFIFO(t *testing.T) {
	dir := t.TempDir()
	pipe := fifo(t, filepath.Join(dir, "pipe"))
	run := imported(t, filepath.Join(dir, "run"))
	broken, sweep := filepath.Join(dir, "broken"), filepath.Join(dir, "sweep")
	fifo(t, filepath.Join(broken, "manifest.json"))
	fifo(t, filepath.Join(sweep, "sweep.json"))
	out := filepath.Join(dir, "out")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, args := range [][]string{
			{"show", pipe}, {"report", pipe, "-o", out}, {"import", pipe, "-o", out},
			{"compare", pipe, run},
			{"verify", pipe}, {"verify", run, "--results", pipe}, {"list", pipe}, {"pack", pipe, "-o", out},
			{"push", pipe, "--openmetrics", out}, {"show", broken}, {"list", sweep},
			{"scenario", "print", pipe},
			{"show", "/dev/zero"}, {"import", "/dev/zero", "-o", out}, {"scenario", "print", "/dev/zero"},
			{"show", run, pipe}, {"sweep", pipe, "-o", out, "--dry-run"}, {"doctor", "--kconfig", pipe},
			{"lab", "doctor", "-k", pipe}, {"lab", "doctor", "-k", "/dev/zero"},
		} {
			if code, stdout, _ := cli(args...); code == exitOK {
				t.Errorf("%q: %s", args, stdout)
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("a command waits")
	}
}

// A command that waits for its input ends soon after an interrupt, and leaves
// no file behind.
func TestInterruptWhileReading(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	program, dir := program(t), t.TempDir()
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		cmd := exec.Command(program, "show", "-")
		cmd.Env = append(os.Environ(), "TMPDIR="+dir)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write([]byte(strings.Repeat(oneStack, 1<<20))); err != nil { // more than a mail has
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Fatalf("%v does not end it", sig)
		}
		if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
			t.Errorf("%v: exit %d", sig, code)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("%v: left behind: %v", sig, left)
		}
	}
}

// What was measured is not written among.
func TestOutputIntoRun(t *testing.T) {
	dir := t.TempDir()
	run, link := imported(t, filepath.Join(dir, "run")), filepath.Join(dir, "link")
	if err := os.Symlink(run, link); err != nil {
		t.Fatal(err)
	}
	before := tree(t, run)
	for _, args := range [][]string{
		{"report", run, "-o", run}, {"report", run, "-o", run + "/a/b"}, {"report", run, "-o", link},
		{"report", run, "-o", link + "/c"}, {"compare", run, run, "-o", run + "/out"},
		{"pack", run, "-o", run + "/p.tar.zst"}, {"push", run, "--openmetrics", run + "/figures"},
	} {
		if code, _, stderr := cli(args...); code != exitUsage || !strings.Contains(stderr, "inside of a run") {
			t.Errorf("%q: exit %d: %s", args, code, stderr)
		}
	}
	if after := tree(t, run); !slices.Equal(before, after) {
		t.Errorf("the run has %q, had %q", after, before)
	}
	if code, _, stderr := cli("report", run, "-o", filepath.Join(dir, "out")); code != exitOK {
		t.Error(stderr)
	}
}

func tree(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, _ os.FileInfo, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// A report takes the place of the one before it, and leaves others' files.
func TestReportReplaces(t *testing.T) {
	dir := t.TempDir()
	first, second := imported(t, filepath.Join(dir, "first")), imported(t, filepath.Join(dir, "second"))
	out := filepath.Join(dir, "out")
	if code, _, stderr := cli("report", first, "-o", out); code != exitOK {
		t.Fatal(stderr)
	}
	for _, name := range []string{"notes.txt", "mine.pb.gz"} {
		if err := os.WriteFile(filepath.Join(out, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, to := range []string{out, out + "2"} {
		if code, _, stderr := cli("report", second, stacksFile(t, dir), "-o", to); code != exitOK {
			t.Fatal(stderr)
		}
	}
	want := tree(t, out+"2")
	for i := range want {
		want[i] = out + strings.TrimPrefix(want[i], out+"2")
	}
	want = append(want, filepath.Join(out, "notes.txt"), filepath.Join(out, "mine.pb.gz"))
	slices.Sort(want)
	if got := tree(t, out); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A device that is not there is a mistake, whatever else is named.
func TestDoctorOfNoDevice(t *testing.T) {
	for _, args := range [][]string{
		{"--dev", "bogus7"}, {"--json", "-C", "0", "--dev", "bogus7"},
	} {
		code, _, stderr := cli(append([]string{"doctor"}, args...)...)
		if code != exitUsage || !strings.Contains(stderr,
			"interface bogus7: there is none of that name to carry traffic; ") {
			t.Errorf("%q: exit %d: %s", args, code, stderr)
		}
	}
}
