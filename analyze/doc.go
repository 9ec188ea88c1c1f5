// Package analyze turns bundles into a Result. It is pure: no live system, no
// network, no privileges; the same bundles give the same Result everywhere.
//
// The flow, with the type at each step:
//
//  1. bundle.Run       one window, as recorded (package collect/bundle)
//  2. perfdata.File    perf.data decoded, each sample by its own event's attr
//  3. profile.Profile  per event: stacks with symbols and cells per CPU and task
//  4. Event, CPU       per event and CPU: busy weight, spin share, lock-word
//     share, stages, functions (event.go; package stage says which stage)
//  5. Locks, Packets   the probe's rows and the SA counters (lock.go, packet.go)
//  6. Run              all of one window, with its losses and gaps (run.go)
//  7. Result           runs side by side, curves over N, findings (analyze.go)
//
// # Numbers
//
// A sample s stands for its period p. The estimate for event e, function f and
// CPU c is the sum of p; its standard error is sqrt(sum p^2). Shares are over
// the non-idle weight. Events are never added to one another. Every number is
// a metric.Value: unit, standard error, samples, losses; what could not be
// measured says why. The formulas stand in metric.Catalogue.
package analyze
