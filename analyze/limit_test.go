package analyze

import (
	"testing"

	"xfrmscope/collect/bundle"
)

// What a machine at its own limit does, dropping and pausing its sender, is no
// limit outside XFRM; what another one does to it is.
func TestLimitsOutside(t *testing.T) {
	pause := func(name string) Gate {
		return pauseGate([]delta{{&bundle.Counter{Source: "west/eth0", Name: name}, 12}}, nil)
	}
	for _, tt := range []struct {
		name string
		gate Gate
		want bool
	}{
		{"pause frames received", pause("rx_pause_ctrl_phy"), true},
		{"pause frames sent", pause("tx_pause_ctrl_phy"), false},
		{"no pause frames", pauseGate([]delta{{&bundle.Counter{Name: "rx_pause_ctrl_phy"}, 0}}, nil), false},
		{"drops", Gate{ID: "drops", Status: GateFailed}, false},
		{"some CPUs idle", Gate{ID: "idle-cpus", Status: GateFailed}, false},
		{"no more offered", Gate{ID: "generator-limited", Status: GateFailed}, true},
		{"enough offered", Gate{ID: "generator-limited", Status: GateOK}, false},
	} {
		if got := limits(tt.gate); got != tt.want {
			t.Errorf("%s: a limit outside: %v, want %v; %+v", tt.name, got, tt.want, tt.gate)
		}
	}
}
