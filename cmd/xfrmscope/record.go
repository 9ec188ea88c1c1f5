package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
	"xfrmscope/collect/record"
)

type recordOptions struct {
	cpus     string
	command  []string // after --
	until    bool     // the window ends with the command
	duration time.Duration
	warmUp   time.Duration
	dir      string
	events   []string
	lines    bool
	hz       int
	load     string
	loadCPUs string
	packets  string
	netns    []string
	labels   map[string]string
	probes   []string
	noProbes bool
	phase    time.Duration
	dryRun   bool
	hostOptions
}

func newRecord(io streams) *cobra.Command {
	var o recordOptions
	cmd := &cobra.Command{
		Use:         "record -o RUN [-C CPUS] [-d TIME] [-- CMD...]",
		Annotations: map[string]string{measures: "yes"},
		Short:       "Measure one run: perf, lock waits, SA and kernel counters in one window",
		Long: `Record measures the CPUs that send, for one window: perf record on exactly
those CPUs, and at both ends of it the SAs (packets, bytes, CPU number; never a
key), xfrm_stat and other /proc counters. All of it goes into the directory RUN,
which must not exist yet.

After the window, on the same load, each eBPF probe has a phase of its own, with
one without a probe on either side, since tracing a lock slows its waiters: wait
(who waits for which spin lock), count and time (acquisitions of a lock, waited
for or not), find (the SA each packet is given) and stacks (the callers that
wait). The packets of each phase tell what the probe did to the traffic.

A command after -- makes the traffic, as --load does. The window ends with it
unless -d says how long it is; then no phases follow, which need the traffic too. A
load that ends before the phases do leaves a run that is partial, with exit code 1.

With --host the program is copied to other hosts over ssh and measures there,
under one window opened on all of them; the load runs here, its output in
RUN.load.log. The first host's run comes back as RUN, the others' as RUN/hosts/NAME;
a host that fails leaves the others' runs.

Each event is tried first; one that does not open is substituted or left out,
and the report says so. The first Ctrl-C ends the window early, and the phases
follow; the second, or one outside the window, ends all and keeps what was measured
(exit code 130). Needs root, or what ` + "`xfrmscope doctor`" + ` names.`,
		Example: `  xfrmscope record -C 1-4 -d 20s --netns west -o run
  xfrmscope record -C 0-1 -d 10s --load 'iperf3 -c 192.0.3.4 -u -b 0 -t 60' -o run
  xfrmscope record -C 1-4 -d 20s -o ends --host west=ssh:root@west --host east=ssh:root@east
  xfrmscope record -C 1-4 -d 20s -o run --dry-run
  xfrmscope record -o run -- ip netns exec west iperf3 -c 192.0.3.4 -u -b 0 -t 15`,
		Args: arguments(afterDashes, "flags only, and a command after --"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.command, o.until = args, len(args) > 0 && !cmd.Flags().Changed("duration")
			return runRecord(cmd.Context(), io, o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.cpus, "cpus", "C", "", "CPUs that send, as 1-4,8 (default: all online)")
	spanVar(f, &o.duration, "duration", "d", 20*time.Second,
		"length of the window; of a CMD the window ends with it, if no length is given")
	spanVar(f, &o.warmUp, "warm-up", "", 0, "let the load run this long before the window")
	f.StringVarP(&o.dir, "output", "o", "", "directory of the run, to be made (required)")
	f.StringArrayVarP(&o.events, "event", "e", nil,
		"perf event, repeatable (default: cycles and instructions as a group, L1 misses)")
	f.BoolVar(&o.lines, "lines", false, linesUsage)
	f.IntVarP(&o.hz, "frequency", "F", record.DefaultFrequencyHz, "samples per second, event and CPU")
	f.StringVar(&o.load, "load", "", "shell command that makes the traffic; ended after the window")
	f.StringVar(&o.loadCPUs, "load-cpus", "", "pin the load to these CPUs")
	f.StringVar(&o.packets, "packets", "",
		"file of running packet counts, read at both ends of the window: one number, or lines CPU PACKETS")
	f.StringArrayVar(&o.netns, "netns", nil,
		"network namespace whose SAs are read, repeatable (default: the current one)")
	f.StringToStringVar(&o.labels, "label", nil, "label of the run, as mode=pcpu; report groups by mode")
	f.StringSliceVar(&o.probes, "probes", bundle.Probes(),
		"eBPF probes, each in a phase of its own after the window")
	spanVar(f, &o.phase, "phase", "", 0, fmt.Sprintf(
		"length of each probe's phase (default %s, at most the window's length)", record.DefaultPhase))
	f.BoolVar(&o.noProbes, "no-probes", false, "load no eBPF probe")
	o.hostOptions.flags(f)
	f.BoolVar(&o.dryRun, "dry-run", false, "print the plan, measure nothing")
	return cmd
}

func runRecord(ctx context.Context, io streams, o recordOptions) error {
	plan, err := o.plan()
	if err != nil {
		return err
	}
	line := newStatusLine(io.err)
	opt := record.Options{Tool: "xfrmscope " + version(), UntilLoadEnds: o.until, Progress: showProgress(line)}
	if o.dryRun {
		text, err := record.DryRun(ctx, plan, opt)
		fmt.Fprint(io.out, text)
		return err
	}
	if len(o.hosts) > 0 {
		return recordHosts(ctx, io, plan, o)
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	var stop func()
	opt.EndWindow, stop = firstInterrupt(end)
	defer stop()
	run, err := record.Run(ctx, plan, o.dir, opt)
	line.clear()
	if run != nil {
		printRun(io, run)
	}
	return err
}

// showProgress shows what a recording is at: as a bar on a terminal, else a line
// for each step.
func showProgress(line *statusLine) func(record.Progress) {
	began := time.Now()
	return func(p record.Progress) {
		switch {
		case line.width == 0:
			line.print(p.Step)
		case p.Left == 0:
			line.set(p.Step)
		default:
			passed := time.Since(began)
			share := passed.Seconds() / (passed + p.Left).Seconds()
			line.set(fmt.Sprintf("%s %s left; %s", bar(share), about(p.Left), p.Step))
		}
	}
}

// firstInterrupt takes Ctrl-C away from the program until stop is called: where it
// finds the window open, something is sent on the channel, else end is called.
// After that a further one kills.
func firstInterrupt(end func()) (ended <-chan struct{}, stop func()) {
	const open = 200 * time.Millisecond // between two moments in which a window that is open can be ended
	window, interrupts := make(chan struct{}), make(chan os.Signal, 1)
	signal.Reset(os.Interrupt)
	signal.Notify(interrupts, os.Interrupt)
	go func() {
		for range interrupts {
			select {
			case window <- struct{}{}:
			case <-time.After(open):
				signal.Reset(os.Interrupt)
				end()
			}
		}
	}()
	return window, func() { signal.Stop(interrupts); close(interrupts) }
}

const linesUsage = "sample accesses to memory (IBS, mem-loads, SPE): which cache lines move between CPUs"

// maxCommand bounds a window that ends with its command.
const maxCommand = 24 * time.Hour

// afterDashes accepts arguments after -- alone.
func afterDashes(cmd *cobra.Command, args []string) error {
	if len(args) > 0 && cmd.ArgsLenAtDash() != 0 {
		return usagef("%q is no flag", args[0])
	}
	return nil
}

// plan turns the flags into a plan.
func (o *recordOptions) plan() (bundle.Plan, error) {
	p := bundle.Plan{
		DurationNS: o.duration, WarmUpNS: o.warmUp, FrequencyHz: o.hz,
		Events: o.events, Lines: o.lines, NetNS: o.netns, Labels: o.labels, PacketsFile: o.packets,
		PhaseNS: o.phase,
	}
	if o.dir == "" && !o.dryRun {
		return p, usagef("record needs a directory for the run: add -o DIR")
	}
	var err error
	switch {
	case o.cpus != "":
		if p.CPUs, err = bundle.ParseCPUSet(o.cpus); err != nil {
			return p, usageError{err}
		}
	case len(o.hosts) > 0:
		return p, usagef("record needs the CPUs of the hosts that send: add -C 1-4")
	default:
		if p.CPUs, err = procfs.Root("").Online(); err != nil {
			return p, err
		}
	}
	if o.until {
		p.DurationNS = maxCommand
	}
	if len(p.Events) == 0 {
		p.Events = record.DefaultEvents()
	}
	if !o.noProbes {
		p.Probes = o.probes
	}
	if len(p.NetNS) == 0 {
		p.NetNS = []string{""}
	}
	if len(o.command) > 0 && o.load != "" {
		return p, usagef("--load and a command after -- are both the load: leave one out")
	}
	if o.load == "" && len(o.command) == 0 {
		if o.loadCPUs != "" {
			return p, usagef("--load-cpus pins a load, and there is none: add --load CMD")
		}
		return p, nil
	}
	p.Load = &bundle.Load{Argv: o.command}
	if o.load != "" {
		p.Load.Argv = []string{"sh", "-c", o.load}
	}
	if o.loadCPUs != "" {
		if p.Load.CPUs, err = bundle.ParseCPUSet(o.loadCPUs); err != nil {
			return p, usageError{err}
		}
	}
	return p, nil
}

// printRun says what a run holds, what took another event's place, and what is
// missing.
func printRun(io streams, r *bundle.Run) {
	fmt.Fprintf(io.out, "%s: %s, %.1f s", inLine(r.Path), r.Status, r.Window.Seconds())
	if len(r.Plan.CPUs) > 0 {
		fmt.Fprintf(io.out, " on CPUs %s", r.Plan.CPUs)
	}
	fmt.Fprintln(io.out)
	for _, e := range r.Events {
		switch {
		case e.Opened == "":
			fmt.Fprintf(io.out, "  event %s: left out: %s\n", inLine(e.Asked), inLine(e.Why))
		case e.Opened != e.Asked:
			fmt.Fprintf(io.out, "  event %s: %s instead: %s\n", inLine(e.Asked), inLine(e.Opened),
				inLine(e.Why))
		}
	}
	for _, g := range r.Gaps {
		fmt.Fprintf(io.out, "  not measured: %s: %s\n", inLine(g.What), inLine(g.Why))
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(io.out, "  warning: %s: %s\n", inLine(w.Weakens), inLine(w.Text))
	}
	printNext(io, r.Path)
}

// printNext says how to go on with a run or a sweep, as a shell takes it.
func printNext(io streams, dir string) {
	if strings.HasPrefix(dir, "-") {
		dir = "./" + dir
	}
	fmt.Fprintf(io.out, "next: %s\n", bundle.ShellLine([]string{"xfrmscope", "report", dir, "-o", "out"}))
}
