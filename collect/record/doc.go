// Package record makes recordings of the live system: it carries out a plan and
// writes a bundle.
//
//	CheckPlan(plan, opt) error                          is the plan possible at all? needs no privileges
//	DryRun(ctx, plan, opt) (string, error)              what Run would do, to the perf command line
//	Run(ctx, plan, dir, opt) (*bundle.Run, error)       makes the bundle
//
// Errors are a *PlanError (the plan asks for something that does not exist), a
// *Missing (the machine lacks something; Fix says how to get it), a
// *bundle.ExistsError, or a *PartialError: then the run is returned too.
//
// A run: prepare (setup.go) tries perf and every event; the probes are loaded
// (probing.go) before the load starts (load.go). In the window (window.go) perf
// samples; a snapshot (snapshot.go) of SAs and counters is taken at both ends.
// Of memory that was sampled (lines.go) the slab caches are asked for at once. Phases
// follow (phases.go, probing.go), in each of which one probe counts. What they counted
// (counted.go) is named by package lockname, and saved (save.go).
package record
