package finding

import (
	"cmp"
	"fmt"
	"strings"
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

// Change says what became of a fact; "" is one that was not there. Of a list, as an RSS table of thousands
// of entries, it shows the part where the two differ first.
func Change(was, is string) string {
	start, end := strings.Fields(was), strings.Fields(is)
	if was == "" || is == "" || len(start) <= maxWords && len(end) <= maxWords {
		return cmp.Or(was, "not there") + " -> " + cmp.Or(is, "not there")
	}
	first, others := -1, max(len(start), len(end))-min(len(start), len(end))
	for i := range min(len(start), len(end)) {
		if start[i] != end[i] {
			others++
			if first < 0 {
				first = i
			}
		}
	}
	if first < 0 {
		first = min(len(start), len(end))
	}
	part := func(words []string) string {
		return strings.Join(words[min(first, len(words)):min(first+maxWords, len(words))], " ")
	}
	return fmt.Sprintf("%d of %d entries are others, from number %d on: %s ... -> %s ...", others, max(len(start), len(end)), first, part(start), part(end))
}

// maxWords is how many words of a value are shown.
const maxWords = 12

// maxMoves is how many moves a finding lists.
const maxMoves = 12

// Drift reports placement that changed during runs: samples of such a run are of
// two configurations.
func Drift(runs []DriftFacts) []Finding {
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
			evidence = append(evidence, fmt.Sprintf("%s: %s %s %s: %s", r.Run, m.Topic, m.Subject, m.Name, Change(m.Start, m.End)))
		}
	}
	if drifted == 0 {
		return nil
	}
	if len(evidence) > maxMoves {
		evidence = append(evidence[:maxMoves], fmt.Sprintf("and %d more", moves-maxMoves))
	}
	claim := fmt.Sprintf("placement moved during %d of %d runs (%d facts)", drifted, len(runs), moves)
	if drifted == 1 {
		claim = fmt.Sprintf("%s: placement moved during the run (%d facts)", first, moves)
	}
	return []Finding{{
		ID:        "drift",
		Claim:     claim,
		Evidence:  evidence,
		NotProven: "When it moved: placement is read at both ends only.",
		Next:      "stop irqbalance, pin interrupts and queues, and repeat: a run on two configurations is not a measurement of either",
	}}
}
