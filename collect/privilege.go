package collect

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/procfs"
)

// capabilities is the effective set of this process (CapEff of
// /proc/self/status, fs/proc/array.c).
type capabilities uint64

func effective(root procfs.Root) (capabilities, error) {
	data, err := root.Read("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("reading the capabilities: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		if hex, ok := strings.CutPrefix(line, "CapEff:"); ok {
			bits, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			if err != nil {
				return 0, fmt.Errorf("reading the capabilities: %w", err)
			}
			return capabilities(bits), nil
		}
	}
	return 0, fmt.Errorf("reading the capabilities: /proc/self/status has no CapEff")
}

// has reports whether the set holds the capability, or CAP_SYS_ADMIN, which
// implied CAP_PERFMON and CAP_BPF before 5.8 and still does.
func (c capabilities) has(bit uint) bool {
	return c&(1<<bit) != 0 || (bit == unix.CAP_PERFMON || bit == unix.CAP_BPF) && c&(1<<unix.CAP_SYS_ADMIN) != 0
}

// checkPermission reports, as a *Missing, why this process may not sample the
// kernel on whole CPUs: that takes CAP_PERFMON or kernel.perf_event_paranoid
// of at most 0 (kernel/events/core.c perf_allow_cpu, 6.12).
func checkPermission(root procfs.Root) error {
	caps, err := effective(root)
	if err != nil || caps.has(unix.CAP_PERFMON) {
		return err
	}
	paranoid, err := root.ReadInt("/proc/sys/kernel/perf_event_paranoid")
	if err != nil {
		return &Missing{What: "perf events", Why: "this kernel was built without them (CONFIG_PERF_EVENTS)", Fix: "boot a kernel that has them", Err: err}
	}
	if paranoid <= 0 {
		return nil
	}
	return &Missing{
		What: "permission to measure whole CPUs",
		Why:  fmt.Sprintf("user %d has no CAP_PERFMON, and kernel.perf_event_paranoid is %d", os.Geteuid(), paranoid),
		Fix:  "run as root, for example `sudo xfrmscope ...`; or allow all users samples and nothing else: `sudo sysctl kernel.perf_event_paranoid=0`",
	}
}
