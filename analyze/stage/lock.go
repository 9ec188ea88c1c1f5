package stage

import "strings"

// A LockKind says what a function has to do with taking a lock.
type LockKind uint8

const (
	NoLock   LockKind = iota
	Spin              // a slow path: the lock is held, the CPU waits
	LockWord          // an acquire fast path: one atomic instruction, slow if its cache line is elsewhere
)

// slowPaths wait for a lock that somebody holds: kernel/locking/qspinlock.c,
// qrwlock.c and rtmutex.c (6.12). Test-and-set locks of guests spin inside
// native_queued_spin_lock_slowpath too (virt_spin_lock).
var slowPaths = map[string]bool{
	"native_queued_spin_lock_slowpath":    true,
	"__pv_queued_spin_lock_slowpath":      true,
	"queued_spin_lock_slowpath":           true,
	"queued_read_lock_slowpath":           true,
	"queued_write_lock_slowpath":          true,
	"resilient_queued_spin_lock_slowpath": true,
	"resilient_tas_spin_lock":             true,
	"rtlock_slowlock_locked":              true,
	"rt_spin_lock_slowlock":               true,
	"pv_wait_head_or_lock":                true,
	"pv_wait_node":                        true,
	"kvm_wait":                            true,
}

// sleepingPaths spin, too: whose waiters sleep, a mutex or an rwsem, is waited for on
// the CPU as long as its owner runs (osq_lock.c, mutex.c, rwsem.c, rtmutex.c). The lock is
// held and the CPU does nothing else, but it is no spin lock, and no probe of spinning
// sees the wait.
var sleepingPaths = map[string]bool{
	"osq_lock":              true,
	"mutex_spin_on_owner":   true,
	"mutex_optimistic_spin": true,
	"rwsem_spin_on_owner":   true,
	"rwsem_optimistic_spin": true,
	"rtmutex_spin_on_owner": true,
}

// SpinsForOwner reports whether a function waits on the CPU for a lock that is no spin lock.
func SpinsForOwner(function string) bool { return sleepingPaths[Strip(function)] }

// takesSleeping matches what stands between such a wait and whoever takes the lock.
func takesSleeping(name string) bool {
	name = strings.TrimLeft(name, "_")
	for _, p := range []string{"mutex_", "ww_mutex_", "rt_mutex_", "rtmutex_", "rwsem_", "down_read",
		"down_write"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// LockKindOf classifies a kernel function; compiler suffixes are allowed.
func LockKindOf(function string) LockKind {
	name := Strip(function)
	if slowPaths[name] || sleepingPaths[name] {
		return Spin
	}
	if isAcquire(name) {
		return LockWord
	}
	return NoLock
}

// isWaiting matches what a slow path calls, or has inlined, while it waits: the
// halts of a guest (arch/x86/kernel/kvm.c, arch/x86/hyperv/hv_spinlock.c), the
// pause of a processor and the atomic reads of the lock's word (6.12).
func isWaiting(name string) bool {
	switch name {
	case "kvm_wait", "hv_qlock_wait", "xen_qlock_wait", "clear_bhb_loop", "cpu_relax", "rep_nop", "native_pause",
		"native_safe_halt", "native_halt", "virt_spin_lock", "__cmpwait_relaxed", "safe_halt", "halt":
		return true
	}
	if strings.HasSuffix(name, "vcpu_is_preempted") { // asked of the owner's CPU, round by round
		return true
	}
	for _, p := range []string{"pv_wait", "__pv_wait", "arch_atomic_", "raw_atomic_", "atomic_", "smp_cond_load_"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// isAcquire matches the fast paths of kernel/locking/spinlock.c (6.12):
// _raw_spin_lock_bh, __raw_spin_lock_irqsave, _raw_read_lock, rt_spin_lock, and
// what is inlined there or around it (queued_spin_lock, spin_lock_bh), but no unlock: a release
// writes a line its CPU already owns.
func isAcquire(name string) bool {
	if strings.Contains(name, "unlock") {
		return false
	}
	name = strings.TrimPrefix(strings.TrimPrefix(name, "_"), "_")
	for _, p := range []string{"raw_spin_lock", "raw_spin_trylock", "raw_read_lock", "raw_read_trylock",
		"raw_write_lock", "raw_write_trylock", "rt_spin_lock", "rt_read_lock", "rt_write_lock",
		"do_raw_spin_lock", "queued_spin_lock", "spin_lock"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}
