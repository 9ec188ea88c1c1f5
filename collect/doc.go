// Package collect is the part that touches the live system. It has no code of
// its own; its packages are, in the order in which a run passes through them:
//
//	doctor      what can be measured here, and why not: before anything is
//	scenario    flows, gateways and loads to measure under
//	sweep       runs at one number of CPUs after the other, and remote, of several hosts
//	record      one run: plan, window, phases, files
//	perf        drives perf record and perf stat in the window of the samples
//	probe       attaches the eBPF programs, one in each phase after it
//	xfrm        the SAs and policies, over netlink
//	procfs      counters, symbols, network namespaces
//	placement   what decides on which CPU a packet is processed; by ethtool, too
//	sched       pins this process and its children
//	lockname    from a lock's address to its name
//	bundle      the contract: the files of a run, which analyze reads
//	pack        a bundle as one file, to be published
//	top         the waits of now, on a terminal
//	lab         a simulated machine with coherent caches, whose counts have no sampling error
//	selftest    what the probes see of a contention that is known
package collect
