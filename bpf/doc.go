// Package bpf holds the eBPF programs, compiled. LoadWait returns those of the
// wait probe; package collect/probe attaches them.
//
// # wait
//
// How long each CPU waits for each spin lock. Three rungs share one body and
// one per-CPU array; the first that attaches is used.
//
//	programs                    hook                                        needs
//	spin_begin, spin_end        fentry, fexit of native_, __pv_ or plain    BTF, trampolines (x86 5.5, arm64 6.0),
//	                            queued_spin_lock_slowpath                   no lockdown
//	read_begin, read_end        fentry, fexit of queued_read_lock_slowpath  same
//	write_begin, write_end      ... queued_write_lock_slowpath              same
//	btf_begin, btf_end          tp_btf contention_begin, contention_end     BTF, 5.19
//	raw_begin, raw_end          raw_tp contention_begin, contention_end     5.19
//
// All need 5.12 (atomic compare-and-swap), CAP_BPF and CAP_PERFMON.
//
// Counted by CPU and lock: waits, their time, the longest, a log2 histogram.
// By CPU: waits begun, ended, given up (mismatched), begun with all contexts
// taken (nested), ended without a begin (late), without a slot (overflow):
// begun = ended + mismatched + those still waiting.
//
// Lost: the instance of more than 128 locks, fewer if they collide, on one CPU (overflow keeps count and
// time); runs skipped by the kernel's recursion guard (ProgramStats). A
// rwlock's waiter also waits for the lock inside it
// (kernel/locking/qrwlock.c wait_lock, 6.12), and an interrupt may wait within
// a wait: such time is in both rows.
//
// Not seen: waits that never were, so lines that bounce; sleeping locks, as
// their waiters change CPU. By the tracepoints of a native queued spin lock
// also the first waiter in line, who spins on the pending bit
// (kernel/locking/qspinlock.c, 6.12), and test-and-set locks.
//
// # Building
//
// `go generate ./bpf` with clang and llvm-strip 14 (Debian 12) gives the
// committed files byte for byte.
//
// # Licence
//
// The C files and what is compiled from them: GPL-2.0-only OR BSD-2-Clause.
package bpf

//go:generate go tool bpf2go -target bpfel -cflags "-mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter" -type wait_cpu Wait wait.bpf.c
//go:generate go tool bpf2go -target bpfel -cflags "-mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter" -type contend_place Contend contend.bpf.c
