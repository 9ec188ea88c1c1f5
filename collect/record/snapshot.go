package record

import (
	"slices"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/placement"
	"xfrmscope/collect/probe"
	"xfrmscope/collect/procfs"
	"xfrmscope/collect/xfrm"
)

// A snapshot is the SAs and counters at the start and at the end of a window.
type snapshot struct {
	root        procfs.Root
	cpus        bundle.CPUSet // that are measured
	netns       []string
	packetsFile string

	sas       []bundle.SA
	policies  []bundle.Policy
	counters  []bundle.Counter
	facts     []bundle.Fact
	packets   [2]*bundle.Traffic // counts as they stood at the start and at the end
	packetsAt bundle.Window
	gaps      []bundle.Gap
	warnings  []bundle.Warning
}

// take reads everything once. The SAs, which the packets are counted by, are
// read nearest to the window.
func (s *snapshot) take(phase string) {
	if phase == bundle.PhaseStart {
		s.takePlacement(phase)
		s.takePolicies()
		s.takeListeners()
		s.takeCounters(phase)
		s.takePackets(phase)
		s.takeSAs(phase)
		return
	}
	s.takeSAs(phase)
	s.takePackets(phase)
	s.takeCounters(phase)
	s.takePlacement(phase)
	s.warnings = append(s.warnings, unsteady(s.counters)...)
	s.warnings = append(s.warnings, cpuWarnings(s.cpus, s.counters)...)
}

func (s *snapshot) takeSAs(phase string) {
	s.addSAs(phase, s.readSAs(phase).sas)
}

// An saRead is all SAs at one time, of no phase yet.
type saRead struct {
	timeNS int64 // the middle of the time reading took
	sas    []bundle.SA
}

func (s *snapshot) readSAs(phase string) saRead {
	var read saRead
	begin := probe.Monotonic()
	for _, ns := range s.netns {
		now := probe.Monotonic()
		sas, err := xfrm.SAs(s.root, ns)
		for i := range sas {
			sas[i].TimeNS = now
		}
		read.sas = append(read.sas, sas...)
		if err != nil {
			s.gap("SAs of "+procfs.NetNSName(ns), phase, err)
		}
	}
	read.timeNS = begin + (probe.Monotonic()-begin)/2
	return read
}

func (s *snapshot) addSAs(phase string, sas []bundle.SA) {
	for _, sa := range sas {
		sa.Phase = phase
		s.sas = append(s.sas, sa)
	}
}

// keepSAs keeps the SAs at both ends of a probe's phase: of the wait probe all,
// else those whose packets moved.
func (s *snapshot) keepSAs(phase string, before, after []bundle.SA) {
	start, end := bundle.Ends(phase)
	if phase == bundle.ProbeWait {
		s.addSAs(start, before)
		s.addSAs(end, after)
		return
	}
	packets := make(map[bundle.SAKey]uint64, len(before))
	for _, sa := range before {
		packets[sa.Key()] = sa.Packets
	}
	moved := make(map[bundle.SAKey]bool, len(after))
	for _, sa := range after {
		moved[sa.Key()] = sa.Packets != packets[sa.Key()]
	}
	still := func(sa bundle.SA) bool { return !moved[sa.Key()] }
	s.addSAs(start, slices.DeleteFunc(before, still))
	s.addSAs(end, slices.DeleteFunc(after, still))
}

// takePlacement is furthest from the window, for drivers may take long to count.
func (s *snapshot) takePlacement(phase string) {
	facts, gaps := placement.Read(s.root, s.netns)
	for i := range facts {
		facts[i].Phase = phase
	}
	s.facts = append(s.facts, facts...)
	for _, g := range gaps {
		s.addGap(g, phase)
	}
}

func (s *snapshot) takePolicies() {
	for _, ns := range s.netns {
		policies, err := xfrm.Policies(s.root, ns)
		s.policies = append(s.policies, policies...)
		if err != nil {
			s.gap("policies of "+procfs.NetNSName(ns), bundle.PhaseStart, err)
		}
	}
}

// takeListeners warns of those that make every packet do more.
func (s *snapshot) takeListeners() {
	for _, ns := range s.netns {
		listeners, err := xfrm.Listeners(s.root, ns)
		if err != nil {
			s.gap("listeners to XFRM's events in "+procfs.NetNSName(ns), bundle.PhaseStart, err)
		}
		for _, l := range listeners {
			if l.AEvents() {
				s.warnings = append(s.warnings, bundle.Warn("cost per packet and lock waits",
					"%s listens to XFRM's AEVENTS in %s: every packet runs xfrm_replay_notify "+
						"under x->lock; end it and record again", l.Owner(),
					procfs.NetNSName(ns)))
			}
		}
	}
}

func (s *snapshot) takeCounters(phase string) {
	s.addCounters(phase, "", "CPU times", s.root.CPUTimes)
	s.addCounters(phase, "", "softirq counters", s.root.Softnet)
	s.addCounters(phase, "", "softirq counts", s.root.Softirqs)
	for _, ns := range s.netns {
		s.addCounters(phase, ns, "XFRM's counters of "+procfs.NetNSName(ns), s.inside(ns, s.root.XfrmStat))
		s.addCounters(phase, ns, "protocol counters of "+procfs.NetNSName(ns), s.inside(ns, s.root.Nstat))
	}
}

// inside returns read, done inside the namespace.
func (s *snapshot) inside(ns string, read func() ([]bundle.Counter, error)) func() ([]bundle.Counter, error) {
	return func() (rows []bundle.Counter, err error) {
		err = s.root.InNetNS(ns, func() (err error) {
			rows, err = read()
			return err
		})
		return rows, err
	}
}

// sample reads, within a window, what the measured CPUs do. It is called at most
// once a second.
func (s *snapshot) sample() {
	s.addCounters(bundle.PhaseSample, "", "CPU times within the window", func() ([]bundle.Counter, error) {
		rows, err := s.root.CPUTimes()
		return slices.DeleteFunc(rows, func(c bundle.Counter) bool { return !s.cpus.Contains(*c.CPU) }), err
	})
}

func (s *snapshot) addCounters(phase, ns, what string, read func() ([]bundle.Counter, error)) {
	now := probe.Monotonic()
	rows, err := read()
	for i := range rows {
		rows[i].Phase, rows[i].TimeNS, rows[i].NetNS = phase, now, ns
	}
	s.counters = append(s.counters, rows...)
	if err != nil {
		s.gap(what, phase, err)
	}
}

// gap notes what could not be read, once for both phases if it is the same.
func (s *snapshot) gap(what, phase string, err error) {
	s.addGap(bundle.Gap{What: what, Why: err.Error(), Fix: xfrm.FixOf(err)}, phase)
}

func (s *snapshot) addGap(g bundle.Gap, phase string) {
	if slices.Contains(s.gaps, g) {
		return
	}
	if phase == bundle.PhaseEnd {
		g.What += " at the end of the window"
	}
	s.gaps = append(s.gaps, g)
}
