package reports

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"xfrmscope/analyze"
)

// checksSection is what must hold for the numbers to mean anything: gates, sums
// that two measurements give, what measuring cost, what moved meanwhile.
func checksSection(runs []*analyze.Run) section {
	s := section{ID: "checks", Nav: "Checks", Title: "Can these numbers be trusted?"}
	add := func(heading, text string, t table) {
		if len(t.Rows) > 0 {
			s.Parts = append(s.Parts, part{Heading: heading, Text: text}, part{Table: t})
		}
	}
	add("Gates", "A failed gate takes the star from a comparison, never the number.", gatesTable(gateRows(runs), len(runs)))
	add("Sums that must hold", "Each line is measured twice, by different means. A broken one marks the figures that hang on it with ! and takes the star from comparisons of them.", identityTable(runs))
	add("What measuring cost", "Each probe ran in a window of its own, between windows without one.", phaseTable(runs))
	add("What moved during a run", "", driftTable(runs))
	if len(s.Parts) == 0 {
		return section{}
	}
	return s
}

// A gateRow is a gate with the runs of one status.
type gateRow struct {
	analyze.Gate
	runs notes // one note: the runs that have it
	more int   // further runs with other evidence
}

// gateRows puts the gates of all runs together, failed ones first.
func gateRows(runs []*analyze.Run) []gateRow {
	var out []gateRow
	for _, r := range runs {
		for _, g := range r.Gates {
			i := slices.IndexFunc(out, func(o gateRow) bool { return o.ID == g.ID && o.Status == g.Status })
			if i < 0 {
				out = append(out, gateRow{Gate: g})
				i = len(out) - 1
			} else if out[i].Evidence != g.Evidence {
				out[i].more++
			}
			out[i].runs.add(note{Text: g.ID}, r)
		}
	}
	slices.SortStableFunc(out, func(a, b gateRow) int { return statusRank(a.Status) - statusRank(b.Status) })
	return out
}

// statusRank puts first what needs to be read.
func statusRank(status string) int {
	switch status {
	case "failed", "broken":
		return 0
	case "not measured":
		return 1
	}
	return 2
}

// statusCell marks a status by a sign as well as by its colour.
func statusCell(status string) cell {
	sign := map[int]string{0: "✗ ", 1: "? ", 2: "✓ "}[statusRank(status)]
	return cell{Text: sign + name(orDash(status)), Sort: strconv.Itoa(statusRank(status)), Warn: statusRank(status) == 0, Muted: statusRank(status) == 1}
}

func gatesTable(rows []gateRow, total int) table {
	t := table{ID: "gate-table", Caption: "Gates of all runs", Head: []column{{Text: "gate"}, {Text: "status"}, {Text: "evidence"}, {Text: "runs"}, {Text: "next"}}}
	for _, g := range rows {
		evidence := cell{Text: visible(g.Evidence, 300)}
		if g.more > 0 {
			evidence.Small = fmt.Sprintf("(and %d runs with other figures)", g.more)
		}
		where := ""
		if len(g.runs) > 0 {
			where = visible(g.runs[0].runsText(total), 160)
		}
		t.Rows = append(t.Rows, []cell{textCell(g.ID), statusCell(g.Status), evidence, {Text: where}, {Text: visible(g.Next, 300)}})
	}
	return bounded(t, 60)
}

func identityTable(runs []*analyze.Run) table {
	t := table{ID: "identity-table", Caption: "Sums that must hold", Head: []column{
		{Text: "sum"}, {Text: "status"}, {Text: "run"}, {Text: "one way"}, {Text: "the other"}, {Text: "residual", Unit: "%", Number: true}, {Text: "limit", Unit: "%", Number: true}}}
	side := func(s analyze.Side) cell {
		if s.Text == "" {
			return cell{Text: "–", Muted: true}
		}
		return cell{Text: pretty(significant(s.Value, 4)) + " " + visible(s.Unit, 24), Small: name(s.Text)}
	}
	for _, r := range runs {
		for _, i := range r.Identities {
			status := statusCell(i.Verdict)
			status.Title = name(i.Why)
			row := []cell{textCell(i.ID), status, textCell(runLabel(r))}
			if statusRank(i.Verdict) == 1 {
				why := cell{Text: visible(orDash(i.Why), 200), Muted: true}
				t.Rows = append(t.Rows, append(row, why, cell{}, cell{Text: "–", Number: true, Muted: true, Sort: "-1"}, percentOf(i.Limit)))
				continue
			}
			residual := percentOf(i.Residual)
			residual.Text, residual.Warn = signed(residual.Text, i.Residual), statusRank(i.Verdict) == 0
			t.Rows = append(t.Rows, append(row, side(i.Left), side(i.Right), residual, percentOf(i.Limit)))
		}
	}
	slices.SortStableFunc(t.Rows, func(a, b []cell) int { return statusRank(trimSign(a[1].Text)) - statusRank(trimSign(b[1].Text)) })
	return bounded(t, 60)
}

func trimSign(s string) string {
	for i, c := range s {
		if c == ' ' {
			return s[i+1:]
		}
	}
	return s
}

// percentOf prints a ratio in per cent.
func percentOf(v float64) cell {
	c := numberOf(100 * zeroed(v, 1e-9))
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		c.Text = pretty(significant(100*zeroed(v, 1e-9), 2))
	}
	return c
}

func phaseTable(runs []*analyze.Run) table {
	t := table{ID: "phase-table", Caption: "Phases of each run and what their probes did to the traffic", Head: []column{
		{Text: "run"}, {Text: "phase"}, {Text: "probe"}, {Text: "length", Unit: "s", Number: true}, {Text: "packets", Unit: "/s", Number: true}, {Text: "effect", Unit: "% of packets/s", Number: true},
		{Text: "one in", Number: true}, {Text: "skipped", Number: true}}}
	for _, r := range runs {
		for _, p := range r.Phases {
			effect := lockValue(p.Effect)
			if finite(p.Effect) {
				effect.Text = signed(effect.Text, p.Effect.Value)
				effect.Warn = p.Perturbed()
			}
			oneIn := cell{Text: "–", Muted: true, Number: true, Sort: "0"}
			if p.OneIn > 0 {
				oneIn = countCell(uint64(p.OneIn))
			}
			t.Rows = append(t.Rows, []cell{textCell(runLabel(r)), textCell(p.Name), textCell(orWord(p.Probe, "none")), {Text: decimals(p.Seconds, 1), Number: true, Sort: exact(p.Seconds)}, lockValue(p.Rate), effect, oneIn, countCell(p.Skipped)})
		}
	}
	if slices.ContainsFunc(runs, func(r *analyze.Run) bool {
		return slices.ContainsFunc(r.Phases, func(p analyze.Phase) bool { return p.SAReads > 0 })
	}) {
		t.Note = "The SAs were read within the windows of count and find, next to both ends: each read holds net->xfrm.xfrm_state_lock for a moment. The error of an effect is the noise of the windows without a probe."
	}
	return bounded(t, 120)
}

func driftTable(runs []*analyze.Run) table {
	t := table{ID: "drift-table", Caption: "Placement and settings that were others at the end of a run", Head: []column{{Text: "run"}, {Text: "topic"}, {Text: "of"}, {Text: "what"}, {Text: "at the start"}, {Text: "at the end"}}}
	for _, r := range runs {
		for _, d := range r.Drift {
			t.Rows = append(t.Rows, []cell{textCell(runLabel(r)), textCell(d.Topic), textCell(d.Subject), textCell(d.Name), textCell(orWord(d.Start, "not there")), textCell(orWord(d.End, "not there"))})
		}
	}
	return bounded(t, 120)
}
