package result

import (
	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/scaling"
)

// A Comparison is two sides of runs and what can be said of the difference.
// The run is the unit of every test (package compare).
type Comparison struct {
	Before CompareSide `json:"before"`
	After  CompareSide `json:"after"`

	Forced  []compare.Reason `json:"forced,omitempty"`  // refusals that were overridden
	Varied  []compare.Varied `json:"varied,omitempty"`  // what else differs between the sides
	Gates   []Gate           `json:"gates,omitempty"`   // of all runs, the worst of each
	Blanked []Blank          `json:"blanked,omitempty"` // significance taken by failed gates, one clause each
	Notes   []compare.Reason `json:"notes,omitempty"`   // what was left out, and why

	// Headline holds the metrics named beforehand, tested plainly: packets/s and
	// cost per packet at the largest N of each mode, unless a scenario names others.
	Headline []CompareAt `json:"headline"`

	// packets/s, throughput, loss: one family each, one row a mode and N
	Rates []CompareFamily `json:"rates"`
	Costs []CompareFamily `json:"costs"` // per packet, waits, misses at each mode's largest N
	// cost per packet by stage; shares of busy time if no packets were counted
	Stages []CompareFamily `json:"stages"`
	// by class of lock: wait ns per packet, then contention ratio and bounce
	Locks []CompareFamily `json:"locks"`
	// cache lines moved per packet by field, at each mode's largest N
	Lines     []CompareFamily    `json:"lines,omitempty"`
	Functions []CompareFunctions `json:"functions"` // self cost per packet, at each mode's largest N
	USL       []CompareUSL       `json:"usl"`       // one a mode

	// Worse lists what got worse and holds; empty says so in every report.
	Worse []CompareAt `json:"worse"`

	Judgements []Judgement `json:"judgements,omitempty"` // of the conditions of --fail-on

	AA      *compare.AAResult `json:"aa,omitempty"` // how often nothing is called something, from runs of one side
	Options compare.Options   `json:"options"`
}

// A CompareSide names the runs of one side.
type CompareSide struct {
	Name string `json:"name"` // a directory, a label or a kernel
	Runs []int  `json:"runs"` // indexes into Result.Runs
}

// A CompareAt is one metric of one mode and N. C.Metric is an id of
// metric.Catalogue; of functions it is the function.
type CompareAt struct {
	Mode string `json:"mode"` // "shared -> pcpu" if each side has one mode and these differ
	N    int    `json:"n"`
	// "function native_queued_spin_lock_slowpath", "" for the run as a whole
	Of Subject            `json:"of,omitzero"`
	C  compare.Comparison `json:"comparison"`
}

// A Judgement is a condition applied at one place.
type Judgement struct {
	Condition string `json:"condition"` // "cost_per_packet>5%"
	CompareAt
	Outcome Outcome `json:"outcome"`
	// the interval of the change holds the limit, or is not known: decided by the medians
	Unclear bool   `json:"unclear,omitempty"`
	Why     string `json:"why,omitempty"` // of Unmeasured and LeftOut
}

// An Outcome is what a condition says of one number.
type Outcome string

// The outcomes.
const (
	Regression Outcome = "regression"
	Held       Outcome = "ok"
	Unmeasured Outcome = "not measured"
	LeftOut    Outcome = "left out" // a class of locks without a number, beside others that have one
)

// A CompareFamily is one family of tests, and where its rows come from.
type CompareFamily struct {
	Mode   string         `json:"mode"`            // "" if the rows are of several
	N      int            `json:"n"`               // 0 if the rows are of several
	Event  string         `json:"event,omitempty"` // of a hybrid CPU's costs and stages: a family for each PMU
	Keys   []string       `json:"keys"`            // of each row: "pcpu N=4", a stage, a lock
	Family compare.Family `json:"family"`
}

// CompareFunctions is the functions of one mode and N.
type CompareFunctions struct {
	Mode      string            `json:"mode"`
	N         int               `json:"n"`
	Event     string            `json:"event"`
	Functions compare.Functions `json:"functions"`
}

// A CompareUSL is the law of one mode before and after.
type CompareUSL struct {
	Mode   string            `json:"mode"`
	Change scaling.USLChange `json:"change"`
}
