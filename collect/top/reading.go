package top

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
	"xfrmscope/collect/procfs"
	"xfrmscope/collect/sched"
	"xfrmscope/collect/xfrm"
)

// A Reading is the state of all counters at one moment.
type Reading struct {
	TimeNS   int64 // CLOCK_MONOTONIC, of the SAs
	SAs      []bundle.SA
	Counters []bundle.Counter // CPU times, softnet_stat, xfrm_stat
	Waits    *probe.Waits     // nil: not measured
	Lookups  *probe.Lookups   // xfrm_state_find; nil: not measured
	Inbound  *probe.Lookups   // lookups of inbound SAs; nil: not measured

	Blind      []string // what the wait probe cannot see
	Unmeasured []string // what is not measured and why: "lock waits: ..."
	Notes      []string // how the probes are attached
	Problems   []string // what could not be read this time
}

// A Source is what is read once a second.
type Source interface {
	Read() (Reading, error)
}

// Live reads the running system. It is used by one goroutine.
type Live struct {
	root  procfs.Root
	netns []string
	inode map[uint32]string // names of the namespaces

	wait     *probe.Wait
	outbound *probe.Lookup
	inbound  *probe.Lookup
	probes   []probe.Probe

	names lockNames

	unmeasured, notes []string

	own bundle.CPUSet // where this process ran before; nil: it was not pinned
}

// Open loads and attaches the probes, those that the kernel lets it. The caller
// closes it.
func Open(opt Options) *Live {
	l := &Live{root: opt.Root, netns: opt.NetNS, inode: map[uint32]string{}}
	if len(l.netns) == 0 {
		l.netns = []string{""}
	}
	for _, ns := range l.netns {
		if path, err := l.root.NetNSPath(ns); err == nil {
			if info, err := os.Stat(path); err == nil {
				l.inode[uint32(info.Sys().(*syscall.Stat_t).Ino)] = ns
			}
		}
	}
	l.keepOff(opt)
	if opt.NoProbes {
		l.unmeasured = append(l.unmeasured, "lock waits, SAs by CPU: no probe was asked for")
		return l
	}
	say := opt.Progress
	if say == nil {
		say = func(string) {}
	}
	say("loading the probes")
	load := probe.NewLoader()
	l.names.loader = load
	wait, passed := load.Wait()
	if l.attach("lock waits", wait, wait != nil, passed) {
		l.wait = wait
	}
	const everyCall = 1 << 16 // of the calls, so many to one are timed: top shows no times of lookups
	find, passed := load.Lookup(everyCall)
	if l.attach("SAs by CPU", find, find != nil, passed) {
		l.outbound = find
	}
	inbound, passed := load.Inbound()
	if l.attach("inbound SAs by CPU", inbound, inbound != nil, passed) {
		l.inbound = inbound
	}
	return l
}

// keepOff lets this process run on CPUs that are not shown, if there are any: it
// would be seen in its own numbers.
func (l *Live) keepOff(opt Options) {
	online, err := l.root.Online()
	if err != nil || opt.CPUs == nil {
		return
	}
	others := slices.DeleteFunc(online, opt.CPUs.Contains)
	own, err := sched.Affinity()
	if err == nil && len(others) > 0 && sched.PinProcess(others) == nil {
		l.own = own
		return
	}
	l.notes = append(l.notes, "top itself runs on these CPUs")
}

// attach attaches a probe that was loaded, and notes why it is not measured if
// that fails.
func (l *Live) attach(what string, p probe.Probe, loaded bool, passed []probe.Attempt) bool {
	if !loaded {
		reasons := make([]string, len(passed))
		for i, attempt := range passed {
			reasons[i] = attempt.String()
		}
		l.unmeasured = append(l.unmeasured, what+": "+strings.Join(reasons, "; "))
		return false
	}
	if err := errors.Join(p.Attach(), p.Open()); err != nil {
		l.unmeasured = append(l.unmeasured, what+": "+err.Error())
		_ = p.Close() // it counts nothing; why is said above
		return false
	}
	l.probes = append(l.probes, p)
	l.notes = append(l.notes, fmt.Sprintf("%s by %s", p.Name(), p.Mode()))
	return true
}

// Close detaches the probes.
func (l *Live) Close() error {
	var errs []error
	for _, p := range l.probes {
		errs = append(errs, p.Close())
	}
	l.probes = nil
	if l.own != nil {
		errs = append(errs, sched.PinProcess(l.own))
	}
	return errors.Join(errs...)
}

// Read reads everything once. A namespace or a probe that fails is a problem of
// this reading; an error means that no namespace could be read.
func (l *Live) Read() (Reading, error) {
	r := Reading{TimeNS: probe.Monotonic(), Unmeasured: l.unmeasured, Notes: l.notes}
	if l.wait != nil {
		r.Blind = l.wait.Blind()
	}
	var failed []error
	for _, ns := range l.netns {
		sas, err := xfrm.SAs(l.root, ns)
		if err != nil {
			failed = append(failed, err)
			r.Problems = append(r.Problems, err.Error())
			continue
		}
		r.SAs = append(r.SAs, sas...)
		var rows []bundle.Counter
		err = l.root.InNetNS(ns, func() (err error) {
			rows, err = l.root.XfrmStat()
			return err
		})
		for i := range rows {
			rows[i].NetNS = ns
		}
		r.note(rows, err)
	}
	if len(failed) == len(l.netns) {
		return r, errors.Join(failed...)
	}
	r.note(l.root.CPUTimes())
	r.note(l.root.Softnet())
	if l.wait != nil {
		r.Waits = read(&r, l.wait.Read)
	}
	if l.outbound != nil {
		r.Lookups = read(&r, l.outbound.Read)
	}
	if l.inbound != nil {
		r.Inbound = read(&r, l.inbound.Read)
	}
	if r.Waits != nil { // for SAs of any namespace
		l.name(&r)
	}
	r.Lookups, r.Inbound = l.mine(r.Lookups), l.mine(r.Inbound)
	return r, nil
}

func (r *Reading) note(rows []bundle.Counter, err error) {
	r.Counters = append(r.Counters, rows...)
	if err != nil {
		r.Problems = append(r.Problems, err.Error())
	}
}

// read reads a probe, nil if it cannot be.
func read[T any](r *Reading, from func() (*T, error)) *T {
	counted, err := from()
	if err != nil {
		r.Problems = append(r.Problems, err.Error())
		return nil
	}
	return counted
}

// mine keeps what was counted in the namespaces that are shown.
func (l *Live) mine(f *probe.Lookups) *probe.Lookups {
	if f != nil {
		f.States = slices.DeleteFunc(f.States,
			func(s probe.State) bool {
				_, shown := l.inode[s.NetNS]
				return s.NetNS != 0 && len(l.inode) > 0 && !shown
			})
	}
	return f
}
