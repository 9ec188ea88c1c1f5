//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * stacks: who waits, one wait in one_in.
 *
 * Walking a stack takes longer than most waits, and the waiter joins the queue
 * only after it: this runs in a window of its own, beside no other probe. A
 * CPU's stacks go into records of its own, so that no lock is taken.
 */
#include "sample.h"

enum {
	RECORDS = 256,
	FRAMES = 48,
};

struct stack_record {
	u64 lock;
	s64 size; /* bytes of frames; below 0: the error of the walk */
	u64 frames[FRAMES];
};

struct stack_cpu {
	u64 seen;
	u64 taken;
	u64 full;   /* sampled, but no record was left */
	u64 failed; /* the walk failed */
	u64 scratch;
	u32 next;
	u32 unused;
	struct sampler sampler;
};

struct {
	DEF_UINT(type, MAP_TYPE_PERCPU_ARRAY);
	DEF_UINT(max_entries, 1);
	DEF_TYPE(key, u32);
	DEF_TYPE(value, struct stack_cpu);
} stack_cpus SEC(".maps");

struct {
	DEF_UINT(type, MAP_TYPE_PERCPU_ARRAY);
	DEF_UINT(max_entries, RECORDS);
	DEF_TYPE(key, u32);
	DEF_TYPE(value, struct stack_record);
} stack_records SEC(".maps");

volatile u32 window;

INLINE int take(void *ctx, u64 pointer)
{
	struct stack_record *record;
	struct stack_cpu *cpu;
	u32 key = 0;

	cpu = map_lookup_elem(&stack_cpus, &key);
	if (!cpu || !window)
		return 0;
	cpu->seen++;
	if (!sampled(&cpu->sampler))
		return 0;
	key = cpu->next;
	record = map_lookup_elem(&stack_records, &key);
	if (!record) {
		cpu->full++;
		return 0;
	}
	cpu->next = key + 1;
	record->lock = number(&cpu->scratch, pointer);
	record->size = get_stack(ctx, record->frames, sizeof(record->frames), 0);
	if (record->size > 0)
		cpu->taken++;
	else
		cpu->failed++;
	return 0;
}

SEC("fentry/queued_spin_lock_slowpath") int spin_stack(u64 *ctx) { return take(ctx, ctx[0]); }
SEC("tp_btf/contention_begin") int btf_stack(u64 *ctx) { return spins((u32)ctx[1]) ? take(ctx, ctx[0]) : 0; }

char LICENSE[] SEC("license") = "Dual BSD/GPL";
