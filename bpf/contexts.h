/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What is under way on one CPU: begun and not ended, innermost last. A CPU has
 * four contexts (task, softirq, hardirq, NMI: MAX_NODES of
 * kernel/locking/mcs_spinlock.h), each of which may be inside one.
 */
#ifndef XFRMSCOPE_CONTEXTS_H
#define XFRMSCOPE_CONTEXTS_H

#include "probe.h"

enum { CONTEXTS = 4, UNCOUNTED = ~0u };

struct frame {
	u64 key; /* 0: given up */
	u64 begin_ns;
	u32 slot; /* UNCOUNTED: begun outside the window, or given up */
	u32 slow;
};

struct contexts {
	u64 mismatched; /* begun and given up: its end was not seen */
	u64 nested;     /* found all contexts taken; they were given up */
	u32 depth;
	u32 unused;
	struct frame stack[CONTEXTS];
};

/* Gives up the frames from first on. */
INLINE void give_up(struct contexts *c, u32 first, u32 depth)
{
#pragma unroll
	for (u32 i = 0; i < CONTEXTS; i++)
		if (i >= first && i < depth && c->stack[i].slot != UNCOUNTED)
			c->mismatched++;
}

INLINE struct frame *push(struct contexts *c, u64 key, u32 slot)
{
	u32 depth = c->depth;
	struct frame *f;

	if (depth >= CONTEXTS) { /* ends were skipped: start afresh */
		c->nested++;
		give_up(c, 0, CONTEXTS);
		depth = 0;
	}
	f = &c->stack[depth & (CONTEXTS - 1)];
	f->key = key;
	f->slot = slot;
	f->slow = 0;
	c->depth = depth + 1;
	return f;
}

/* The depth of the innermost frame of the key, CONTEXTS if there is none. */
INLINE u32 find_frame(struct contexts *c, u64 key)
{
	u32 depth = c->depth;

#pragma unroll
	for (u32 i = 1; i <= CONTEXTS; i++)
		if (depth >= i && c->stack[(depth - i) & (CONTEXTS - 1)].key == key)
			return depth - i;
	return CONTEXTS;
}

/* Ends what is at the given depth, and with it all that began later. */
INLINE struct frame *pop(struct contexts *c, u32 at)
{
	give_up(c, at + 1, c->depth);
	c->depth = at;
	return &c->stack[at & (CONTEXTS - 1)];
}

/* Of what a task may begin on one CPU and end on another, a frame stays behind.
 * When its key begins again it is known to be lost. */
INLINE void drop_stale(struct contexts *c, u64 key)
{
	u32 at;

	if (!c->depth)
		return;
	at = find_frame(c, key);
	if (at >= CONTEXTS)
		return;
	if (c->stack[at].slot != UNCOUNTED)
		c->mismatched++;
	c->stack[at].key = 0;
	c->stack[at].slot = UNCOUNTED;
}

#endif
