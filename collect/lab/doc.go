// Package lab measures on a machine that does not exist: QEMU emulates N CPUs,
// and a plugin gives them private caches that a directory keeps coherent. What
// no software clock shows on a real machine is counted there without a sampling
// error: which cache lines move between CPUs, for each packet.
//
// # The machine
//
// QEMU runs under -icount with one thread, so that the same start gives the same
// counts to the last digit. Its main thread skips the time in which all CPUs are idle, and
// the plugin keeps it from doing so before the last one's clock is right (on_sleep).
//
// Each core has an L1 of 32 KiB and an L2 of 1 MiB, both of 8 ways; a directory knows
// who has a line and who wrote it last. A core's clock is its cycles: one for an
// instruction, and what coherent.c's table adds for misses, transfers, locked
// instructions and pause. The plugin ends the time slice of a core that is 100 cycles
// ahead of the slowest, so that all advance alike and a CPU that waits for a lock waits
// for its holder's cycles.
//
// Clocks of equal cycles do not make equal packets: in a window of 4000 packets, eight
// CPUs differ by 4 to 10 %. The kernel does it. The frees that RCU put off are 1 to 8 %
// of a CPU's cycles, and come in bursts that a window has or has not; so does the
// clearing of pages for a slab; and a CPU whose cache of free objects has its limit
// just there pays at every packet. Without the first two a packet costs each CPU the
// same, but for 2 %, and in a run's four windows together packets differ by 1 to 5 %.
//
// NotModelled says what such a machine lacks. It stands beside every number.
//
// # Contexts
//
// All is counted by function and by who called it: the plugin follows calls,
// returns, interrupts and switches of stacks (contexts.h). The recording of a run has
// one sample for each event, context and CPU; its period is the exact sum.
//
// # Words
//
// A transfer is an access that another core's modified line answered. An upgrade
// is a write to a line that others hold too, which takes it from them.
//
// # The guest
//
// The guest's first program is this very binary (Guest), packed into an
// initramfs with the modules it loads; there is no distribution. It hands files
// to the host through the guest's memory, which is a file here (see mailbox.go).
//
// One CPU more than those that send does the rest: this program and the kernel's
// threads, of which those of RCU still take lines from the senders. Such transfers follow
// time and not packets, and stand apart in the rows; on one CPU they are all there are.
package lab

// NotModelled is what every number of the simulated machine lacks.
const NotModelled = "simulated: no prefetch, store buffers, NUMA, SMT, cache slices or out-of-order execution"
