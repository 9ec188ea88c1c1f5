package record

import (
	"fmt"
)

// A PlanError is a plan that cannot be carried out on this machine because
// of what it asks for, not of what is missing: a usage error.
type PlanError struct {
	What string // the part of the plan: "CPUs 1-9"
	Why  string // one clause
	Fix  string // what to ask for instead
}

func (e *PlanError) Error() string {
	return fmt.Sprintf("%s: %s; %s", e.What, e.Why, e.Fix)
}

// A Missing says what the machine lacks for a measurement and how to get it:
// an error of the environment.
type Missing struct {
	What string // "perf"
	Why  string // "it is not on the PATH"
	Fix  string // a command or a sentence: "apt-get install linux-perf"
	Err  error  // the cause, nil if there is none
}

func (e *Missing) Error() string {
	return fmt.Sprintf("%s: %s; %s", e.What, e.Why, e.Fix)
}

func (e *Missing) Unwrap() error { return e.Err }

// A PartialError says why a run is partial. The run itself is returned beside
// it: what was measured is kept. errors.Is(err, context.Canceled) tells an
// interrupted run from a failed one.
type PartialError struct {
	Dir string // the bundle
	Why string // Manifest.Why
	Err error  // the cause
}

func (e *PartialError) Error() string {
	return fmt.Sprintf("%s; what was measured until then is in %s", e.Why, e.Dir)
}

func (e *PartialError) Unwrap() error { return e.Err }
