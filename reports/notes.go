package reports

import (
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

// A note is a loss, a gap or a warning with the runs it holds for.
type note struct {
	Subject string // what it weakens or what was not measured, "" if it is in Text only
	Text    string // one sentence, Subject included
	Cause   string // of a gap: why, without details
	Fix     string
	Runs    []*analyze.Run // each once; none: it holds for all together
}

// notes collects sentences and the runs that have them, in order of first use.
type notes []note

// add adds a note of one run, or with nil of all runs together.
func (n *notes) add(x note, run *analyze.Run) {
	i := slices.IndexFunc(*n, func(o note) bool { return o.Text == x.Text && o.Fix == x.Fix })
	if i < 0 {
		*n = append(*n, x)
		i = len(*n) - 1
	}
	if run != nil && !slices.Contains((*n)[i].Runs, run) {
		(*n)[i].Runs = append((*n)[i].Runs, run)
	}
}

// gaps returns what was not measured and why.
func gaps(r *analyze.Result) notes {
	var n notes
	for _, run := range present(r) {
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
		a := all(run)
		add(a.SpinShare.Missing)
		add(a.PerPacket.Missing)
		for _, e := range eventNotes(run) {
			n.add(e, run)
		}
	}
	return n
}

func gapNote(g bundle.Gap) note {
	return note{Subject: orDash(g.What), Text: orDash(g.What) + ": " + orDash(g.Why), Cause: cause(g.Why), Fix: g.Fix}
}

// cause is the first clause of a reason: "no hardware counters: cycles: ENOENT"
// begins with it. A single word is an event or a file, not a reason.
func cause(why string) string {
	clause, _, found := strings.Cut(why, ": ")
	if !found || !strings.Contains(clause, " ") {
		return why
	}
	return clause
}

// eventNotes says which events another took the place of, and which did not
// open at all.
func eventNotes(r *analyze.Run) []note {
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
			out = append(out, note{Text: fmt.Sprintf("event %s: %s took its place: %s", e.Asked, e.Opened, orDash(e.Why))})
		}
	}
	if len(closed) > 0 {
		out = append(out, note{Text: fmt.Sprintf("events that did not open: %s: %s", strings.Join(closed, ", "), orDash(why))})
	}
	return out
}

// losses returns what was lost, run by run.
func losses(r *analyze.Result) notes {
	var n notes
	for _, run := range present(r) {
		add := func(list []bundle.Loss) {
			for _, l := range list {
				if l.Count > 0 {
					n.add(note{Subject: l.Source, Text: lossText(l)}, run)
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

func lossText(l bundle.Loss) string {
	s := fmt.Sprintf("%s: %s: %d", orDash(l.Source), orDash(l.What), l.Count)
	if l.Of > 0 {
		s += fmt.Sprintf(" of %d", l.Of)
	}
	if l.CPU != nil {
		s += fmt.Sprintf(" on CPU %d", *l.CPU)
	}
	if l.Event != "" {
		s += " of event " + l.Event
	}
	if l.Effect != "" {
		s += "; " + l.Effect
	}
	return s
}

// warnings returns what weakens the numbers, partial runs first.
func warnings(r *analyze.Result) notes {
	var n notes
	names := metricNames()
	for _, run := range present(r) {
		if run.Manifest.Status == bundle.Partial {
			n.add(note{Subject: "run", Text: "the run is partial: " + orDash(run.Manifest.Why)}, run)
		}
	}
	for _, w := range r.Warnings {
		n.add(warningNote(w, names), nil)
	}
	for _, run := range present(r) {
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
			n.add(note{Subject: "drops " + d.Name, Text: fmt.Sprintf("xfrm_stat %s rose by %d: packets were dropped", d.Name, d.Delta)}, run)
		}
		for _, c := range run.Manifest.Commands {
			if c.Exit != 0 && !c.Stopped && len(c.Argv) > 0 {
				n.add(note{Subject: "command " + c.Argv[0], Text: fmt.Sprintf("command %s ended with exit code %d", c.Argv[0], c.Exit)}, run)
			}
		}
	}
	return n
}

// warningNote names what a warning weakens as tables do; what is said of the
// run itself needs no name.
func warningNote(w bundle.Warning, names map[string]string) note {
	x := note{Subject: w.Weakens, Text: w.Text}
	subject := w.Weakens
	if name := names[subject]; name != "" {
		subject = name
	}
	if subject != "" && subject != "run" {
		x.Text = subject + ": " + w.Text
	}
	return x
}

// metricNames maps the ids of metrics to the names printed in table heads.
func metricNames() map[string]string {
	names := map[string]string{}
	for _, f := range metric.Catalogue() {
		names[f.ID] = f.Name
	}
	return names
}

// blind returns what the wait probe cannot see.
func blind(r *analyze.Result) notes {
	var n notes
	for _, run := range present(r) {
		for _, b := range run.Locks.Blind {
			n.add(note{Text: "the wait probe (" + orDash(run.Locks.Rung) + ") does not see " + b}, run)
		}
	}
	return n
}

// notProven returns the limits of the findings, each once.
func notProven(r *analyze.Result) []string {
	var out []string
	for _, f := range r.Findings {
		if f.NotProven != "" && !slices.Contains(out, visible(f.NotProven, 400)) {
			out = append(out, visible(f.NotProven, 400))
		}
	}
	if len(out) == 0 && len(present(r)) > 0 {
		out = append(out, "Errors are one standard error of sampling within a run; how far runs of the same kind lie apart is seen only from repeats.")
	}
	return out
}

// runsText says which runs a note holds for: "all 6 runs", "shared N=4".
func (n note) runsText(total int) string {
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
		if l := runLabel(r); !slices.Contains(labels, l) {
			labels = append(labels, l)
		}
	}
	return labels
}
