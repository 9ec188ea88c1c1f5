package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/record"
	"xfrmscope/collect/sched"
	"xfrmscope/collect/selftest"
)

// selftestOptions are the flags of selftest lock.
type selftestOptions struct {
	cpus   string
	rounds int
	window time.Duration
	cost   bool
	beside []string
	asJSON bool
}

func newSelftest(io streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "selftest",
		Short: "Try the probes on this kernel against a known truth",
		Args:  arguments(cobra.NoArgs, "the test's name: lock"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef("want the test's name: `xfrmscope selftest lock`")
		},
	}
	cmd.AddCommand(newSelftestLock(io))
	return cmd
}

func newSelftestLock(io streams) *cobra.Command {
	var o selftestOptions
	cmd := &cobra.Command{
		Use:         "lock",
		Annotations: map[string]string{measures: "yes"},
		Short:       "Make contention on this kernel and say what each attach mode of the wait probe saw of it",
		Long: `Selftest lock has pinned threads take spin locks by BPF_PROG_TEST_RUN, some
hundred thousand times: own (each CPU a lock of its own), shared (one lock for
all) and atomic (no lock, a counter on one line), on one CPU, on two and on all
of them. It prints what the wait probe saw in each attach mode: waits and their
time, and what more CPUs cost beyond that, which none sees. It takes some
seconds of these CPUs and touches nothing else.

With --cost it measures instead what each attach mode adds to a contended wait,
in ns of its programs' run time, beside other tools that see the same waits:
each --beside NAME=COMMAND attaches eBPF programs until it is interrupted.

Exit code 3 if no attach mode works here, 4 if what was seen cannot be right or
none saw the waits.`,
		Example: `  xfrmscope selftest lock
  xfrmscope selftest lock -C 0-3 --json
  xfrmscope selftest lock --cost --rounds 9 --beside 'perf=perf lock contention -a -b -l -- sleep 1000'`,
		Args: arguments(cobra.NoArgs, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error { return selftestLock(cmd.Context(), io, o) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.cpus, "cpus", "C", "", "CPUs to contend on (default: all this process may use)")
	f.IntVar(&o.rounds, "rounds", 5, "windows of each load in each attach mode, taken in turn")
	spanVar(f, &o.window, "window", "", 60*time.Millisecond, "length of one window")
	f.BoolVar(&o.cost, "cost", false, "measure what each attach mode adds to a contended wait")
	f.StringArrayVar(&o.beside, "beside", nil, "with --cost: NAME=COMMAND that observes the same waits, repeatable")
	f.BoolVar(&o.asJSON, "json", false, "print the result as JSON")
	return cmd
}

func selftestLock(ctx context.Context, io streams, o selftestOptions) error {
	options, err := o.options(io)
	if err != nil {
		return err
	}
	if o.cost {
		return lockCost(ctx, io, o, options)
	}
	result, err := selftest.Run(ctx, selftest.KernelRelease(), options)
	if err != nil {
		return mayNot(err)
	}
	if o.asJSON {
		err = io.printJSON(result)
	} else {
		err = printSelftest(io, result)
	}
	if err != nil {
		return err
	}
	return trustworthy(result)
}

func lockCost(ctx context.Context, io streams, o selftestOptions, options selftest.Options) error {
	var beside []selftest.Command
	for _, b := range o.beside {
		name, command, found := strings.Cut(b, "=")
		if !found {
			return usagef("--beside %q: want NAME=COMMAND", b)
		}
		beside = append(beside, selftest.Command{Name: name, Shell: command})
	}
	result, err := selftest.MeasureCost(ctx, selftest.KernelRelease(), options, beside)
	if err != nil {
		return mayNot(err)
	}
	if o.asJSON {
		return io.printJSON(result)
	}
	return printCost(io, result)
}

func printCost(io streams, r *selftest.CostResult) error {
	fmt.Fprintf(io.out, "kernel %s, one lock on CPUs %s, %d repeats of %v in turn: median (lowest to highest)\n",
		r.Kernel, r.CPUs, r.Repeats, r.WindowNS)
	fmt.Fprintf(io.out, "an empty program is accounted %.0f ns a run (%.0f to %.0f), which is subtracted\n\n",
		r.EmptyNS.Median, r.EmptyNS.Low, r.EmptyNS.High)
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ns/contended wait\tload's ns/op over none\twaits\tobserver")
	for _, c := range r.Rows {
		if c.Missing != "" {
			fmt.Fprintf(w, "not measured\t\t\t%s: %s\n", c.Observer, c.Missing)
			continue
		}
		fmt.Fprintf(w, "%.0f (%.0f to %.0f)\t%.2f (%.2f to %.2f)\t%d\t%s\n", c.PerEvent.Median, c.PerEvent.Low,
			c.PerEvent.High,
			c.OpRatio.Median, c.OpRatio.Low, c.OpRatio.High, c.Events, c.Observer)
	}
	return w.Flush()
}

// options turns the flags into what the test needs.
func (o *selftestOptions) options(io streams) (selftest.Options, error) {
	out := selftest.Options{Rounds: o.rounds, Window: o.window,
		Progress: func(line string) { fmt.Fprintln(io.err, line) }}
	if len(o.beside) > 0 && !o.cost {
		return out, usagef("--beside compares costs: add --cost")
	}
	if o.rounds < 1 || o.window <= 0 {
		return out, usagef("--rounds and --window must be positive")
	}
	allowed, err := sched.Affinity()
	if err != nil {
		return out, err
	}
	out.CPUs = allowed
	if o.cpus == "" {
		return out, nil
	}
	if out.CPUs, err = bundle.ParseCPUSet(o.cpus); err != nil {
		return out, usageError{err}
	}
	for _, cpu := range out.CPUs {
		if !allowed.Contains(cpu) {
			return out, usagef("CPU %d is not one this process may use: those are %s", cpu, allowed)
		}
	}
	return out, nil
}

// mayNot says what is missing if the kernel refused the generator. The library's
// own hint, the memory limit, has been wrong since 5.11.
func mayNot(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	fix := "run as root, for example `sudo xfrmscope selftest lock`"
	if os.Geteuid() == 0 {
		fix = "in a container, seccomp or a lacking CAP_BPF forbids it; `xfrmscope doctor` looks closer"
	}
	return &record.Missing{What: "lock selftest", Why: "the kernel does not let this user load the generator (" +
		fs.ErrPermission.Error() + ")", Fix: fix, Err: err}
}

// trustworthy turns a result into the exit code.
func trustworthy(r *selftest.Result) error {
	switch {
	case !r.Attached():
		return &record.Missing{What: "wait probe", Why: "no attach mode works on this kernel",
			Fix: "`xfrmscope doctor` names what each needs"}
	case !r.Valid():
		return &invalidError{"lock selftest: a fact that must hold does not; see the verdicts"}
	}
	return nil
}

func printSelftest(io streams, r *selftest.Result) error {
	fmt.Fprintf(io.out, "kernel %s, CPUs %s, %d windows of %v each\n\n", r.Kernel, r.CPUs, r.Rounds, r.WindowNS)
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "load\tCPUs\tprobe\tns/op\tmore than 1 CPU\twaits\tof ops\tns waited/op\tunseen ns/op\tlost\t")
	for i := range r.Bare {
		seenRow(w, "none", &r.Bare[i])
		for _, mode := range r.Modes {
			if mode.Passed == "" {
				seenRow(w, string(mode.Mode), &mode.Seen[i])
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(io.out)
	for _, mode := range r.Modes {
		if mode.Passed != "" {
			fmt.Fprintf(io.out, "%s: not attached: %s\n", mode.Mode, mode.Passed)
			continue
		}
		fmt.Fprintf(io.out, "%s:\n", mode.Mode)
		for _, v := range r.Verdicts {
			if v.Mode == mode.Mode {
				verdictRow(io, v)
			}
		}
		for _, b := range mode.Blind {
			fmt.Fprintf(io.out, "  %-5s %s\n", "blind", b)
		}
	}
	fmt.Fprintln(io.out, "all:")
	for _, v := range r.Verdicts {
		if v.Mode == "" {
			verdictRow(io, v)
		}
	}
	return nil
}

func seenRow(w *tabwriter.Writer, probe string, s *selftest.Seen) {
	fmt.Fprintf(w, "%s\t%s\t%s\t%.0f\t%+.0f\t", s.Load, s.CPUs, probe, s.NSPerOp, s.ExtraNS)
	if probe == "none" {
		fmt.Fprint(w, "\t\t\t\t\t\n")
		return
	}
	fmt.Fprintf(w, "%d\t%.2f %%\t%.1f\t%+.1f\t%d\t\n", s.Waits, 100*s.Share(), s.WaitPerOp(), s.Unseen(), s.Lost())
}

func verdictRow(io streams, v selftest.Verdict) {
	state := "ok"
	if !v.OK {
		state = "FAIL"
	}
	fmt.Fprintf(io.out, "  %-5s %s\n", state, v.Text)
}
