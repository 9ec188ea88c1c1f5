// Package selftest makes contention on this kernel and says what each attach mode of
// the wait probe saw of it.
//
//	New -> Run -> Result (rows by load and CPUs, verdicts)
//	New -> Cost -> what each observer adds to a contended wait
//
// The locks are bpf_spin_locks, taken by programs that BPF_PROG_TEST_RUN runs on
// pinned threads: no network, no module. Their addresses are known, so that no
// other lock's waits are counted.
package selftest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
	"xfrmscope/collect/procfs"
)

// Options are what Run and Cost need.
type Options struct {
	CPUs     bundle.CPUSet     // the loads run on the first, the first two, and all of them
	Rounds   int               // windows of each load under each attach mode, taken in turn
	Window   time.Duration     // length of one
	Progress func(line string) // may be nil
}

func (o Options) progress(format string, args ...any) {
	if o.Progress != nil {
		o.Progress(fmt.Sprintf(format, args...))
	}
}

// sizes are the sets of CPUs the loads run on.
func (o Options) sizes() []bundle.CPUSet {
	sizes := []bundle.CPUSet{o.CPUs[:1]}
	if len(o.CPUs) > 1 {
		sizes = append(sizes, o.CPUs[:2])
	}
	if len(o.CPUs) > 2 {
		sizes = append(sizes, o.CPUs)
	}
	return sizes
}

// Result is what Run found.
type Result struct {
	Kernel   string        `json:"kernel"` // uname -r
	CPUs     bundle.CPUSet `json:"cpus"`
	Rounds   int           `json:"rounds"`
	WindowNS time.Duration `json:"window_ns"`
	Bare     []Seen        `json:"bare"` // the loads without a probe
	Modes    []Mode        `json:"rungs"`
	Pending  []Pending     `json:"pending,omitempty"` // if fentry and tp_btf both attach
	Verdicts []Verdict     `json:"verdicts"`
}

// A Mode is one way to attach the wait probe, and what it saw.
type Mode struct {
	Mode   probe.AttachMode `json:"rung"`
	Passed string           `json:"passed,omitempty"` // why it is not attached; then the rest is empty
	Blind  []string         `json:"blind,omitempty"`
	Seen   []Seen           `json:"seen,omitempty"`
}

// Seen is one load on some CPUs under one attach mode, all rounds together.
type Seen struct {
	Load    Load          `json:"load"`
	CPUs    bundle.CPUSet `json:"cpus"`
	Asked   uint64        `json:"asked"`     // operations asked of the kernel
	Ops     uint64        `json:"ops"`       // operations done, counted by the load itself
	Turns   uint64        `json:"turns"`     // of Ops: the lock had been another CPU's the time before
	NSPerOp float64       `json:"ns_per_op"` // mean of all rounds
	LowNS   float64       `json:"low_ns"`    // the lowest and the highest mean of a round
	HighNS  float64       `json:"high_ns"`
	ExtraNS float64       `json:"extra_ns"` // NSPerOp less that of the same load on one CPU, same attach mode

	Waits  uint64        `json:"waits"` // for the generator's locks
	WaitNS uint64        `json:"wait_ns"`
	Others uint64        `json:"others"` // waits of these CPUs for other locks
	Begun  uint64        `json:"begun"`  // of these CPUs, all locks: the probe's accounts
	Ended  uint64        `json:"ended"`
	Losses []bundle.Loss `json:"losses,omitempty"`

	ns uint64 // of Asked
}

// Share returns waits per operation.
func (s *Seen) Share() float64 { return ratio(s.Waits, s.Ops) }

// WaitPerOp returns ns waited per operation.
func (s *Seen) WaitPerOp() float64 { return ratio(s.WaitNS, s.Ops) }

// Unseen returns what more than one CPU cost per operation, in ns, beyond the
// waiting that was seen: lines that bounce, waits that are not seen, and the
// probe itself.
func (s *Seen) Unseen() float64 { return s.ExtraNS - s.WaitPerOp() }

// contended reports whether the CPUs met at the lock, by its own count: those that
// run one after the other hand it over once in a time slice, some 10^5 operations.
func (s *Seen) contended() bool { return s.Turns*1000 > s.Ops }

// Lost returns the sum of the losses.
func (s *Seen) Lost() uint64 {
	var n uint64
	for _, l := range s.Losses {
		n += l.Count
	}
	return n
}

func ratio(a, b uint64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// Run runs every load under every attach mode, and without, in turn. An attach mode that does
// not attach is in the result with the reason.
func Run(ctx context.Context, kernel string, o Options) (*Result, error) {
	g, err := newGenerator()
	if err != nil {
		return nil, err
	}
	defer g.close()
	result := &Result{Kernel: kernel, CPUs: o.CPUs, Rounds: o.Rounds, WindowNS: o.Window}
	observers, waits := []*observer{{}}, map[probe.AttachMode]*probe.Wait{}
	for _, mode := range probe.WaitModes() {
		o.progress("loading the wait probe by %s", mode)
		wait, err := probe.LoadWaitBy(mode)
		if err != nil {
			result.Modes = append(result.Modes, Mode{Mode: mode, Passed: reason(mode, err)})
			continue
		}
		defer wait.Close()
		observers, waits[mode] = append(observers, &observer{wait: wait}), wait
		result.Modes = append(result.Modes, Mode{Mode: mode, Blind: wait.Blind()})
	}
	for i := range o.Rounds {
		o.progress("round %d of %d", i+1, o.Rounds)
		for _, ob := range observers {
			if err := ob.round(ctx, g, o); err != nil {
				return nil, err
			}
		}
	}
	for _, ob := range observers {
		result.take(ob)
	}
	if slow, queued := waits[probe.Fentry], waits[probe.TPBTF]; slow != nil && queued != nil {
		if result.Pending, err = pending(ctx, g, o, slow, queued); err != nil {
			return nil, err
		}
	}
	result.judge()
	return result, nil
}

// reason is what an attempt says, less the attach mode's name.
func reason(mode probe.AttachMode, err error) string {
	_, why, _ := strings.Cut(probe.Attempt{Mode: mode, Err: err}.String(), ": ")
	return why
}

// take adds what an observer saw, its sums made.
func (r *Result) take(ob *observer) {
	for i := range ob.seen {
		s := &ob.seen[i]
		s.NSPerOp = ratio(s.ns, s.Asked)
		s.ExtraNS = s.NSPerOp - alone(ob.seen, s.Load)
	}
	if ob.wait == nil {
		r.Bare = ob.seen
		return
	}
	for i := range r.Modes {
		if r.Modes[i].Mode == ob.wait.Mode() {
			r.Modes[i].Seen = ob.seen
		}
	}
}

// alone is the cost of the load on one CPU, which every load runs on first.
func alone(seen []Seen, load Load) float64 {
	i := slices.IndexFunc(seen, func(s Seen) bool { return s.Load == load })
	return seen[i].NSPerOp
}

// Attached reports whether any attach mode did.
func (r *Result) Attached() bool {
	return slices.ContainsFunc(r.Modes, func(r Mode) bool { return r.Passed == "" })
}

// KernelRelease is uname -r.
func KernelRelease() string {
	return cmp.Or(procfs.Root("").ReadTrimmed("/proc/sys/kernel/osrelease"), "unknown")
}
