package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// A verdict is a headline of a comparison as the page prints it.
type verdict struct {
	At, What      string
	Before, After string
	Change        string
	Significant   bool
	Words         string // better, worse, or why nothing is said
	Class         string
	Why           []string // notes that weaken it
}

// A versus is the first screen of a comparison.
type versus struct {
	Verdicts []verdict
	Worse    []verdict // Words: how sure that is, "" if it holds
	Shown    bool      // one of Worse holds
	Could    string    // what would have been shown
	Differs  []string  // what else differs between the sides
	Expected []string  // the change under test
	Forced   []string
	Blanked  []string
	Gates    string
	Failed   bool // a gate
	Notes    []string
}

// versusOf prepares it, nil if the result is no comparison.
func versusOf(r *result.Result) *versus {
	c := r.Comparison
	if c == nil {
		return nil
	}
	v := &versus{Could: view.CouldHaveShown(c), Forced: format.ReasonTexts(c.Forced),
		Notes: format.ReasonTexts(c.Notes), Gates: view.GateSummary(c.Gates)}
	for _, quiet := range []bool{false, true} { // what changed is read first
		for _, at := range c.Headline {
			if (at.C.Verdict == compare.NotShown) == quiet {
				v.Verdicts = append(v.Verdicts, verdictOf(at))
			}
		}
	}
	for _, w := range view.Worsened(c) {
		one := verdictOf(result.CompareAt{C: w.C})
		one.At, one.What, one.Words = w.At, w.What, format.Sentence(w.Certainty)
		v.Worse = append(v.Worse, one)
	}
	v.Shown = len(c.Worse) > 0
	for _, x := range c.Varied {
		text := format.Sentence(format.Visible(view.DifferText(x), 300))
		if x.Expected {
			v.Expected = append(v.Expected, text)
		} else {
			v.Differs = append(v.Differs, text)
		}
	}
	for _, b := range view.BlankedText(c.Blanked) {
		v.Blanked = append(v.Blanked, format.Visible(b, 300))
	}
	v.Failed = slices.ContainsFunc(c.Gates, func(g result.Gate) bool { return view.StatusRank(g.Status) == 0 })
	return v
}

func verdictOf(at result.CompareAt) verdict {
	c := at.C
	v := verdict{At: view.AtText(at.Mode, at.N), What: view.WhatText(at), Before: medianText(c.Before, c.Unit),
		After:  medianText(c.After, c.Unit),
		Change: format.Sentence(format.Pretty(format.ChangeText(c))), Significant: c.Significant,
		Words: format.Sentence(format.Visible(view.VerdictText(c), 300)), Class: "same"}
	if c.Significant && c.Effect != "" {
		v.Class = c.Effect
	}
	v.Why = view.Unsaid(c)
	return v
}

func medianText(s compare.Summary, unit string) string {
	if s.N == 0 {
		return "no runs"
	}
	return format.Pretty(format.MedianText(s, format.UnitScale(unit), 4)) + " " + format.ShownUnit(unit)
}

// compareSections are what a comparison has beside the sections of its runs.
func compareSections(r *result.Result) []section {
	c := r.Comparison
	if c == nil {
		return nil
	}
	return []section{
		familySection("rates", "Rates", "What changed at each N?", c.Rates),
		familySection("costs", "Costs", "What does a packet cost, before and after?", c.Costs),
		familySection("stage-changes", "Stages compared", "Which stages changed?", c.Stages),
		familySection("lock-changes", "Locks compared", "Which locks are waited for less, or more?", c.Locks),
		familySection("line-changes", "Lines compared", "Which cache lines move less, or more?", c.Lines),
		functionChanges(c.Functions),
		lawSection(c.USL),
		trustSection(c),
	}
}

func familySection(id, nav, title string, list []result.CompareFamily) section {
	s := section{ID: id, Nav: nav, Title: title}
	for i, f := range list {
		t := view.ChangeTable(fmt.Sprintf("%s-%d", id, i), view.FamilyCaption(f), "of")
		for k, c := range f.Family.Comparisons {
			t.Rows = append(t.Rows, view.ChangeRow(view.Cell{Text: format.Name(view.KeyOf(f, k)),
				Title: view.MetricName(c.Metric)}, c))
		}
		s.table(view.Bounded(t, 120))
	}
	return s
}

// functionChanges lists the functions tested at each mode's largest N.
func functionChanges(list []result.CompareFunctions) section {
	s := section{ID: "function-changes", Nav: "Functions compared", Title: "Which functions cost more, which less?"}
	for i, f := range list {
		x := f.Functions
		t := view.ChangeTable(fmt.Sprintf("function-changes-%d", i),
			fmt.Sprintf("%s, event %s: self cost per packet of %d functions tested together, %d hold",
				cmp.Or(view.AtText(f.Mode, f.N), "runs"), format.Name(f.Event), x.Family.Tested,
				x.Family.Significant), "function")
		for _, row := range x.Rows {
			what := view.CodeCell(row.Name)
			if row.Only != "" {
				what.Small = "only " + format.Name(row.Only)
			}
			if row.Caller != "" && row.WithCaller != nil {
				what.Small += ", with its caller " + format.Name(row.Caller) + ": " +
					format.Pretty(format.ChangeText(*row.WithCaller))
			}
			t.Rows = append(t.Rows, view.ChangeRow(what, row.Comparison))
		}
		if len(t.Rows) == 0 {
			continue
		}
		t = view.Bounded(t, 60)
		var notes []string
		if x.Family.Detectable > 0 {
			notes = append(notes, fmt.Sprintf("Where no change is shown, one of %s %% would have been.",
				format.Significant(100*x.Family.Detectable, 2)))
		}
		if x.Rest.Functions > 0 {
			notes = append(notes, fmt.Sprintf(
				"%d functions too small to be tested cost %s before and %s after together.",
				x.Rest.Functions, format.Significant(x.Rest.Before, 3),
				format.Significant(x.Rest.After, 3)))
		}
		if len(x.Merged) > 0 {
			notes = append(notes, fmt.Sprintf(
				"%d names of compiler variants (.isra, .constprop, ...) were put together.",
				len(x.Merged)))
		}
		s.add(part{Table: t}, part{List: append(notes, format.ReasonTexts(x.Notes)...)})
	}
	return s
}

// lawSection compares the law fitted to both sides.
func lawSection(list []result.CompareUSL) section {
	t := view.NewTable("law-table", "The law of scaling (USL), X(N) = gamma N / (1 + sigma (N-1) + kappa N "+
		"(N-1)): sigma is what does not run in parallel, kappa what each pair of CPUs costs",
		"mode", "parameter", "before#", "after#", "difference#", "p#", "verdict")
	for _, u := range list {
		b, a := u.Change.Before, u.Change.After
		if !b.Known() || !a.Known() {
			why := format.ReasonText(b.Missing)
			if b.Known() {
				why = format.ReasonText(a.Missing)
			}
			t.Note = strings.TrimSpace(t.Note + " " + cmp.Or(format.Name(u.Mode), "the runs") +
				": not fitted: " + why + ".")
			continue
		}
		t.Rows = append(t.Rows,
			view.LawRow(u.Mode, "sigma", b.Sigma, a.Sigma, u.Change.Sigma, u.Change.Missing),
			view.LawRow(u.Mode, "kappa", b.Kappa, a.Kappa, u.Change.Kappa, u.Change.Missing),
			[]view.Cell{view.TextCell(u.Mode), view.TextCell("best N"), view.PeakCell(b.Peak),
				view.PeakCell(a.Peak), view.NoCell(""), view.NoCell(""), {Text: "–", Muted: true}})
	}
	if len(t.Rows) == 0 && t.Note == "" {
		return section{}
	}
	s := section{ID: "law", Nav: "Law", Title: "Did the shape of scaling change?"}
	if len(t.Rows) == 0 {
		s.Parts = missing(t.Note)
		return s
	}
	s.Parts = []part{{Table: t}}
	return s
}

// trustSection says what weakens a comparison: what differs, gates, A/A.
func trustSection(c *result.Comparison) section {
	s := section{ID: "comparable", Nav: "Comparable?", Title: "Are the sides comparable?"}
	t := view.NewTable("varied-table", "What does not have one value in all runs of both sides",
		"what", "where", "before", "after", "expected")
	for _, v := range c.Varied {
		expected := view.Cell{Text: "no", Warn: true}
		if v.Expected {
			expected = view.Cell{Text: "yes, the change under test"}
		}
		t.Add(view.TextCell(v.Key), view.TextCell(string(v.Where)),
			view.Cell{Text: format.Visible(view.ValuesText(v.Before), 200)},
			view.Cell{Text: format.Visible(view.ValuesText(v.After), 200)}, expected)
	}
	if len(t.Rows) > 0 {
		s.add(part{Table: view.Bounded(t, 100)})
	} else {
		s.add(part{Text: "Everything that is recorded of host, kernel, settings and " +
			"placement is the same in all runs of both sides."})
	}
	if len(c.Gates) > 0 {
		g := view.NewTable("worst-gates", "Gates: the worst of all runs of both sides",
			"gate", "status", "evidence", "next")
		for _, x := range c.Gates {
			g.Add(view.TextCell(x.ID), view.StatusCell(x.Status),
				view.Cell{Text: format.Visible(x.Evidence, 300)},
				view.Cell{Text: format.Visible(x.Next, 300)})
		}
		s.add(part{Table: g})
	}
	if len(c.Blanked) > 0 {
		var list []string
		for _, b := range c.Blanked[:min(100, len(c.Blanked))] {
			list = append(list, format.Visible(b.String(), 200))
		}
		s.add(folded(fmt.Sprintf("%d changes whose significance failed gates took back", len(c.Blanked)),
			part{List: list}))
	}
	s.add(part{Heading: "How often is nothing called something?", Text: aaText(c.AA)})
	o := c.Options.Defaults()
	s.add(part{Muted: true, Text: format.Sentence(fmt.Sprintf("The run is the unit of every "+
		"test. Medians with order-statistic intervals; ratio of medians with a bootstrap interval (seed %d); "+
		"exact Mann-Whitney U, or by blocks; significance needs %d runs a side, p or q below %s, and an "+
		"interval "+"not wholly within %s %%. Headlines were named beforehand and are tested plainly.",
		o.Seed, compare.MinRuns, format.Significant(o.Alpha, 2), format.Significant(100*max(o.MinChange, 0),
			2)))})
	return s
}

// aaText says what runs of one side gave when they were compared with each
// other.
func aaText(aa *compare.AAResult) string {
	switch {
	case aa == nil:
		return fmt.Sprintf("Not checked: it takes %d runs of one side.", 2*compare.MinRuns)
	case aa.Missing != nil:
		return "Not checked: " + format.ReasonText(aa.Missing) + "."
	}
	s := fmt.Sprintf("%d runs of one side, split at random %d times: %s %% of %d tests were below the level (%s "+
		"%% expected), %d splits had a significant change.",
		aa.Runs, aa.Splits, format.Significant(100*aa.Rate, 2), aa.Tests, format.Significant(100*aa.Expected,
			2), aa.AnySignificant)
	if aa.Drift.Significant > 0 {
		s += fmt.Sprintf(" The first half of the runs differs from the second in %d figures: the order of "+
			"runs explains part of what is seen.", aa.Drift.Significant)
	}
	return format.Sentence(s)
}
