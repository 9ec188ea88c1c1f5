/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A table of slots by key that never takes a lock: open addressing of a few
 * probes in an array that belongs to one CPU. A slot's first member is its u64
 * key, 0 while it is free.
 */
#ifndef XFRMSCOPE_SLOTS_H
#define XFRMSCOPE_SLOTS_H

#include "probe.h"

enum { PROBES = 8 };

#define CLAIM(slots, key) claim_slot(slots, sizeof((slots)[0]), sizeof(slots) / sizeof((slots)[0]), key)
#define HAS_SLOT(slots, key) has_slot(slots, sizeof((slots)[0]), sizeof(slots) / sizeof((slots)[0]), key)

INLINE u64 *slot_key(void *slots, u32 size, u32 n)
{
	return slots + (u64)n * size;
}

INLINE u32 slot_hash(u64 key)
{
	return (u32)((key >> 2) * 0x9E3779B97F4A7C15ull >> 48);
}

/* The key's slot, which it gets if it has none; count if none is free. count is
 * a power of two. The compare-and-swap keeps a hardirq that claims in between
 * from sharing. */
INLINE u32 claim_slot(void *slots, u32 size, u32 count, u64 key)
{
	u32 first = slot_hash(key);

#pragma unroll
	for (u32 i = 0; i < PROBES; i++) {
		u32 n = (first + i) & (count - 1);
		u64 *at = slot_key(slots, size, n), owner = *at;

		if (!owner)
			owner = __sync_val_compare_and_swap(at, 0, key);
		if (!owner || owner == key)
			return n;
	}
	return count;
}

INLINE int has_slot(void *slots, u32 size, u32 count, u64 key)
{
	u32 first = slot_hash(key);

#pragma unroll
	for (u32 i = 0; i < PROBES; i++)
		if (*slot_key(slots, size, (first + i) & (count - 1)) == key)
			return 1;
	return 0;
}

INLINE u32 log2_bin(u64 v, u32 bins)
{
	u32 bin = 0;

	if (v >> 32) { v >>= 32; bin += 32; }
	if (v >> 16) { v >>= 16; bin += 16; }
	if (v >> 8) { v >>= 8; bin += 8; }
	if (v >> 4) { v >>= 4; bin += 4; }
	if (v >> 2) { v >>= 2; bin += 2; }
	bin += (u32)(v >> 1);
	return bin < bins ? bin : bins - 1;
}

#endif
