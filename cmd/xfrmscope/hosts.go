package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/record"
	"xfrmscope/collect/remote"
)

// hostOptions are the flags of commands that measure on other hosts.
type hostOptions struct {
	hosts    []string
	ssh      string
	programs map[string]string
}

func (o *hostOptions) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&o.hosts, "host", nil,
		"measure there instead of here, as west=ssh:root@west; repeatable, all under one window")
	f.StringVar(&o.ssh, "ssh", "ssh", "how hosts are reached: ssh and its options")
	f.StringToStringVar(&o.programs, "host-program", nil,
		"the program for a host of another architecture, as west=FILE")
}

// dial copies this program to the hosts and starts it there.
func (o *hostOptions) dial(ctx context.Context, io streams) (*remote.Fleet, error) {
	hosts, err := remote.ParseHosts(o.hosts)
	if err != nil {
		return nil, usageError{err}
	}
	fmt.Fprintf(io.err, "reaching %d hosts by %s\n", len(hosts), o.ssh)
	f, err := remote.Dial(ctx, &remote.SSH{Command: strings.Fields(o.ssh), Other: o.programs}, hosts)
	if f == nil {
		return nil, err
	}
	if f.Against, _ = os.Hostname(); f.Against == "" {
		f.Against = "the host that started the run"
	}
	f.Progress = func(line string) { fmt.Fprintln(io.err, line) }
	return f, err
}

// recordHosts makes one run on each host. A host that
// cannot be reached is an error before anything is measured; one that fails
// later leaves the others' runs.
func recordHosts(ctx context.Context, io streams, plan bundle.Plan, o recordOptions) (err error) {
	if plan.PacketsFile != "" {
		return usagef("--packets with --host: packets are counted by each host's SAs, or by the load")
	}
	if entries, _ := os.ReadDir(o.dir); len(entries) > 0 {
		return &bundle.ExistsError{Path: o.dir}
	}
	fleet, err := o.dial(ctx, io)
	if fleet != nil {
		defer func() { err = errors.Join(err, fleet.Close()) }()
	}
	if err != nil {
		return err
	}
	if plan.Load != nil {
		fleet.StartLoad = func(context.Context) (func() error, error) {
			return record.StartLoad(plan.Load, o.dir+".load.log", record.Options{})
		}
	}
	names, failed := fleet.Record(ctx, plan, o.dir)
	runs, err := bundle.OpenAll(o.dir)
	if err != nil { // the first host has no run
		for _, name := range names {
			fmt.Fprintf(io.out, "%s: the run of %s\n", filepath.Join(o.dir, bundle.HostsDir, name), name)
		}
		return failed
	}
	for _, r := range runs {
		printRun(io, r)
	}
	return failed
}

// newAgent is what runs on another host, started over ssh. It is hidden: only
// programs talk to it.
func newAgent(io streams) *cobra.Command {
	return &cobra.Command{
		Annotations: map[string]string{measures: "yes"},
		Use:         "agent",
		Short:       "Make runs for another host, by requests on standard input",
		Hidden:      true,
		Args:        arguments(cobra.NoArgs, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return remote.Serve(cmd.Context(), io.in, io.binary,
				record.Options{Tool: "xfrmscope " + version()})
		},
	}
}
