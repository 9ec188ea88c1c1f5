package record

import (
	"context"
	"time"

	"xfrmscope/collect/procfs"
)

// Options are what Record, DryRun and Doctor need besides the plan. The zero
// value measures the live system and says nothing while it does.
type Options struct {
	Tool  string        // program and version, for Manifest.Tool
	Root  procfs.Root   // /proc, /sys and /run are read below it; tests only
	Perf  string        // the perf program; "" looks for "perf" on the PATH
	Grace time.Duration // a load may take this long to end after SIGTERM; 0 is DefaultGrace

	UntilLoadEnds bool // the window is as long as the load runs, within the plan's duration

	LoadEnv []string // added to the load's environment, as NAME=VALUE

	// Progress is called for each step and once a second while a window is open,
	// from one goroutine at a time. May be nil.
	Progress func(Progress)

	// EndWindow, when something is sent on it, ends the window of the samples; the
	// phases follow. It is received from only while that window is open. May be nil.
	EndWindow <-chan struct{}

	// BeforeWindow is called when everything is ready and the load has warmed up;
	// the window opens when it returns. An error ends the run without a window.
	// May be nil.
	BeforeWindow func(context.Context) error
}

// DefaultGrace is how long a load may take to end after SIGTERM before its
// processes are killed.
const DefaultGrace = 5 * time.Second

// DefaultFrequencyHz is how often perf samples each event on each CPU: not a
// multiple of the timer tick's 100, 250 or 1000 Hz.
const DefaultFrequencyHz = 999

// DefaultEvents returns the perf events a plan asks for when its author has no
// wish: what they cost in time, and where the first-level cache misses.
func DefaultEvents() []string {
	return []string{
		"{cycles:k,instructions:k}:S",
		"L1-dcache-load-misses:k",
		"L1-icache-load-misses:k",
	}
}

func (o Options) grace() time.Duration {
	if o.Grace > 0 {
		return o.Grace
	}
	return DefaultGrace
}
