package probe

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// A NoFunctionError says that the kernel has none of the functions a probe is
// attached to.
type NoFunctionError struct{ Names []string }

func (e *NoFunctionError) Error() string {
	return fmt.Sprintf("no %s in the kernel's BTF: inlined, renamed, or of another version",
		strings.Join(e.Names, ", "))
}

// A NoBTFError says that the kernel does not tell its types.
type NoBTFError struct{ Err error }

func (e *NoBTFError) Error() string {
	return fmt.Sprintf("the kernel tells no types (BTF): boot one with CONFIG_DEBUG_INFO_BTF: %v", e.Err)
}

func (e *NoBTFError) Unwrap() error { return e.Err }

// An UnsuitableError says that a probe makes no sense on this kernel.
type UnsuitableError struct{ Why string }

func (e *UnsuitableError) Error() string { return e.Why }

// String names the attach mode, what the kernel said, and what that means.
func (a Attempt) String() string {
	var verifier *ebpf.VerifierError
	var errno syscall.Errno
	switch {
	case errors.As(a.Err, &verifier):
		return fmt.Sprintf("%s: refused by the verifier: %v", a.Mode, verifier)
	case !errors.As(a.Err, &errno):
		return fmt.Sprintf("%s: %v", a.Mode, a.Err)
	}
	return fmt.Sprintf("%s: %s%s", a.Mode, errno.Error(), a.meaning(errno))
}

// Error is String, for a caller that handles one attempt as an error.
func (a Attempt) Error() string { return a.String() }

// Unwrap returns the cause.
func (a Attempt) Unwrap() error { return a.Err }

// notSupported is the kernel's ENOTSUPP (include/linux/errno.h), which user space
// has no name for.
const notSupported = syscall.Errno(524)

// meaning explains an error number: the library's own hint for EPERM, the
// memory limit, has been wrong since 5.11.
func (a Attempt) meaning(errno syscall.Errno) string {
	switch {
	case errno == syscall.EPERM:
		return ": " + forbidden(a.Mode)
	case errno == syscall.ENOENT, errno == syscall.ESRCH:
		return ": this kernel has no such hook (the contention tracepoints came with 5.19; a function may be " +
			"inlined or renamed)"
	case errno == notSupported && a.Mode == Fentry:
		return ": no trampolines on this architecture, or none for so many arguments (more than 6 since 6.6)"
	case errno == syscall.EINVAL && a.Mode == Fentry:
		return ": the function cannot be traced (CONFIG_FUNCTION_TRACER, notrace), or the kernel is older " +
			"than its trampolines"
	case errno == syscall.EBUSY:
		return ": the function is taken by something else (ftrace ipmodify, a live patch)"
	}
	return ""
}

// forbidden says who forbids it: the first that can be seen to.
func forbidden(mode AttachMode) string {
	status, _ := os.ReadFile("/proc/self/status")
	switch caps, known := statusField(status, "CapEff"); {
	case known && !hasCapability(caps, unix.CAP_BPF):
		return "CAP_BPF is missing: run as root"
	case known && !hasCapability(caps, unix.CAP_PERFMON):
		return "CAP_PERFMON is missing: run as root"
	}
	if filter, _ := statusField(status, "Seccomp"); filter == "2" {
		return "a seccomp filter is on this process: a container's profile may forbid bpf()"
	}
	what := "it"
	if mode == Fentry {
		what = "function tracing"
	}
	return "the kernel's policy forbids " + what + " (lockdown: " + lockdown() + ")"
}

// statusField returns a field of /proc/self/status.
func statusField(status []byte, name string) (value string, known bool) {
	for line := range strings.Lines(string(status)) {
		if value, known = strings.CutPrefix(line, name+":"); known {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}

// hasCapability reports whether a CapEff holds the capability, or CAP_SYS_ADMIN,
// which implies those of BPF and perf.
func hasCapability(hex string, bit uint) bool {
	set, err := strconv.ParseUint(hex, 16, 64)
	return err == nil && set&(1<<bit|1<<unix.CAP_SYS_ADMIN) != 0
}

// lockdown returns the kernel's lockdown state: "none", "integrity",
// "confidentiality", or why it is not known.
func lockdown() string {
	states, err := os.ReadFile("/sys/kernel/security/lockdown")
	if err != nil {
		return "not known, " + err.Error()
	}
	_, state, found := strings.Cut(string(states), "[")
	state, _, closed := strings.Cut(state, "]")
	if !found || !closed {
		return "not known"
	}
	return state
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
