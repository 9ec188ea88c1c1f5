package doctor

// A State is what a Check found.
type State string

const (
	OK       State = "ok"       // can be measured, or is set up as it should be
	Degraded State = "degraded" // can be measured in part, or is set up otherwise
	Absent   State = "absent"   // cannot be measured here
	Unknown  State = "unknown"  // could not be found out
	NotHere  State = "n/a"      // there is nothing the question could be asked of
)

// A Check is one thing Doctor looked at.
type Check struct {
	ID       string `json:"id"` // "XS001": see the package's list
	Title    string `json:"title"`
	State    State  `json:"state"`
	Evidence string `json:"evidence"`      // what was seen
	Fix      string `json:"fix,omitempty"` // one command or sentence, "" if there is nothing to do
}

// newCheck is a check with all that belongs to it.
func newCheck(id, title string, state State, evidence, fix string) Check {
	return Check{ID: id, Title: title, State: state, Evidence: evidence, Fix: fix}
}

// verdict is a check that is either fine or not.
func verdict(id, title string, fine bool, otherwise State, evidence, fix string) Check {
	c := Check{ID: id, Title: title, State: OK, Evidence: evidence}
	if !fine {
		c.State, c.Fix = otherwise, fix
	}
	return c
}

// A Report is all Doctor says.
type Report struct {
	Checks  []Check      `json:"checks"` // in the order of their ids
	Locks   lockFacts    `json:"spin_locks"`
	Rights  []right      `json:"rights"`  // what each privilege level allows
	Kernels kernelMatrix `json:"kernels"` // what each kernel version allows, and this one
	Plan    []step       `json:"plan,omitempty"`
}

// Find returns the check of an id, an unknown one if there is none.
func (r *Report) Find(id string) Check {
	for _, c := range r.Checks {
		if c.ID == id {
			return c
		}
	}
	return Check{ID: id, State: Unknown}
}
