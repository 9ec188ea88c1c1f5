package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// A kernelOption is an option of a kernel's configuration, and what is lost where
// it is not as it should be.
type kernelOption struct {
	name  string // without CONFIG_
	unset bool   // it is to be off
	needs bool   // nothing can be recorded else
	lost  string
}

// kernelOptions are those that decide what can be measured (Kconfig of net/xfrm,
// kernel/bpf, kernel/trace, lib, 6.12).
func kernelOptions() []kernelOption {
	return []kernelOption{
		{name: "PERF_EVENTS", needs: true, lost: "everything: perf opens no event"},
		{name: "XFRM_USER", lost: "SAs, packets by SA and CPU, policies; per-CPU SAs (Linux 6.13 on) cannot " +
			"be made"},
		{name: "INET_ESP", lost: "ESP over IPv4"},
		{name: "INET6_ESP", lost: "ESP over IPv6"},
		{name: "XFRM_STATISTICS", lost: "errors and drops of XFRM (/proc/net/xfrm_stat)"},
		{name: "BPF_SYSCALL", lost: "every probe: lock waits, acquisitions, SA lookups"},
		{name: "BPF_JIT", lost: "fentry: acquisitions, and SA lookups but by kprobe"},
		{name: "DEBUG_INFO_BTF", lost: "every probe: they find the kernel's structures by BTF"},
		{name: "DYNAMIC_FTRACE_WITH_DIRECT_CALLS", lost: "fentry: acquisitions, SA lookups but by " +
			"kprobe, and every wait but those that pass a tracepoint"},
		{name: "KPROBES", lost: "SA lookups where fentry does not attach"},
		{name: "KPROBE_EVENTS", lost: "SA lookups where fentry does not attach"},
		{name: "TRACEPOINTS", lost: "lock waits where fentry does not attach (lock:contention_begin)"},
		{name: "EVENT_TRACING", lost: "lock waits where fentry does not attach (lock:contention_begin)"},
		{name: "KALLSYMS", lost: "function names"},
		{name: "KALLSYMS_ALL", lost: "names of per-CPU and global locks"},
		{name: "PREEMPT_RT", unset: true, lost: "waits for spinlock_t, which sleeps"},
		{name: "LOCKDEP", unset: true, lost: "times that are those of other kernels: each lock is checked"},
		{name: "KASAN", unset: true, lost: "times that are those of other kernels: each access is checked"},
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
	for _, o := range kernelOptions() {
		checks = append(checks, o.check(set[o.name]))
	}
	return checks, nil
}

func (o kernelOption) check(value string) Check {
	name := "CONFIG_" + o.name
	on := value == "y" || value == "m"
	c := Check{ID: name, State: OK, Title: "is " + value}
	switch {
	case on == !o.unset:
		if !on {
			c.Title = "is not set"
		}
		return c
	case o.unset:
		c.State, c.Title, c.Fix = Degraded, "is set", "build with "+name+"=n"
	case o.needs:
		c.State, c.Title, c.Fix = Absent, "is not set", "build with "+name+"=y"
	default:
		c.State, c.Title, c.Fix = Degraded, "is not set", "build with "+name+"=y"
	}
	c.Evidence = "lost: " + o.lost
	return c
}
