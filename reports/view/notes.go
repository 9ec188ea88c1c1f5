package view

import (
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
)

// Brief cuts what a sentence says after a semicolon, or else after its last
// colon, if enough is left to be understood.
func Brief(text string) string {
	const enough = 30
	if at := strings.Index(text, "; "); at >= enough {
		return text[:at]
	}
	if at := strings.LastIndex(text, ": "); at >= enough {
		return text[:at]
	}
	return text
}

// A note is a loss, a gap or a warning with the runs it holds for.
type note struct {
	// Weakens is also what was not measured, "" if it is in Text only; Text includes it.
	bundle.Warning
	Partial bool   // that a run is partial
	Cause   string // of a gap: why, without details
	Fix     string
	Runs    []*result.Run // each once; none: it holds for all together
}

func noteOf(weakens, format string, args ...any) note {
	return note{Warning: bundle.Warn(weakens, format, args...)}
}

// missingNote is a gap without its subject.
func missingNote(g bundle.Gap) note {
	x := noteOf("", "not measured: %s", format.OrDash(g.Why))
	x.Fix = g.Fix
	return x
}

// Notes collects sentences and the runs that have them, in order of first use.
type Notes []note

// add adds a note of one run, or with nil of all runs together.
func (n *Notes) add(x note, run *result.Run) {
	i := slices.IndexFunc(*n, func(o note) bool { return o.Text == x.Text && o.Fix == x.Fix })
	if i < 0 {
		*n = append(*n, x)
		i = len(*n) - 1
	}
	if run != nil && !slices.Contains((*n)[i].Runs, run) {
		(*n)[i].Runs = append((*n)[i].Runs, run)
	}
}

// Gaps returns what was not measured and why.
func Gaps(r *result.Result) Notes {
	var n Notes
	for _, run := range result.RunsPresent(r) {
		add := func(g *bundle.Gap) {
			if g != nil {
				n.add(gapNote(*g), run)
			}
		}
		for i := range run.Gaps {
			add(&run.Gaps[i])
		}
		for i := range run.Manifest.Gaps {
			add(&run.Manifest.Gaps[i])
		}
		add(run.Packets.Rate.Missing)
		add(run.Locks.Gap)
		a := AllCPUs(run)
		add(a.SpinShare.Missing)
		add(a.PerPacket.Missing)
		for _, e := range eventNotes(run) {
			n.add(e, run)
		}
	}
	return n
}

func gapNote(g bundle.Gap) note {
	what := format.OrDash(g.What)
	x := noteOf(what, "%s: %s", what, format.OrDash(g.Why))
	x.Cause, x.Fix = g.Reason(), g.Fix
	return x
}

// eventNotes says which events another took the place of, and which did not
// open at all.
func eventNotes(r *result.Run) []note {
	var out []note
	var closed []string
	why := ""
	for _, e := range r.Manifest.Events {
		switch e.Opened {
		case e.Asked:
		case "":
			closed = append(closed, e.Asked)
			why = e.Why
		default:
			out = append(out, noteOf("", "event %s: %s took its place: %s", e.Asked, e.Opened,
				format.OrDash(e.Why)))
		}
	}
	if len(closed) > 0 {
		out = append(out, noteOf("", "events that did not open: %s: %s", strings.Join(closed, ", "),
			format.OrDash(why)))
	}
	return out
}

// Losses returns what was lost, run by run.
func Losses(r *result.Result) Notes {
	var n Notes
	for _, run := range result.RunsPresent(r) {
		add := func(list []bundle.Loss) {
			for _, l := range list {
				if l.Count > 0 {
					n.add(lossNote(l), run)
				}
			}
		}
		add(run.Losses)
		add(run.Manifest.Losses)
		for _, e := range run.Events {
			add(e.Losses)
		}
		add(run.Locks.Losses)
	}
	return n
}

// LossText is a loss as a sentence.
func LossText(l bundle.Loss) string { return lossNote(l).Text }

func lossNote(l bundle.Loss) note {
	form, args := "%s: %s: %d", []any{format.OrDash(l.Source), format.OrDash(l.What), l.Count}
	add := func(more string, arg any) { form, args = form+more, append(args, arg) }
	if l.Of > 0 {
		add(" of %d", l.Of)
	}
	if l.CPU != nil {
		add(" on CPU %d", *l.CPU)
	}
	if l.Event != "" {
		add(" of event %s", l.Event)
	}
	if l.Effect != "" {
		add("; %s", l.Effect)
	}
	return noteOf(l.Source, form, args...)
}

// WholeRun is the subject of what is said of a run itself.
const WholeRun = "run"

// Warnings returns what weakens the numbers, partial runs first.
func Warnings(r *result.Result) Notes {
	var n Notes
	names := metricNames()
	for _, run := range result.RunsPresent(r) {
		if run.Manifest.Status == bundle.Partial {
			x := noteOf(WholeRun, "the run is partial: %s", format.OrDash(run.Manifest.Why))
			x.Partial = true
			n.add(x, run)
		}
	}
	for _, w := range r.Warnings {
		n.add(warningNote(w, names), nil)
	}
	for _, run := range result.RunsPresent(r) {
		add := func(list []bundle.Warning) {
			for _, w := range list {
				n.add(warningNote(w, names), run)
			}
		}
		add(run.Warnings)
		add(run.Manifest.Warnings)
		for _, e := range run.Events {
			add(e.Warnings)
		}
		for _, d := range run.Drops {
			n.add(noteOf("drops "+d.Name, "xfrm_stat %s rose by %d: packets were dropped", d.Name,
				d.Delta), run)
		}
		for _, c := range run.Manifest.Commands {
			if c.Exit != 0 && !c.Stopped && len(c.Argv) > 0 {
				n.add(noteOf("command "+c.Argv[0], "command %s ended with exit code %d", c.Argv[0],
					c.Exit), run)
			}
		}
	}
	return n
}

// warningNote names what a warning weakens as tables do; what is said of the
// run itself needs no name.
func warningNote(w bundle.Warning, names map[string]string) note {
	subject := w.Weakens
	if name := names[subject]; name != "" {
		subject = name
	}
	if subject != "" && subject != WholeRun {
		w = w.Behind(subject + ": ")
	}
	return note{Warning: w}
}

// metricNames maps the ids of metrics to the names printed in table heads.
func metricNames() map[string]string {
	names := map[string]string{}
	for _, f := range metric.Catalogue() {
		names[f.ID] = f.Name
	}
	return names
}

// Blind returns what the wait probe cannot see.
func Blind(r *result.Result) Notes {
	var n Notes
	for _, run := range result.RunsPresent(r) {
		for _, b := range run.Locks.Blind {
			n.add(noteOf("", "the wait probe (%s) does not see %s",
				format.OrDash(run.Locks.AttachMode), b), run)
		}
	}
	return n
}

// NotProven returns the limits of the findings, each once.
func NotProven(r *result.Result) []string {
	var out []string
	for _, f := range r.Findings {
		if f.NotProven != "" && !slices.Contains(out, format.Visible(f.NotProven, 400)) {
			out = append(out, format.Visible(f.NotProven, 400))
		}
	}
	if len(out) == 0 && len(result.RunsPresent(r)) > 0 {
		out = append(out, "Errors are of sampling within a run; how far runs of the same kind lie apart is "+
			"seen only from repeats.")
	}
	return out
}

// RunsText says which runs a note holds for: "all 6 runs", "shared N=4".
func (n note) RunsText(total int) string {
	switch labels := n.labels(); {
	case len(n.Runs) == 0:
		return "all runs"
	case len(n.Runs) == total && total > 1:
		return fmt.Sprintf("all %d runs", total)
	case len(labels) <= 2:
		return strings.Join(labels, ", ")
	}
	return fmt.Sprintf("%d of %d runs", len(n.Runs), total)
}

// labels names the runs a note holds for, each once.
func (n note) labels() []string {
	var labels []string
	for _, r := range n.Runs {
		labels = result.AppendNew(labels, RunLabel(r))
	}
	return labels
}

// A NoteList is notes with the number of runs they may hold for.
type NoteList struct {
	Total int
	Notes Notes
}

// Show is a note's sentence, ShowFix what to do, Where the runs it holds for,
// Labels their names.
func (n note) Show() string { return format.Visible(n.Text, 500) }

// Number is the i-th note's, counted from one.
func (note) Number(i int) int { return i + 1 }

func (n note) ShowFix() string { return format.Visible(n.Fix, 300) }

func (n note) Labels() string { return format.Visible(strings.Join(n.labels(), ", "), 400) }

func (n note) Where(total int) string {
	if total < 2 {
		return ""
	}
	return format.Visible(n.RunsText(total), 160)
}

// Unsaid are the notes that no table or caveat puts together over runs: those of a
// kind are said there in figures.
func (n Notes) Unsaid() Notes {
	return slices.DeleteFunc(slices.Clone(n), func(x note) bool {
		return x.Partial || x.Kind != "" && x.Kind != bundle.WarnUnused
	})
}
