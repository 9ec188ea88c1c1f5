package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"xfrmscope/analyze"
	"xfrmscope/analyze/sides"
	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
	"xfrmscope/collect/record"
	"xfrmscope/collect/scenario"
	"xfrmscope/collect/sweep"
	"xfrmscope/reports/format"
	"xfrmscope/samples"
)

// sweepOptions are the flags of sweep. Those after set describe a scenario
// without a file.
type sweepOptions struct {
	dir    string
	dryRun bool
	resume bool
	set    []string

	cpus, from, order       string
	repeat, boots           int
	load, loadCPUs          string
	mode, setup, teardown   string
	duration, warmUp        time.Duration
	packets                 string
	netns, events, headline []string
	hz                      int
	lines, noProbes         bool
	described               string // the last of these flags that was given
	hostOptions
}

func newSweep(io streams) *cobra.Command {
	var o sweepOptions
	cmd := &cobra.Command{
		Use:         "sweep [SCENARIO.yaml] -o SWEEP",
		Annotations: map[string]string{measures: "yes"},
		Short:       "Make the runs of a scenario, one after the other, and lose none",
		Long: `Sweep makes one run for each combination of CPUs, modes and sides that a
scenario names, as often as it says, interleaved, with the set-up and the
tear-down of each. The scenario is a file, the name of an example (` +
			"`xfrmscope\nscenario list`" + `), or the flags --cpus and --load.

In commands {n} {cpus} (0-3) {each_cpu} (0 1 2 3) {mode} {side} {repeat} {run}
stand for what the run is.

Each run is saved when it ends. Stopped by Ctrl-C, a crash, a reboot or a full
disk, the same command undoes what was set up, keeps what was begun in
SWEEP/aside, and goes on with the runs that are missing. A set-up or a load that
fails stops the sweep after its set-up was undone.

With --boots K the repeats are spread over K boots, each with runs of every mode and
side: after those of a boot it says so and ends with exit code 6. Reboot, and give
the same command again; in the same boot it makes none of the next one's.

With --host the hosts measure, under one window; set-ups, loads and tear-downs
run here. CPUs are those of the first host, whose run is the sweep's; the others'
are in RUN/hosts/NAME, and one that fails is tried again at the next run.`,
		Example: `  xfrmscope sweep scenario.yaml -o sweep
  xfrmscope sweep scenario.yaml -o sweep --set window=5s --dry-run
  xfrmscope sweep --cpus 1..8 --repeat 5 --load './flows {n}' -o sweep
  xfrmscope sweep scenario.yaml -o sweep --host west=ssh:root@west --host east=ssh:root@east`,
		Args: arguments(cobra.MaximumNArgs(1), "at most one SCENARIO.yaml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ofRun := []string{"output", "dry-run", "resume", "set", "host", "host-program", "ssh"}
			cmd.Flags().Visit(func(f *pflag.Flag) {
				if !slices.Contains(ofRun, f.Name) {
					o.described = f.Name
				}
			})
			return runSweep(cmd.Context(), io, &o, args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.dir, "output", "o", "",
		"directory of the sweep; one that holds part of it is completed (required)")
	f.BoolVar(&o.dryRun, "dry-run", false, "print the runs, measure nothing")
	f.BoolVar(&o.resume, "resume", false, "complete the sweep in -o by its own scenario: no other is given")
	f.StringArrayVar(&o.set, "set", nil,
		"change a value of the scenario, as window=5s or modes.pcpu.setup=CMD; repeatable")
	f.StringVar(&o.cpus, "cpus", "", "how many CPUs send: 1..8, or 1,2,4")
	f.StringVar(&o.from, "from", "", "CPUs to take them from, as 1-8 (default: the online ones)")
	f.StringVar(&o.order, "cpu-order", "", "number, l3 (one L3 cache after the other) or spread (each in turn)")
	f.IntVar(&o.repeat, "repeat", 0, "runs of each (default 5)")
	f.IntVar(&o.boots, "boots", 0, "spread the repeats over so many boots; nothing reboots by itself")
	f.StringVar(&o.load, "load", "", "shell command that makes the traffic, as './flows {n}'")
	f.StringVar(&o.loadCPUs, "load-cpus", "", "pin the load to these CPUs; {cpus} are those measured")
	f.StringVar(&o.mode, "mode", "", "label of the runs (default all)")
	f.StringVar(&o.setup, "setup", "", "shell command before each run")
	f.StringVar(&o.teardown, "teardown", "", "shell command after each run")
	spanVar(f, &o.duration, "duration", "d", 0, "length of the window (default 20s)")
	spanVar(f, &o.warmUp, "warm-up", "", -1, "let the load run this long before it (default 2s)")
	f.StringVar(&o.packets, "packets", "", "file of running packet counts, read at both ends of the window")
	f.StringArrayVar(&o.netns, "netns", nil, "network namespace whose SAs are read, repeatable")
	f.StringArrayVarP(&o.events, "event", "e", nil, "perf event, repeatable")
	f.StringSliceVar(&o.headline, "headline", nil, "metrics named beforehand (default packet_rate,cost_per_packet)")
	f.IntVarP(&o.hz, "frequency", "F", 0, "samples per second, event and CPU")
	f.BoolVar(&o.lines, "lines", false, linesUsage)
	f.BoolVar(&o.noProbes, "no-probes", false, "load no eBPF probe")
	o.hostOptions.flags(f)
	return cmd
}

func runSweep(ctx context.Context, io streams, o *sweepOptions, args []string) (err error) {
	s, err := o.scenario(args)
	if err != nil {
		return err
	}
	if o.dir == "" && !o.dryRun {
		return usagef("sweep needs a directory: add -o SWEEP")
	}
	abs, err := filepath.Abs(o.dir)
	if err != nil {
		return err
	}
	local := sweep.Local{Options: record.Options{Tool: "xfrmscope " + version()}, Mark: "XFRMSCOPE_SWEEP=" + abs}
	machine, closeHosts, err := o.machine(ctx, io, local)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeHosts()) }()
	cpus, err := cpusOf(machine)
	if err != nil {
		return err
	}
	if s, err = resolveScenario(s, cpus); err != nil {
		return err
	}
	if err := checkScenario(s, len(o.hosts) == 0); err != nil {
		return err
	}
	if s.Boots > 1 && len(o.hosts) > 0 {
		return usagef("boots with --host are not supported: whose boot it would be is not told")
	}
	bootID := procfs.Root("").BootID()
	if o.dryRun {
		return printPlan(io, s)
	}
	line := newStatusLine(io.err)
	failed := map[string][]string{} // runs by gate of the scenario
	table, err := sweep.Run(ctx, s, o.dir, sweep.Options{
		Machine: machine,
		Say:     line.print,
		BootID:  bootID,
		Progress: func(p sweep.Progress) {
			if p.Finished == nil {
				line.set(progressText(&p, line.last))
				return
			}
			line.last = finishedText(ctx, &p, s.Gates, failed)
			line.print(fmt.Sprintf("run %d/%d %s: %s; %s left", p.Index, p.Total, p.Run, line.last,
				about(p.Left)))
		},
	})
	line.clear()
	if table != nil && len(table.Dirs) > 0 {
		printSweep(io, o.dir, table)
	}
	if err != nil {
		return err
	}
	return gateError(s.Gates, failed)
}

// scenario is what the arguments name: a file, an example, the sweep's own, or
// the flags.
func (o *sweepOptions) scenario(args []string) (*scenario.Scenario, error) {
	switch {
	case o.resume && (len(args) > 0 || len(o.set) > 0):
		return nil, usagef("--resume goes on by the sweep's own scenario: leave the other one out")
	case (o.resume || len(args) == 1) && o.described != "":
		return nil, usagef("a scenario says itself what --%s would: change it with --set, as boots=4, or "+
			"leave it out; `xfrmscope scenario print` shows its keys", o.described)
	case o.resume && o.dir == "":
		return nil, usagef("--resume needs the sweep: add -o SWEEP")
	case o.resume:
		return readScenario(filepath.Join(o.dir, bundle.ScenarioFile), nil)
	case len(args) == 1:
		return readScenario(args[0], o.set)
	case o.cpus == "":
		return nil, usagef("sweep needs a SCENARIO.yaml, or --cpus 1..8 --load CMD; `xfrmscope scenario " +
			"list` names examples")
	}
	return o.fromFlags()
}

func (o *sweepOptions) fromFlags() (*scenario.Scenario, error) {
	s := &scenario.Scenario{
		APIVersion: scenario.APIVersion, Name: "sweep over " + o.cpus + " CPUs",
		CPUs:  scenario.CPUs{Order: o.order},
		NetNS: o.netns, Window: o.duration, Repeats: o.repeat, Boots: o.boots,
		Events: o.events, Frequency: o.hz, Lines: o.lines,
		Headline: o.headline,
	}
	var err error
	if s.CPUs.Counts, err = scenario.ParseCounts(o.cpus); err != nil {
		return nil, usageError{err}
	}
	if o.from != "" {
		if s.CPUs.From, err = bundle.ParseCPUSet(o.from); err != nil {
			return nil, usageError{err}
		}
	}
	if o.load != "" {
		s.Load = &scenario.Load{Command: o.load, CPUs: o.loadCPUs}
	}
	if o.mode != "" || o.setup != "" {
		s.Modes = []scenario.Factor{{Name: cmp.Or(o.mode, bundle.DefaultMode), Setup: o.setup,
			Teardown: o.teardown}}
	}
	if o.warmUp >= 0 {
		s.WarmUp = &o.warmUp
	}
	if o.packets != "" {
		s.Packets = scenario.Packets{From: scenario.FromFile, File: o.packets}
	}
	if o.noProbes {
		s.Probes = []string{scenario.NoProbes}
	}
	text, err := s.Text()
	if err != nil {
		return nil, err
	}
	// Read again, it is checked as a file is.
	s, err = scenario.Parse(text, "flags", o.set)
	if err != nil {
		return nil, usageError{err}
	}
	return s, nil
}

// checkScenario reports what the packages below cannot know: ids of metrics and
// gates, and what this machine cannot carry out, if it is the one that measures.
func checkScenario(s *scenario.Scenario, here bool) error {
	for _, id := range s.Headline {
		if why := sides.NotComparable(id); why != "" {
			return usagef("headline: %s; there are %s", why, strings.Join(sides.ComparableIDs(), ", "))
		}
	}
	for _, id := range s.Gates {
		if gates := bundle.Gates(); !slices.Contains(gates, id) {
			return usagef("gates: there is no gate %q; there are %s", id, strings.Join(gates, ", "))
		}
	}
	if !here {
		return nil
	}
	for _, run := range s.Runs("") {
		plan := run.Plan
		if len(run.Setup) > 0 {
			plan.NetNS = nil // may be what the set-up makes
		}
		if err := record.CheckPlan(plan, record.Options{}); err != nil {
			return fmt.Errorf("%s: %w", &run, err)
		}
	}
	return nil
}

func printPlan(io streams, s *scenario.Scenario) error {
	text, err := s.Text()
	if err != nil {
		return err
	}
	runs := s.Runs(scenario.Hash(text))
	each := *s.WarmUp + s.Window
	fmt.Fprintf(io.out, "%s: %d runs, %s of warm-up and window each, about %s in all, scenario %.12s\n", s.Name,
		len(runs), each, about(sweep.Length(runs)), scenario.Hash(text))
	for i := range runs {
		r := &runs[i]
		fmt.Fprintf(io.out, "%4d  %-24s CPUs %s\n", i+1, r.Dir, r.Plan.CPUs)
		if i > 0 && slices.Equal(r.Setup, runs[i-1].Setup) && sameLoad(r, &runs[i-1]) {
			continue
		}
		for j := range r.Setup {
			fmt.Fprintf(io.out, "        set-up    %s\n", oneLine(r.Setup[j]))
		}
		if r.Plan.Load != nil {
			fmt.Fprintf(io.out, "        load      %s\n", oneLine(r.Plan.Load.Argv[2]))
		}
		for j := range r.Teardown {
			if r.Teardown[j] != "" {
				fmt.Fprintf(io.out, "        tear-down %s\n", oneLine(r.Teardown[j]))
			}
		}
	}
	return nil
}

func sameLoad(a, b *scenario.Run) bool {
	return a.Plan.Load == nil && b.Plan.Load == nil ||
		a.Plan.Load != nil && b.Plan.Load != nil && a.Plan.Load.Argv[2] == b.Plan.Load.Argv[2]
}

func oneLine(text string) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ")
}

// printSweep says what a sweep holds, and what to do next.
func printSweep(io streams, dir string, t *bundle.Sweep) {
	fmt.Fprintf(io.out, "%s: %d of %d runs\n", inLine(dir), len(t.Dirs), len(t.Planned))
	for _, aside := range t.Aside {
		fmt.Fprintf(io.out, "  not ended, kept: %s\n", inLine(filepath.Join(dir, aside)))
	}
	if len(t.Missing()) == 0 {
		printNext(io, dir)
	}
}

// finishedText is the rate and the lock share of a run, as a report has them,
// and its gates that failed.
func finishedText(ctx context.Context, p *sweep.Progress, gates []string, failed map[string][]string) string {
	took := fmt.Sprintf("%.0f s", p.Took.Seconds())
	result, err := analyze.Runs(ctx, []*bundle.Run{p.Finished}, analyze.Options{})
	if err != nil || len(result.Runs) == 0 {
		return took
	}
	r := result.Runs[0]
	var parts []string
	if v := r.Packets.Headline(); v.Measured() {
		parts = append(parts, format.Short(v.Value)+" packets/s")
	}
	if e := r.Main(); e != nil && e.All.SpinShare.Measured() {
		parts = append(parts, "spin "+format.SentenceShare(e.All.SpinShare))
	}
	for _, g := range r.Gates {
		if g.Status == "failed" && slices.Contains(gates, g.ID) {
			failed[g.ID] = append(failed[g.ID], p.Run.Dir)
			parts = append(parts, "gate "+g.ID+" failed: "+g.Evidence)
		}
	}
	return strings.Join(append(parts, took), ", ")
}

func progressText(p *sweep.Progress, last string) string {
	text := fmt.Sprintf("%s %s left; run %d/%d %s: %s", bar(p.Share), about(p.Left), p.Index, p.Total, p.Run,
		p.Step)
	if last != "" {
		text += "; last " + last
	}
	return text
}

// about prints a duration as far as it can be known.
func about(d time.Duration) string {
	switch {
	case d >= 90*time.Minute:
		return fmt.Sprintf("%.1f h", d.Hours())
	case d >= 90*time.Second:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

// gateError names the gates of the scenario that did not hold.
func gateError(gates []string, failed map[string][]string) error {
	var parts []string
	for _, id := range gates {
		if runs := failed[id]; len(runs) > 0 {
			parts = append(parts, fmt.Sprintf("%s in %s", id, strings.Join(runs, ", ")))
		}
	}
	if parts == nil {
		return nil
	}
	return &invalidError{"gates of the scenario did not hold: " + strings.Join(parts, "; ")}
}

// readScenario reads a scenario file, or an example by its name.
func readScenario(name string, set []string) (*scenario.Scenario, error) {
	var s *scenario.Scenario
	var err error
	if text, ok := samples.Scenario(name); ok {
		s, err = scenario.Parse(text, "scenario "+name, set)
	} else {
		s, err = scenario.ReadFile(name, set)
	}
	if err == nil {
		return s, nil
	}
	if os.IsNotExist(err) {
		return nil, usagef("%w; `xfrmscope scenario list` names examples", err)
	}
	return nil, usageError{err}
}

// machine returns what carries out the runs: this machine, or other hosts.
func (o *hostOptions) machine(ctx context.Context, io streams, local sweep.Local) (sweep.Machine, func() error, error) {
	if len(o.hosts) == 0 {
		return &local, func() error { return nil }, nil
	}
	fleet, err := o.dial(ctx, io)
	if err != nil {
		if fleet != nil {
			_ = fleet.Close()
		}
		return nil, nil, err
	}
	return &sweep.Hosts{Local: local, Fleet: fleet}, fleet.Close, nil
}

// cpusOf returns the CPUs of what carries out the runs.
func cpusOf(m sweep.Machine) (scenario.Machine, error) {
	if hosts, ok := m.(*sweep.Hosts); ok {
		return hosts.Fleet.Sessions[0].CPUs, nil
	}
	return scenario.ReadMachine("")
}

// resolveScenario fills in a scenario for the CPUs of a machine.
func resolveScenario(s *scenario.Scenario, m scenario.Machine) (*scenario.Scenario, error) {
	r, err := s.Resolve(m, scenario.Defaults{
		Events: record.DefaultEvents(), FrequencyHz: record.DefaultFrequencyHz, Probes: bundle.Probes(),
	})
	if err != nil {
		return nil, usageError{err}
	}
	return r, nil
}
