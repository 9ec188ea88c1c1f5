/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The few declarations the probes need, so that building them takes clang
 * alone: no vmlinux.h, no libbpf headers.
 */
#ifndef XFRMSCOPE_PROBE_H
#define XFRMSCOPE_PROBE_H

typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))

/* Map definitions in BTF: see libbpf's bpf_helpers.h for the convention. */
#define DEF_UINT(name, value) int(*name)[value]
#define DEF_TYPE(name, value) value *name

/* enum bpf_map_type, include/uapi/linux/bpf.h */
enum { MAP_TYPE_PERCPU_ARRAY = 6 };

/* enum bpf_func_id, include/uapi/linux/bpf.h */
static void *(*const map_lookup_elem)(void *map, const void *key) = (void *)1;
static u64 (*const ktime_get_ns)(void) = (void *)5;

/* LCB_F_*, include/trace/events/lock.h (6.12): how a waiter waits. */
enum {
	LCB_F_SPIN = 1 << 0,
	LCB_F_READ = 1 << 1,
	LCB_F_WRITE = 1 << 2,
	LCB_F_RT = 1 << 3,
	LCB_F_PERCPU = 1 << 4,
	LCB_F_MUTEX = 1 << 5,
};

#endif
