package finding

import (
	"testing"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// What a machine at its own limit does, dropping and pausing its sender, is no
// limit outside XFRM; what another one does to it is.
func TestLimitsOutside(t *testing.T) {
	pause := func(name string) result.Gate {
		return checks.PauseGate([]packets.Delta{{Counter: &bundle.Counter{Source: "west/eth0", Name: name},
			Value: 12}}, nil)
	}
	for _, tt := range []struct {
		name string
		gate result.Gate
		want bool
	}{
		{"pause frames received", pause("rx_pause_ctrl_phy"), true},
		{"pause frames sent", pause("tx_pause_ctrl_phy"), false},
		{"no pause frames", checks.PauseGate(
			[]packets.Delta{{Counter: &bundle.Counter{Name: "rx_pause_ctrl_phy"}, Value: 0}}, nil), false},
		{"drops", result.Gate{ID: "drops", Status: result.GateFailed}, false},
		{"some CPUs idle", result.Gate{ID: "idle-cpus", Status: result.GateFailed}, false},
		{"no more offered", result.Gate{ID: "generator-limited", Status: result.GateFailed}, true},
		{"enough offered", result.Gate{ID: "generator-limited", Status: result.GateOK}, false},
	} {
		if got := limits(tt.gate); got != tt.want {
			t.Errorf("%s: a limit outside: %v, want %v; %+v", tt.name, got, tt.want, tt.gate)
		}
	}
}
