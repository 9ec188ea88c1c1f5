package collect

import (
	"context"
	"slices"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
)

// maxProbing bounds the probe's window: it counts every wait, so that it needs
// less time than sampling does.
const maxProbing = 5 * time.Second

// settle is left out at the start of the probe's window: attaching patches
// kernel text on all CPUs.
const settle = 50 * time.Millisecond

// probeWaits counts the waits for spin locks in a window of its own, right
// after that of the samples: each wait pays for being traced, and where the
// slow path itself is, the tracing would stand in every stack. The SAs are read
// on both sides, which tells what the probe did to the traffic.
func (r *recorder) probeWaits(ctx context.Context) (why string, cause error) {
	if r.wait == nil {
		return "", nil
	}
	if r.load != nil && r.load.ended() {
		r.gap(bundle.Gap{What: "lock waits", Why: "the load had ended before the probe's window", Fix: "let the load run longer than the window and the probe's 5 s"})
		return "", nil
	}
	if err := r.wait.Attach(); err != nil {
		r.gap(bundle.Gap{What: "lock waits", Why: err.Error()})
		r.closeProbe()
		return "", nil
	}
	time.Sleep(settle)
	d := min(r.plan.DurationNS, maxProbing)
	r.opt.progress("counting waits for " + seconds(d))
	r.snapshot.takeSAs(phaseProbeStart)
	if err := r.wait.Open(); err != nil {
		r.gap(bundle.Gap{What: "lock waits", Why: err.Error()})
		r.closeProbe()
		return "", nil
	}
	r.probed.StartNS = monotonic()
	why, cause = r.watch(ctx, d, "lock waits")
	r.probed.EndNS = monotonic()
	if err := r.wait.Shut(); err != nil {
		r.warn("lock waits", err.Error())
	}
	r.snapshot.takeSAs(phaseProbeEnd)
	return why, cause
}

// loadProbe loads the wait probe by the best rung, or notes why none is. It is
// done before there is a load: verifying takes seconds on busy CPUs.
func (r *recorder) loadProbe() {
	if !slices.Contains(r.plan.Probes, ProbeWait) {
		return
	}
	wait, passed := probe.LoadWait()
	if wait != nil {
		r.wait = wait
		r.opt.progress("wait probe loaded by " + string(wait.Rung()))
		return
	}
	g := bundle.Gap{What: "lock waits", Fix: "`xfrmscope doctor` shows what each way to attach needs"}
	for i, attempt := range passed {
		if i > 0 {
			g.Why += "; "
		}
		g.Why += attempt.String()
	}
	r.gap(g)
}

func (r *recorder) closeProbe() {
	if r.wait == nil {
		return
	}
	if err := r.wait.Close(); err != nil {
		r.warn("lock waits", "detaching the probe: "+err.Error())
	}
	r.wait = nil
}
