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
#include "contexts.h"
#include "slots.h"

enum {
	SLOTS = 128, /* wait_cpu must stay below 32 KiB */
	BINS = 32,
};

/* What is waited for. */
enum kind { SPIN, READER, WRITER, KINDS };

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
	u64 late;     /* ended, but its begin was not seen */
	u64 overflow; /* ended, but the lock had found no slot */
	u64 overflow_ns;
	u64 scratch[2 * KINDS];
	struct contexts contexts;
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

INLINE u32 slot_of(struct wait_cpu *cpu, u64 lock, u32 flags)
{
	u32 slot;

	if (!window)
		return UNCOUNTED;
	cpu->begun++;
	slot = CLAIM(cpu->slots, lock);
	if (slot < SLOTS)
		cpu->slots[slot & (SLOTS - 1)].flags |= flags;
	return slot;
}

INLINE int begin(u64 pointer, enum kind kind, u32 flags)
{
	struct wait_cpu *cpu = this_cpu();
	struct frame *frame;
	u64 lock;

	if (!cpu)
		return 0;
	lock = number(&cpu->scratch[2 * kind], pointer);
	frame = push(&cpu->contexts, lock, slot_of(cpu, lock, flags));
	frame->begin_ns = ktime_get_ns();
	return 0;
}

INLINE void account(struct wait_cpu *cpu, u32 n, u64 ns)
{
	struct wait_slot *slot = &cpu->slots[n & (SLOTS - 1)];

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
	slot->hist[log2_bin(ns, BINS) & (BINS - 1)]++;
}

/* contention_end is fired for sleeping locks too and does not say which: there
 * an end without a begin is late only if the lock is one that was spun for. */
INLINE int end(u64 pointer, enum kind kind, int spin_only)
{
	u64 now = ktime_get_ns(), lock;
	struct wait_cpu *cpu = this_cpu();
	struct frame *frame;
	u32 at;

	if (!cpu)
		return 0;
	lock = number(&cpu->scratch[2 * kind + 1], pointer);
	at = find_frame(&cpu->contexts, lock);
	if (at >= CONTEXTS) {
		if (window && (spin_only || HAS_SLOT(cpu->slots, lock)))
			cpu->late++;
		return 0;
	}
	frame = pop(&cpu->contexts, at);
	if (frame->slot != UNCOUNTED)
		account(cpu, frame->slot, now > frame->begin_ns ? now - frame->begin_ns : 0);
	return 0;
}

/* The function is chosen when the program is loaded: native_ or
 * __pv_queued_spin_lock_slowpath(struct qspinlock *lock, u32 val), and
 * queued_{read,write}_lock_slowpath(struct qrwlock *lock). */
SEC("fentry/queued_spin_lock_slowpath") int spin_begin(u64 *ctx) { return begin(ctx[0], SPIN, LCB_F_SPIN); }
SEC("fexit/queued_spin_lock_slowpath") int spin_end(u64 *ctx) { return end(ctx[0], SPIN, 1); }
SEC("fentry/queued_read_lock_slowpath") int read_begin(u64 *ctx) { return begin(ctx[0], READER, LCB_F_SPIN | LCB_F_READ); }
SEC("fexit/queued_read_lock_slowpath") int read_end(u64 *ctx) { return end(ctx[0], READER, 1); }
SEC("fentry/queued_write_lock_slowpath") int write_begin(u64 *ctx) { return begin(ctx[0], WRITER, LCB_F_SPIN | LCB_F_WRITE); }
SEC("fexit/queued_write_lock_slowpath") int write_end(u64 *ctx) { return end(ctx[0], WRITER, 1); }

/* contention_begin(void *lock, unsigned int flags), since 5.19;
 * contention_end(void *lock, int ret). */
SEC("tp_btf/contention_begin") int btf_begin(u64 *ctx) { return spins((u32)ctx[1]) ? begin(ctx[0], SPIN, (u32)ctx[1]) : 0; }
SEC("tp_btf/contention_end") int btf_end(u64 *ctx) { return end(ctx[0], SPIN, 0); }
SEC("raw_tp/contention_begin") int raw_begin(u64 *ctx) { return spins((u32)ctx[1]) ? begin(ctx[0], SPIN, (u32)ctx[1]) : 0; }
SEC("raw_tp/contention_end") int raw_end(u64 *ctx) { return end(ctx[0], SPIN, 0); }

char LICENSE[] SEC("license") = "Dual BSD/GPL";
