// Package top shows, once a second, what each CPU does for IPsec: packets by
// SA, whether the SA is its own, lock waits, softirq time; and which locks.
//
//	Open -> Source.Read -> Compare two Readings -> Frame, printed by a Screen or as JSON
//
// It reads the SAs over netlink at most once a second, and counts lock waits and SA
// lookups with probes where the kernel lets it.
package top

import (
	"context"
	"fmt"
	"io"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
)

// Options say what is shown.
type Options struct {
	Root     procfs.Root   // tests only
	CPUs     bundle.CPUSet // rows; nil: all online ones
	NetNS    []string      // whose SAs are read; none: the own one
	NoProbes bool
	Frames   int                                  // ends after so many; 0: when ctx does
	Progress func(string)                         // one line for each step before the first frame; may be nil
	Now      func() time.Time                     // of the heading; nil: time.Now
	Tick     func(time.Duration) <-chan time.Time // nil: time.After
}

// interval is the time between two readings: a dump of the SAs holds
// xfrm_state_lock, and is made at most once a second (net/xfrm/xfrm_state.c
// xfrm_state_walk, 6.12).
const interval = time.Second

// Run reads the source once a second and has a frame shown of each two readings,
// until ctx ends or Options.Frames were shown. It returns ctx's error in the first case,
// and the source's when nothing can be read any more.
func Run(ctx context.Context, s Source, show func(time.Time, Frame) error, opt Options) error {
	tick, now := opt.Tick, opt.Now
	if tick == nil {
		tick = time.After
	}
	if now == nil {
		now = time.Now
	}
	previous, err := s.Read()
	if err != nil {
		return err
	}
	for shown := 0; opt.Frames == 0 || shown < opt.Frames; shown++ {
		select {
		case <-ctx.Done():
			return fmt.Errorf("interrupted after %d frames: %w", shown, ctx.Err())
		case <-tick(interval):
		}
		reading, err := s.Read()
		if err != nil {
			return err
		}
		frame := Compare(previous, reading, opt.CPUs)
		if err := show(now(), frame); err != nil {
			return err
		}
		previous = reading
	}
	return nil
}

// A Screen is where frames go: rewritten in place on a terminal, else as lines
// that follow each other.
type Screen struct {
	W        io.Writer
	Number   func(v float64, unit string) string // a number as text: reports/format.Terminal
	Terminal func() (rows, columns int)          // nil: there is no terminal
	shown    bool
}
