package finding

import (
	"cmp"
	"fmt"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/result"
)

// drift: did what places packets on CPUs stay as it was? Samples of a run in
// which it did not are of two configurations.
func drift(r *result.Result) []result.Finding {
	drifted, first := 0, ""
	var moves []string
	for _, run := range r.Runs {
		if len(run.Drift) == 0 {
			continue
		}
		drifted++
		first = cmp.Or(first, run.Name)
		for _, d := range run.Drift {
			moves = append(moves, fmt.Sprintf("%s: %s %s %s: %s",
				run.Name, d.Topic, d.Subject, d.Name, checks.Change(d.Start, d.End)))
		}
	}
	if drifted == 0 {
		return nil
	}
	f := result.Finding{
		ID:        "drift",
		Evidence:  cut(moves),
		NotProven: "When it moved: placement is read at both ends only.",
		Next: "stop irqbalance, pin interrupts and queues, and repeat: " +
			"a run on two configurations is not a measurement of either",
	}
	f.Claim = fmt.Sprintf("placement moved during %d of %d runs (%d facts)", drifted, len(r.Runs), len(moves))
	if drifted == 1 {
		f.Say(first, "placement moved during the run (%d facts)", len(moves))
	}
	return []result.Finding{f}
}
