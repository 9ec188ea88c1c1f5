// Package collect touches the live system: it plans, checks and makes
// recordings, and says what can be recorded here.
//
//	CheckPlan(plan, opt) error                          is the plan possible at all? needs no privileges
//	DryRun(ctx, plan, opt) (string, error)              what Record would do, to the perf command line
//	Record(ctx, plan, dir, opt) (*bundle.Run, error)    makes the bundle
//	Doctor(ctx, opt, focus) *doctor.Report              what can be measured here, and why not
//
// Errors are a *PlanError (the plan asks for something that does not exist), a
// *Missing (the machine lacks something; Fix says how to get it), a
// *bundle.ExistsError, or a *PartialError: then the run is returned too.
//
// The parts stand on their own: package perf drives perf record, probe the
// eBPF probes, xfrm reads the SAs, procfs the counters and symbols, netns
// enters network namespaces, bundle holds the files.
package collect
