package procfs

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Capabilities is the effective set of this process (CapEff of
// /proc/self/status, fs/proc/array.c).
type Capabilities uint64

// Capabilities reads those of this process.
func (r Root) Capabilities() (Capabilities, error) {
	data, err := r.Read("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("reading the capabilities: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		if hex, ok := strings.CutPrefix(line, "CapEff:"); ok {
			bits, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			if err != nil {
				return 0, fmt.Errorf("reading the capabilities: %w", err)
			}
			return Capabilities(bits), nil
		}
	}
	return 0, fmt.Errorf("reading the capabilities: /proc/self/status has no CapEff")
}

// Has reports whether the set holds the capability, or CAP_SYS_ADMIN, which
// implied CAP_PERFMON and CAP_BPF before 5.8 and still does.
func (c Capabilities) Has(bit uint) bool {
	return c&(1<<bit) != 0 || (bit == unix.CAP_PERFMON || bit == unix.CAP_BPF) && c&(1<<unix.CAP_SYS_ADMIN) != 0
}
