//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * contend: a lock to wait for, on demand and without a network.
 *
 * Run by BPF_PROG_TEST_RUN from several CPUs at once: own takes a lock that is
 * this CPU's alone, shared one that is everybody's, atomic counts on a line
 * that is everybody's. bpf_spin_lock() is arch_spin_lock() of the kernel
 * (kernel/bpf/helpers.c __bpf_spin_lock, 6.12): its waiters are in the slow
 * path a spinlock_t's are in.
 */
#include "probe.h"

enum { ARRAY = 2 }; /* enum bpf_map_type, include/uapi/linux/bpf.h */

/* enum bpf_func_id, include/uapi/linux/bpf.h */
static u32 (*const cpu_number)(void) = (void *)8;
static long (*const spin_lock)(void *lock) = (void *)93;
static long (*const spin_unlock)(void *lock) = (void *)94;

/* include/uapi/linux/bpf.h; the verifier finds it in a map's value by name */
struct bpf_spin_lock {
	u32 val;
};

/* One lock and what it guards, on lines nobody else has. The verifier knows
 * where the locks are by their offset, user space by the address. */
struct contend_place {
	struct bpf_spin_lock lock;
	u32 holder;  /* the CPU that took it last */
	u64 address; /* of lock */
	u64 taken;   /* times, counted while held */
	u64 turns;   /* of taken: by another CPU than the time before */
	u64 gets;    /* atomic's: a reference count is gets - puts */
	u64 puts;
	u64 spare[26]; /* to 256 bytes: the next line is fetched along with one */
};

struct {
	DEF_UINT(type, ARRAY);
	DEF_UINT(max_entries, 1); /* set to the number of CPUs before it is made */
	DEF_TYPE(key, u32);
	DEF_TYPE(value, struct contend_place);
} contend_places SEC(".maps");

INLINE int hold(u32 n)
{
	struct contend_place *place = map_lookup_elem(&contend_places, &n);
	u32 cpu = cpu_number();

	if (!place)
		return 1;
	spin_lock(&place->lock);
	place->address = (u64)&place->lock;
	place->taken++;
	place->turns += place->holder != cpu;
	place->holder = cpu;
	spin_unlock(&place->lock);
	return 0;
}

SEC("tc") int own(void *ctx) { return hold(cpu_number()); }
SEC("tc") int shared(void *ctx) { return hold(0); }

SEC("tc") int atomic(void *ctx)
{
	u32 zero = 0;
	struct contend_place *place = map_lookup_elem(&contend_places, &zero);

	if (!place)
		return 1;
	__sync_fetch_and_add(&place->gets, 1);
	__sync_fetch_and_add(&place->puts, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
