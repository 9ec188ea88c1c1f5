package bundle

import "strings"

// Keys of Plan.Labels that this program sets.
const (
	LabelMode   = "mode" // what is measured: "pcpu", "shared", "plain"
	LabelN      = "n"    // CPUs in use
	LabelRepeat = "repeat"
	LabelSide   = "side" // "before", "after"
	LabelHost   = "host" // of runs on other machines than the one that started them
)

// DefaultMode is the mode of a sweep without one: a curve has a name.
const DefaultMode = "all"

// Mode names the curve that the run is a point of: its mode, and where it was
// measured if another host's run stands for that mode.
func (p *Plan) Mode() string {
	mode := p.Labels[LabelMode]
	if p.Beside == "" {
		return mode
	}
	return strings.TrimSpace(mode + " at " + p.Beside)
}
