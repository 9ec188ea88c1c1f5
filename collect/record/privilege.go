package record

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/procfs"
)

// CheckPermission reports, as a *Missing, why this process may not sample the
// kernel on whole CPUs: that takes CAP_PERFMON or kernel.perf_event_paranoid
// of at most 0 (kernel/events/core.c perf_allow_cpu, 6.12).
func CheckPermission(root procfs.Root) error {
	caps, err := root.Capabilities()
	if err != nil || caps.Has(unix.CAP_PERFMON) {
		return err
	}
	paranoid, err := root.ReadInt("/proc/sys/kernel/perf_event_paranoid")
	if err != nil {
		return &Missing{What: "perf events", Why: "this kernel was built without them (CONFIG_PERF_EVENTS)",
			Fix: "boot a kernel that has them", Err: err}
	}
	if paranoid <= 0 {
		return nil
	}
	return &Missing{
		What: "permission to measure whole CPUs",
		Why: fmt.Sprintf("user %d has no CAP_PERFMON, and kernel.perf_event_paranoid is %d", os.Geteuid(),
			paranoid),
		Fix: "run as root, for example `sudo xfrmscope ...`; or allow all users samples and nothing else: " +
			"`sudo sysctl kernel.perf_event_paranoid=0`",
	}
}
