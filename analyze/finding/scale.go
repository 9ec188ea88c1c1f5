package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
)

// A ScalePoint is the evidence of one mode for the questions "does throughput
// scale with CPUs?" and "where did the cost go?": its largest N against its
// smallest.
type ScalePoint struct {
	Mode       string
	Base, N    int              // CPUs
	Speedup    compare.Estimate // rate at N over rate at Base, times Base
	Repeats    int              // runs at the N that has fewest
	Rates      []Rate           // of every run, by N
	CostUnit   string           // "ns/packet"; "" if no cost was measured
	CostBase   float64          // per packet at Base
	CostAdded  compare.Estimate // at N, over CostBase
	CostDoubt  string           // why the cost is not to be believed: broken sums; "" if nothing speaks against it
	Stages     []Added          // what each stage added, largest first
	KneeText   string           // in words, "" if scaling does not end within the data
	LawMissing string           // why no law was fitted, "" if one was
	Ceiling    bool             // it was set against the path without IPsec
}

// A Rate is packets/s of one run.
type Rate struct {
	Run   string
	Value float64
}

// An Added is a part of the added cost.
type Added struct {
	Stage string
	Cost  float64
	Share float64 // of all that was added
}

// Scale answers both questions for each mode, the one that scales worst first.
func Scale(points []ScalePoint) []result.Finding {
	points = slices.Clone(points)
	slices.SortStableFunc(points, func(a, b ScalePoint) int {
		return cmp.Compare(a.Speedup.Value/float64(a.N), b.Speedup.Value/float64(b.N))
	})
	var out []result.Finding
	for _, p := range points {
		out = append(out, scaleOfMode(p))
	}
	return out
}

func scaleOfMode(p ScalePoint) result.Finding {
	f := result.Finding{
		ID:        "scale",
		NotProven: "That the CPUs are the limit: without a run without IPsec the ceiling is not known.",
		Next:      "repeat each N, and add N between and beyond",
	}
	f.Say(p.Mode, "%s send %.1f times what %s sends (ideal %d)", cpus(p.N), p.Speedup.Value/float64(p.Base), cpus(p.Base), p.N/p.Base)
	if p.Ceiling {
		f.NotProven = "What a CPU could do alone: at N the caches and the memory are shared as well."
	}
	if p.Repeats < 2 {
		f.NotProven += " One run at an N has no spread: the speed-up has no interval."
	}
	if p.CostUnit != "" {
		f.Claim += "; a packet costs " + changed(p)
		if names := addedNames(p); names != "" {
			f.Claim += ", " + names
		}
		f.Evidence = append(f.Evidence, fmt.Sprintf("cost per packet: %.0f at %s, %.0f at %s (%s)", p.CostBase, cpus(p.Base), p.CostBase+p.CostAdded.Value, cpus(p.N), p.CostUnit)+after(", ", intervalOf("added", p.CostAdded)))
		if p.CostDoubt != "" {
			f.Evidence = append(f.Evidence, "the cost is in doubt: "+p.CostDoubt)
		}
	}
	if text := intervalOf(fmt.Sprintf("speed-up %.2f of %d", p.Speedup.Value, p.N), p.Speedup); text != "" {
		f.Evidence = append(f.Evidence, text)
	}
	for _, r := range p.Rates {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s: %.0f packets/s", r.Run, r.Value))
	}
	if p.KneeText != "" {
		f.Evidence = append(f.Evidence, "knee: "+p.KneeText)
	}
	if p.LawMissing != "" {
		f.Evidence = append(f.Evidence, "no scaling law: "+p.LawMissing)
	}
	return f
}

// after puts a separator before a text, if there is one.
func after(sep, text string) string {
	if text == "" {
		return ""
	}
	return sep + text
}

// intervalOf says between what an estimate lies over the runs, "" if that is not
// known.
func intervalOf(what string, e compare.Estimate) string {
	i := e.Interval
	if !e.Known() || !i.Known() || i.OpenHi {
		return ""
	}
	return fmt.Sprintf("%s (%.0f %% interval %s to %s)", what, 100*i.Level, figure(i.Lo), figure(i.Hi))
}

// changed is the relative change of the cost: "67 % more ns".
func changed(p ScalePoint) string {
	unit, _, _ := strings.Cut(p.CostUnit, "/")
	text := fmt.Sprintf("%.0f %% more %s", 100*p.CostAdded.Value/p.CostBase, unit)
	if p.CostAdded.Value < 0 {
		text = fmt.Sprintf("%.0f %% fewer %s", -100*p.CostAdded.Value/p.CostBase, unit)
	}
	if p.CostDoubt != "" {
		text += " (in doubt)"
	}
	if i := p.CostAdded.Interval; i.Known() && i.Contains(0) {
		text += " (not shown: the interval holds 0)"
	}
	return text
}

// addedNames names the stages that make up most of what was added.
func addedNames(p ScalePoint) string {
	var names []string
	for _, s := range p.Stages[:min(2, len(p.Stages))] {
		if p.CostAdded.Value > 0 && s.Share >= 0.1 {
			names = append(names, fmt.Sprintf("%.0f %% of it in %s", 100*s.Share, s.Stage))
		}
	}
	return strings.Join(names, ", ")
}
