package probe

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"xfrmscope/bpf"
)

// A Rung is one way to attach the wait probe. The higher rung sees more.
type Rung string

const (
	Fentry Rung = "fentry" // fentry and fexit of the slow paths
	TPBTF  Rung = "tp_btf" // contention_begin and _end, typed
	RawTP  Rung = "raw_tp" // the same without BTF
)

// Ladder returns the rungs, best first.
func Ladder() []Rung { return []Rung{Fentry, TPBTF, RawTP} }

// A pair is the two programs that see a wait begin and end, and what they are
// attached to.
type pair struct {
	begin, end string
	target     string
}

// slowPaths are the functions a waiter spins in. Which exist depends on
// CONFIG_PARAVIRT_SPINLOCKS and the architecture; of the first three one alone
// is run by a kernel (kernel/locking/qspinlock.c and qrwlock.c, 6.12).
func slowPaths() []pair {
	return []pair{
		{bpf.WaitProgSpinBegin, bpf.WaitProgSpinEnd, "native_queued_spin_lock_slowpath"},
		{bpf.WaitProgSpinBegin, bpf.WaitProgSpinEnd, "__pv_queued_spin_lock_slowpath"},
		{bpf.WaitProgSpinBegin, bpf.WaitProgSpinEnd, "queued_spin_lock_slowpath"},
		{bpf.WaitProgReadBegin, bpf.WaitProgReadEnd, "queued_read_lock_slowpath"},
		{bpf.WaitProgWriteBegin, bpf.WaitProgWriteEnd, "queued_write_lock_slowpath"},
	}
}

// pairs returns what the rung attaches on this kernel.
func (r Rung) pairs() ([]pair, error) {
	switch r {
	case TPBTF:
		return []pair{{bpf.WaitProgBtfBegin, bpf.WaitProgBtfEnd, "contention"}}, nil
	case RawTP:
		return []pair{{bpf.WaitProgRawBegin, bpf.WaitProgRawEnd, "contention"}}, nil
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, fmt.Errorf("reading the kernel's BTF: %w", err)
	}
	var found []pair
	spin := false
	for _, p := range slowPaths() {
		var fn *btf.Func
		if kernel.TypeByName(p.target, &fn) == nil {
			found = append(found, p)
			spin = spin || p.begin == bpf.WaitProgSpinBegin
		}
	}
	if !spin {
		return nil, errors.New("no queued_spin_lock_slowpath in the kernel's BTF: inlined, renamed or not traceable")
	}
	return found, nil
}

// specs returns the two program specs of a pair.
func (p pair) specs(r Rung, all *ebpf.CollectionSpec) (begin, end *ebpf.ProgramSpec) {
	begin, end = all.Programs[p.begin].Copy(), all.Programs[p.end].Copy()
	if r == Fentry {
		begin.AttachTo, end.AttachTo = p.target, p.target
	}
	return begin, end
}

// An Attempt is a rung that was tried in vain.
type Attempt struct {
	Rung Rung
	Err  error
}

// String names the rung, what the kernel said, and what that means.
func (a Attempt) String() string {
	var verifier *ebpf.VerifierError
	var errno syscall.Errno
	switch {
	case errors.As(a.Err, &verifier):
		return fmt.Sprintf("%s: refused by the verifier: %v", a.Rung, verifier)
	case !errors.As(a.Err, &errno):
		return fmt.Sprintf("%s: %v", a.Rung, a.Err)
	}
	return fmt.Sprintf("%s: %s%s", a.Rung, errno.Error(), a.meaning(errno))
}

// notSupported is the kernel's ENOTSUPP (include/linux/errno.h), which user space
// has no name for.
const notSupported = syscall.Errno(524)

// meaning explains an error number: the library's own hint for EPERM, the
// memory limit, has been wrong since 5.11.
func (a Attempt) meaning(errno syscall.Errno) string {
	switch {
	case errno == syscall.EPERM && a.Rung == Fentry:
		return ": the kernel's policy forbids function tracing (lockdown), or CAP_BPF and CAP_PERFMON are missing"
	case errno == syscall.EPERM:
		return ": CAP_BPF and CAP_PERFMON are needed"
	case errno == syscall.ENOENT, errno == syscall.ESRCH:
		return ": this kernel has no such hook (the contention tracepoints came with 5.19)"
	case errno == notSupported:
		return ": no trampolines on this architecture"
	case errno == syscall.EBUSY:
		return ": the function is taken by something else (ftrace ipmodify, a live patch)"
	}
	return ""
}
