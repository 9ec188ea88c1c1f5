// Package analyze turns bundles into a Result. It is pure: no live system, no
// network, no privileges; the same bundles give the same Result everywhere. It
// has the order of the steps; each step is a package:
//
//	bundle.Run       one window, as recorded (package collect/bundle)
//	perfdata.File    perf.data decoded, each sample by its own event's attr
//	profile.Profile  per event: stacks with symbols, and cells by CPU and task
//	stage.Table      which stage of the path a stack is in
//	packets          SA counters: packets, their rate, on which CPUs
//	locks            rows of the probes: waits, acquisitions, callers, lookups
//	lines            lines of caches that move between CPUs, simulated or of memory samples
//	cost             per event and CPU: busy weight, spin share, cost per packet
//	checks           what must hold of a run: gates, sums measured twice, drift
//	result.Run       all of one window, with its losses and gaps
//	curves, scaling  runs over N: speed-up, knee, law, cost breakdown
//	sides, compare   before and after: matched runs, and what holds
//	result.Result    what package reports puts into words (reports/finding) and prints
//
// # One wait, from the probe to the digest
//
// CPU 2 finds x->lock of an SA held and spins. The program bpf/wait.bpf.c sees the
// slow path begin and end, and adds 1 wait and 1,840 ns to the row of (address,
// CPU). After the phase collect/probe reads the rows of all CPUs and
// collect/lockname names the address: it lies at the offset of lock in an
// xfrm_state that xfrm_state_find returned, so bundle.LockID says x->lock, its SPI
// and CPU. collect/record writes the row to locks.jsonl. Here analyze/locks adds
// the rows of one lock into a wait time and a histogram (waits.go), and divides by
// the packets of the same phase that analyze/packets counted: Run.Locks, a
// metric.Value in ns/packet. analyze/checks sets waits that the probe counted
// against samples that spin: a sum that is broken marks both. reports/finding
// asks which lock costs most (lock.go) and adds a Finding with the figure and its
// doubts. reports/view makes the row of the table of locks, reports/format its
// text, and reports/digest the line "x->lock".
//
// # Numbers
//
// A sample s stands for its period p. The estimate for event e, function f and
// CPU c is the sum of p; its standard error is sqrt(sum p^2). Shares are over
// the non-idle weight. Events are never added to one another. Every number is
// a metric.Value: unit, standard error, samples, losses; what could not be
// measured says why. The formulas stand in metric.Catalogue.
package analyze
