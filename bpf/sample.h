/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * One in so many, at random: a fixed step would fall into step with the fixed
 * order of what a packet does.
 */
#ifndef XFRMSCOPE_SAMPLE_H
#define XFRMSCOPE_SAMPLE_H

#include "probe.h"

/* Set before the program is loaded, at least 1. */
const volatile u32 one_in = 64;

struct sampler {
	u64 random; /* xorshift64, Marsaglia 2003; 0: not yet seeded */
	u32 gap;    /* so many to go */
	u32 unused;
};

/* Whether to take this one. The gaps are uniform on 1 .. 2 one_in - 1. */
INLINE int sampled(struct sampler *s)
{
	u64 x;

	if (s->gap > 1) {
		s->gap--;
		return 0;
	}
	x = s->random ? s->random : ktime_get_ns() | 1;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	s->random = x;
	s->gap = 1 + (u32)(x >> 32) % (2 * one_in - 1);
	return 1;
}

#endif
