package result

import ()

// A Finding is a claim with its evidence.
type Finding struct {
	ID        string   `json:"id"`         // stable: "spin"
	Claim     string   `json:"claim"`      // one sentence with its figure
	Evidence  []string `json:"evidence"`   // figures, each with unit and error
	NotProven string   `json:"not_proven"` // what it does not prove
	Next      string   `json:"next"`       // what to run or look at next
}
