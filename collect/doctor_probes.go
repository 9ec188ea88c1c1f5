package collect

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/probe"
)

// probes loads and attaches the wait probe by each rung.
func (d *doctor) probes(context.Context) []Check {
	var checks []Check
	for i, rung := range probe.Ladder() {
		c := Check{ID: fmt.Sprintf("XS%03d", 20+i), Title: "wait probe by " + string(rung), State: OK, Evidence: "loads and attaches"}
		w, err := probe.LoadWaitBy(rung)
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			c.State = Absent
			_, c.Evidence, _ = strings.Cut(probe.Attempt{Rung: rung, Err: err}.String(), ": ")
			c.Fix = d.probeFix(rung)
		}
		checks = append(checks, c)
	}
	return checks
}

func (d *doctor) probeFix(rung probe.Rung) string {
	switch {
	case !d.caps.has(unix.CAP_BPF) || !d.caps.has(unix.CAP_PERFMON):
		return runAsRoot
	case rung == probe.Fentry:
		return "boot without lockdown, a kernel with CONFIG_DEBUG_INFO_BTF and CONFIG_FUNCTION_TRACER; the next rung is used meanwhile"
	}
	return "boot a kernel of 5.19 or newer; in a container, seccomp may forbid bpf()"
}

// locks says what kind of spin lock the kernel uses, and so what the contention
// tracepoints miss (kernel/locking/qspinlock.c, arch/x86/kernel/paravirt.c
// native_pv_lock_init, 6.12).
func (d *doctor) locks(context.Context) []Check {
	c := Check{ID: "XS023", Title: "kind of spin lock"}
	host := d.opt.Root.Host()
	switch log := d.kernelLog(); {
	case d.opt.Root.ReadTrimmed("/sys/kernel/realtime") == "1":
		c.State, c.Evidence = Degraded, "PREEMPT_RT: spinlock_t sleeps, and its waits are not counted; raw_spinlock_t is"
	case !host.Hypervisor:
		c.State, c.Evidence = OK, "native: the tracepoint rungs miss the first waiter in line, with two CPUs all of them; fentry sees it"
	case strings.Contains(log, "PV spinlocks enabled"):
		c.State, c.Evidence = OK, "paravirtual: every wait is traced, as bare metal's are not"
	case strings.Contains(log, "PV spinlocks disabled"):
		c.State, c.Evidence = Degraded, "a guest without paravirtual spin locks: if they are test-and-set, only fentry sees waits"
		c.Fix = "hide the hypervisor from the guest (QEMU: -cpu host,-hypervisor), or give it paravirtual spin locks"
	default:
		c.State, c.Evidence = Unknown, "a guest whose kernel log says nothing of PV spinlocks: if they are test-and-set, only fentry sees waits"
	}
	return []Check{c}
}

// kernelLog returns what is left of the kernel's log, "" if it may not be read.
func (d *doctor) kernelLog() string {
	if d.opt.Root != "" {
		return d.opt.Root.ReadTrimmed("/var/log/dmesg")
	}
	size, err := unix.Klogctl(unix.SYSLOG_ACTION_SIZE_BUFFER, nil)
	if err != nil || size <= 0 {
		return ""
	}
	buf := make([]byte, size)
	n, err := unix.Klogctl(unix.SYSLOG_ACTION_READ_ALL, buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}
