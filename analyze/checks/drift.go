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
	start, end := map[factKey]string{}, map[factKey]string{}
	var keys []factKey
	for _, f := range facts {
		if f.Counter {
			continue
		}
		switch f.Phase {
		case bundle.PhaseStart:
			start[keyOf(f)] = f.Value
		case bundle.PhaseEnd:
			end[keyOf(f)] = f.Value
		default:
			continue
		}
		keys = append(keys, keyOf(f))
	}
	if len(start) == 0 || len(end) == 0 {
		return nil
	}
	slices.SortFunc(keys, func(a, b factKey) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.subject, b.subject),
			cmp.Compare(a.name, b.name))
	})
	var out []result.Drift
	for _, k := range slices.Compact(keys) {
		a, inStart := start[k]
		b, inEnd := end[k]
		if a != b || inStart != inEnd {
			out = append(out, result.Drift{Topic: k.topic, Subject: k.subject, Name: k.name, Start: a,
				End: b})
		}
	}
	return out
}
