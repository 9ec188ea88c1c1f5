package collect

// A State is what a Check found.
type State string

const (
	OK       State = "ok"       // can be measured, or is set up as it should be
	Degraded State = "degraded" // can be measured in part, or in another way
	Absent   State = "absent"   // cannot be measured here
	Unknown  State = "unknown"  // could not be found out
)

// A Check is one thing Doctor looked at.
type Check struct {
	ID       string `json:"id"` // "XS001": never given to another check
	Title    string `json:"title"`
	State    State  `json:"state"`
	Evidence string `json:"evidence"`      // what was seen
	Fix      string `json:"fix,omitempty"` // one command or sentence, "" if there is nothing to do
}
