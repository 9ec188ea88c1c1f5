package analyze

import (
	"slices"
	"strings"
	"testing"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/curves"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/sides"
	"xfrmscope/analyze/testdata/testrun"
)

// A broken sum marks the numbers that hang on it, and no others.
func TestBrokenSumMarks(t *testing.T) {
	m := testrun.Make("pcpu", 2)
	for i := range m.Finds {
		if a := m.Finds[i].Account; a != nil {
			a.Calls += 60 // of 990
		}
	}
	run := analyse(t, m.Open(t, "a")).Runs[0]
	const why = "fails cross-check find-packets"
	for _, v := range []metric.Value{run.Lookups.Calls, run.Lookups.PerPacket} {
		if v.Doubt != why {
			t.Errorf("%+v, want it in doubt: %s", v, why)
		}
	}
	for _, v := range []metric.Value{run.Lookups.Mean, run.Packets.Rate, run.Locks.Acquired,
		run.Locks.Rows[0].Contention, run.Phases[1].Rate} {
		if v.Doubt != "" {
			t.Errorf("%+v, want no doubt: it does not hang on the lookups", v)
		}
	}
	if len(run.Warnings) != 1 || run.Warnings[0].Weakens != metric.FindID ||
		!strings.HasPrefix(run.Warnings[0].Text,
			why+": calls of xfrm_state_find is +6.1 % off packets of the phase") {
		t.Errorf("warnings %+v, want the broken sum", run.Warnings)
	}
}

// A broken sum takes the star from comparisons of what hangs on it.
func TestBrokenSumTakesStar(t *testing.T) {
	before, after := newLab(1, 4, 0.5).sweep("pcpu", 8, 1, 8), newLab(2, 2, 0.5).sweep("pcpu", 8, 1, 8)
	for _, r := range after.Runs[8:11] {
		r.ConsistencyChecks = []result.ConsistencyCheck{{ID: "cost-per-packet", Verdict: result.CheckBroken,
			Marks: []string{metric.CostID}}}
	}
	c := mustCompare(t, before, after, sides.CompareOptions{})
	rate, cost := c.Headline[0].C, c.Headline[1].C
	if !rate.Significant || cost.Significant || cost.Verdict != compare.Gated || cost.Difference.Value >= 0 {
		t.Errorf("rate %+v, cost %+v, want a star on the rate alone, and the numbers kept", rate, cost)
	}
	const doubt = "fails cross-check cost-per-packet (3 of 8 runs)"
	functions := c.Functions[0].Functions
	for _, s := range []compare.Summary{cost.After, functions.Total.After, functions.Rows[0].Comparison.After,
		c.Stages[0].Family.Comparisons[0].After} {
		if compare.Doubted(s.Notes) != doubt {
			t.Errorf("notes %+v, want that the side is in doubt", s.Notes)
		}
	}
	if compare.Doubted(rate.After.Notes)+compare.Doubted(cost.Before.Notes) != "" {
		t.Errorf("notes %+v and %+v, want none", rate.After.Notes, cost.Before.Notes)
	}
	const why = "in doubt: fails cross-check cost-per-packet (3 of 16 runs)"
	if !slices.ContainsFunc(c.Blanked, func(b result.Blank) bool {
		return strings.HasSuffix(b.String(), "cost/packet: "+why)
	}) {
		t.Errorf("blanked %q, want cost/packet: %s", c.Blanked, why)
	}
	if f := c.Functions[0].Functions.Family; f.Significant != 0 {
		t.Errorf("%d functions starred, want none: their costs hang on it", f.Significant)
	}
}

// What is made of doubtful costs says so, and what is made of rates does not.
func TestBrokenSumNoted(t *testing.T) {
	r := newLab(1, 4, 0.5).sweep("pcpu", 2, 1, 8)
	r.Runs[3].ConsistencyChecks = []result.ConsistencyCheck{{ID: "cost-per-packet", Verdict: result.CheckBroken,
		Marks: []string{metric.CostID}}}
	c := curves.New(r.Runs)[0]
	const why = "pcpu: cost/packet in doubt: fails cross-check cost-per-packet (1 of 4 runs)"
	of := func(r compare.Reason) bool { return r.Text == why }
	if !slices.ContainsFunc(c.StageBreakdowns[0].Notes, of) ||
		!slices.ContainsFunc(c.FunctionBreakdown.Notes, of) ||
		slices.ContainsFunc(c.Scaling.Notes, of) || slices.ContainsFunc(c.LockBreakdowns[0].Notes, of) {
		t.Errorf("notes of the bill %+v, of the functions %+v, of scaling %+v, want those of costs alone: %s",
			c.StageBreakdowns[0].Notes, c.FunctionBreakdown.Notes, c.Scaling.Notes, why)
	}
}
