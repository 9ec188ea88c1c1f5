package doctor

import (
	"fmt"
	"slices"
	"strings"

	"xfrmscope/collect/procfs"
)

// A lockKind is how the kernel waits for a spin lock.
type lockKind string

const (
	native      lockKind = "native"       // queued: the first waiter spins on a bit, the others queue
	paravirtual lockKind = "paravirtual"  // queued, and a waiter whose turn it is not lets its virtual CPU sleep
	testAndSet  lockKind = "test-and-set" // not queued: a guest whose hypervisor helps with nothing
	realtime    lockKind = "PREEMPT_RT"   // spinlock_t sleeps
	unsure      lockKind = "unknown"
)

// lockFacts is the kind of spin lock, what that was concluded from, and what no
// probe, or only some, can see of it.
type lockFacts struct {
	Kind     lockKind `json:"kind"`
	Evidence []string `json:"evidence"`
	Blind    []string `json:"blind"`
}

// findLocks finds out the kind, from what the kernel said when it chose
// (arch/x86/kernel/kvm.c kvm_spinlock_init, paravirt.c native_pv_lock_init, 6.12),
// else from what would make it choose. log is the kernel's log, as far as
// it can be read.
func findLocks(root procfs.Root, log string) lockFacts {
	l := spinLocks(root, log)
	l.Blind = blindSpots(l.Kind)
	return l
}

func spinLocks(root procfs.Root, log string) lockFacts {
	host := root.Host()
	if root.ReadTrimmed("/sys/kernel/realtime") == "1" {
		return lockFacts{Kind: realtime, Evidence: []string{"/sys/kernel/realtime is 1"}}
	}
	if strings.Contains(host.Version, "PREEMPT_RT") {
		return lockFacts{Kind: realtime,
			Evidence: []string{"the kernel's version says PREEMPT_RT: " + host.Version}}
	}
	paths := slowPaths(root)
	if !host.Hypervisor {
		return lockFacts{Kind: native, Evidence: []string{"no hypervisor in the CPU flags", paths}}
	}
	evidence := []string{"the CPU flags name a hypervisor", paths}
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		_, what, found := strings.Cut(line, "PV spinlocks ")
		if !found {
			continue
		}
		evidence = append(evidence, fmt.Sprintf("the kernel's log: %q", line))
		switch {
		case strings.HasPrefix(what, "enabled"):
			return lockFacts{Kind: paravirtual, Evidence: evidence}
		case strings.Contains(what, "no host support"):
			return lockFacts{Kind: testAndSet, Evidence: evidence}
		}
		// nopvspin, one CPU, or dedicated CPUs: virt_spin_lock_key is off
		return lockFacts{Kind: native, Evidence: evidence}
	}
	if !strings.Contains(paths, "__pv_queued_spin_lock_slowpath") && strings.Contains(paths, "native_") {
		return lockFacts{Kind: testAndSet, Evidence: append(evidence,
			"a kernel without CONFIG_PARAVIRT_SPINLOCKS leaves virt_spin_lock on in a guest")}
	}
	if slices.Contains(strings.Fields(host.CmdLine), "nopvspin") {
		return lockFacts{Kind: unsure, Evidence: append(evidence,
			"nopvspin on the command line: native if KVM offered paravirtual locks, else test-and-set")}
	}
	why := "the kernel's log says nothing of PV spinlocks"
	if log == "" {
		why = "the kernel's log cannot be read"
	}
	return lockFacts{Kind: unsure,
		Evidence: append(evidence, why+": `xfrmscope selftest lock` shows what the probes see")}
}

// slowPaths says which of the functions a waiter spins in the kernel has.
func slowPaths(root procfs.Root) string {
	names := []string{"native_queued_spin_lock_slowpath", "__pv_queued_spin_lock_slowpath",
		"queued_spin_lock_slowpath", "rt_spin_lock"}
	var found []string
	for s, err := range root.Symbols() {
		if err != nil {
			return "/proc/kallsyms cannot be read"
		}
		if s.Module == "" && slices.Contains(names, s.Name) {
			found = append(found, s.Name)
		}
	}
	if len(found) == 0 {
		return "/proc/kallsyms has no queued_spin_lock_slowpath"
	}
	slices.Sort(found)
	return "/proc/kallsyms has " + strings.Join(found, ", ")
}

// blindSpots says what of the waiting escapes which attach mode.
func blindSpots(k lockKind) []string {
	const bounce = "every attach mode: lines that bounce; an acquisition that did not wait is slow and not seen (" +
		"the time probe sees it)"
	switch k {
	case native:
		return []string{
			"tp_btf, raw_tp: the first waiter in line spins on the pending bit without an event; with " +
				"two CPUs on a lock, nearly all of its waiting",
			"fentry: nothing of the waiting",
			bounce,
		}
	case paravirtual:
		return []string{
			"tp_btf, raw_tp, fentry: nothing of the waiting, for every slow path queues; a wait may " +
				"include the time a virtual CPU slept or was not scheduled",
			bounce,
		}
	case testAndSet:
		return []string{
			"tp_btf, raw_tp: all waiting; virt_spin_lock fires no event",
			"fentry: nothing of the waiting; it is within native_queued_spin_lock_slowpath",
			bounce,
		}
	case realtime:
		return []string{
			"fentry: all waiting for spinlock_t, which is an rtmutex; raw_spinlock_t is seen",
			"tp_btf, raw_tp: fire for spinlock_t with LCB_F_RT; a waiter may be preempted and moved, so " +
				"times by CPU mean nothing and are not taken",
			"the count and time probes: x->lock is taken by rt_spin_lock, not _raw_spin_lock_bh",
			bounce,
		}
	}
	return []string{"tp_btf, raw_tp: all waiting if the locks are test-and-set, that of the first waiter in line " +
		"if they are native", bounce}
}

// check is the kind of spin lock as a check.
func (l lockFacts) check() Check {
	c := Check{ID: "XS023", Title: "kind of spin lock", State: OK,
		Evidence: string(l.Kind) + ": " + strings.Join(l.Evidence, "; ")}
	switch l.Kind {
	case testAndSet:
		c.State, c.Fix = Degraded, "hide the hypervisor from the guest (QEMU: -cpu host,-hypervisor), or "+
			"give it paravirtual spin locks; only fentry sees waits meanwhile"
	case realtime:
		c.State, c.Fix = Degraded,
			"measure on a kernel without PREEMPT_RT: here waits for x->lock have no time by CPU"
	case unsure:
		c.State, c.Fix = Unknown, "run as root, which may read the kernel's log"
	}
	return c
}
