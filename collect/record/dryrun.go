package record

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
)

// DryRun returns what Record would do, as text of several lines, after the
// checks Record makes too: the events are tried, nothing is written. Its
// errors are Record's.
func DryRun(ctx context.Context, plan bundle.Plan, opt Options) (string, error) {
	s, err := prepare(ctx, plan, opt)
	if err != nil {
		return "", err
	}
	defer s.release()
	return s.String(), nil
}

// String describes the setup, a fact a line.
func (s *setup) String() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("measure", "CPUs %s %s", s.plan.CPUs, s.howLong())
	if s.plan.WarmUpNS > 0 {
		line("warm-up", "%s", seconds(s.plan.WarmUpNS))
	}
	line("collector", "on CPUs %s", s.pin)
	for _, e := range s.events {
		switch {
		case e.Opened == "":
			line("event", "%s is left out: %s", e.Asked, e.Why)
		case e.Opened != e.Asked:
			line("event", "%s, in place of %s: %s", e.Opened, e.Asked, e.Why)
		default:
			line("event", "%s", e.Opened)
		}
	}
	for _, event := range s.memory {
		line("lines", "%s; not told: %s", event, s.blind)
	}
	line("perf", "%s", bundle.ShellLine(
		s.tool.Argv(s.perfOptions(path.Join("RUN", bundle.PerfDataFile+".part"), s.sampled()))))
	line("counts", "%s", bundle.ShellLine(s.tool.StatArgv(s.perfOptions("", s.counted()))))
	names := phaseNames(s.plan.Probes)
	if len(s.plan.Probes) > 0 {
		line("probes", "%s", strings.Join(s.plan.Probes, ", "))
		line("phases", "after that: %s; %s each with a probe, %s without, %s in all; events are counted in "+
			"the first", strings.Join(names, ", "),
			seconds(phaseLength(s.plan, s.plan.Probes[0])), seconds(phaseLength(s.plan, names[0])),
			seconds(phasesLength(s.plan, names)))
	} else {
		line("phases", "after that: %s of %s, without a probe, in which events are counted", names[0],
			seconds(phaseLength(s.plan, names[0])))
	}
	if !s.opt.UntilLoadEnds {
		line("total", "about %s", seconds(Length(s.plan).Round(time.Second)))
	}
	for _, ns := range s.plan.NetNS {
		line("SAs", "of %s, before and after", procfs.NetNSName(ns))
	}
	if l := s.plan.Load; l != nil {
		where := "where the scheduler likes"
		if len(l.CPUs) > 0 {
			where = "on CPUs " + l.CPUs.String()
		}
		line("load", "%s, %s", bundle.ShellLine(l.Argv), where)
	}
	if s.plan.PacketsFile != "" {
		line("packets", "from %s, before and after", s.plan.PacketsFile)
	}
	for _, w := range s.warnings {
		line("warning", "%s: %s", w.Weakens, w.Text)
	}
	for _, g := range s.gaps {
		line("missing", "%s: %s", g.What, g.Why)
	}
	return b.String()
}
