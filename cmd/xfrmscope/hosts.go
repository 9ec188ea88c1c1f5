package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"xfrmscope/collect"
	"xfrmscope/collect/bundle"
	"xfrmscope/collect/remote"
)

// hostOptions are the flags of commands that measure on other hosts.
type hostOptions struct {
	hosts    []string
	ssh      string
	programs map[string]string
}

func (o *hostOptions) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&o.hosts, "host", nil, "measure there instead of here, as west=ssh:root@west; repeatable, all under one window")
	f.StringVar(&o.ssh, "ssh", "ssh", "how hosts are reached: ssh and its options")
	f.StringToStringVar(&o.programs, "host-program", nil, "the program for a host of another architecture, as west=FILE")
}

// dial copies this program to the hosts and starts it there.
func (o *hostOptions) dial(ctx context.Context, io streams) (*remote.Fleet, error) {
	hosts, err := remote.ParseHosts(o.hosts)
	if err != nil {
		return nil, usageError{err}
	}
	fmt.Fprintf(io.err, "reaching %d hosts by %s\n", len(hosts), o.ssh)
	f, err := remote.Dial(ctx, &remote.SSH{Command: strings.Fields(o.ssh), Other: o.programs}, hosts)
	if f.Against, _ = os.Hostname(); f.Against == "" {
		f.Against = "the host that started the run"
	}
	f.Progress = func(line string) { fmt.Fprintln(io.err, line) }
	return f, err
}

// recordHosts makes one run on each host and a sweep of them. A host that
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
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	if plan.Load != nil {
		fleet.StartLoad = func(context.Context) (func() error, error) { return startLoad(plan.Load, o.dir) }
	}
	names, failed := fleet.Record(ctx, plan, o.dir)
	if len(names) == 0 {
		return failed
	}
	sweep := bundle.Sweep{Name: filepath.Base(o.dir), Dirs: names}
	if err := bundle.WriteSweep(o.dir, &sweep); err != nil {
		return errors.Join(failed, err)
	}
	runs, err := bundle.OpenAll(o.dir)
	if err != nil {
		return errors.Join(failed, err)
	}
	for _, r := range runs {
		printRun(io, r)
	}
	fmt.Fprintf(io.out, "or both ends side by side: xfrmscope report %s -o out\n", o.dir)
	return failed
}

// startLoad runs the load here, with its output beside the runs.
func startLoad(load *bundle.Load, dir string) (func() error, error) {
	log, err := os.Create(filepath.Join(dir, "load.log"))
	if err != nil {
		return nil, err
	}
	return collect.StartLoad(load, log, collect.Options{})
}
