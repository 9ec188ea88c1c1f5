package perf

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"xfrmscope/collect/bundle"
)

// Options are what perf record shall do.
type Options struct {
	CPUs        bundle.CPUSet
	Events      []string
	FrequencyHz int
	Memory      bool   // with addresses, sources and latencies of data
	Output      string // the perf.data file
}

// recordArgs is the command line without the control channel.
func (t *Tool) recordArgs(o Options) []string {
	args := []string{t.Path, "record", "-k", "CLOCK_MONOTONIC", "-C", o.CPUs.String()}
	spe := func(event string) bool { return strings.HasPrefix(event, spePMU) }
	if !slices.ContainsFunc(o.Events, spe) {
		args = append(args, "-F", strconv.Itoa(o.FrequencyHz))
	}
	args = append(args, "-g", "--kernel-callchains", "-N")
	for _, event := range o.Events {
		args = append(args, "-e", event)
	}
	if o.Memory { // -R: what the PMU itself recorded, which says of an op whether it also wrote
		args = append(args, "-d", "-W", "--phys-data", "-R")
	}
	if t.Zstd {
		args = append(args, "-z")
	}
	return append(args, "-o", o.Output)
}

// Argv returns the command line Start runs. perf opens the events but leaves
// them disabled (-D -1) until it is told over file descriptors 3 and 4.
func (t *Tool) Argv(o Options) []string {
	return append(t.recordArgs(o), "-D", "-1", "--control", "fd:3,4")
}

// A Recording is a running perf record.
type Recording struct{ *child }

// Start runs perf record on the CPUs of pin, which are not those it measures,
// and returns when it is ready to be enabled, or when ctx ends. What it prints goes
// to log.
func (t *Tool) Start(ctx context.Context, o Options, pin bundle.CPUSet, log *os.File) (*Recording, error) {
	c, err := startChild(ctx, t.Argv(o), pin, log)
	if err != nil {
		return nil, err
	}
	return &Recording{c}, nil
}

// Stop makes perf complete its file and end. It returns how perf ended; one that
// is stuck is killed.
func (r *Recording) Stop() error {
	if err := r.tell(context.Background(), "stop"); err != nil && !errors.Is(err, ErrEnded) {
		r.Kill()
		return err
	}
	timeout := time.NewTimer(r.limit)
	defer timeout.Stop()
	select {
	case <-r.done:
	case <-timeout.C:
		r.Kill()
		return fmt.Errorf("it did not complete its file within %s", r.limit)
	}
	r.control.Close()
	return r.err
}
