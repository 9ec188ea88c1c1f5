package probe

import (
	"strings"

	"github.com/cilium/ebpf/btf"
)

// An AttachMode is one way to attach a probe. Of the modes of a probe the first sees most.
type AttachMode string

const (
	Fentry AttachMode = "fentry" // fentry and fexit of functions
	TPBTF  AttachMode = "tp_btf" // contention_begin and _end, typed
	RawTP  AttachMode = "raw_tp" // the same without BTF
	Kprobe AttachMode = "kprobe" // kprobe and kretprobe, never of a lock's functions
)

// An Attempt is an attach mode that was tried in vain.
type Attempt struct {
	Mode AttachMode
	Err  error
}

// WhyNot says of each attempt why it failed.
func WhyNot(passed []Attempt) string {
	whys := make([]string, len(passed))
	for i, attempt := range passed {
		whys[i] = attempt.String()
	}
	return strings.Join(whys, "; ")
}

// climb tries the attach modes, best first, and returns what the first that works
// makes, the zero value if none does, and those passed over.
func climb[T any](modes []AttachMode, by func(AttachMode) (T, error)) (T, []Attempt) {
	var passed []Attempt
	for _, mode := range modes {
		p, err := by(mode)
		if err == nil {
			return p, passed
		}
		passed = append(passed, Attempt{mode, err})
	}
	var none T
	return none, passed
}

// slowPaths returns the functions a waiter for a spin lock spins in, those this
// kernel has: of the three one alone is run, which depends on
// CONFIG_PARAVIRT_SPINLOCKS and the architecture (kernel/locking/qspinlock.c,
// 6.12).
func (l *Loader) slowPaths() ([]string, error) {
	return l.functions("native_queued_spin_lock_slowpath", "__pv_queued_spin_lock_slowpath",
		"queued_spin_lock_slowpath")
}

// functions returns those of the named functions that the kernel's BTF has; a
// *NoFunctionError if it has none.
func (l *Loader) functions(names ...string) ([]string, error) {
	kernel, err := l.types()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, name := range names {
		var fn *btf.Func
		if kernel.TypeByName(name, &fn) == nil {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return nil, &NoFunctionError{Names: names}
	}
	return found, nil
}

// types returns the BTF of the running kernel.
func (l *Loader) types() (*btf.Spec, error) {
	kernel, err := l.kernel.Kernel()
	if err != nil {
		return nil, &NoBTFError{err}
	}
	return kernel, nil
}
