package bundle

import "strings"

// IsClock reports whether an event is a software clock, by its name: "cpu-clock".
func IsClock(event string) bool { return strings.Contains(event, "clock") }

// CountsMisses reports whether an event counts cache misses, by its name:
// "L1-dcache-load-misses", "mem_load_retired.l3_miss", not "branch-misses".
func CountsMisses(event string) bool {
	return strings.Contains(event, "miss") && !strings.Contains(event, "branch")
}
