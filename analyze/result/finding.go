package result

import "fmt"

// A Finding is a claim with its evidence.
type Finding struct {
	ID        string   `json:"id"`         // stable: "spin"
	Claim     string   `json:"claim"`      // one sentence with its figure
	Evidence  []string `json:"evidence"`   // figures, each with unit and error
	NotProven string   `json:"not_proven"` // what it does not prove
	Next      string   `json:"next"`       // what to run or look at next

	// who the claim is about, with which it begins: "pcpu on 4 CPUs"; "" if it names nobody
	Subject string `json:"-"`
}

// IDs of the findings that a report says in another place, too.
const (
	NoIPsec = "no-ipsec"
	Scales  = "scale"
	Spins   = "spin"
	OfALock = "lock"
)

// Say sets a claim about somebody.
func (f *Finding) Say(subject, format string, args ...any) {
	f.Subject, f.Claim = subject, subject+": "+fmt.Sprintf(format, args...)
}
