package reports

import (
	"bytes"
	"math"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	pprof "github.com/google/pprof/profile"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/testdata/sample"
	"xfrmscope/reports/view"
)

func parsePprof(t *testing.T, path string) *pprof.Profile {
	t.Helper()
	p, err := pprof.Parse(bytes.NewReader(mustRead(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPerPacketProfilesSubtract: a function that costs the same per packet on
// both sides is nothing in `go tool pprof -diff_base`, though packets halved;
// and the sum of a profile is the cost per packet.
func TestPerPacketProfilesSubtract(t *testing.T) {
	dir := t.TempDir()
	before := sample.NewRun(sample.Spec{Mode: "shared", N: 4, RatePer: 40_000, Spin: .5, Seconds: 10})
	after := sample.NewRun(sample.Spec{Mode: "shared", N: 4, RatePer: 80_000, Seconds: 10})
	before.Side, after.Side = "before", "after"
	r := sample.NewResult(before, after)
	if _, err := WriteDir(dir, r); err != nil {
		t.Fatal(err)
	}
	b, a := filepath.Join(dir, "before-shared-n4-cpu-clock-per-packet.pb.gz"),
		filepath.Join(dir, "after-shared-n4-cpu-clock-per-packet.pb.gz")
	sum := 0.0
	for _, s := range parsePprof(t, b).Sample {
		sum += float64(s.Value[1])
	}
	if want := view.AllCPUs(before).PerPacket.Value * perPackets; math.Abs(sum/want-1) > 1e-6 {
		t.Errorf("the weights of a million packets sum to %g, want %g", sum, want)
	}
	out, err := exec.Command("go", "tool", "pprof", "-top", "-unit=us", "-nodefraction=0", "-diff_base", b,
		a).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	flat := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) >= 6 {
			flat[f[len(f)-1]] = f[0]
		}
	}
	cost := func(r *result.Run, function string) float64 {
		for _, s := range view.AllCPUs(r).Functions {
			if s.Name == function {
				return s.PerPacket.Value
			}
		}
		return 0
	}
	for _, f := range []string{"native_queued_spin_lock_slowpath", "xfrm_state_find", "virtnet_xmit"} {
		want := (cost(after, f) - cost(before, f)) * perPackets / 1000
		got, err := strconv.ParseFloat(strings.TrimSuffix(flat[f], "us"), 64)
		if err != nil || math.Abs(got-want) > 1e-3*math.Abs(want)+1 {
			t.Errorf("%s changed by %s, want %g us (%v)\n%s", f, flat[f], want, err, out)
		}
	}
}

// TestLockProfile reads lock waits as those of Go's mutex profile.
func TestLockProfile(t *testing.T) {
	dir := t.TempDir()
	s := sample.Spec{Mode: "shared", N: 4, RatePer: 40_000, Spin: .5, Seconds: 10}
	run := sample.Fill(sample.NewRun(s), s)
	if _, err := WriteDir(dir, sample.NewResult(run)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "shared-n4-locks.pb.gz")
	var waits, delay int64
	for _, s := range parsePprof(t, file).Sample {
		waits, delay = waits+s.Value[0], delay+s.Value[1]
	}
	if float64(waits) != run.Locks.Waits.Value || float64(delay) != run.Locks.WaitNS.Value {
		t.Errorf("%d waits of %d ns, want %v of %v", waits, delay, run.Locks.Waits.Value,
			run.Locks.WaitNS.Value)
	}
	out, err := exec.Command("go", "tool", "pprof", "-top", file).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Type: delay") || !strings.Contains(string(out),
		"x->lock SPI 0x1001") || !strings.Contains(string(out), "xfrm_output_resume") {
		t.Errorf("go tool pprof: %v\n%s", err, out)
	}
	if err := writeLockPprof(&bytes.Buffer{}, &result.Run{}, &sync.Pool{}); err != nil {
		t.Errorf("a run without locks: %v", err)
	}
}
