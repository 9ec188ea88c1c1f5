//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * find: which SA each CPU is given, and what looking for it takes.
 *
 * find_begin and find_end watch xfrm_state_find, which chooses the SA of an
 * outbound packet; lookup_end watches the lookup of an inbound one. Where
 * functions of that many arguments cannot be traced, entry and return count by
 * kprobes, untimed.
 *
 * An SA is read once, when it is given out for the first time.
 */
#include "contexts.h"
#include "sample.h"
#include "slots.h"

enum {
	SLOTS = 512, /* find_cpu must stay below 32 KiB */
	BINS = 32,
	MAX_WALK = 256, /* in each direction */
};

/* include/linux/types.h, include/net/xfrm.h, include/net/netns/xfrm.h (6.12) */
struct hlist_node {
	struct hlist_node *next, **pprev;
} KERNEL;

struct hlist_head {
	struct hlist_node *first;
} KERNEL;

struct ns_common {
	u32 inum;
} KERNEL;

struct netns_xfrm {
	struct hlist_head *state_bydst;
	u32 state_hmask;
} KERNEL;

struct net {
	struct ns_common ns;
	struct netns_xfrm xfrm;
} KERNEL;

typedef struct {
	struct net *net;
} KERNEL possible_net_t;

struct xfrm_id {
	u32 spi; /* big endian */
} KERNEL;

struct xfrm_state {
	possible_net_t xs_net;
	struct hlist_node bydst;
	u32 pcpu_num; /* 6.13, and 6.12.13 */
	struct xfrm_id id;
} KERNEL;

struct xfrm_policy {
	struct hlist_head state_cache_list; /* 6.13, and 6.12.13 */
} KERNEL;

/* arch/x86/include/asm/ptrace.h, arch/arm64/include/asm/ptrace.h: the one that
 * the running kernel has. */
struct pt_regs___x86 {
	unsigned long r8, ax;
} KERNEL;

struct pt_regs___arm64 {
	u64 regs[31];
} KERNEL;

struct find_slot {
	u64 state; /* address of the xfrm_state; 0: free */
	u64 count;
	u64 net;
	u32 netns; /* inode of the namespace */
	u32 spi;   /* big endian */
	u32 pcpu;  /* ~0: of any CPU */
	u32 unused;
};

struct find_cpu {
	u64 calls;
	u64 other; /* given an SA that had found no slot */
	u64 none;  /* given none */
	u64 cache_empty;
	u64 timed;
	u64 timed_ns;
	u64 walked;
	u64 walk_sum;
	u64 walk_max;
	u64 walk_cut;
	u64 scratch[4];
	struct sampler sampler;
	struct contexts contexts;
	u32 hist[BINS]; /* [2^i, 2^(i+1)) ns; the last has no upper end */
	struct find_slot slots[SLOTS];
};

struct {
	DEF_UINT(type, MAP_TYPE_PERCPU_ARRAY);
	DEF_UINT(max_entries, 1);
	DEF_TYPE(key, u32);
	DEF_TYPE(value, struct find_cpu);
} find_cpus SEC(".maps");

volatile u32 window;

INLINE struct find_cpu *this_cpu(void)
{
	u32 zero = 0;

	return map_lookup_elem(&find_cpus, &zero);
}

INLINE void read_state(struct find_slot *slot, struct xfrm_state *x)
{
	struct net *net = READ(x->xs_net.net);

	slot->net = (u64)net;
	slot->netns = READ(net->ns.inum);
	slot->spi = READ(x->id.spi);
	slot->pcpu = HAS(x->pcpu_num) ? READ(x->pcpu_num) : ~0u;
}

/* Counts an SA that was given out, none if it is 0. */
INLINE void give(struct find_cpu *cpu, u64 state)
{
	struct find_slot *slot;
	u32 n;

	if (!state) {
		cpu->none++;
		return;
	}
	n = CLAIM(cpu->slots, state);
	if (n >= SLOTS) {
		cpu->other++;
		return;
	}
	slot = &cpu->slots[n & (SLOTS - 1)];
	if (!slot->net)
		read_state(slot, (void *)state);
	slot->count++;
}

/* Counts the SAs in the hash chain of one, as xfrm_state_find goes through all
 * of them: forward to the end, and back to the head, which lies in the table. */
INLINE void walk(struct find_cpu *cpu, struct xfrm_state *x)
{
	struct net *net = READ(x->xs_net.net);
	u64 table = (u64)READ(net->xfrm.state_bydst);
	u64 size = ((u64)READ(net->xfrm.state_hmask) + 1) * sizeof(void *);
	struct hlist_node *node = READ(x->bydst.next);
	u64 before = (u64)READ(x->bydst.pprev), length = 1;
	u32 i;

	for (i = 0; i < MAX_WALK && node; i++)
		node = READ(node->next);
	length += i;
	for (i = 0; i < MAX_WALK && before - table >= size; i++) {
		struct hlist_node *prev = (void *)before; /* next is its first member */

		before = (u64)READ(prev->pprev);
	}
	length += i;
	cpu->walked++;
	cpu->walk_sum += length;
	if (length > cpu->walk_max)
		cpu->walk_max = length;
	if (node || before - table >= size)
		cpu->walk_cut++;
}

INLINE void ended(struct find_cpu *cpu, u64 key, u64 state)
{
	u64 now, ns;
	struct frame *frame;
	u32 at;

	if (!cpu->contexts.depth)
		return;
	now = ktime_get_ns();
	at = find_frame(&cpu->contexts, key);
	if (at >= CONTEXTS)
		return;
	frame = pop(&cpu->contexts, at);
	ns = now > frame->begin_ns ? now - frame->begin_ns : 0;
	cpu->timed++;
	cpu->timed_ns += ns;
	cpu->hist[log2_bin(ns, BINS) & (BINS - 1)]++;
	if (state)
		walk(cpu, (void *)state);
}

/* xfrm_state_find(daddr, saddr, fl, tmpl, pol, err, family, if_id): fl lies on
 * the caller's stack, so that it names the call. */
SEC("fentry/xfrm_state_find") int find_begin(u64 *ctx)
{
	struct xfrm_policy *pol = (void *)ctx[4];
	struct find_cpu *cpu = this_cpu();
	struct frame *frame;
	u64 key;

	if (!cpu || !window)
		return 0;
	cpu->calls++;
	if (HAS(pol->state_cache_list) && !pol->state_cache_list.first)
		cpu->cache_empty++;
	key = number(&cpu->scratch[0], ctx[2]);
	drop_stale(&cpu->contexts, key);
	if (!sampled(&cpu->sampler))
		return 0;
	frame = push(&cpu->contexts, key, 0);
	frame->begin_ns = ktime_get_ns();
	return 0;
}

SEC("fexit/xfrm_state_find") int find_end(u64 *ctx)
{
	struct find_cpu *cpu = this_cpu();
	u64 state;

	if (!cpu || !window)
		return 0;
	state = number(&cpu->scratch[1], ctx[8]);
	ended(cpu, number(&cpu->scratch[2], ctx[2]), state);
	give(cpu, state);
	return 0;
}

/* xfrm_input_state_lookup, or xfrm_state_lookup where there is none:
 * (net, mark, daddr, spi, proto, family). */
SEC("fexit/xfrm_input_state_lookup") int lookup_end(u64 *ctx)
{
	struct find_cpu *cpu = this_cpu();

	if (!cpu || !window)
		return 0;
	cpu->calls++;
	give(cpu, number(&cpu->scratch[3], ctx[6]));
	return 0;
}

SEC("kprobe/xfrm_state_find") int entry(void *ctx)
{
	struct pt_regs___x86 *x86 = ctx;
	struct pt_regs___arm64 *arm64 = ctx;
	struct find_cpu *cpu = this_cpu();
	struct xfrm_policy *pol;

	if (!cpu || !window)
		return 0;
	cpu->calls++;
	pol = (void *)(HAS(x86->r8) ? READ(x86->r8) : READ(arm64->regs[4]));
	if (HAS(pol->state_cache_list) && !READ(pol->state_cache_list.first))
		cpu->cache_empty++;
	return 0;
}

SEC("kretprobe/xfrm_state_find") int returned(void *ctx)
{
	struct pt_regs___x86 *x86 = ctx;
	struct pt_regs___arm64 *arm64 = ctx;
	struct find_cpu *cpu = this_cpu();
	u64 state;

	if (!cpu || !window)
		return 0;
	state = HAS(x86->ax) ? READ(x86->ax) : READ(arm64->regs[0]);
	give(cpu, state);
	if (state && sampled(&cpu->sampler))
		walk(cpu, (void *)state);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
