package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// A gateRow is a gate with the runs of one status.
type gateRow struct {
	result.Gate
	runs Notes // one note: the runs that have it
	more int   // further runs with other evidence
}

// Where says which runs of total it is.
func (g gateRow) Where(total int) string {
	if len(g.runs) == 0 {
		return ""
	}
	return format.Visible(g.runs[0].RunsText(total), 160)
}

// GateRows puts the gates of all runs together, each status once with the worst
// run's evidence, failed ones first.
func GateRows(runs []*result.Run) []gateRow {
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
			if g.Severity > out[i].Severity {
				out[i].Gate = g
			}
			out[i].runs.add(noteOf("", "%s", g.ID), r)
		}
	}
	slices.SortStableFunc(out, func(a, b gateRow) int { return StatusRank(a.Status) - StatusRank(b.Status) })
	return out
}

// StatusRank puts first what needs to be read.
func StatusRank(status string) int {
	switch status {
	case result.GateFailed, result.CheckBroken:
		return 0
	case result.NotMeasured:
		return 1
	}
	return 2
}

// StatusCell marks a status by a sign as well as by its colour.
func StatusCell(status string) Cell {
	sign := map[int]string{0: "✗ ", 1: "? ", 2: "✓ "}[StatusRank(status)]
	return Cell{Text: sign + format.Name(format.OrDash(status)), Sort: strconv.Itoa(StatusRank(status)),
		Warn: StatusRank(status) == 0, Muted: StatusRank(status) == 1}
}

func GatesTable(rows []gateRow, total int) Table {
	t := NewTable("gate-table", "Gates of all runs", "gate", "status", "evidence", "runs", "next")
	for _, g := range rows {
		evidence := Cell{Text: format.Visible(g.Evidence, 300)}
		if g.more > 0 {
			evidence.Small = fmt.Sprintf("(and %d runs with other figures)", g.more)
		}
		t.Add(TextCell(g.ID), StatusCell(g.Status), evidence, Cell{Text: g.Where(total)},
			Cell{Text: format.Visible(g.Next, 300)})
	}
	return Bounded(t, 60)
}

// A checkRow is a cross-check with the runs of one verdict: all that broke alone, those
// not measured by why, those that hold in one row.
type checkRow struct {
	result.ConsistencyCheck
	of   *result.Run // whose figures are shown: of those that hold the one furthest off
	runs note
}

func checkRows(runs []*result.Run) []checkRow {
	var out []checkRow
	for _, r := range runs {
		for _, c := range r.ConsistencyChecks {
			rank := StatusRank(c.Verdict)
			at := slices.IndexFunc(out, func(o checkRow) bool {
				return rank > 0 && o.ID == c.ID && o.Verdict == c.Verdict &&
					(rank > 1 || o.Why == c.Why)
			})
			if at < 0 {
				at, out = len(out), append(out, checkRow{ConsistencyCheck: c, of: r})
			} else if math.Abs(c.Residual) > math.Abs(out[at].Residual) {
				out[at].ConsistencyCheck, out[at].of = c, r
			}
			out[at].runs.Runs = append(out[at].runs.Runs, r)
		}
	}
	slices.SortStableFunc(out, func(a, b checkRow) int { return StatusRank(a.Verdict) - StatusRank(b.Verdict) })
	return out
}

func ConsistencyTable(runs []*result.Run) Table {
	t := NewTable("identity-table",
		"Cross-checks; of several runs that hold the figures are of the one furthest off",
		"cross-check", "status", "runs", "one way", "the other", "residual#|%", "limit#|%")
	side := func(s result.Side) Cell {
		if s.Text == "" {
			return Cell{Text: "–", Muted: true}
		}
		return Cell{Text: format.Pretty(format.Significant(s.Value, 4)) + " " + format.Visible(s.Unit, 24),
			Small: format.Name(s.Text)}
	}
	for _, c := range checkRows(runs) {
		verdict := c.Verdict
		if StatusRank(verdict) == 0 {
			verdict = result.GateFailed
		}
		status, where := StatusCell(verdict), Cell{Text: format.Visible(c.runs.RunsText(len(runs)), 160)}
		if StatusRank(c.Verdict) == 1 {
			why := Cell{Text: format.Visible(format.OrDash(c.Why), 200), Muted: true}
			t.Add(TextCell(c.ID), status, where, why, Cell{}, NoCell("-1"), percentOf(c.Limit))
			continue
		}
		if len(c.runs.Runs) > 1 {
			where.Small = RunLabel(c.of)
		}
		status.Title = format.Name(c.Why)
		residual := percentOf(c.Residual)
		residual.Text, residual.Warn = format.Signed(residual.Text, c.Residual), StatusRank(c.Verdict) == 0
		t.Add(TextCell(c.ID), status, where, side(c.Left), side(c.Right), residual, percentOf(c.Limit))
	}
	return Bounded(t, 60)
}

func percentOf(v float64) Cell {
	c := numberOf(100 * zeroed(v, 1e-9))
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		c.Text = format.Pretty(format.Significant(100*zeroed(v, 1e-9), 2))
	}
	return c
}

func PhaseTable(runs []*result.Run) Table {
	t := NewTable("phase-table", "Phases of each run and what their probes did to the traffic",
		"run", "phase", "probe", "length#|s", "packets#|/s", "effect#|% of packets/s", "one in#", "skipped#")
	for _, r := range runs {
		for _, p := range append(sampling(r), r.Phases...) {
			effect := lockValue(p.Effect)
			if format.Finite(p.Effect) {
				effect.Text = format.Signed(effect.Text, p.Effect.Value)
				effect.Warn = p.Perturbed()
			}
			oneIn := NoCell("0")
			if p.OneIn > 0 {
				oneIn = CountCell(uint64(p.OneIn))
			}
			t.Add(RunCell(r), TextCell(p.Name), TextCell(cmp.Or(p.Probe, "none")),
				Cell{Text: format.Decimals(p.Seconds, 1), Number: true, Sort: format.Exact(p.Seconds)},
				lockValue(p.Rate), effect, oneIn, CountCell(p.Skipped))
		}
	}
	if slices.ContainsFunc(runs, func(r *result.Run) bool {
		return slices.ContainsFunc(r.Phases, func(p result.Phase) bool { return p.SAReads > 0 })
	}) {
		t.Note = "The SAs were read within the windows of count and find, next to both ends: each read holds " +
			"net->xfrm.xfrm_state_lock for a moment. The error of an effect is the noise of the windows " +
			"without a probe."
	}
	return Bounded(t, 120)
}

// sampling is the window of the samples, as a phase: what perf did to the traffic.
func sampling(r *result.Run) []result.Phase {
	if r.Packets.PerfEffect == nil {
		return nil
	}
	return []result.Phase{{Name: "samples", Probe: "perf", Seconds: r.Manifest.Window.Seconds(),
		Rate: r.Packets.Rate, Effect: *r.Packets.PerfEffect}}
}

func DriftTable(runs []*result.Run) Table {
	t := NewTable("drift-table", "Placement and settings that were others at the end of a run",
		"run", "topic", "of", "what", "at the start", "at the end")
	for _, r := range runs {
		for _, d := range r.Drift {
			t.Add(RunCell(r), TextCell(d.Topic), TextCell(d.Subject), TextCell(d.Name),
				TextCell(cmp.Or(d.Start, "not there")), TextCell(cmp.Or(d.End, "not there")))
		}
	}
	return Bounded(t, 120)
}

func FormulaTable() Table {
	t := NewTable("formulas", "Formulas", "figure", "formula", "read from")
	for _, f := range metric.Catalogue() {
		t.Add(Cell{Text: f.Name}, Cell{Text: f.Text}, Cell{Text: f.Source})
	}
	return t
}
