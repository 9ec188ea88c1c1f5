package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// A KernelOption is an option of a kernel's configuration, and what is lost where
// it is not as it should be.
type KernelOption struct {
	Name  string // without CONFIG_
	Unset bool   // it is to be off
	needs bool   // nothing can be recorded else
	Lost  string
}

// KernelOptions are those that decide what can be measured (Kconfig of net/xfrm,
// kernel/bpf, kernel/trace, lib, 6.12).
func KernelOptions() []KernelOption {
	return []KernelOption{
		{Name: "PERF_EVENTS", needs: true, Lost: "everything: perf opens no event"},
		{Name: "XFRM_USER", Lost: "SAs, packets by SA and CPU, policies; per-CPU SAs (Linux 6.13 on) cannot " +
			"be made"},
		{Name: "INET_ESP", Lost: "ESP over IPv4"},
		{Name: "INET6_ESP", Lost: "ESP over IPv6"},
		{Name: "XFRM_STATISTICS", Lost: "errors and drops of XFRM (/proc/net/xfrm_stat)"},
		{Name: "BPF_SYSCALL", Lost: "every probe: lock waits, acquisitions, SA lookups"},
		{Name: "BPF_JIT", Lost: "fentry: acquisitions, and SA lookups but by kprobe"},
		{Name: "DEBUG_INFO_BTF", Lost: "acquisitions, SA lookups and callers; waits but by raw_tp, and " +
			"the names of locks in structures"},
		{Name: "DYNAMIC_FTRACE_WITH_DIRECT_CALLS", Lost: "fentry: acquisitions, SA lookups but by " +
			"kprobe, and every wait but those that pass a tracepoint"},
		{Name: "KPROBES", Lost: "SA lookups where fentry does not attach"},
		{Name: "KPROBE_EVENTS", Lost: "SA lookups where fentry does not attach"},
		{Name: "TRACEPOINTS", Lost: "lock waits where fentry does not attach (lock:contention_begin)"},
		{Name: "EVENT_TRACING", Lost: "lock waits where fentry does not attach (lock:contention_begin)"},
		{Name: "KALLSYMS", Lost: "function names"},
		{Name: "KALLSYMS_ALL", Lost: "names of per-CPU and global locks"},
		{Name: "PREEMPT_RT", Unset: true, Lost: "waits for spinlock_t, which sleeps"},
		{Name: "LOCKDEP", Unset: true, Lost: "times that are those of other kernels: each lock is checked"},
		{Name: "KASAN", Unset: true, Lost: "times that are those of other kernels: each access is checked"},
	}
}

// maxKconfig bounds a configuration: that of 6.12 has 300 kB.
const maxKconfig = 8 << 20

// Kconfig says what a kernel of this configuration, a .config or /proc/config.gz,
// does not let measure.
func Kconfig(r io.Reader) ([]Check, error) {
	head := make([]byte, 2)
	n, err := io.ReadFull(r, head)
	r = io.MultiReader(bytes.NewReader(head[:n]), r)
	if err == nil && head[0] == 0x1f && head[1] == 0x8b {
		if r, err = gzip.NewReader(r); err != nil {
			return nil, fmt.Errorf("reading the configuration: %w", err)
		}
	}
	text, err := io.ReadAll(io.LimitReader(r, maxKconfig+1))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	set := map[string]string{}
	known := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if name, value, ok := strings.Cut(line, "="); ok && strings.HasPrefix(name, "CONFIG_") {
			set[strings.TrimPrefix(name, "CONFIG_")], known = value, true
		}
		known = known || strings.HasPrefix(line, "# CONFIG_") && strings.HasSuffix(line, " is not set")
	}
	if !known || len(text) > maxKconfig {
		return nil, errors.New("this is no configuration of a kernel: it has no line CONFIG_NAME=y; name its " +
			".config, /boot/config-VERSION or /proc/config.gz")
	}
	var checks []Check
	for _, o := range KernelOptions() {
		checks = append(checks, o.check(set[o.Name]))
	}
	return checks, nil
}

func (o KernelOption) check(value string) Check {
	name := "CONFIG_" + o.Name
	on := value == "y" || value == "m"
	c := Check{ID: name, State: OK, Title: "is " + value}
	switch {
	case on == !o.Unset:
		if !on {
			c.Title = "is not set"
		}
		return c
	case o.Unset:
		c.State, c.Title, c.Fix = Degraded, "is set", "build with "+name+"=n"
	case o.needs:
		c.State, c.Title, c.Fix = Absent, "is not set", "build with "+name+"=y"
	default:
		c.State, c.Title, c.Fix = Degraded, "is not set", "build with "+name+"=y"
	}
	c.Evidence = "lost: " + o.Lost
	return c
}
