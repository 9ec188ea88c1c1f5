package remote

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/record"
)

func TestParseHost(t *testing.T) {
	for _, tt := range []struct{ in, name, target, err string }{
		{"west=ssh:root@west", "west", "root@west", ""},
		{"e=ssh:192.0.2.3", "e", "192.0.2.3", ""},
		{"west", "", "", "write NAME=ssh:TARGET"},
		{"west=root@west", "", "", "write NAME=ssh:TARGET"},
		{"../x=ssh:a", "", "", "the name may hold"},
		{"=ssh:a", "", "", "the name may hold"},
		{"w=ssh:", "", "", "is no target"},
		{"w=ssh:-oProxyCommand=x", "", "", "is no target"},
		{"w=ssh:a b", "", "", "is no target"},
	} {
		h, err := ParseHost(tt.in)
		if (tt.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.err) ||
			h.Name != tt.name || h.Target != tt.target {
			t.Errorf("ParseHost(%q) = %+v, %v, want %q %q, error %q", tt.in, h, err, tt.name, tt.target,
				tt.err)
		}
	}
	if _, err := ParseHosts([]string{"a=ssh:x", "a=ssh:y"}); err == nil {
		t.Error("two hosts of one name are taken")
	}
}

// pipes connects a session to an agent in this process.
func pipes(t *testing.T, name string) *Session {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir()) // a run that nobody fetches stays
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := Serve(context.Background(), inR, outW, record.Options{Tool: "test"})
		outW.CloseWithError(err)
		ended <- err
	}()
	var last error
	s, err := newSession(t.Context(), Host{Name: name}, outR, inW, func() error {
		select {
		case last = <-ended:
		case <-time.After(time.Minute):
			t.Error("the agent does not end")
		}
		ended <- last
		return last
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func needsPerf(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("records for seconds")
	}
	if os.Geteuid() != 0 {
		t.Skip("recording needs root")
	}
	if _, err := exec.LookPath("perf"); err != nil {
		t.Skip("perf is not installed")
	}
}

func plan() bundle.Plan {
	return bundle.Plan{CPUs: bundle.CPUSet{0}, DurationNS: 500 * time.Millisecond, Events: []string{"cpu-clock"},
		NetNS: []string{""}, Labels: map[string]string{"mode": "pcpu"}}
}

func TestClock(t *testing.T) {
	s := pipes(t, "west")
	if err := s.SyncClock(t.Context(), "here"); err != nil {
		t.Fatal(err)
	}
	// One process has one clock.
	if c := s.Clock; c.Against != "here" || c.ErrorNS <= 0 || abs(c.OffsetNS) > c.ErrorNS {
		t.Errorf("clock = %+v, want an offset within its error", c)
	}
}

func abs(n int64) int64 { return max(n, -n) }

// Two hosts, one window; the load starts when both are ready and ends after.
func TestFleet(t *testing.T) {
	needsPerf(t)
	var lines, steps []string
	f := Fleet{Sessions: []*Session{pipes(t, "west"), pipes(t, "east")}, Against: "here",
		Progress: func(line string) { lines = append(lines, line) },
		StartLoad: func(context.Context) (func() error, error) {
			steps = append(steps, "start")
			return func() error { steps = append(steps, "stop"); return nil }, nil
		}}
	for _, n := range []string{"n1", "n2"} { // a session makes run after run
		dir := filepath.Join(t.TempDir(), n)
		names, err := f.Record(t.Context(), plan(), dir)
		if err != nil || !slices.Equal(names, []string{"west", "east"}) {
			t.Fatalf("Record = %v, %v", names, err)
		}
		runs, err := bundle.OpenAll(dir)
		if err != nil || len(runs) != 2 {
			t.Fatal(runs, err)
		}
		if a, b := runs[0].Plan.Mode(), runs[1].Plan.Mode(); a != "pcpu" || b != "pcpu at east" {
			t.Errorf("modes %q and %q", a, b)
		}
		var windows []bundle.Window
		for i, name := range names {
			r := runs[i]
			if err := r.Verify(); err != nil || r.Status != bundle.Complete ||
				r.Plan.Labels["host"] != name || r.Clock == nil {
				t.Errorf("%s: %v, %s %s, labels %v, clock %v", name, err, r.Status, r.Why,
					r.Plan.Labels, r.Clock)
			}
			windows = append(windows, r.Window)
		}
		if w := windows; w[0].StartNS >= w[1].EndNS || w[1].StartNS >= w[0].EndNS {
			t.Errorf("the windows %v do not overlap", w)
		} else {
			t.Logf("windows opened %v apart", time.Duration(abs(w[0].StartNS-w[1].StartNS)))
		}
	}
	if !slices.Equal(steps, []string{"start", "stop", "start", "stop"}) {
		t.Errorf("the load: %q", steps)
	}
	if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "east: measuring CPUs 0") }) {
		t.Errorf("progress = %q", lines)
	}
}

// A host that goes away costs its own run only.
func TestHostFails(t *testing.T) {
	needsPerf(t)
	west, east := pipes(t, "west"), pipes(t, "east")
	f := Fleet{Sessions: []*Session{west, east}, Against: "here",
		StartLoad: func(context.Context) (func() error, error) {
			return func() error { return nil }, east.Close()
		}}
	dir := filepath.Join(t.TempDir(), "n1")
	names, err := f.Record(t.Context(), plan(), dir)
	var failed *Error
	if !slices.Equal(names, []string{"west"}) || !errors.As(err, &failed) || failed.Host != "east" {
		t.Errorf("Record = %v, %v, want west's run and an error of east", names, err)
	}
}

// An interrupt ends the windows; what was measured comes back.
func TestInterrupt(t *testing.T) {
	needsPerf(t)
	ctx, cancel := context.WithCancel(t.Context())
	f := Fleet{Sessions: []*Session{pipes(t, "west")}, Against: "here", Progress: func(line string) {
		if strings.Contains(line, "measured 1 s") {
			cancel()
		}
	}}
	p := plan()
	p.DurationNS = time.Minute
	dir := filepath.Join(t.TempDir(), "n1")
	names, err := f.Record(ctx, p, dir)
	if err == nil || !slices.Equal(names, []string{"west"}) {
		t.Fatalf("Record = %v, %v, want a partial run and an error", names, err)
	}
	runs, err := bundle.OpenAll(dir)
	if err != nil || runs[0].Status != bundle.Partial || !strings.Contains(runs[0].Why, "interrupted after") {
		t.Errorf("the run: %v, %+v", err, runs)
	}
}

// An agent is not trusted: what it sends stays in its directory.
func TestHostileAgent(t *testing.T) {
	for _, name := range []string{"../x", "/etc/x", "a/../../x", "", "a//b", "."} {
		s := &Session{wire: newWire[answer, request](strings.NewReader("xxxx"), io.Discard)}
		dir := t.TempDir()
		if err := s.save(dir, file{name, 4}); err == nil {
			t.Errorf("a file %q is taken", name)
		}
	}
	for _, said := range []string{"", "{\n", "null\n", "{\"hello\":{\"schema\":99}}\n",
		strings.Repeat("x", maxLine+1)} {
		_, w := io.Pipe()
		if _, err := newSession(t.Context(), Host{Name: "west"}, strings.NewReader(said), w,
			func() error { return nil }); err == nil {
			t.Errorf("an agent that says %.20q is taken", said)
		}
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte("{\"hello\":{\"tool\":\"x\",\"schema\":1}}\n{\"file\":{\"name\":\"a\",\"size\":3}}\nabc"))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := newWire[answer, request](strings.NewReader(string(data)), io.Discard)
		for range 100 {
			if _, err := w.receive(); err != nil {
				return
			}
		}
	})
}
