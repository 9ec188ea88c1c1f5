package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"xfrmscope/collect/top"
	"xfrmscope/reports/format"
)

type topOptions struct {
	jsonOptions
	cpus     string
	netns    []string
	count    int
	noProbes bool
}

func newTop(io streams) *cobra.Command {
	var o topOptions
	cmd := &cobra.Command{
		Use:         "top",
		Annotations: map[string]string{measures: "yes"},
		Short:       "Show each second what each CPU does for IPsec: packets by SA, waits, softirq",
		Long: `Top shows, once a second and for each CPU: packets sent by its own SA, by the
fallback SA and by another CPU's; waits for spin locks, and their time per packet
sent; packets received; softirq, system, user and idle time. Below it the locks
that are waited for, those that cost most first, the SAs, errors that xfrm_stat
counted, and inbound SPIs that wander between CPUs.

Packets by CPU and waits need probes, which top attaches while it runs; what the
kernel refuses is "-", and said why. On a terminal the screen is rewritten;
elsewhere lines follow each other, with --json an object for each second, on a
line, in which null is what is not measured. Ctrl-C ends it (exit code 130) and takes the
probes off.`,
		Example: `  xfrmscope top -C 0-1 --netns west
  xfrmscope top --count 10 --no-probes > top.txt
  xfrmscope top --json | jq -c '{time, locks}'`,
		Args: arguments(cobra.NoArgs, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error { return runTop(cmd.Context(), io, o) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.cpus, "cpus", "C", "", "CPUs to show, as 1-4,8 (default: all online)")
	f.StringArrayVar(&o.netns, "netns", nil,
		"network namespace whose SAs are read, repeatable (default: the current one)")
	f.IntVar(&o.count, "count", 0, "end after so many seconds (default: with Ctrl-C)")
	f.BoolVar(&o.noProbes, "no-probes", false, "attach no eBPF probe")
	o.flags(f)
	return cmd
}

func runTop(ctx context.Context, io streams, o topOptions) error {
	if o.count < 0 {
		return usagef("--count %d is negative: leave it out to go on until Ctrl-C", o.count)
	}
	focus, err := focusOn(o.cpus, o.netns)
	if err != nil {
		return err
	}
	opt := top.Options{
		CPUs: focus.CPUs, NetNS: o.netns, NoProbes: o.noProbes, Frames: o.count,
		Progress: func(line string) { fmt.Fprintln(io.err, line) },
	}
	live := top.Open(opt)
	show := screenOn(io).Show
	if o.json {
		masked := o.masking() // of all frames alike
		show = func(now time.Time, f top.Frame) error {
			return io.writeJSON(&topFrame{newDocument(), now, f}, masked, "")
		}
	}
	err = top.Run(ctx, live, show, opt)
	return errors.Join(err, live.Close())
}

// A topFrame is what top prints as JSON each second.
type topFrame struct {
	document
	Time time.Time `json:"time"`
	top.Frame
}

// screenOn returns a screen that is rewritten if the output is a terminal.
func screenOn(io streams) *top.Screen {
	s := &top.Screen{W: io.out, Number: format.Terminal}
	f, ok := terminalOf(io.out)
	if !ok {
		return s
	}
	size := func() (rows, columns int) {
		w, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
		if err != nil {
			return 0, 0
		}
		return int(w.Row), int(w.Col)
	}
	if rows, _ := size(); rows > 0 {
		s.W, s.Terminal = f, size
	}
	return s
}
