package scenario

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/collect/bundle"
)

// A Run is one run of a sweep.
type Run struct {
	Dir    string // its directory in the sweep: "pcpu-n4-r2"
	Side   string // "" if the scenario has no sides
	Mode   string
	N      int // CPUs
	Repeat int // from 1
	Boot   int // the boot it is made in, from 1; 0 if any will do

	Plan     bundle.Plan
	Setup    []string // shell commands, in order
	Teardown []string // one for each of Setup, in order of Setup; undo from the last
	Result   Packets  // where the load leaves its result; From is "" if it leaves none
}

// String names the run for a reader: "pcpu n=4 #2".
func (r *Run) String() string {
	s := fmt.Sprintf("%s n=%d #%d", r.Mode, r.N, r.Repeat)
	if r.Side != "" {
		s = r.Side + " " + s
	}
	return s
}

// Runs returns the runs of a resolved scenario in the order they are made in.
// Interleaved, each repeat takes every set of CPUs in turn, and modes and sides
// in turn at each; from one repeat to the next, and from one set to the next,
// the order is reversed: A B B A A B B A, so that a drift of the machine weighs
// on all alike. Grouped, all runs of one mode stand together.
func (s *Scenario) Runs(hash string) []Run {
	levels := s.levels()
	var runs []Run
	add := func(l level, set, repeat int) {
		if repeat <= l.repeats {
			runs = append(runs, s.run(l, set, repeat, hash))
		}
	}
	most := 0
	for _, l := range levels {
		most = max(most, l.repeats)
	}
	if s.Order == Grouped {
		for _, l := range levels {
			for set := range s.CPUs.Sets {
				for repeat := 1; repeat <= most; repeat++ {
					add(l, set, repeat)
				}
			}
		}
		return runs
	}
	for repeat := 1; repeat <= most; repeat++ {
		first := len(runs)
		for set := range s.CPUs.Sets {
			for i := range levels {
				if set%2 == 1 {
					i = len(levels) - 1 - i
				}
				add(levels[i], set, repeat)
			}
		}
		if repeat%2 == 0 {
			slices.Reverse(runs[first:])
		}
	}
	return runs
}

// A level is a mode on a side.
type level struct {
	side    *Factor // nil without sides
	mode    *Factor
	packets Packets
	repeats int
}

func (s *Scenario) levels() []level {
	modes := s.Modes
	if s.Ceiling != nil {
		modes = append(slices.Clone(modes), *s.Ceiling)
	}
	var out []level
	for m := range modes {
		l := level{mode: &modes[m], packets: s.Packets, repeats: orElse(modes[m].Repeats, s.Repeats)}
		if p := modes[m].Packets; p != nil {
			l.packets = *p
		}
		if len(s.Sides) == 0 {
			out = append(out, l)
		}
		for i := range s.Sides {
			l.side = &s.Sides[i]
			out = append(out, l)
		}
	}
	return out
}

func (s *Scenario) run(l level, set, repeat int, hash string) Run {
	cpus := s.CPUs.Sets[set]
	r := Run{Mode: l.mode.Name, N: len(cpus), Repeat: repeat}
	if s.Boots > 1 {
		r.Boot = 1 + (repeat-1)*s.Boots/max(l.repeats, s.Boots)
	}
	r.Dir = fmt.Sprintf("%s-n%d", r.Mode, r.N)
	if s.sameSize(set) {
		r.Dir += "-c" + strings.ReplaceAll(cpus.String(), ",", "_")
	}
	r.Dir += "-r" + strconv.Itoa(repeat)
	labels := maps.Clone(s.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, map[string]string{bundle.LabelMode: r.Mode, bundle.LabelN: strconv.Itoa(r.N),
		bundle.LabelRepeat: strconv.Itoa(repeat)})
	if l.side != nil {
		r.Side = l.side.Name
		r.Dir = r.Side + "-" + r.Dir
		labels[bundle.LabelSide] = r.Side
	}
	fill := func(text string) string { return r.fill(text, cpus) }
	for _, f := range []*Factor{l.side, l.mode} {
		if f != nil && f.Setup != "" {
			r.Setup = append(r.Setup, fill(f.Setup))
			r.Teardown = append(r.Teardown, fill(f.Teardown))
		}
	}
	r.Plan = bundle.Plan{
		CPUs: cpus, DurationNS: s.Window, WarmUpNS: *s.WarmUp, Events: s.Events, FrequencyHz: s.Frequency,
		Lines: s.Lines, NetNS: s.NetNS, Labels: labels, Scenario: hash, PhaseNS: s.Phase,
	}
	if len(r.Plan.NetNS) == 0 {
		r.Plan.NetNS = []string{""}
	}
	if !slices.Contains(s.Probes, NoProbes) {
		r.Plan.Probes = s.Probes
	}
	if s.Load != nil {
		r.Plan.Load = &bundle.Load{Argv: []string{"sh", "-c", fill(s.Load.Command)}}
		// Check has read the set with all CPUs in place of {cpus}.
		r.Plan.Load.CPUs, _ = bundle.ParseCPUSet(fill(s.Load.CPUs))
	}
	switch p := l.packets; p.From {
	case FromFile:
		r.Plan.PacketsFile = fill(p.File)
	case FromSA:
	default:
		r.Result = Packets{From: p.From, File: fill(p.File), Command: fill(p.Command)}
	}
	return r
}

// sameSize reports whether another set has as many CPUs as this one.
func (s *Scenario) sameSize(set int) bool {
	for i, other := range s.CPUs.Sets {
		if i != set && len(other) == len(s.CPUs.Sets[set]) {
			return true
		}
	}
	return false
}

var placeholder = regexp.MustCompile(`\$?\{(n|cpus|each_cpu|mode|side|repeat|run)\}`)

// fill puts what a run is in place of {n} {cpus} {each_cpu} {mode} {side}
// {repeat} {run}. The shell's ${n} is left alone.
func (r *Run) fill(text string, cpus bundle.CPUSet) string {
	return placeholder.ReplaceAllStringFunc(text, func(word string) string {
		switch word {
		case "{n}":
			return strconv.Itoa(r.N)
		case "{cpus}":
			return cpus.String()
		case "{each_cpu}":
			return strings.Trim(fmt.Sprint([]int(cpus)), "[]")
		case "{mode}":
			return r.Mode
		case "{side}":
			return r.Side
		case "{repeat}":
			return strconv.Itoa(r.Repeat)
		case "{run}":
			return r.Dir
		}
		return word
	})
}
