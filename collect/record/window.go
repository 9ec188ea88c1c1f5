package record

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/perf"
	"xfrmscope/collect/probe"
)

// measure starts the load, lets it warm up, and opens and shuts the window of
// the samples, then the phases of the probes. It returns why a window was cut short, ""
// if none was, and the cause.
func (r *recorder) measure(ctx context.Context) (why string, cause error) {
	if err := r.startLoad(); err != nil {
		return err.Error(), err
	}
	if why, cause := r.warmUp(ctx); cause != nil {
		return why, cause
	}
	if r.opt.BeforeWindow != nil {
		if err := r.opt.BeforeWindow(ctx); err != nil {
			return "the window was not opened: " + err.Error(), err
		}
	}
	r.snapshot.take(bundle.PhaseStart)
	if err := r.openWindow(ctx); err != nil {
		if ctx.Err() != nil {
			return "interrupted before the window", err
		}
		return r.perfFailure(err)
	}
	phases := r.phases()
	r.expect(r.plan.DurationNS + phasesLength(r.plan, phases) + aboutSaved)
	r.say(fmt.Sprintf("measuring CPUs %s %s; then %s of %s", r.plan.CPUs, r.howLong(), strings.Join(phases, ", "),
		seconds(phasesLength(r.plan, phases))))
	why, cause = r.watch(ctx, r.plan.DurationNS, bundle.EveryNumber, r.opt.EndWindow)
	r.over = true
	if err := r.shutWindow(); err != nil && cause == nil {
		why, cause = r.perfFailure(err)
	}
	r.snapshot.take(bundle.PhaseEnd)
	if r.opt.UntilLoadEnds {
		r.update(func(m *bundle.Manifest) {
			length := time.Duration(r.window.EndNS - r.window.StartNS)
			m.Plan.DurationNS = max(length.Round(time.Second), time.Second)
		})
	}
	if cause == nil && r.plan.Lines {
		why, cause = r.findSlabs(ctx)
	}
	if cause == nil {
		return r.runPhases(ctx)
	}
	r.noPhases("the run ended before its phase, which follows the window of the samples")
	return why, cause
}

// howLong says how long the window is.
func (s *setup) howLong() string {
	if s.opt.UntilLoadEnds {
		return "until the load ends"
	}
	return "for " + seconds(s.plan.DurationNS)
}

func (r *recorder) startLoad() error {
	if r.plan.Load == nil {
		return nil
	}
	r.say("starting the load: " + bundle.ShellLine(r.plan.Load.Argv))
	log, err := r.w.CreatePart(bundle.LoadLog)
	if err != nil {
		return err
	}
	r.load, err = startLoad(r.plan.Load, r.own, log, r.opt.LoadEnv)
	return err
}

// loadDone is closed when the load ends; without a load it never is.
func (r *recorder) loadDone() <-chan struct{} {
	if r.load == nil {
		return nil
	}
	return r.load.done
}

// perfDone is closed when perf ends by itself.
func (r *recorder) perfDone() <-chan struct{} {
	if r.perf == nil {
		return nil
	}
	return r.perf.Done()
}

func (r *recorder) warmUp(ctx context.Context) (why string, cause error) {
	r.expect(r.plan.WarmUpNS + r.plan.DurationNS + phasesLength(r.plan, r.phases()) + aboutSaved)
	if r.plan.WarmUpNS > 0 {
		r.say("warming up for " + seconds(r.plan.WarmUpNS))
	}
	timer := time.NewTimer(r.plan.WarmUpNS)
	defer timer.Stop()
	select {
	case <-timer.C:
		if ctx.Err() == nil {
			return "", nil
		}
		return "interrupted before the window", ctx.Err()
	case <-ctx.Done():
		return "interrupted before the window", ctx.Err()
	case <-r.perf.Done():
		return r.perfFailure(perf.ErrEnded)
	case <-r.loadDone():
		why := "the load ended before the window"
		if failure := r.load.failure(); failure != "" {
			why = failure
		}
		return why, errors.New(why)
	}
}

func (r *recorder) openWindow(ctx context.Context) error {
	if err := r.perf.Enable(ctx); err != nil {
		return err
	}
	r.window.StartNS = probe.Monotonic()
	return nil
}

func (r *recorder) shutWindow() error {
	r.window.EndNS = probe.Monotonic()
	err := r.perf.Disable()
	r.update(func(m *bundle.Manifest) { m.Window = r.window })
	return err
}

// watch waits for the end of a window of length d, or for somebody to end it; what
// it measures is weakened if the load ends before.
func (r *recorder) watch(ctx context.Context, d time.Duration, what string, ended <-chan struct{}) (why string,
	cause error) {
	end := time.NewTimer(d)
	defer end.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	start, of := time.Now(), " of "+seconds(d)
	if r.opt.UntilLoadEnds && !r.over {
		of = "" // d is no more than a bound
	}
	for {
		took := func() float64 { return time.Since(start).Seconds() }
		after := func() string { return fmt.Sprintf("after %.1f s%s", took(), of) }
		select {
		case <-end.C:
			return "", nil
		case <-tick.C:
			r.snapshot.sample()
			r.say(fmt.Sprintf("measured %.0f s%s", took(), of))
		case <-ended:
			r.warn(what, "the window was ended after %.1f s%s, on request", took(), of)
			return "", nil
		case <-ctx.Done():
			return "interrupted " + after(), ctx.Err()
		case <-r.perfDone():
			return r.perfFailure(fmt.Errorf("%w %s", perf.ErrEnded, after()))
		case <-r.loadDone():
			return r.loadEnded(took(), of, what)
		}
	}
}

// loadEnded says what it means that the load ended within the window.
func (r *recorder) loadEnded(took float64, of, what string) (why string, cause error) {
	if failure := r.load.failure(); failure != "" {
		why := fmt.Sprintf("%s (after %.1f s%s)", failure, took, of)
		return why, errors.New(why)
	}
	if !r.opt.UntilLoadEnds {
		r.warn(what, "the load ended by itself after %.1f s%s, and the window with it", took, of)
	}
	return "", nil
}

// perfFailure adds perf's own last words to an error.
func (r *recorder) perfFailure(err error) (why string, cause error) {
	err = r.perfError(err)
	return err.Error(), err
}

// perfError adds perf's own last words. On a full disk perf has none: its log
// is on it.
func (r *recorder) perfError(err error) error {
	var fs unix.Statfs_t
	if serr := unix.Statfs(r.dir, &fs); serr == nil && fs.Bavail == 0 {
		return fmt.Errorf("%w: %s: %w", err, r.dir, unix.ENOSPC)
	}
	return fmt.Errorf("%w: %s", err, LastLines(r.perfLog.Name(), 2))
}

// endLoad stops the load, if it runs, and saves its output.
func (r *recorder) endLoad() {
	if r.load == nil {
		return
	}
	l := r.load
	r.load = nil
	stopped := !l.ended()
	if stopped {
		r.say("ending the load")
	}
	l.stop(r.opt.grace())
	r.adopt(bundle.LoadLog)
	r.update(func(m *bundle.Manifest) {
		m.Commands = append(m.Commands, bundle.Command{Argv: r.plan.Load.Argv, Exit: l.exitCode(),
			Stopped: stopped, Log: bundle.LoadLog})
	})
}

// endPerf completes perf.data, if that was not done. What a perf that failed has written
// is kept too.
func (r *recorder) endPerf() error {
	if r.perf == nil {
		return nil
	}
	defer func() { r.perf = nil }()
	r.say("completing perf.data")
	err := r.perf.Stop()
	r.perfLog.Close()
	r.update(func(m *bundle.Manifest) {
		m.Commands = append(m.Commands, bundle.Command{Argv: r.tool.Argv(r.perfOptions(bundle.PerfDataFile,
			r.sampled())), Exit: r.perf.ExitCode(), Log: perfRecordLog})
	})
	if err != nil {
		err = r.perfError(fmt.Errorf("perf record: %w", err))
	}
	r.adopt(perfRecordLog)
	if part, perr := r.w.PartPath(bundle.PerfDataFile); perr == nil {
		if info, serr := os.Stat(part); serr != nil || info.Size() == 0 {
			os.Remove(part)
			return errors.Join(err, errors.New("perf wrote no perf.data"))
		}
	}
	return errors.Join(err, r.w.Adopt(bundle.PerfDataFile))
}
