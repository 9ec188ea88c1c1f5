package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"xfrmscope/analyze"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// driven makes a sweep by an example scenario of one run, and returns it.
func driven(t *testing.T, args ...string) *result.Run {
	t.Helper()
	if testing.Short() {
		t.Skip("records")
	}
	if os.Geteuid() != 0 {
		t.Skip("recording needs root")
	}
	if _, err := exec.LookPath("perf"); err != nil {
		t.Skip("perf is not installed")
	}
	dir := filepath.Join(t.TempDir(), "sweep")
	args = append([]string{"sweep"},
		append(args, "-o", dir, "--set", "cpus.counts=1", "--set", "window=500ms", "--set", "warm_up=500ms",
			"--set", "repeats=1", "--set", "events=[cpu-clock]", "--set", "probes=[none]", "--set",
			"steady.within=3s")...)
	if code, stdout, stderr := cli(args...); code != exitOK {
		t.Fatalf("exit %d, %s%s", code, stdout, stderr)
	}
	runs, err := bundle.OpenAll(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := runs[0].Verify(); err != nil {
		t.Error(err)
	}
	result, err := analyze.Runs(context.Background(), runs, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return result.Runs[0]
}

// The example of iperf3 runs here as it is: its own count of packets is the
// run's.
func TestIPerf3(t *testing.T) {
	if _, err := exec.LookPath("iperf3"); err != nil {
		t.Skip("iperf3 is not installed")
	}
	t.Cleanup(func() {
		for _, ns := range []string{"xs-west", "xs-east"} {
			if _, err := os.Stat("/run/netns/" + ns); err == nil {
				t.Errorf("the namespace %s is left", ns)
				_ = exec.Command("ip", "netns", "del", ns).Run()
			}
		}
	})
	r := driven(t, "iperf3")
	if !r.Packets.Rate.Measured() || r.Packets.Rate.Value < 100 || !strings.Contains(r.Packets.Source, "iperf3") {
		t.Errorf("packets %+v, gaps %+v", r.Packets, r.Gaps)
	}
	t.Logf("%.0f packets/s by %s; warnings %+v", r.Packets.Rate.Value, r.Packets.Source, r.Warnings)
}

// The kernel's generator is where the kernel has it: in the lab, not in every
// container.
func TestPktgen(t *testing.T) {
	if exec.Command("modprobe", "pktgen").Run() != nil {
		t.Skip("this kernel has no pktgen: samples/lab/jobs/sweep runs the example in the lab")
	}
	r := driven(t, "pktgen")
	if !r.Packets.Rate.Measured() || !strings.Contains(r.Packets.Source, "pktgen") {
		t.Errorf("packets %+v, gaps %+v", r.Packets, r.Gaps)
	}
}

// TRex is the user's: here a script leaves a result as TRex's statistics are.
func TestTRexResult(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	files := map[string]string{
		"sas": "exit 0\n",
		"trex-run": `trap 'exit 0' TERM
cat > $2 <<'JSON'
[{"fwd_tx_opackets": 4500000, "fwd_rx_ipackets": 4497000, "fwd_l_pkts": 3000,
 "fwd_l_pkts_percent": 0.0667, "direction": "fwd", "flows": 1, "run": 1, "elapsed_runtime": 3.0}]
JSON
while :; do sleep 0.1; done
`,
	}
	for name, text := range files {
		if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r := driven(t, "trex", "--set", "modes=[{name: pcpu, setup: ./sas pcpu}]")
	if !r.Packets.Rate.Measured() || r.Packets.Rate.Value != 1.499e6 ||
		!strings.Contains(r.Packets.Source, "TRex") {
		t.Errorf("packets %+v, gaps %+v, files %+v", r.Packets, r.Gaps, r.Manifest.Files)
	}
}
