package result

import (
	"encoding/json"
	"strings"
	"testing"

	"xfrmscope/analyze/profile"
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
