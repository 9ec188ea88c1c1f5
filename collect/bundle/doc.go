// Package bundle is the contract between measuring and analysing: the files of
// a run and of a sweep, their types, and how they are written and read. It
// imports the standard library only.
//
// A run is a directory:
//
//	run/
//	  manifest.json        table of contents: schema, plan, host, window, events
//	                       asked for and opened, commands, probes, losses, size
//	                       and sha256 of every file below, status
//	  perf.data            as perf record wrote it (often -z)
//	  symbols/kallsyms.gz  text symbols of /proc/kallsyms, module names kept
//	  symbols/modules      /proc/modules
//	  symbols/buildids     "BUILDID NAME" lines: the kernel and each module
//	  totals.jsonl         Total: the events counted, by perf stat
//	  locks.jsonl          LockLine: rows and accounts of the lock probes, each lock a LockID
//	  finds.jsonl          FindLine: calls of xfrm_state_find, inbound SPIs
//	  counters.jsonl       Counter: /proc counters at the start and at the end
//	  sas.jsonl            SA: the SAs at the start and at the end; no key
//	  policies.jsonl       Policy: the policies at the start
//	  placement.jsonl      Fact: settings of NICs, interrupts and CPUs, twice
//	  layouts.json         StructLayout: where hot fields of the kernel lie
//	  objects.json         Objects: SAs, policies, devices and objects of slab caches by address, and their layouts
//	  traffic.json         Traffic: packets the load itself counted
//	  lines.jsonl          Line: cache lines that moved between CPUs, of a simulated machine
//	  fields.jsonl         FieldRow: which instruction touches which member, of a simulated machine
//	  log/NAME.log         what each command printed
//
//	  hosts/NAME           the runs of the other hosts, if several measured
//
// Every file but the manifest may be missing; Manifest.Gaps says why. A sweep
// is a directory of runs with a table of contents:
//
//	sweep/
//	  sweep.json           Sweep: {"name": "per-CPU SAs", "runs": ["n1", "n2", "n4"], ...}
//	  scenario.yaml        the resolved scenario, if it was made by one
//	  symbols/             files its runs share, once; a run's own file wins
//	  n1/ n2/ n4/          runs
//	  aside/               runs that did not end, kept
//
// A run's manifest names its files with their hashes wherever they stand.
//
// # Words
//
// Names that both sides must spell alike are constants: files.go, phases.go,
// probes.go, topics.go, labels.go, gates.go. What decides something is a type,
// not a sentence: LockID, LossKind, GapKind, SubjectKind, Event.Unsupported. A
// warning keeps its figures beside its text (Warn), so that those of several runs are one.
// legacy.go reads the sentences of bundles and results that have no such types.
//
// # Writing
//
// Create makes the directory with a manifest of status partial. Each artefact
// is written to NAME.part, synced and renamed before the manifest names it;
// Finish sets the status. Killed at any moment, the directory opens as a
// partial run and nothing recorded before is lost. A bundle is never written
// over.
//
// # Reading
//
// Open, OpenSweep and OpenAll take an fs.FS or a path and trust nothing:
// lengths are bounded, names cannot leave the directory, a damaged line is a
// *DamagedError with its line number and what precedes it is returned. Verify
// compares sizes and hashes.
//
// # Time
//
// Times are nanoseconds of CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns
// (kernel/bpf/helpers.c, 6.12) and of perf record -k CLOCK_MONOTONIC, so that
// samples, probes and counters can be put on one axis. Manifest.Started alone
// is wall-clock time.
package bundle
