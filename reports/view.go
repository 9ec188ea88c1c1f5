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
	label := groupLabel(r)
	if repeat := r.Labels[bundle.LabelRepeat]; repeat != "" && r.Mode != "" {
		label += " #" + visible(repeat, 12)
	}
	return label
}

// groupLabel names a run that stands for its repeats: "shared N=4".
func groupLabel(r *analyze.Run) string {
	if r.Mode == "" {
		return sided(r.Side, orDash(visible(r.Name, 48)))
	}
	return sided(r.Side, fmt.Sprintf("%s N=%d", visible(r.Mode, 32), r.N))
}

// sided puts the side of a comparison before a label.
func sided(side, label string) string {
	if side == "" {
		return label
	}
	return visible(side, 12) + " " + label
}

// hostName names a run's host. "(none)" is what Linux calls one that was given
// no name (UTS_NODENAME, include/linux/uts.h, 6.12).
func hostName(r *analyze.Run) string {
	if r.Manifest.Host.Name == "(none)" {
		return "unnamed"
	}
	return r.Manifest.Host.Name
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
// Runs without a mode repeat nothing: each is a group.
type group struct {
	chosen  *analyze.Run
	repeats int
	curve   int // index into Result.Curves
}

// medianRuns picks one run of each mode and N, in the order of the curves.
func medianRuns(r *analyze.Result) []group {
	var out []group
	for i, c := range r.Curves {
		runs := runsOf(r, c)
		for len(runs) > 0 {
			k := 1
			for k < len(runs) && runs[k].N == runs[0].N && c.Mode != "" {
				k++
			}
			same := slices.Clone(runs[:k])
			slices.SortStableFunc(same, func(a, b *analyze.Run) int { return cmp.Compare(rateOf(a), rateOf(b)) })
			out = append(out, group{same[(k-1)/2], k, i})
			runs = runs[k:]
		}
	}
	return out
}

// maxChosen bounds the runs that have a figure or rows of their own.
const maxChosen = 24

// chosenRuns are the runs that stand for their repeats, at most maxChosen.
func chosenRuns(r *analyze.Result) []*analyze.Run { return pageRuns(r, maxChosen) }

// repeatsText says that runs stand for repeats, "" if they do not.
func repeatsText(r *analyze.Result) string {
	most := 1
	for _, g := range medianRuns(r) {
		most = max(most, g.repeats)
	}
	if most == 1 {
		return ""
	}
	return fmt.Sprintf("Of %d repeats the run of median packets/s stands for all; results.json has every one.", most)
}

// lastOfMode reports whether a group has the largest N of its mode; a run
// without a mode stands for itself.
func lastOfMode(groups []group, i int) bool {
	return i+1 == len(groups) || groups[i].chosen.Mode == "" || groups[i+1].curve != groups[i].curve
}

func rateOf(r *analyze.Run) float64 {
	if finite(r.Packets.Rate) {
		return r.Packets.Rate.Value
	}
	if r.Traffic != nil && finite(r.Traffic.Throughput) {
		return r.Traffic.Throughput.Value
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

// topShares returns the heaviest shares, heaviest first; equal ones keep their
// order.
func topShares(s []analyze.Share, n int) []analyze.Share {
	s = slices.Clone(s)
	slices.SortStableFunc(s, func(a, b analyze.Share) int { return cmp.Compare(b.Weight.Period, a.Weight.Period) })
	return s[:min(n, len(s))]
}
