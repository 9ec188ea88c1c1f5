package reports

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"xfrmscope/analyze"
	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/scaling"
)

// A verdict is a headline of a comparison as the page prints it.
type verdict struct {
	At, What      string
	Before, After string
	Change        string
	Star          bool
	Words         string // better, worse, or why nothing is said
	Class         string
	Why           []string // notes that weaken it
}

// A versus is the first screen of a comparison.
type versus struct {
	Verdicts []verdict
	Worse    []verdict
	Could    string   // what would have been shown
	Differs  []string // what else differs between the sides
	Expected []string // the change under test
	Forced   []string
	Blanked  []string
	Gates    string
	Failed   bool // a gate
	Notes    []string
}

// versusOf prepares it, nil if the result is no comparison.
func versusOf(r *analyze.Result) *versus {
	c := r.Comparison
	if c == nil {
		return nil
	}
	v := &versus{Could: couldHaveShown(c), Forced: reasonTexts(c.Forced), Notes: reasonTexts(c.Notes), Gates: gateSummary(c.Gates)}
	for _, quiet := range []bool{false, true} { // what changed is read first
		for _, at := range c.Headline {
			if (at.C.Verdict == compare.NotShown) == quiet {
				v.Verdicts = append(v.Verdicts, verdictOf(at))
			}
		}
	}
	for _, at := range c.Worse {
		v.Worse = append(v.Worse, verdictOf(at))
	}
	for _, x := range c.Varied {
		text := sentence(visible(differText(x), 300))
		if x.Expected {
			v.Expected = append(v.Expected, text)
		} else {
			v.Differs = append(v.Differs, text)
		}
	}
	for _, b := range blankedText(c.Blanked) {
		v.Blanked = append(v.Blanked, visible(b, 300))
	}
	v.Failed = slices.ContainsFunc(c.Gates, func(g analyze.Gate) bool { return statusRank(g.Status) == 0 })
	return v
}

func verdictOf(at analyze.CompareAt) verdict {
	c := at.C
	v := verdict{At: atText(at.Mode, at.N), What: whatText(at), Before: medianText(c.Before, c.Unit), After: medianText(c.After, c.Unit),
		Change: sentence(pretty(changeText(c))), Star: c.Star, Words: sentence(visible(verdictText(c), 300)), Class: "same"}
	if c.Star && c.Effect != "" {
		v.Class = c.Effect
	}
	v.Why = slices.DeleteFunc(reasonTexts(c.Notes), func(s string) bool { return strings.Contains(verdictText(c), s) })
	return v
}

func medianText(s compare.Summary, unit string) string {
	if s.N == 0 {
		return "no runs"
	}
	return pretty(significant(s.Median*unitScale(unit), 4)) + " " + shownUnit(unit)
}

// titleOfComparison names both sides.
func titleOfComparison(c *analyze.Comparison) string {
	return visible(orWord(c.Before.Name, "before")+" → "+orWord(c.After.Name, "after"), 120)
}

// compareSections are what a comparison has beside the sections of its runs.
func compareSections(r *analyze.Result) []section {
	c := r.Comparison
	if c == nil {
		return nil
	}
	out := []section{
		familySection("rates", "Rates", "What changed at each N?", c.Rates),
		familySection("costs", "Costs", "What does a packet cost, before and after?", c.Costs),
		familySection("stage-changes", "Stages compared", "Which stages changed?", c.Stages),
		familySection("lock-changes", "Locks compared", "Which locks are waited for less, or more?", c.Locks),
		functionChanges(c.Functions),
		lawSection(c.USL),
		trustSection(c),
	}
	return out
}

func familySection(id, nav, title string, list []analyze.CompareFamily) section {
	s := section{ID: id, Nav: nav, Title: title}
	for i, f := range list {
		t := changeTable(fmt.Sprintf("%s-%d", id, i), familyCaption(f), "of")
		for k, c := range f.Family.Comparisons {
			key := ""
			if k < len(f.Keys) {
				key = f.Keys[k]
			}
			t.Rows = append(t.Rows, changeRow(cell{Text: name(key), Title: metricName(c.Metric)}, c))
		}
		if len(t.Rows) > 0 {
			s.Parts = append(s.Parts, part{Table: bounded(t, 120)})
		}
	}
	if len(s.Parts) == 0 {
		return section{}
	}
	return s
}

func familyCaption(f analyze.CompareFamily) string {
	s := name(orWord(f.Family.Name, "family"))
	if f.Family.Tested == 0 {
		return s + fmt.Sprintf(": not tested, which takes %d runs a side", compare.MinRuns)
	}
	return fmt.Sprintf("%s: %d tested together, %d hold (Benjamini-Hochberg q below %s)", s, f.Family.Tested, f.Family.Starred, significant(f.Family.Options.Defaults().Alpha, 2))
}

// changeTable is an empty table of comparisons.
func changeTable(id, caption, what string) table {
	return table{ID: id, Caption: caption, Head: []column{
		{Text: what}, {Text: "before", Unit: "median [interval]", Number: true}, {Text: "after", Unit: "median [interval]", Number: true}, {Text: "unit"},
		{Text: "change", Unit: "% [interval]", Number: true}, {Text: "p", Number: true}, {Text: "q", Number: true, Title: "p corrected for the family"}, {Text: "verdict"}, {Text: "would have shown", Unit: "%, at least", Number: true},
	}}
}

func changeRow(what cell, c compare.Comparison) []cell {
	side := func(s compare.Summary) cell {
		k := unitScale(c.Unit)
		s.Median, s.Interval.Lo, s.Interval.Hi = s.Median*k, s.Interval.Lo*k, s.Interval.Hi*k
		return summaryCell(s)
	}
	change := cell{Text: pretty(changeText(c)), Number: true, Sort: "0"}
	if c.Ratio.Known() {
		change = cell{Text: pretty(strings.TrimSuffix(changePercent(c.Ratio.Value), " %")), Number: true, Sort: exact(c.Ratio.Value - 1), Title: levelText(c.Ratio.Interval)}
		if i := c.Ratio.Interval; i.Known() {
			i.Lo, i.Hi = i.Lo-1, i.Hi-1
			change.Small = "[" + pretty(intervalText(i, 100)) + "]"
		}
	}
	p := func(v float64) cell { return cell{Text: compare.PText(v), Number: true, Sort: exact(v)} }
	q := cell{Text: "–", Muted: true, Number: true, Sort: "2"}
	if c.Q != nil {
		q = p(*c.Q)
	}
	test := cell{Text: "–", Muted: true, Number: true, Sort: "2", Title: name(reasonText(c.Test.Missing))}
	if tested(c) {
		test = p(c.Test.P)
		test.Title = name(c.Test.Method)
	}
	could := cell{Text: "–", Muted: true, Number: true, Sort: "0", Title: name(reasonText(c.Detectable.Missing))}
	if c.Detectable.Known() {
		could = percentOf(c.Detectable.Change)
	}
	return []cell{what, side(c.Before), side(c.After), textCell(shownUnit(c.Unit)), change, test, q, verdictCell(c), could}
}

// verdictCell marks what holds with a star, and its direction by a sign.
func verdictCell(c compare.Comparison) cell {
	out := cell{Text: name(string(c.Verdict)), Muted: true, Title: strings.Join(reasonTexts(c.Notes), "; ")}
	if c.Star {
		sign := map[string]string{"better": "▼ better", "worse": "▲ worse"}[c.Effect]
		if c.Better == "higher" {
			sign = map[string]string{"better": "▲ better", "worse": "▼ worse"}[c.Effect]
		}
		out.Text, out.Muted, out.Warn = "★ "+orWord(sign, "changed"), false, c.Effect == "worse"
	}
	return out
}

// functionChanges lists the functions tested at each mode's largest N.
func functionChanges(list []analyze.CompareFunctions) section {
	s := section{ID: "function-changes", Nav: "Functions compared", Title: "Which functions cost more, which less?"}
	for i, f := range list {
		x := f.Functions
		t := changeTable(fmt.Sprintf("function-changes-%d", i), fmt.Sprintf("%s, event %s: self cost per packet of %d functions tested together, %d hold", orWord(atText(f.Mode, f.N), "runs"), name(f.Event), x.Family.Tested, x.Family.Starred), "function")
		for _, row := range x.Rows {
			what := cell{Text: name(row.Name), Code: true}
			if row.Only != "" {
				what.Small = "only " + name(row.Only)
			}
			if row.Caller != "" && row.WithCaller != nil {
				what.Small += ", with its caller " + name(row.Caller) + ": " + pretty(changeText(*row.WithCaller))
			}
			t.Rows = append(t.Rows, changeRow(what, row.Comparison))
		}
		if len(t.Rows) == 0 {
			continue
		}
		t = bounded(t, 60)
		var notes []string
		if x.Family.Detectable > 0 {
			notes = append(notes, fmt.Sprintf("Where no change is shown, one of %s %% would have been.", significant(100*x.Family.Detectable, 2)))
		}
		if x.Rest.Functions > 0 {
			notes = append(notes, fmt.Sprintf("%d functions too small to be tested cost %s before and %s after together.", x.Rest.Functions, significant(x.Rest.Before, 3), significant(x.Rest.After, 3)))
		}
		if len(x.Merged) > 0 {
			notes = append(notes, fmt.Sprintf("%d names of compiler variants (.isra, .constprop, ...) were put together.", len(x.Merged)))
		}
		s.Parts = append(s.Parts, part{Table: t}, part{List: append(notes, reasonTexts(x.Notes)...)})
	}
	if len(s.Parts) == 0 {
		return section{}
	}
	return s
}

// lawSection compares the law fitted to both sides.
func lawSection(list []analyze.CompareUSL) section {
	t := table{ID: "law-table", Caption: "The law of scaling (USL), X(N) = gamma N / (1 + sigma (N-1) + kappa N (N-1)): sigma is what does not run in parallel, kappa what each pair of CPUs costs", Head: []column{
		{Text: "mode"}, {Text: "parameter"}, {Text: "before", Number: true}, {Text: "after", Number: true}, {Text: "difference", Number: true}, {Text: "p", Number: true}, {Text: "verdict"}}}
	for _, u := range list {
		b, a := u.Change.Before, u.Change.After
		if !b.Known() || !a.Known() {
			why := reasonText(b.Missing)
			if b.Known() {
				why = reasonText(a.Missing)
			}
			t.Note = strings.TrimSpace(t.Note + " " + orWord(name(u.Mode), "the runs") + ": not fitted: " + why + ".")
			continue
		}
		t.Rows = append(t.Rows,
			lawRow(u.Mode, "sigma", b.Sigma, a.Sigma, u.Change.Sigma, u.Change.Missing),
			lawRow(u.Mode, "kappa", b.Kappa, a.Kappa, u.Change.Kappa, u.Change.Missing),
			[]cell{textCell(u.Mode), textCell("best N"), peakCell(b.Peak), peakCell(a.Peak), {Text: "–", Muted: true, Number: true}, {Text: "–", Muted: true, Number: true}, {Text: "–", Muted: true}})
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

func lawRow(mode, what string, b, a scaling.Parameter, change scaling.ParameterChange, why *compare.Reason) []cell {
	parameter := func(p scaling.Parameter) cell {
		return estimateCell(compare.Estimate{Value: p.Value, Interval: p.Interval}, 1)
	}
	words, p := cell{Text: "no change shown", Muted: true}, cell{Text: compare.PText(change.P), Number: true, Sort: exact(change.P)}
	switch {
	case why != nil:
		words, p = cell{Text: "not tested", Title: name(reasonText(why)), Muted: true}, cell{Text: "–", Muted: true, Number: true, Sort: "2"}
	case change.Star && change.Difference.Value < 0:
		words = cell{Text: "★ ▼ better"}
	case change.Star:
		words = cell{Text: "★ ▲ worse", Warn: true}
	}
	return []cell{textCell(mode), textCell(what), parameter(b), parameter(a), estimateCell(change.Difference, 1), p, words}
}

func peakCell(p scaling.Peak) cell {
	if p.Missing != nil {
		return missingCell(p.Missing)
	}
	c := numberOf(p.N)
	c.Text = pretty(significant(p.N, 3))
	if p.Beyond {
		c.Small = "beyond the data"
	}
	return c
}

// trustSection says what weakens a comparison: what differs, gates, A/A.
func trustSection(c *analyze.Comparison) section {
	s := section{ID: "comparable", Nav: "Comparable?", Title: "Are the sides comparable?"}
	t := table{ID: "varied-table", Caption: "What does not have one value in all runs of both sides", Head: []column{{Text: "what"}, {Text: "where"}, {Text: "before"}, {Text: "after"}, {Text: "expected"}}}
	for _, v := range c.Varied {
		expected := cell{Text: "no", Warn: true}
		if v.Expected {
			expected = cell{Text: "yes, the change under test"}
		}
		t.Rows = append(t.Rows, []cell{textCell(v.Key), textCell(string(v.Where)), {Text: visible(valuesText(v.Before), 200)}, {Text: visible(valuesText(v.After), 200)}, expected})
	}
	if len(t.Rows) > 0 {
		s.Parts = append(s.Parts, part{Table: bounded(t, 100)})
	} else {
		s.Parts = append(s.Parts, part{Text: "Everything that is recorded of host, kernel, settings and placement is the same in all runs of both sides."})
	}
	if len(c.Gates) > 0 {
		g := table{ID: "worst-gates", Caption: "Gates: the worst of all runs of both sides", Head: []column{{Text: "gate"}, {Text: "status"}, {Text: "evidence"}, {Text: "next"}}}
		for _, x := range c.Gates {
			g.Rows = append(g.Rows, []cell{textCell(x.ID), statusCell(x.Status), {Text: visible(x.Evidence, 300)}, {Text: visible(x.Next, 300)}})
		}
		s.Parts = append(s.Parts, part{Table: g})
	}
	if len(c.Blanked) > 0 {
		var list []string
		for _, b := range c.Blanked[:min(100, len(c.Blanked))] {
			list = append(list, visible(b, 200))
		}
		s.Parts = append(s.Parts, folded(fmt.Sprintf("%d stars that failed gates took", len(c.Blanked)), part{List: list}))
	}
	s.Parts = append(s.Parts, part{Heading: "How often is nothing called something?", Text: aaText(c.AA)})
	o := c.Options.Defaults()
	s.Parts = append(s.Parts, part{Muted: true, Text: sentence(fmt.Sprintf("The run is the unit of every test. Medians with order-statistic intervals; ratio of medians with a bootstrap interval (seed %d); exact Mann-Whitney U, or by blocks; a star needs %d runs a side, p or q below %s, and an interval clear of %s %%. Headlines were named beforehand and are tested plainly.",
		o.Seed, compare.MinRuns, significant(o.Alpha, 2), significant(100*max(o.MinChange, 0), 2)))})
	return s
}

// aaText says what runs of one side gave when they were compared with each
// other.
func aaText(aa *compare.AAResult) string {
	switch {
	case aa == nil:
		return fmt.Sprintf("Not checked: it takes %d runs of one side.", 2*compare.MinRuns)
	case aa.Missing != nil:
		return "Not checked: " + reasonText(aa.Missing) + "."
	}
	s := fmt.Sprintf("%d runs of one side, split at random %d times: %s %% of %d tests were below the level (%s %% expected), %d splits had a star.",
		aa.Runs, aa.Splits, significant(100*aa.Rate, 2), aa.Tests, significant(100*aa.Expected, 2), aa.Starred)
	if aa.Drift.Starred > 0 {
		s += fmt.Sprintf(" The first half of the runs differs from the second in %d figures: the order of runs explains part of what is seen.", aa.Drift.Starred)
	}
	return sentence(s)
}

// stageFigure is the second figure of a comparison's first screen.
func stageFigure(side []*analyze.Run) figureBox {
	chart := stageChart(side)
	chart.wide = halfWide
	return figureBox{ID: "chart-cost", Title: "What does a packet cost?", Caption: "By stage, the run of median packets/s at the largest N of each side. The thin bar under each is the part spent in locks.",
		Picture: template.HTML(chart.render()), Legend: chart.legendItems()}
}
