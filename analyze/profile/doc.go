// Package profile aggregates the samples of a recording by stack, CPU and task,
// and converts the result to and from pprof and folded text.
//
// Build makes one Profile of each event of a perf.data file:
//
//	f, err := perfdata.OpenFS(os.DirFS("."), "perf.data")
//	...
//	profiles, err := profile.Build(ctx, f, profile.Options{Kallsyms: snapshot})
//	for _, p := range profiles {
//		err = profile.WritePprof(w, p, profile.PprofOptions{Stage: stages.Of})
//		err = profile.WriteFolded(w, p)
//	}
//
// The steps, each in a file of its own:
//
//  1. chain.go: a sample's call chain is parted by its context markers into
//     kernel and user addresses.
//  2. tasks.go, spaces.go: the side-band says what a task was called and what
//     it had mapped at the time of the sample.
//  3. aggregate.go, tables.go, intern.go: workers take blocks of the recording
//     in any order and count samples in cells of (kernel addresses, user
//     functions, task, CPU), in tables they share.
//  4. resolve.go: every distinct address gets its mapping and function, once.
//  5. order.go, assemble.go: the cells become Profiles. Stacks, tasks and cells
//     are sorted by what they are, so that the result depends neither on the
//     workers nor on when something was sampled.
//
// Others make profiles of their samples by table.go (pprof_read.go does here), and pprof_write.go and folded.go write
// them.
//
// Memory grows with the number of distinct stacks and cells, not with that of
// samples.
package profile
