package remote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
)

// A Fleet is hosts that measure under one window.
type Fleet struct {
	Hosts    []Host     // all, in order
	Sessions []*Session // those that were reached and did not fail since, in that order
	Against  string     // name of this host, for the clocks

	ssh *SSH // reaches a host again; nil: it does not

	// Progress is called with one line for each step of each host, from one
	// goroutine at a time. May be nil.
	Progress func(line string)

	// StartLoad is called when all hosts are ready, and returns what ends the
	// load and says if it had failed. May be nil: the traffic is there already.
	StartLoad func(context.Context) (stop func() error, err error)

	mu sync.Mutex // of Progress
}

// Dial reaches all hosts. Those that fail are in the error, which is joined;
// the fleet has the others.
func Dial(ctx context.Context, ssh *SSH, hosts []Host) (*Fleet, error) {
	f := &Fleet{Hosts: hosts, ssh: ssh}
	return f, f.Redial(ctx)
}

// Redial reaches the hosts that have no session, or one that broke.
func (f *Fleet) Redial(ctx context.Context) error {
	if f.ssh == nil {
		return nil
	}
	sessions, errs := make([]*Session, len(f.Hosts)), make([]error, len(f.Hosts))
	each(len(f.Hosts), func(i int) {
		for _, s := range f.Sessions {
			if s.Host == f.Hosts[i] && !s.failed {
				sessions[i] = s
				return
			}
		}
		sessions[i], errs[i] = f.ssh.Dial(ctx, f.Hosts[i])
	})
	for _, s := range f.Sessions {
		if s.failed {
			_ = s.Close()
		}
	}
	f.Sessions = slices.DeleteFunc(sessions, func(s *Session) bool { return s == nil })
	return errors.Join(errs...)
}

// Close ends all agents.
func (f *Fleet) Close() error {
	errs := make([]error, len(f.Sessions))
	each(len(f.Sessions), func(i int) { errs[i] = f.Sessions[i].Close() })
	return errors.Join(errs...)
}

// lead is how long before the window it is announced: a few round trips.
const lead = 500 * time.Millisecond

// Record makes one run on each host, under one window. The first host's run is
// dir, the others' are dir/hosts/NAME (bundle.HostsDir). It returns the names of
// the hosts whose runs are there, complete or partial; the error joins one
// *Error for each host that failed. Cancelling ctx ends the windows now, and
// what was measured is fetched.
func (f *Fleet) Record(ctx context.Context, plan bundle.Plan, dir string) ([]string, error) {
	warmUp := plan.WarmUpNS
	plan.WarmUpNS, plan.Load = 0, nil // both are the coordinator's
	hosts := make([]recording, len(f.Sessions))
	// What was measured is fetched after an interrupt, too.
	fetching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	each(len(hosts), func(i int) {
		hosts[i] = recording{Session: f.Sessions[i], fleet: f}
		hosts[i].prepare(ctx, f.planOf(plan, i))
	})
	stop, err := f.warmUp(ctx, hosts, warmUp)
	at := probe.Monotonic() + lead.Nanoseconds()
	each(len(hosts), func(i int) { hosts[i].measure(ctx, at, err) })
	errs := []error{err, stop()}
	var names []string
	for i := range hosts {
		place := dir
		if i > 0 {
			place = filepath.Join(dir, bundle.HostsDir, hosts[i].Host.Name)
		}
		hosts[i].fetch(fetching, place)
		if hosts[i].fetched {
			names = append(names, hosts[i].Host.Name)
		}
		errs = append(errs, hosts[i].err)
		// A host whose run ended, if only to say why it cannot be made, can make
		// another.
		hosts[i].failed = !hosts[i].ended || hosts[i].made && !hosts[i].fetched
	}
	return names, errors.Join(errs...)
}

// planOf says in a host's plan which it is: the runs of each host but the first
// are a curve of their own.
func (f *Fleet) planOf(plan bundle.Plan, i int) bundle.Plan {
	labels := maps.Clone(plan.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	name := f.Sessions[i].Host.Name
	labels[bundle.LabelHost] = name
	if i > 0 {
		plan.Beside = name
	}
	plan.Labels = labels
	return plan
}

// warmUp starts the load if a host is ready, and lets it run.
func (f *Fleet) warmUp(ctx context.Context, hosts []recording, d time.Duration) (stop func() error, err error) {
	stop = func() error { return nil }
	ready := false
	for i := range hosts {
		ready = ready || hosts[i].err == nil
	}
	if !ready {
		return stop, nil
	}
	if f.StartLoad != nil {
		started, err := f.StartLoad(ctx)
		if err != nil {
			return stop, fmt.Errorf("starting the load: %w", err)
		}
		stop = started
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return stop, nil
	case <-ctx.Done():
		return stop, ctx.Err()
	}
}

func (f *Fleet) progress(host, line string) {
	if f.Progress != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.Progress(host + ": " + line)
	}
}

// A recording is one host's part of a run.
type recording struct {
	*Session
	fleet   *Fleet
	err     error
	made    bool // there is a bundle to fetch
	ended   bool // Done was seen
	fetched bool
}

func (r *recording) fail(step string, err error) { r.err = &Error{r.Host.Name, step, err} }

// prepare compares the clocks and brings the host to where its window could
// open.
func (r *recording) prepare(ctx context.Context, plan bundle.Plan) {
	if r.err = r.SyncClock(ctx, r.fleet.Against); r.err != nil {
		return
	}
	if err := r.send(request{Record: &plan}); err != nil {
		r.fail("starting the run", err)
		return
	}
	r.await(ctx, "preparing the run", func(a answer) bool { return a.Ready })
}

// measure opens the window, unless the load failed, and waits for its end.
func (r *recording) measure(ctx context.Context, at int64, load error) {
	if r.ended || r.err != nil && ctx.Err() == nil {
		return
	}
	q := request{OpenNS: at + r.Clock.OffsetNS}
	if load != nil || ctx.Err() != nil {
		q = request{Stop: true}
	}
	if err := r.send(q); err != nil {
		r.fail("opening the window", err)
		return
	}
	r.err = nil
	r.await(ctx, "measuring", func(answer) bool { return false })
}

// await reads answers until one is what is waited for, or the run has ended. If
// ctx ends it asks the host to end the run, and waits on for a while.
func (r *recording) await(ctx context.Context, step string, until func(answer) bool) {
	waiting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	quit := context.AfterFunc(ctx, func() {
		_ = r.send(request{Stop: true})
		time.AfterFunc(30*time.Second, cancel)
	})
	defer quit()
	for {
		a, err := r.next(waiting)
		switch {
		case err != nil:
			r.fail(step, err)
			return
		case a.Progress != "":
			r.fleet.progress(r.Host.Name, oneLine(a.Progress))
		case a.Done != nil:
			r.ended, r.made = true, a.Done.Bundle
			if a.Done.Error != "" {
				r.fail(step, errors.New(oneLine(a.Done.Error)))
			}
			return
		case until(a):
			return
		}
	}
}

// fetch brings the bundle, if there is one; an error before does not forbid it.
func (r *recording) fetch(ctx context.Context, dir string) {
	if !r.made {
		return
	}
	r.fleet.progress(r.Host.Name, "fetching the run")
	if err := r.Session.fetch(ctx, dir); err != nil {
		r.err = errors.Join(r.err, &Error{r.Host.Name, "fetching the run", err})
		return
	}
	r.fetched = true
}

// each calls do for 0..n-1 at once and waits for all.
func each(n int, do func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}
