//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * acquire: how often each CPU takes each lock of _raw_spin_lock_bh, and how
 * long that takes.
 *
 * count alone counts. time_begin and time_end count too, and time one in
 * one_in; time_slow marks what entered the slow path, so that what is left are
 * acquisitions of a free lock: their time is that of the lock's line.
 * time_end runs while the lock is held by this CPU.
 */
#include "contexts.h"
#include "sample.h"
#include "slots.h"

enum {
	SLOTS = 128, /* acquire_cpu must stay below 32 KiB */
	BINS = 40,
};

struct acquire_slot {
	u64 lock; /* 0: free */
	u64 count;
	u64 fast;
	u64 fast_ns;
	u64 slow;
	u64 slow_ns;
	u32 hist[BINS]; /* of the fast: [2^(i/2), 2^((i+1)/2)) ns; the last has no upper end */
};

struct acquire_cpu {
	u64 count;
	u64 other; /* of them the lock had found no slot */
	u64 timed;
	u64 scratch[3];
	struct sampler sampler;
	struct contexts contexts;
	struct acquire_slot slots[SLOTS];
};

struct {
	DEF_UINT(type, MAP_TYPE_PERCPU_ARRAY);
	DEF_UINT(max_entries, 1);
	DEF_TYPE(key, u32);
	DEF_TYPE(value, struct acquire_cpu);
} acquire_cpus SEC(".maps");

volatile u32 window;

INLINE struct acquire_cpu *this_cpu(void)
{
	u32 zero = 0;

	return map_lookup_elem(&acquire_cpus, &zero);
}

/* Counts one acquisition and returns the lock's slot. */
INLINE u32 count_one(struct acquire_cpu *cpu, u64 lock)
{
	u32 n = CLAIM(cpu->slots, lock);

	cpu->count++;
	if (n < SLOTS)
		cpu->slots[n & (SLOTS - 1)].count++;
	else
		cpu->other++;
	return n;
}

SEC("fentry/_raw_spin_lock_bh") int count(u64 *ctx)
{
	struct acquire_cpu *cpu = this_cpu();

	if (cpu && window)
		count_one(cpu, number(&cpu->scratch[0], ctx[0]));
	return 0;
}

SEC("fentry/_raw_spin_lock_bh") int time_begin(u64 *ctx)
{
	struct acquire_cpu *cpu = this_cpu();
	struct frame *frame;
	u64 lock;
	u32 n;

	if (!cpu || !window)
		return 0;
	lock = number(&cpu->scratch[0], ctx[0]);
	n = count_one(cpu, lock);
	drop_stale(&cpu->contexts, lock);
	if (n >= SLOTS || !sampled(&cpu->sampler))
		return 0;
	cpu->timed++;
	frame = push(&cpu->contexts, lock, n);
	frame->begin_ns = ktime_get_ns();
	return 0;
}

SEC("fentry/queued_spin_lock_slowpath") int time_slow(u64 *ctx)
{
	struct acquire_cpu *cpu = this_cpu();
	u32 at;

	if (!cpu || !cpu->contexts.depth)
		return 0;
	at = find_frame(&cpu->contexts, number(&cpu->scratch[1], ctx[0]));
	if (at < CONTEXTS)
		cpu->contexts.stack[at].slow = 1;
	return 0;
}

/* Half a power of two: the bin's middle is its lower end times the root of 2. */
INLINE u32 half_log2_bin(u64 ns)
{
	u32 whole = log2_bin(ns, BINS / 2);

	if (ns >> (BINS / 2))
		return BINS - 1;
	return 2 * whole + (ns * ns >= 2ull << (2 * whole));
}

SEC("fexit/_raw_spin_lock_bh") int time_end(u64 *ctx)
{
	struct acquire_cpu *cpu = this_cpu();
	struct acquire_slot *slot;
	struct frame *frame;
	u64 now, ns;
	u32 at;

	if (!cpu || !cpu->contexts.depth)
		return 0;
	now = ktime_get_ns();
	at = find_frame(&cpu->contexts, number(&cpu->scratch[2], ctx[0]));
	if (at >= CONTEXTS)
		return 0;
	frame = pop(&cpu->contexts, at);
	ns = now > frame->begin_ns ? now - frame->begin_ns : 0;
	slot = &cpu->slots[frame->slot & (SLOTS - 1)];
	if (frame->slow) {
		slot->slow++;
		slot->slow_ns += ns;
		return 0;
	}
	slot->fast++;
	slot->fast_ns += ns;
	at = half_log2_bin(ns);
	if (at < BINS)
		slot->hist[at]++;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
