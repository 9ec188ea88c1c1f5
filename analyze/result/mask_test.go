package result

import (
	"encoding/json"
	"strings"
	"testing"

	"xfrmscope/analyze/profile"
	"xfrmscope/collect/bundle"
)

// Equal addresses stay equal, in whatever text, and what only looks like one stays.
func TestMaskAddresses(t *testing.T) {
	const spi, sum = "SA 0xff0000ff", "sha256 ffffffff81000000ffffffff81000000"
	r := &Result{
		Runs: []*Run{nil, {
			Locks: Locks{Rows: []Lock{{Lock: "0xff15df9ac0057800"},
				{Lock: "0xffffffffa5d0f300", Name: "rcu_state"}}},
			Events: []*Event{{Profile: &profile.Profile{
				Functions: []profile.Function{{Name: "0xffffffff81000000"}, {Name: "xfrm_lookup"}}}}},
			Labels: map[string]string{"why": "lock 0xff15df9ac0057800, " + spi},
		}},
		Findings: []Finding{{Claim: "ffffffff81000000+0x1c waits; " + sum}},
	}
	if !r.HasAddresses() {
		t.Error("no addresses before")
	}
	r.MaskAddresses()
	run := r.Runs[1]
	lock, function := run.Locks.Rows[0].Lock, run.Events[0].Profile.Functions[0].Name
	if lock == run.Locks.Rows[1].Lock || !strings.HasPrefix(lock, "0x") || r.HasAddresses() {
		t.Errorf("locks %+v", run.Locks.Rows)
	}
	if got, want := run.Labels["why"], "lock "+lock+", "+spi; got != want {
		t.Errorf("label %q, want %q", got, want)
	}
	if got, want := r.Findings[0].Claim, function+"+0x1c waits; "+sum; got != want {
		t.Errorf("finding %q, want %q", got, want)
	}
	before, _ := json.Marshal(r)
	r.MaskAddresses()
	if after, _ := json.Marshal(r); string(after) != string(before) {
		t.Error("masked again, it differs")
	}
}

// A text that two parts of a result share is masked once, and so is an SPI.
func TestMaskOnce(t *testing.T) {
	warnings := []bundle.Warning{{Weakens: "rates", Text: "a"}}
	labels := map[string]string{"why": "a"}
	r := &Result{Runs: []*Run{{Warnings: warnings, Labels: labels, Locks: Locks{Rows: []Lock{{SPI: 1}}},
		Config: map[string]string{"nic a": "a", "load": "a"},
		Manifest: bundle.Manifest{Tool: "a", Warnings: warnings, Plan: bundle.Plan{Labels: labels},
			Host: bundle.Host{Kernel: "a", CmdLine: "a"}}}}}
	next := func(spi uint32) uint32 { return spi + 1 }
	r.Mask(Masking{Names: true, SPI: next, Text: func(s string, free bool) string {
		if free {
			return strings.ToUpper(s) + "!"
		}
		return s + "+"
	}})
	run, m := r.Runs[0], r.Runs[0].Manifest
	if run.Locks.Rows[0].SPI != 2 {
		t.Errorf("SPI %d, want 2", run.Locks.Rows[0].SPI)
	}
	for what, got := range map[string]string{"warning": warnings[0].Text, "label": run.Labels["why"],
		"label of the plan": m.Plan.Labels["why"], "load": run.Config["load+"],
		"command line": m.Host.CmdLine} {
		if got != "A!" {
			t.Errorf("%s %q, want A!", what, got)
		}
	}
	if m.Tool != "a+" || m.Host.Kernel != "a+" || run.Config["nic a+"] != "a+" {
		t.Errorf("tool %q, kernel %q, config %v", m.Tool, m.Host.Kernel, run.Config)
	}
}
