// Package bpf holds the eBPF programs, compiled; package collect/probe attaches
// them. Each object has one per-CPU array, in whose element a CPU counts what it
// sees; none ever inserts into a map, as that takes locks whose waits would run
// the programs again.
//
// All need 5.12 (atomic compare-and-swap), CAP_BPF and CAP_PERFMON; those on
// functions also BTF, trampolines (x86 5.5, arm64 6.0) and no lockdown.
//
// # wait
//
// How long each CPU waits for each spin lock. Three attach modes share one body; the
// first that attaches is used.
//
//	programs                    hook
//	spin_begin, spin_end        fentry, fexit of native_, __pv_ or plain queued_spin_lock_slowpath
//	read_begin, read_end        fentry, fexit of queued_read_lock_slowpath
//	write_begin, write_end      ... queued_write_lock_slowpath
//	btf_begin, btf_end          tp_btf contention_begin, contention_end (5.19)
//	raw_begin, raw_end          raw_tp contention_begin, contention_end (5.19)
//
// Counted by CPU and lock: waits, their time, the longest, a log2 histogram.
// By CPU: waits begun, ended, given up (mismatched), begun with all contexts
// taken (nested), ended without a begin (late), without a slot (overflow):
// begun = ended + mismatched + those still waiting.
//
// Lost: the instance of more than 128 locks, fewer if they collide, on one CPU
// (overflow keeps count and time); waits whose begin was skipped by the kernel's
// recursion guard (ProgramStats). A rwlock's waiter also waits for the lock
// inside it (kernel/locking/qrwlock.c wait_lock, 6.12), and an interrupt may
// wait within a wait: such time is in both rows.
//
// Not seen: waits that never were, so lines that bounce; sleeping locks, as
// their waiters change CPU. By the tracepoints of a native queued spin lock
// also the first waiter in line, who spins on the pending bit
// (kernel/locking/qspinlock.c, 6.12), and test-and-set locks.
//
// # acquire
//
// How often each CPU takes each lock of _raw_spin_lock_bh (of rt_spin_lock on
// PREEMPT_RT): count. time_begin, time_end and time_slow count too and time one
// in one_in, those that entered the slow path apart. What is skipped by the
// recursion guard was not counted, so acquisitions = count + skipped.
//
// # find
//
// Which SA xfrm_state_find gives each CPU, how often the policy's cache of SAs
// was empty, and of one call in one_in how long it took and how many SAs were
// in the hash chain: find_begin and find_end by fentry and fexit (eight
// arguments: 6.6 on), entry and returned by kprobes, untimed. lookup_end counts
// the same of the lookup of inbound SAs.
//
// # stacks
//
// The stack of one wait in one_in: spin_stack by fentry of the slow path,
// btf_stack by contention_begin. It delays the waiter before it joins the
// queue, so that waits must not be timed meanwhile.
//
// # peek
//
// Reads kernel memory for the names of locks. It is run once, never attached.
//
// # slab
//
// Which slab cache an address is in (bpf_get_kmem_cache, 6.13), and where its object
// begins: by the size of the cache's slabs, all pages of which must be of the cache. It
// is run, never attached.
//
// # contend
//
// No probe, but what one can be tried on: locks that BPF_PROG_TEST_RUN has
// several CPUs take. `xfrmscope selftest lock` runs it under each attach mode of wait.
//
// # What a wait costs
//
// What an observer adds to a contended wait, begin and end together, in ns: the
// run time the kernel accounts to its programs (BPF_STATS_RUN_TIME) less that of
// an empty one. Median, lowest and highest of 9 repeats, observers in turn.
//
//	xfrmscope, tp_btf                     75   63 to   90
//	xfrmscope, raw_tp                     74   57 to   92
//	perf lock contention -b, by lock     228  124 to  310
//	perf lock contention -b, by caller  2716 2455 to 3664
//	bpftrace, a hash by thread           493  408 to  578
//
// `make bench-probes` on 2026-11-25: Linux 6.18.44, a guest with 2 CPUs and
// paravirtual spin locks, fentry refused; bpftrace 0.17; perf 6.12.117 built with
// BUILD_BPF_SKEL=1, as Debian's is not, and its search for run queues left out,
// which this kernel refuses. By caller perf walks a stack in each wait.
//
// Where nothing contends, a lock for each CPU, operations/s with the probe over
// without: tp_btf 0.994 on one CPU and 0.991 on two, raw_tp 0.985 and 0.983; means
// of 9 rounds in turn, `xfrmscope selftest lock --rounds 9 --window 100ms --json`,
// same day and kernel, on a host that was busy.
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
//go:generate go tool bpf2go -target bpfel -cflags "-mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter" -type acquire_cpu Acquire acquire.bpf.c
//go:generate go tool bpf2go -target bpfel -cflags "-mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter" -type find_cpu Find find.bpf.c
//go:generate go tool bpf2go -target bpfel -cflags "-mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter" -type stack_cpu -type stack_record Stacks stacks.bpf.c
//go:generate go tool bpf2go -target bpfel -cflags "-mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter" -type peeked Peek peek.bpf.c
//go:generate go tool bpf2go -target bpfel -cflags "-mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter" -type slabbed Slab slab.bpf.c
//go:generate go tool bpf2go -target bpfel -cflags "-mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter" -type contend_place Contend contend.bpf.c
