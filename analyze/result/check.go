package result

import "xfrmscope/analyze/metric"

// A ConsistencyCheck is an equation that two independent measurements must satisfy.
// One that is broken marks the numbers that hang on it, metric.Value.Doubt, and
// takes the significance of comparisons of them.
type ConsistencyCheck struct {
	// "functions-sum", "cycles-per-packet", "spin-probe-samples", "lock-packets", ...
	ID       string   `json:"id"`
	Left     Side     `json:"left"`            // what is claimed
	Right    Side     `json:"right"`           // what it must equal
	Residual float64  `json:"residual"`        // left/right - 1
	Limit    float64  `json:"limit"`           // largest |Residual| that passes
	Verdict  string   `json:"verdict"`         // CheckHolds, CheckBroken or NotMeasured
	Why      string   `json:"why,omitempty"`   // why it is not measured
	Marks    []string `json:"marks,omitempty"` // metric ids that hang on it
}

// A Side is one side of a ConsistencyCheck.
type Side struct {
	Text  string  `json:"text"` // "slow-path time by probe"
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// A Gate is a condition a run must meet for its differences to mean anything.
// A failed one takes the significance of a comparison, never the number.
type Gate struct {
	ID       string `json:"id"`     // see bundle.GatePause and those below it
	Status   string `json:"status"` // GateOK, GateFailed or NotMeasured
	Evidence string `json:"evidence"`
	Next     string `json:"next,omitempty"`

	// Severity orders failures of one gate: the worst run is the one that is quoted.
	Severity float64 `json:"severity,omitempty"`

	HeldBack bool `json:"-"` // of the pause gate: the next machine held this one back; Evidence says it, too
}

// A Drift is a placement fact that was another at the end of the run.
type Drift struct {
	Topic   string `json:"topic"`
	Subject string `json:"subject"`
	Name    string `json:"name"`
	Start   string `json:"start"` // "" if it was not there
	End     string `json:"end"`
}

// A Phase is what one probe did to the traffic.
type Phase struct {
	Name    string       `json:"name"`
	Probe   string       `json:"probe,omitempty"`
	Seconds float64      `json:"seconds"`
	Rate    metric.Value `json:"rate"` // packets/s in it
	// rate over the mean of the probe-free neighbours, less 1; its error is the noise of all those without a probe
	Effect  metric.Value `json:"effect"`
	SAReads int          `json:"sa_reads,omitempty"` // times all SAs were read within it
	OneIn   uint32       `json:"one_in,omitempty"`
	Skipped uint64       `json:"skipped,omitempty"`
}

// Statuses of a gate, and verdicts of a consistency check.
const (
	GateOK      = "ok"
	GateFailed  = "failed"
	CheckHolds  = "holds"
	CheckBroken = "broken"
	NotMeasured = "not measured"
)
