package compare

import (
	"fmt"
	"strings"
)

// A Side is what is known of one side's runs.
type Side struct {
	Name string // "before", a kernel, a directory

	// Must are the facts without which a comparison means nothing: "unit",
	// "event", "scenario" (its hash), "packets counted at". Both sides must give
	// the same value to each key that either has.
	Must map[string]string

	// Runs is the configuration of each run: "kernel", "nic firmware",
	// "sysctl net.core.busy_poll". A value may differ; Variation says so.
	Runs []map[string]string
}

// A Refusal is a fact that forbids a comparison.
type Refusal struct {
	Key    string `json:"key"`
	Code   Code   `json:"code"` // DifferentKey, or UnknownKey if one side does not say
	Before string `json:"before"`
	After  string `json:"after"`
}

// String names the fact and both values.
func (r Refusal) String() string {
	return fmt.Sprintf("%s: %s before, %s after", r.Key, quoted(r.Before), quoted(r.After))
}

// A RefusedError says which facts forbid a comparison, and that it can be forced.
type RefusedError struct {
	Before, After string // names of the sides
	Refusals      []Refusal
}

// Error implements error.
func (e *RefusedError) Error() string {
	var facts []string
	for _, r := range e.Refusals {
		facts = append(facts, r.String())
	}
	return fmt.Sprintf("comparing %s with %s: %s: measure both alike, or compare anyway with --force",
		e.Before, e.After, strings.Join(facts, "; "))
}

// Refusals returns the facts that forbid comparing the sides, by key.
func Refusals(before, after Side) []Refusal {
	var out []Refusal
	for _, k := range unionKeys(before.Must, after.Must) {
		b, a := before.Must[k], after.Must[k]
		switch {
		case b == a && b != "":
		case b == "" || a == "":
			out = append(out, Refusal{k, UnknownKey, b, a})
		default:
			out = append(out, Refusal{k, DifferentKey, b, a})
		}
	}
	return out
}

// Admit returns a *RefusedError if the sides must not be compared. With
// o.Force it returns the refusals as notes for the report instead.
func Admit(before, after Side, o Options) ([]Reason, error) {
	refusals := Refusals(before, after)
	if len(refusals) == 0 {
		return nil, nil
	}
	if !o.Force {
		return nil, &RefusedError{before.Name, after.Name, refusals}
	}
	var notes []Reason
	for _, r := range refusals {
		notes = append(notes, *Because(Forced, "compared although %s", r))
	}
	return notes, nil
}
