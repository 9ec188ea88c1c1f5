package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

// all returns the main event's figures over all CPUs. Of a run without
// events every value says so.
func all(r *analyze.Run) analyze.CPU {
	if e := r.Main(); e != nil {
		return e.All
	}
	gap := bundle.Gap{What: "samples", Why: "the run has no samples"}
	return analyze.CPU{
		CPU:           -1,
		SpinShare:     metric.NotMeasured(metric.SpinID, "ratio", gap),
		LockWordShare: metric.NotMeasured(metric.LockWordID, "ratio", gap),
		PerPacket:     metric.NotMeasured(metric.CostID, "", gap),
	}
}

// noCost stands for the unit where no cost per packet was measured.
const noCost = "cost/packet"

// costUnit returns the unit of the cost per packet of the primary events, or
// noCost.
func costUnit(runs []*analyze.Run) string {
	for _, r := range runs {
		if v := all(r).PerPacket; v.Measured() && v.Unit != "" {
			return visible(v.Unit, 24)
		}
	}
	return noCost
}

// runLabel names a run as short as it is told apart: "shared N=4".
func runLabel(r *analyze.Run) string {
	if r.Mode == "" {
		return orDash(visible(r.Name, 48))
	}
	return fmt.Sprintf("%s N=%d", visible(r.Mode, 32), r.N)
}

// runsOf returns the runs of a curve; indexes that do not exist are left out.
func runsOf(r *analyze.Result, c analyze.Curve) []*analyze.Run {
	var runs []*analyze.Run
	for _, i := range c.Runs {
		if i >= 0 && i < len(r.Runs) && r.Runs[i] != nil {
			runs = append(runs, r.Runs[i])
		}
	}
	return runs
}

// present returns the runs of a result that are there.
func present(r *analyze.Result) []*analyze.Run {
	return slices.DeleteFunc(slices.Clone(r.Runs), func(r *analyze.Run) bool { return r == nil })
}

// A group is the repeats of one mode and N. Its chosen run has the median
// packet rate (the lower one of two), so that what is printed was measured.
type group struct {
	chosen  *analyze.Run
	repeats int
}

// medianRuns picks one run of each mode and N, in the order of the curves.
func medianRuns(r *analyze.Result) []group {
	var out []group
	for _, c := range r.Curves {
		runs := runsOf(r, c)
		for len(runs) > 0 {
			k := 1
			for k < len(runs) && runs[k].N == runs[0].N {
				k++
			}
			same := slices.Clone(runs[:k])
			slices.SortStableFunc(same, func(a, b *analyze.Run) int { return cmp.Compare(rateOf(a), rateOf(b)) })
			out = append(out, group{same[(k-1)/2], k})
			runs = runs[k:]
		}
	}
	return out
}

func rateOf(r *analyze.Run) float64 {
	if finite(r.Packets.Rate) {
		return r.Packets.Rate.Value
	}
	return 0
}

// pick chooses at most limit of n things: the first, the last, and others
// evenly between.
func pick(n, limit int) []int {
	var out []int
	if limit < 2 || n <= limit {
		for i := range min(n, max(limit, 1)) {
			out = append(out, i)
		}
		return out
	}
	for i := range limit {
		out = append(out, i*(n-1)/(limit-1))
	}
	return out
}

// common returns what all runs have in common, or the first two values and how
// many there are.
func common(runs []*analyze.Run, f func(*analyze.Run) string) string {
	var seen []string
	for _, r := range runs {
		if v := f(r); v != "" && !slices.Contains(seen, v) {
			seen = append(seen, v)
		}
	}
	switch len(seen) {
	case 0:
		return ""
	case 1:
		return seen[0]
	}
	return fmt.Sprintf("%d differ: %s", len(seen), strings.Join(seen[:2], "; "))
}

// A note is a loss, a gap or a warning with the runs it holds for.
type note struct {
	Text string // one sentence
	Fix  string
	Runs []string // labels, each once
}

// notes collects sentences and the runs that have them, in order of first use.
type notes []note

func (n *notes) add(text, fix, run string) {
	i := slices.IndexFunc(*n, func(o note) bool { return o.Text == text && o.Fix == fix })
	if i < 0 {
		*n = append(*n, note{Text: text, Fix: fix})
		i = len(*n) - 1
	}
	if !slices.Contains((*n)[i].Runs, run) {
		(*n)[i].Runs = append((*n)[i].Runs, run)
	}
}

// gaps returns what was not measured and why.
func gaps(r *analyze.Result) notes {
	var n notes
	for _, run := range present(r) {
		add := func(g *bundle.Gap) {
			if g != nil {
				n.add(orDash(g.What)+": "+orDash(g.Why), g.Fix, runLabel(run))
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
		for _, e := range run.Manifest.Events {
			if e.Opened != e.Asked {
				n.add(substitution(e), "", runLabel(run))
			}
		}
	}
	return n
}

func substitution(e bundle.Event) string {
	if e.Opened == "" {
		return fmt.Sprintf("event %s: %s", e.Asked, orDash(e.Why))
	}
	return fmt.Sprintf("event %s: %s took its place: %s", e.Asked, e.Opened, orDash(e.Why))
}

// losses returns what was lost, run by run.
func losses(r *analyze.Result) notes {
	var n notes
	for _, run := range present(r) {
		add := func(list []bundle.Loss) {
			for _, l := range list {
				if l.Count > 0 {
					n.add(lossText(l), "", runLabel(run))
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
	s := orDash(l.Source) + ": " + orDash(l.What) + ": " + count(l.Count)
	if l.Of > 0 {
		s += " of " + count(l.Of)
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
	for _, run := range present(r) {
		if run.Manifest.Status == bundle.Partial {
			n.add("the run is partial: "+orDash(run.Manifest.Why), "", runLabel(run))
		}
	}
	for _, w := range r.Warnings {
		n.add(warningText(w), "", "all runs")
	}
	for _, run := range present(r) {
		add := func(list []bundle.Warning) {
			for _, w := range list {
				n.add(warningText(w), "", runLabel(run))
			}
		}
		add(run.Warnings)
		add(run.Manifest.Warnings)
		for _, e := range run.Events {
			add(e.Warnings)
		}
		for _, d := range run.Drops {
			n.add(fmt.Sprintf("xfrm_stat %s rose by %s: packets were dropped", d.Name, count(d.Delta)), "", runLabel(run))
		}
		for _, c := range run.Manifest.Commands {
			if c.Exit != 0 && !c.Stopped && len(c.Argv) > 0 {
				n.add(fmt.Sprintf("command %s ended with exit code %d", c.Argv[0], c.Exit), "", runLabel(run))
			}
		}
	}
	return n
}

func warningText(w bundle.Warning) string {
	if w.Weakens == "" {
		return w.Text
	}
	return w.Weakens + ": " + w.Text
}

// blind returns what the wait probe cannot see.
func blind(r *analyze.Result) notes {
	var n notes
	for _, run := range present(r) {
		for _, b := range run.Locks.Blind {
			n.add("the wait probe ("+orDash(run.Locks.Rung)+") does not see "+b, "", runLabel(run))
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
	switch {
	case slices.Contains(n.Runs, "all runs"):
		return "all runs"
	case len(n.Runs) == total && total > 1:
		return fmt.Sprintf("all %d runs", total)
	case len(n.Runs) > 3:
		return fmt.Sprintf("%s and %d more runs", strings.Join(n.Runs[:2], ", "), len(n.Runs)-2)
	}
	return strings.Join(n.Runs, ", ")
}

// topShares returns the heaviest shares, heaviest first; equal ones keep their
// order.
func topShares(s []analyze.Share, n int) []analyze.Share {
	s = slices.Clone(s)
	slices.SortStableFunc(s, func(a, b analyze.Share) int { return cmp.Compare(b.Weight.Period, a.Weight.Period) })
	return s[:min(n, len(s))]
}
