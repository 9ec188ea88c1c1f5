/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of QEMU's plugin interface (version 4, QEMU 9.2 and later) that coherent.c uses. The last four are QEMU's
 * own: under -icount the interface's callbacks cannot tell which CPU runs (gen_cpu_index() of accel/tcg/plugin-gen.c,
 * 10.0, folds the index of the CPU that translated the block), and no call of it ends a CPU's time slice or keeps one
 * from being taken for idle. A QEMU that is built with modules, as those of distributions are, exports them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef struct {
	const char *target;
	struct { int min, cur; } version;
	bool is_system;
	struct { int smp_vcpus, max_vcpus; } system;
} qemu_info_t;

typedef void (*translate_fn)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*exec_fn)(unsigned int, void *);
typedef void (*mem_fn)(unsigned int, qemu_plugin_meminfo_t, uint64_t, void *);
enum { QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW = 3 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, translate_fn);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, exec_fn, int flags, void *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, exec_fn, int flags, void *);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, mem_fn, int flags, int rw, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *, void *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t);
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t);
void qemu_plugin_reset(qemu_plugin_id_t, void (*)(qemu_plugin_id_t));

extern __thread void *current_cpu;
void *qemu_get_cpu(int index);
void cpu_exit(void *cpu);
void async_run_on_cpu(void *cpu, void (*)(void *cpu, uint64_t), uint64_t); /* QEMU's is a union, passed alike */
