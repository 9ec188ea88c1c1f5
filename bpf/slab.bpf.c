//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * slab: which slab cache memory belongs to, and where the object begins, when it is
 * run by BPF_PROG_TEST_RUN; it is never attached.
 */
#include "probe.h"

static long (*const probe_read_kernel_str)(void *to, u32 size, const void *from) = (void *)115;

struct kmem_cache_order_objects {
	u32 x;
} KERNEL;

struct kmem_cache {
	const char *name;
	u32 size; /* from object to object */
	u32 object_size;
	struct kmem_cache_order_objects oo; /* of a slab: log2 of its pages, objects */
	int refcount; /* caches that share it: others were merged into it */
	int red_left_pad;
} KERNEL;

struct slab_object {
	u64 addr; /* what is asked */
	u64 start; /* of its object; 0: not known */
	u32 size;
	int caches; /* that share it */
	u8 cache[40]; /* its name; "": in no slab */
};

#define AT_ONCE 64

struct slabbed {
	struct slab_object each[AT_ONCE];
};

struct {
	DEF_UINT(type, MAP_TYPE_ARRAY);
	DEF_UINT(max_entries, 1);
	DEF_TYPE(key, u32);
	DEF_TYPE(value, struct slabbed);
} slabs SEC(".maps");

const volatile u32 page_size = 4096;

#define MOST_PAGES 16
#define OO_SHIFT 16 /* mm/slub.c, 6.13 and 7.3 */

/* mm/slab_common.c. Of common_btf_ids (kernel/bpf/helpers.c), which is registered for
 * every type of program. */
extern struct kmem_cache *bpf_get_kmem_cache(u64 addr) SEC(".ksyms");

/* Where the slab of an address begins: the page allocator aligns it to its size. When
 * memory is in pieces slabs are smaller than oo says (allocate_slab); what is around
 * them then belongs to others, as free pages in one piece would have made a whole slab. */
INLINE u64 slab_start(u64 *scratch, u64 addr, u64 cache, u32 pages)
{
	u64 start = addr & -((u64)page_size * pages);
	u32 i;

	for (i = 0; i < MOST_PAGES; i++)
		if (i < pages && number(scratch, (u64)bpf_get_kmem_cache(start + i * page_size)) != cache)
			return 0;
	return start;
}

INLINE void find(struct slab_object *o)
{
	struct kmem_cache *cache;
	u32 size, oo, pages, at;
	u64 start;

	cache = (void *)number(&o->start, (u64)bpf_get_kmem_cache(o->addr));
	o->start = 0;
	if (!cache)
		return;
	probe_read_kernel_str(o->cache, sizeof(o->cache), READ(cache->name));
	size = READ(cache->size);
	oo = READ(cache->oo.x);
	pages = 1 << (oo >> OO_SHIFT & 31);
	if (!size || pages > MOST_PAGES)
		return;
	start = slab_start(&o->start, o->addr, (u64)cache, pages);
	o->start = 0;
	at = (o->addr - start) / size;
	if (!start || at >= (oo & ((1 << OO_SHIFT) - 1)))
		return;
	start += at * size;
	if (HAS(cache->red_left_pad)) /* CONFIG_SLUB_DEBUG */
		start += READ(cache->red_left_pad);
	o->start = start;
	o->size = READ(cache->object_size);
	o->caches = READ(cache->refcount);
}

SEC("raw_tp/sys_enter") int slab(void *ctx)
{
	u32 zero = 0;
	struct slabbed *all = map_lookup_elem(&slabs, &zero);
	u32 i;

	if (!all)
		return 0;
	for (i = 0; i < AT_ONCE; i++)
		find(&all->each[i]);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
