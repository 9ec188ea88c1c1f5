package perfdata

import "testing"

func TestUnitOf(t *testing.T) {
	for name, want := range map[string]string{
		"cycles:k": "cycles", "cpu_core/cpu-cycles/k": "cycles", "ref-cycles:u": "cycles",
		"task-clock":     "nanoseconds",
		"instructions:k": "instructions", "sim-instructions": "instructions", "sim-cycles": "cycles",
		"branch-instructions": "count", "sim-L1-misses": "count",
	} {
		if got := UnitOf(name); got != want {
			t.Errorf("%s counts %s, want %s", name, got, want)
		}
	}
}
