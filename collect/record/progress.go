package record

import (
	"time"

	"xfrmscope/collect/bundle"
)

// Progress is what a recording is at.
type Progress struct {
	Step string
	Left time.Duration // about, until the run is saved; 0: not known
}

// aboutReady is about how long it takes to try the events, to load the probes and
// to start perf, and aboutSaved to end perf and to save.
const (
	aboutReady = 2 * time.Second
	aboutSaved = 2 * time.Second
)

// Length returns about how long the plan takes, if every probe attaches.
func Length(plan bundle.Plan) time.Duration {
	return aboutReady + plan.WarmUpNS + plan.DurationNS + phasesLength(plan, phaseNames(plan.Probes)) + aboutSaved
}

// expect notes how long all that is left takes; the length of a window that ends
// with its load is not known.
func (s *setup) expect(left time.Duration) { s.end = time.Now().Add(left) }

// say tells what is done now.
func (s *setup) say(step string) {
	if s.opt.Progress == nil {
		return
	}
	p := Progress{Step: step}
	if !s.opt.UntilLoadEnds || s.over {
		p.Left = max(0, time.Until(s.end))
	}
	s.opt.Progress(p)
}
