package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// happened: where do samples of an event fall that counts no time, in the run
// with most CPUs of each mode? Of misses, faults, drops or waits that began no
// share is a share of time.
func happened(r *result.Result) []result.Finding {
	var out []result.Finding
	for _, run := range view.LastOfModes(r) {
		for _, e := range run.Mains() {
			if !e.Timed() && e.All.Total.Period > 0 {
				out = append(out, happenedOf(run, e))
			}
		}
	}
	return out
}

func happenedOf(run *result.Run, e *result.Event) result.Finding {
	f := result.Finding{
		ID:        "event",
		NotProven: fmt.Sprintf("What it costs: %s counts no time, so nothing is known of spinning.", e.Name),
		Next:      "record cycles or cpu-clock beside it",
	}
	who := ofRun(run)
	if begun := strings.Contains(e.Name, "contention_begin"); begun {
		f.NotProven = "How long a wait took: the event is its begin."
		f.Next = "perf lock contention -ab, or the wait probe: time waited by lock"
		f.Say(who, "%s; callers of contention: %s", waits(e), listed(shares(contenders(e), 0.01)))
	} else {
		f.Say(who, "%s fell in %s", samplesOf(e), listed(shares(e.All.Functions, 0.05)))
	}
	for _, s := range e.All.Functions[:min(maxLines, len(e.All.Functions))] {
		f.Evidence = append(f.Evidence,
			fmt.Sprintf("%s of %s samples in %s", format.Percent(s.Share), e.Name, s.Name))
	}
	for _, c := range e.CPUs[:min(maxLines, len(e.CPUs))] {
		if share, se := metric.Share(c.Total, e.All.Total); c.CPU >= 0 {
			f.Evidence = append(f.Evidence, fmt.Sprintf("CPU %d: %s of %s samples",
				c.CPU, format.Percent(metric.Value{Value: share, SE: se,
					Samples: c.Total.Samples}), e.Name))
		}
	}
	return f
}

// samplesOf says how many samples there are: "10 samples of page-faults".
func samplesOf(e *result.Event) string {
	if e.All.Total.Samples == 0 {
		return "the samples of " + e.Name
	}
	return format.Counted(int(e.All.Total.Samples), "sample") + " of " + e.Name
}

// waits says how many waits began.
func waits(e *result.Event) string {
	if e.All.Total.Samples == 0 {
		return "waits for locks began"
	}
	return format.Counted(int(e.All.Total.Samples), "wait") + " for locks began"
}

// contenders are the functions that wait for locks, heaviest first. A sample
// stands in the slow path, or, as the stack begins above it, in the fast one.
func contenders(e *result.Event) []result.Share {
	var out []result.Share
	for _, s := range slices.Concat(e.All.SpinCallers, e.All.LockWordCallers) {
		if i := slices.IndexFunc(out, func(o result.Share) bool { return o.Name == s.Name }); i >= 0 {
			out[i].Share.Value += s.Share.Value
			continue
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return e.All.Functions
	}
	slices.SortStableFunc(out, func(a, b result.Share) int { return cmp.Compare(b.Share.Value, a.Share.Value) })
	return out
}

// shares names those that make up most: "xfrm_state_find (90 %)".
func shares(list []result.Share, floor float64) []string {
	var names []string
	for i, s := range list {
		if i == 0 || s.Share.Value >= floor {
			names = append(names, fmt.Sprintf("%s (%s)", s.Name, format.InPercent(s.Share.Value, 0)))
		}
	}
	return names
}
