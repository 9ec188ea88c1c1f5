package testrun

import "xfrmscope/collect/bundle"

// CountedRows are the counts of two CPUs over a second: misses were on for half of it
// on CPU 1, and perf scaled them.
func CountedRows() []bundle.Total {
	return []bundle.Total{
		{Event: "cycles:k", CPU: 0, Value: 3e9, RunningNS: 1e9, Running: 1},
		{Event: "cycles:k", CPU: 1, Value: 1e9, RunningNS: 1e9, Running: 1},
		{Event: "L1-dcache-load-misses:k", CPU: 0, Value: 3e7, RunningNS: 1e9, Running: 1},
		{Event: "L1-dcache-load-misses:k", CPU: 1, Value: 1e7, RunningNS: 5e8, Running: 0.5},
	}
}
