package page

import (
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// caveats are what weakens the numbers: each kind of warning once and numbered,
// and all of them run by run. A number that one weakens carries its mark.
type caveats struct {
	Kinds, Each view.NoteList
	marked      []bool // of Kinds: some number has the mark
}

// A mark leads from a number to what weakens it.
type mark struct {
	N    int
	Text string
}

func caveatsOf(r *result.Result) *caveats {
	total, each := len(result.RunsPresent(r)), view.Warnings(r)
	c := &caveats{Kinds: view.NoteList{Total: total, Notes: each.Kinds()}}
	if len(each) > len(c.Kinds.Notes) {
		c.Each = view.NoteList{Total: total, Notes: each}
	}
	c.marked = make([]bool, len(c.Kinds.Notes))
	return c
}

// of are the marks of what weakens one of the subjects: metrics by their id, or
// what else a warning names.
func (c *caveats) of(subjects ...string) []mark {
	var out []mark
	for _, i := range c.Kinds.Notes.Weakening(nil, subjects...) {
		c.marked[i] = true
		out = append(out, mark{i + 1, c.Kinds.Notes[i].Show()})
	}
	return out
}

// others are the marks of what weakens no number of the first screen by itself.
func (c *caveats) others() []mark {
	var out []mark
	for i, n := range c.Kinds.Notes {
		if !c.marked[i] {
			out = append(out, mark{i + 1, n.Show()})
		}
	}
	return out
}

// What weakens the rate, the costs, the waits for locks.
func rateSubjects() []string {
	return []string{metric.RateID, metric.ThroughputID, metric.LossID, "traffic"}
}

func costSubjects(r *result.Result) []string {
	var events []*result.Event
	for _, run := range result.RunsPresent(r) {
		events = append(events, run.Events...)
	}
	return view.CostSubjects(events...)
}

func lockSubjects() []string {
	return []string{metric.WaitsID, metric.WaitPacketID, metric.AcquireID, metric.ContentionID, metric.BounceID,
		"cost per packet and lock waits"}
}

func caveatsSection(c *caveats) section {
	s := section{ID: "caveats", Nav: "Caveats", Title: "Caveats", Open: true}
	if len(c.Kinds.Notes) > 0 {
		s.Parts = []part{{Caveats: c}}
	}
	return s
}

// A count is how many of something weaken the numbers, with the section that
// lists them.
type count struct {
	N           int
	What, Below string
}

// trustCounts counts what weakens the numbers.
func trustCounts(r *result.Result, weak *caveats, v *versus) []count {
	var failed, broken []string
	for _, run := range result.RunsPresent(r) {
		for _, g := range run.Gates {
			if view.StatusRank(g.Status) == 0 {
				failed = result.AppendNew(failed, g.ID)
			}
		}
		for _, i := range run.ConsistencyChecks {
			if view.StatusRank(i.Verdict) == 0 {
				broken = result.AppendNew(broken, i.ID)
			}
		}
	}
	limits := 0
	if v != nil {
		limits = len(v.Differs) + len(v.Forced) + len(v.Blanked)
	}
	var out []count
	for _, c := range []struct {
		n                int
		one, many, below string
	}{
		{limits, "limit of the comparison", "limits of the comparison", "beside"},
		{len(weak.Kinds.Notes), "caveat", "caveats", "caveats"},
		{len(view.Losses(r).Kinds()), "kind of loss", "kinds of loss", "limits"},
		{len(view.Gaps(r).ByCause()), "not measured", "not measured", "limits"},
		{len(failed), "failed gate", "failed gates", "checks"},
		{len(broken), "failed cross-check", "failed cross-checks", "checks"},
	} {
		switch c.n {
		case 0:
		case 1:
			out = append(out, count{1, c.one, c.below})
		default:
			out = append(out, count{c.n, c.many, c.below})
		}
	}
	return out
}

// firstClaims bounds the findings that stand open.
const firstClaims = 5

// findingsSection lists the findings, which come heaviest first.
func findingsSection(r *result.Result) section {
	s := section{ID: "findings", Nav: "Findings", Title: "Findings", Open: true}
	all := claimsOf(r)
	if len(all) == 0 {
		s.Parts = missing("No finding was made from these figures.")
		return s
	}
	s.Parts = []part{{Claims: all[:min(firstClaims, len(all))]}}
	if more := all[min(firstClaims, len(all)):]; len(more) > 0 {
		s.add(folded(format.Count(uint64(len(more)))+" more findings", part{Claims: more}))
	}
	if r.Comparison != nil {
		s.Title, s.Open = "Findings on each side by itself", false
	}
	return s
}
