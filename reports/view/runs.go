package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
)

// AllCPUs returns the main event's figures over all CPUs. Of a run without
// events every value says so.
func AllCPUs(r *result.Run) result.CPU { return AllOf(r.Main()) }

// AllOf returns an event's figures over all CPUs. Of nil every value says that there
// are none.
func AllOf(e *result.Event) result.CPU {
	if e != nil {
		return e.All
	}
	gap := bundle.Gap{What: "samples", Why: "the run has no samples"}
	return result.CPU{
		CPU:           -1,
		SpinShare:     metric.NotMeasured(metric.SpinID, "ratio", gap),
		LockWordShare: metric.NotMeasured(metric.LockWordID, "ratio", gap),
		PerPacket:     metric.NotMeasured(metric.CostID, "", gap),
	}
}

// NoCost stands for the unit where no cost per packet was measured.
const NoCost = "cost/packet"

// CostUnit returns the unit of the cost per packet of the primary events, or
// noCost.
func CostUnit(runs []*result.Run) string {
	for _, r := range runs {
		if v := AllCPUs(r).PerPacket; v.Measured() && v.Unit != "" {
			return format.Visible(v.Unit, 24)
		}
	}
	return NoCost
}

// RunLabel names a run as short as it is told apart: "shared N=4".
func RunLabel(r *result.Run) string {
	label := GroupLabel(r)
	if repeat := r.Labels[bundle.LabelRepeat]; repeat != "" && r.Mode != "" {
		label += " #" + format.Visible(repeat, 12)
	}
	return label
}

// GroupLabel names a run that stands for its repeats: "shared N=4".
func GroupLabel(r *result.Run) string {
	if r.Mode == "" {
		return Sided(r.Side, format.OrDash(format.Visible(r.Name, 48)))
	}
	return Sided(r.Side, fmt.Sprintf("%s N=%d", format.Visible(r.Mode, 32), r.N))
}

// Sided puts the side of a comparison before a label.
func Sided(side, label string) string {
	if side == "" {
		return label
	}
	return format.Visible(side, 12) + " " + label
}

// A Group is the repeats of one mode and N. Its chosen run has the median
// packet rate (the lower one of two), so that what is printed was measured.
// Runs without a mode repeat nothing: each is a group.
type Group struct {
	Chosen  *result.Run
	Repeats int
	Curve   int // index into Result.Curves
}

// MedianRuns picks one run of each mode and N, in the order of the curves.
func MedianRuns(r *result.Result) []Group {
	var out []Group
	for i, c := range r.Curves {
		runs := result.Pick(r.Runs, c.Runs)
		for len(runs) > 0 {
			k := 1
			for k < len(runs) && runs[k].N == runs[0].N && c.Mode != "" {
				k++
			}
			same := slices.Clone(runs[:k])
			slices.SortStableFunc(same, func(a, b *result.Run) int {
				return cmp.Compare(rateOf(a), rateOf(b))
			})
			out = append(out, Group{same[(k-1)/2], k, i})
			runs = runs[k:]
		}
	}
	return out
}

// RepeatsText says that runs stand for repeats, "" if they do not.
func RepeatsText(r *result.Result) string {
	most := Repeats(MedianRuns(r))
	if most == 1 {
		return ""
	}
	return fmt.Sprintf("Of %d repeats the run of median packets/s stands for all; results.json has every one.",
		most)
}

func rateOf(r *result.Run) float64 {
	if v := r.Packets.Headline(); format.Finite(v) {
		return v.Value
	}
	if r.Traffic != nil && format.Finite(r.Traffic.Throughput) {
		return r.Traffic.Throughput.Value
	}
	return 0
}

// Pick chooses at most limit of n things: the first, the last, and others
// evenly between.
func Pick(n, limit int) []int {
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

// Common returns what all runs have in common, or the first two values and how
// many there are.
func Common(runs []*result.Run, f func(*result.Run) string) string {
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

// TopShares returns the heaviest shares, heaviest first; equal ones keep their
// order.
func TopShares(s []result.Share, n int) []result.Share {
	s = slices.Clone(s)
	slices.SortStableFunc(s, func(a, b result.Share) int { return cmp.Compare(b.Weight.Period, a.Weight.Period) })
	return s[:min(n, len(s))]
}

// RateOfCPU is the packet rate of one CPU, not finite if it is not known.
func RateOfCPU(r *result.Run, cpu int) metric.Value {
	if i := slices.IndexFunc(r.Packets.PerCPU, func(v result.CPUValue) bool { return v.CPU == cpu }); i >= 0 {
		return r.Packets.PerCPU[i].Value
	}
	return metric.Value{Value: math.NaN()}
}

// CPUsText says which CPUs a run measured, or what else N counts.
func CPUsText(r *result.Run) string {
	switch {
	case r.N == 0:
		return cmp.Or(r.Factor, "CPUs") + " not recorded"
	case r.Factor != "":
		return format.Counted(r.N, strings.TrimSuffix(r.Factor, "s"))
	}
	return format.Counted(r.N, "CPU") + ": " + format.OrUnknown(r.Manifest.Plan.CPUs.String())
}

// LargestN reports whether no other run of a run's mode and side has more CPUs.
func LargestN(r *result.Result, run *result.Run) bool {
	return run.Mode == "" || !slices.ContainsFunc(result.RunsPresent(r), func(o *result.Run) bool {
		return o.Mode == run.Mode && o.Side == run.Side && o.N > run.N
	})
}

// Sides reports whether a Result has runs of two kernels.
func Sides(r *result.Result) bool {
	return slices.ContainsFunc(result.RunsPresent(r), func(r *result.Run) bool { return r.Side != "" })
}

// LastOfModes returns each mode's run at its largest N.
func LastOfModes(r *result.Result) []*result.Run { return Last(MedianRuns(r)) }

// Last returns of groups each mode's at its largest N; a run without a mode stands
// for itself.
func Last(groups []Group) []*result.Run {
	var last []*result.Run
	for i, g := range groups {
		if i+1 == len(groups) || g.Chosen.Mode == "" || groups[i+1].Curve != g.Curve {
			last = append(last, g.Chosen)
		}
	}
	return last
}

// Repeats is how many runs a group has at most.
func Repeats(groups []Group) int {
	most := 1
	for _, g := range groups {
		most = max(most, g.Repeats)
	}
	return most
}

// PageRuns chooses the runs that tables put side by side: at most limit, the
// first and the last of all and others between.
func PageRuns(r *result.Result, limit int) []*result.Run {
	groups := MedianRuns(r)
	var runs []*result.Run
	for _, i := range Pick(len(groups), limit) {
		runs = append(runs, groups[i].Chosen)
	}
	if len(runs) == 0 {
		runs = result.RunsPresent(r)
	}
	return runs[:min(limit, len(runs))]
}

// HostName names a run's host. "(none)" is what Linux calls one that was given
// no name (UTS_NODENAME, include/linux/uts.h, 6.12).
func HostName(r *result.Run) string {
	if r.Manifest.Host.Name == "(none)" {
		return "unnamed"
	}
	return r.Manifest.Host.Name
}

// WhereText says on what was measured, and what.
func WhereText(runs []*result.Run) (host, what string) {
	host = Common(runs, HostName)
	kernel := Common(runs, func(r *result.Run) string {
		return strings.TrimSpace(r.Manifest.Host.Kernel + " " + r.Manifest.Host.Arch)
	})
	cpu := Common(runs, func(r *result.Run) string { return r.Manifest.Host.CPUModel })
	event := EventText(runs, func(e *result.Event) string {
		if e == nil {
			return "none"
		}
		return e.Name + " (" + e.Unit + ")"
	})
	host = fmt.Sprintf("host %s, kernel %s, %s", format.OrUnknown(host), format.OrUnknown(kernel),
		format.OrUnknown(cpu))
	what = fmt.Sprintf("event %s, -F %s, %s s", event, format.OrUnknown(Common(runs, Frequency)),
		format.OrUnknown(Common(runs, Seconds)))
	if event == "none" {
		what = "no samples were taken"
	}
	if source := Common(runs, func(r *result.Run) string { return r.Packets.Source }); source != "" {
		if len(runs) > 1 && event != "none" {
			what += " a run"
		}
		what += "; packets: " + source
	}
	return host, what
}

// EventText names the main event of runs, of a hybrid CPU those of all PMUs: a run on
// few CPUs has not all of them. of is called with nil for a run without one.
func EventText(runs []*result.Run, of func(*result.Event) string) string {
	if len(result.PMUs(runs)) == 1 {
		return Common(runs, func(r *result.Run) string { return of(r.Main()) })
	}
	var names []string
	for _, r := range runs {
		for _, e := range r.Mains() {
			names = result.AppendNew(names, of(e))
		}
	}
	return strings.Join(names, " and ")
}

func Frequency(r *result.Run) string {
	if hz := r.Manifest.Plan.FrequencyHz; hz > 0 {
		return fmt.Sprint(hz)
	}
	if e := r.Main(); e != nil && e.Profile != nil && e.Profile.Event.FrequencyHz > 0 {
		return fmt.Sprint(e.Profile.Event.FrequencyHz)
	}
	return ""
}

func Seconds(r *result.Run) string { return SecondsText(r.Manifest.Window.Seconds()) }

// SecondsText is how long a window was, "" of none; that of a simulated machine is a part of a second.
func SecondsText(s float64) string {
	switch {
	case s >= 1:
		return format.Decimals(s, 1)
	case s > 0:
		return format.Significant(s, 2)
	}
	return ""
}

// CPUModel is what runs were made on; what a simulated machine lacks is a caveat.
func CPUModel(runs []*result.Run) string {
	for _, r := range runs {
		if e := r.Main(); e != nil && e.Counted() {
			return "simulated"
		}
	}
	return Common(runs, func(r *result.Run) string { return r.Manifest.Host.CPUModel })
}

// WindowText is how long windows were: "5", "0.02 to 0.3".
func WindowText(runs []*result.Run) string {
	shortest, longest := math.Inf(1), 0.0
	for _, r := range runs {
		if s := r.Manifest.Window.Seconds(); s > 0 {
			shortest, longest = min(shortest, s), max(longest, s)
		}
	}
	short, long := format.Significant(shortest, 2), format.Significant(longest, 2)
	switch {
	case longest == 0:
		return ""
	case short == long:
		return strings.TrimSuffix(long, ".0")
	}
	return short + " to " + long
}
