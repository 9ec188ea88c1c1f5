package checks

import (
	"cmp"
	"slices"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// A factKey tells one fact from every other.
type factKey struct{ topic, subject, name string }

func keyOf(f bundle.Fact) factKey { return factKey{f.Topic, f.Subject, f.Name} }

// NewDrift lists the facts that were others at the end of the run; counters are
// measurements, not drift. A run that was read once has none.
func NewDrift(facts []bundle.Fact) []result.Drift {
	start, end := make(map[factKey]string, len(facts)/2), make(map[factKey]string, len(facts)/2)
	for _, f := range facts {
		switch {
		case f.Counter:
		case f.Phase == bundle.PhaseStart:
			start[keyOf(f)] = f.Value
		case f.Phase == bundle.PhaseEnd:
			end[keyOf(f)] = f.Value
		}
	}
	if len(start) == 0 || len(end) == 0 {
		return nil
	}
	var out []result.Drift
	for k, a := range start {
		if b, inEnd := end[k]; a != b || !inEnd {
			out = append(out, result.Drift{Topic: k.topic, Subject: k.subject, Name: k.name, Start: a,
				End: b})
		}
	}
	for k, b := range end {
		if _, inStart := start[k]; !inStart {
			out = append(out, result.Drift{Topic: k.topic, Subject: k.subject, Name: k.name, End: b})
		}
	}
	slices.SortFunc(out, func(a, b result.Drift) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Subject, b.Subject),
			cmp.Compare(a.Name, b.Name))
	})
	return out
}
