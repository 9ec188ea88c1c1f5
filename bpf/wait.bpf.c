//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * wait: how long each CPU waits for each spin lock.
 *
 * One body, begin() and end(), behind three ways to attach it. Everything a
 * CPU counts is in its own element of one per-CPU array: a hash would take
 * bucket locks, whose waits would run these programs again.
 *
 * The order of the work is the measurement's accuracy. begin() looks for the
 * lock's slot first and reads the clock last; end(), which runs while the lock
 * is held by this CPU, reads the clock first and goes straight to the slot. No
 * stack is walked.
 */
#include "probe.h"

enum {
	CONTEXTS = 4, /* task, softirq, hardirq, NMI: MAX_NODES of kernel/locking/mcs_spinlock.h */
	SLOTS = 128, /* a power of two; wait_cpu must stay below 32 KiB */
	PROBES = 8,
	BINS = 32,
	UNCOUNTED = SLOTS + 1, /* in place of a slot: begun before the window */
};

struct wait_frame {
	u64 lock;
	u64 begin_ns;
	u32 slot; /* SLOTS: none was free */
	u32 unused;
};

struct wait_slot {
	u64 lock; /* 0: free */
	u64 count;
	u64 wait_ns;
	u64 max_ns;
	u32 flags; /* LCB_F_*, all seen */
	u32 unused;
	u32 hist[BINS]; /* [2^i, 2^(i+1)) ns; the last has no upper end */
};

struct wait_cpu {
	u64 begun;
	u64 ended;
	u64 mismatched; /* begun and given up: its end was not seen */
	u64 nested;     /* found all contexts taken; they were given up */
	u64 late;       /* ended, but its begin was not seen */
	u64 overflow;   /* ended, but the lock had found no slot */
	u64 overflow_ns;
	u32 depth;
	u32 unused;
	struct wait_frame stack[CONTEXTS];
	struct wait_slot slots[SLOTS];
};

struct {
	DEF_UINT(type, MAP_TYPE_PERCPU_ARRAY);
	DEF_UINT(max_entries, 1);
	DEF_TYPE(key, u32);
	DEF_TYPE(value, struct wait_cpu);
} wait_cpus SEC(".maps");

/* Waits that begin while window is 0 are followed, so that their ends are
 * known, but not counted. */
volatile u32 window;

INLINE struct wait_cpu *this_cpu(void)
{
	u32 zero = 0;

	return map_lookup_elem(&wait_cpus, &zero);
}

INLINE u32 hash(u64 lock)
{
	return (u32)((lock >> 2) * 0x9E3779B97F4A7C15ull >> 57); /* log2(SLOTS) bits */
}

/* The compare-and-swap keeps a hardirq that claims in between from sharing. */
INLINE u32 claim_slot(struct wait_cpu *cpu, u64 lock)
{
	u32 first = hash(lock);

#pragma unroll
	for (u32 i = 0; i < PROBES; i++) {
		u32 n = (first + i) & (SLOTS - 1);
		u64 owner = cpu->slots[n].lock;

		if (!owner)
			owner = __sync_val_compare_and_swap(&cpu->slots[n].lock, 0, lock);
		if (!owner || owner == lock)
			return n;
	}
	return SLOTS;
}

INLINE int has_slot(struct wait_cpu *cpu, u64 lock)
{
	u32 first = hash(lock);

#pragma unroll
	for (u32 i = 0; i < PROBES; i++)
		if (cpu->slots[(first + i) & (SLOTS - 1)].lock == lock)
			return 1;
	return 0;
}

INLINE u32 log2_bin(u64 ns)
{
	u32 v = (u32)ns, bin = 0;

	if (ns >> (BINS - 1))
		return BINS - 1;
	if (v >> 16) { v >>= 16; bin += 16; }
	if (v >> 8) { v >>= 8; bin += 8; }
	if (v >> 4) { v >>= 4; bin += 4; }
	if (v >> 2) { v >>= 2; bin += 2; }
	return bin + (v >> 1);
}

/* Gives up the frames from depth first on: their ends were not seen. */
INLINE void give_up(struct wait_cpu *cpu, u32 first, u32 depth)
{
#pragma unroll
	for (u32 i = 0; i < CONTEXTS; i++)
		if (i >= first && i < depth && cpu->stack[i].slot != UNCOUNTED)
			cpu->mismatched++;
}

INLINE u32 slot_of(struct wait_cpu *cpu, u64 lock, u32 flags)
{
	u32 slot;

	if (!window)
		return UNCOUNTED;
	cpu->begun++;
	slot = claim_slot(cpu, lock);
	if (slot < SLOTS)
		cpu->slots[slot & (SLOTS - 1)].flags |= flags;
	return slot;
}

INLINE int begin(u64 lock, u32 flags)
{
	struct wait_cpu *cpu = this_cpu();
	struct wait_frame *frame;
	u32 depth;

	if (!cpu)
		return 0;
	depth = cpu->depth;
	if (depth >= CONTEXTS) { /* ends were skipped: start afresh */
		cpu->nested++;
		give_up(cpu, 0, CONTEXTS);
		depth = 0;
	}
	frame = &cpu->stack[depth & (CONTEXTS - 1)];
	/* To the verifier an argument of fentry is a pointer, which cannot be
	 * hashed; what is read back from a map is a number. */
	*(volatile u64 *)&frame->lock = lock;
	lock = *(volatile u64 *)&frame->lock;
	frame->slot = slot_of(cpu, lock, flags);
	cpu->depth = depth + 1;
	frame->begin_ns = ktime_get_ns();
	return 0;
}

/* The depth of the innermost frame of the lock, CONTEXTS if there is none. */
INLINE u32 find_frame(struct wait_cpu *cpu, u32 depth, u64 lock)
{
#pragma unroll
	for (u32 i = 1; i <= CONTEXTS; i++)
		if (depth >= i && cpu->stack[(depth - i) & (CONTEXTS - 1)].lock == lock)
			return depth - i;
	return CONTEXTS;
}

INLINE void account(struct wait_cpu *cpu, u32 n, u64 ns)
{
	struct wait_slot *slot = &cpu->slots[n & (SLOTS - 1)];
	u32 bin = log2_bin(ns);

	cpu->ended++;
	if (n >= SLOTS) {
		cpu->overflow++;
		cpu->overflow_ns += ns;
		return;
	}
	slot->count++;
	slot->wait_ns += ns;
	if (ns > slot->max_ns)
		slot->max_ns = ns;
	if (bin < BINS)
		slot->hist[bin]++;
}

/* contention_end is fired for sleeping locks too and does not say which: there
 * an end without a begin is late only if the lock is one that was spun for. */
INLINE int end(u64 lock, int spin_only)
{
	u64 now = ktime_get_ns();
	struct wait_cpu *cpu = this_cpu();
	struct wait_frame *frame;
	u32 depth, at;

	if (!cpu)
		return 0;
	depth = cpu->depth;
	at = find_frame(cpu, depth, lock);
	if (at >= CONTEXTS) {
		if (window && (spin_only || has_slot(cpu, lock)))
			cpu->late++;
		return 0;
	}
	frame = &cpu->stack[at];
	give_up(cpu, at + 1, depth);
	cpu->depth = at;
	if (frame->slot != UNCOUNTED)
		account(cpu, frame->slot, now > frame->begin_ns ? now - frame->begin_ns : 0);
	return 0;
}

/* Mutexes spin too, but may go to sleep inside the wait and end elsewhere;
 * an rtlock always does. */
INLINE int spins(u32 flags)
{
	return (flags & (LCB_F_SPIN | LCB_F_RT | LCB_F_PERCPU | LCB_F_MUTEX)) == LCB_F_SPIN;
}

/* The function is chosen when the program is loaded: native_ or
 * __pv_queued_spin_lock_slowpath(struct qspinlock *lock, u32 val), and
 * queued_{read,write}_lock_slowpath(struct qrwlock *lock). */
SEC("fentry/queued_spin_lock_slowpath") int spin_begin(u64 *ctx) { return begin(ctx[0], LCB_F_SPIN); }
SEC("fexit/queued_spin_lock_slowpath") int spin_end(u64 *ctx) { return end(ctx[0], 1); }
SEC("fentry/queued_read_lock_slowpath") int read_begin(u64 *ctx) { return begin(ctx[0], LCB_F_SPIN | LCB_F_READ); }
SEC("fexit/queued_read_lock_slowpath") int read_end(u64 *ctx) { return end(ctx[0], 1); }
SEC("fentry/queued_write_lock_slowpath") int write_begin(u64 *ctx) { return begin(ctx[0], LCB_F_SPIN | LCB_F_WRITE); }
SEC("fexit/queued_write_lock_slowpath") int write_end(u64 *ctx) { return end(ctx[0], 1); }

/* contention_begin(void *lock, unsigned int flags), since 5.19;
 * contention_end(void *lock, int ret). */
SEC("tp_btf/contention_begin") int btf_begin(u64 *ctx) { return spins((u32)ctx[1]) ? begin(ctx[0], (u32)ctx[1]) : 0; }
SEC("tp_btf/contention_end") int btf_end(u64 *ctx) { return end(ctx[0], 0); }
SEC("raw_tp/contention_begin") int raw_begin(u64 *ctx) { return spins((u32)ctx[1]) ? begin(ctx[0], (u32)ctx[1]) : 0; }
SEC("raw_tp/contention_end") int raw_end(u64 *ctx) { return end(ctx[0], 0); }

char LICENSE[] SEC("license") = "Dual BSD/GPL";
