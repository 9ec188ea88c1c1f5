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

// LockKindOf classifies a kernel function; compiler suffixes are allowed.
func LockKindOf(function string) LockKind {
	name := Strip(function)
	if slowPaths[name] {
		return Spin
	}
	if isAcquire(name) {
		return LockWord
	}
	return NoLock
}

// isAcquire matches the fast paths of kernel/locking/spinlock.c (6.12):
// _raw_spin_lock_bh, __raw_spin_lock_irqsave, _raw_read_lock, rt_spin_lock, but
// no unlock: a release writes a line its CPU already owns.
func isAcquire(name string) bool {
	if strings.Contains(name, "unlock") {
		return false
	}
	name = strings.TrimPrefix(strings.TrimPrefix(name, "_"), "_")
	for _, p := range []string{"raw_spin_lock", "raw_spin_trylock", "raw_read_lock", "raw_read_trylock",
		"raw_write_lock", "raw_write_trylock", "rt_spin_lock", "rt_read_lock", "rt_write_lock"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}
