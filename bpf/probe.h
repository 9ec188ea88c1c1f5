/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The few declarations the probes need, so that building them takes clang
 * alone: no vmlinux.h, no libbpf headers.
 */
#ifndef XFRMSCOPE_PROBE_H
#define XFRMSCOPE_PROBE_H

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long s64;

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))

/* Map definitions in BTF: see libbpf's bpf_helpers.h for the convention. */
#define DEF_UINT(name, value) int(*name)[value]
#define DEF_TYPE(name, value) value *name

/* enum bpf_map_type, include/uapi/linux/bpf.h */
enum { MAP_TYPE_ARRAY = 2, MAP_TYPE_PERCPU_ARRAY = 6 };

/* enum bpf_func_id, include/uapi/linux/bpf.h */
static void *(*const map_lookup_elem)(void *map, const void *key) = (void *)1;
static u64 (*const ktime_get_ns)(void) = (void *)5;
static long (*const get_stack)(void *ctx, void *buf, u32 size, u64 flags) = (void *)67;
static long (*const probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;

/* Kernel structures: the fields used, under their names. Where they lie in the
 * running kernel is filled in when the program is loaded. */
#define KERNEL __attribute__((preserve_access_index))
/* Enum bpf_field_info_kind of clang: 2 is whether the running kernel has it. */
#define HAS(field) __builtin_preserve_field_info(field, 2)
#define AT(field) __builtin_preserve_access_index(&(field))
/* Reads a field through a pointer the verifier does not know; 0 if it cannot be read. */
#define READ(field) ({ \
	__typeof__(field) value_ = 0; \
	probe_read_kernel(&value_, sizeof(value_), AT(field)); \
	value_; })

/* LCB_F_*, include/trace/events/lock.h (6.12): how a waiter waits. */
enum {
	LCB_F_SPIN = 1 << 0,
	LCB_F_READ = 1 << 1,
	LCB_F_WRITE = 1 << 2,
	LCB_F_RT = 1 << 3,
	LCB_F_PERCPU = 1 << 4,
	LCB_F_MUTEX = 1 << 5,
};

/* Mutexes spin too, but may go to sleep inside the wait and end elsewhere;
 * an rtlock always does. */
INLINE int spins(u32 flags)
{
	return (flags & (LCB_F_SPIN | LCB_F_RT | LCB_F_PERCPU | LCB_F_MUTEX)) == LCB_F_SPIN;
}

/* To the verifier an argument of fentry is a pointer, which cannot be hashed;
 * what is read back from a map's element is a number. The scratch belongs to one
 * program: the kernel's guard keeps it from being interrupted by itself. */
INLINE u64 number(u64 *scratch, u64 pointer)
{
	*(volatile u64 *)scratch = pointer;
	return *(volatile u64 *)scratch;
}

#endif
