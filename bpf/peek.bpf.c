//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * peek: reads kernel memory, when it is run by BPF_PROG_TEST_RUN; it is never
 * attached. ctx[0] is the address.
 */
#include "probe.h"

struct peeked {
	s64 error;
	u64 words[64];
};

struct {
	DEF_UINT(type, MAP_TYPE_ARRAY);
	DEF_UINT(max_entries, 1);
	DEF_TYPE(key, u32);
	DEF_TYPE(value, struct peeked);
} peeks SEC(".maps");

SEC("raw_tp/sys_enter") int peek(u64 *ctx)
{
	u32 zero = 0;
	struct peeked *p = map_lookup_elem(&peeks, &zero);

	if (p)
		p->error = probe_read_kernel(p->words, sizeof(p->words), (void *)ctx[0]);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
