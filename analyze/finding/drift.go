package finding

import (
	"cmp"
	"fmt"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/result"
)

// A DriftFacts is the evidence of one run for the question "did what places
// packets on CPUs stay as it was?".
type DriftFacts struct {
	Run   string
	Moved []Move
}

// A Move is a fact that was another at the end of the run.
type Move struct {
	Topic, Subject, Name string
	Start, End           string // "" if it was not there
}

// maxMoves is how many moves a finding lists.
const maxMoves = 12

// Drift reports placement that changed during runs: samples of such a run are of
// two configurations.
func Drift(runs []DriftFacts) []result.Finding {
	drifted, moves := 0, 0
	var evidence []string
	first := ""
	for _, r := range runs {
		if len(r.Moved) == 0 {
			continue
		}
		drifted++
		first = cmp.Or(first, r.Run)
		for _, m := range r.Moved {
			moves++
			evidence = append(evidence, fmt.Sprintf("%s: %s %s %s: %s", r.Run, m.Topic, m.Subject, m.Name, checks.Change(m.Start, m.End)))
		}
	}
	if drifted == 0 {
		return nil
	}
	if len(evidence) > maxMoves {
		evidence = append(evidence[:maxMoves], fmt.Sprintf("and %d more", moves-maxMoves))
	}
	f := result.Finding{
		ID:        "drift",
		Evidence:  evidence,
		NotProven: "When it moved: placement is read at both ends only.",
		Next:      "stop irqbalance, pin interrupts and queues, and repeat: a run on two configurations is not a measurement of either",
	}
	f.Claim = fmt.Sprintf("placement moved during %d of %d runs (%d facts)", drifted, len(runs), moves)
	if drifted == 1 {
		f.Say(first, "placement moved during the run (%d facts)", moves)
	}
	return []result.Finding{f}
}
