package finding

import (
	"fmt"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// least is the share of all lines moved below which a field is not spoken of.
const least = 0.01

// movedLines: which cache line moves most between CPUs, does that grow with them, and
// what is it worth at most?
func movedLines(r *result.Result) []result.Finding {
	var out []result.Finding
	for _, c := range r.Curves {
		if result.IsPlain(c.Mode) {
			continue
		}
		for i := range c.Lines {
			if c.Mode != "" && i < len(c.Lines)-1 {
				continue // of a mode the largest N speaks
			}
			if f, ok := movedMost(r, c, &c.Lines[i]); ok {
				out = append(out, f)
			}
		}
	}
	return out
}

func movedMost(r *result.Result, c result.Curve, p *result.LinePoint) (result.Finding, bool) {
	run := p.Run(result.Pick(r.Runs, c.Runs))
	if run == nil || p.Unit == "misses/packet" || len(p.Fields) == 0 || p.Fields[0].Mean.Value == 0 {
		return result.Finding{}, false
	}
	most := p.Fields[0]
	f := result.Finding{
		ID: "moved-lines",
		NotProven: "What packets/s would be without it: latency overlaps, and another field of the line may " +
			"keep it moving.",
		Next: "the same with the field moved to a line of its own or written per CPU: its row, and the sum, " +
			"must fall",
	}
	if p.Lacks != "" {
		f.NotProven += " " + p.Lacks + "."
	}
	claim := fmt.Sprintf("%s moves most between CPUs: %s%s", most.Name, linesText(most, p), grows(c, p, most.Name))
	f.Say(onCPUs(c, p), "%s", claim)
	if p.Total.Mean.Known() {
		f.Evidence = append(f.Evidence,
			fmt.Sprintf("all fields: %s lines per packet%s, %s", format.ThreeDigits(p.Total.Mean.Value),
				format.Within(p.Total.Mean.Interval, format.ThreeDigits), format.Counted(p.Runs,
					"run")))
	}
	if a := run.Lines.Aside; a.Measured() && a.Value > 0 {
		f.Evidence = append(f.Evidence,
			fmt.Sprintf("of them at least %s come from CPUs that are not measured: RCU, timers, the "+
				"scheduler; they follow time and not packets", format.ThreeDigits(a.Value)))
	}
	for _, row := range p.Fields[:min(5, len(p.Fields))] {
		if row.Mean.Value == 0 {
			break
		}
		f.Evidence = append(f.Evidence, row.Name+": "+linesText(row, p)+whoMoves(run.Lines.Field(row.Name)))
	}
	if bound, ok := stayedLocal(run, most.Name); ok {
		f.Evidence = append(f.Evidence,
			fmt.Sprintf("if %s stayed local: up to %s of cycles per packet, an "+
				"upper bound", most.Name, format.InPercent(bound, 1)))
	}
	return f, true
}

func onCPUs(c result.Curve, p *result.LinePoint) string {
	if c.Mode == "" {
		return p.Name
	}
	return c.Mode + " on " + cpus(p.N)
}

// linesText is how often a field's line moves.
func linesText(m result.LineMean, p *result.LinePoint) string {
	if p.Unit == "ratio" {
		percent := func(v float64) string { return format.Figures(100*v, 3) + " %" }
		return percent(m.Mean.Value) + " of the samples that are transfers" +
			format.Within(m.Mean.Interval, percent)
	}
	return format.ThreeDigits(m.Mean.Value) + " times a packet" + format.Within(m.Mean.Interval, format.ThreeDigits)
}

func became(field string, from, to compare.Estimate) string {
	return fmt.Sprintf("%s %s -> %s", field, format.ThreeDigits(from.Value), format.ThreeDigits(to.Value))
}

// grows says whether the line moves more often than at the least N: by the intervals
// where repeats give them.
func grows(c result.Curve, p *result.LinePoint, name string) string {
	if c.Mode == "" || p.Unit == "ratio" || len(c.Lines) < 2 {
		return ""
	}
	first, now := c.Lines[0].At(name), p.At(name)
	most, low := first.Value, now.Value
	if first.Interval.Known() {
		most = first.Interval.Hi
	}
	if now.Interval.Known() {
		low = now.Interval.Lo
	}
	if low <= most {
		return fmt.Sprintf("; not shown to be more than the %s on %s", format.ThreeDigits(first.Value),
			cpus(c.Lines[0].N))
	}
	return fmt.Sprintf("; it grows, from %s on %s", format.ThreeDigits(first.Value), cpus(c.Lines[0].N))
}

// whoMoves says who writes and who reads a line.
func whoMoves(f *result.LineField) string {
	if f == nil {
		return ""
	}
	var s string
	if len(f.Writers) > 0 {
		s += "; written by " + heaviest(f.Writers)
	}
	if len(f.Readers) > 0 {
		s += "; read by " + heaviest(f.Readers)
	}
	if len(f.With) > 0 && f.FalseSharing() {
		s += fmt.Sprintf("; false sharing with %s (%s)", heaviest(f.With), format.InPercent(f.Apart.Value, 0))
	}
	if f.Slab > 0 {
		s += "; " + format.InPercent(f.Slab, 0) + " of it named by slab cache"
	}
	return s
}

// heaviest names what makes up a tenth or more, at most three.
func heaviest(parts []result.LinePart) string {
	var names []string
	for _, p := range parts {
		if len(names) == 0 || p.Share >= 0.1 {
			names = append(names, p.Name)
		}
	}
	return listed(names)
}

// stayedLocal is the part of a packet's cycles that waits for a field's lines.
func stayedLocal(run *result.Run, name string) (float64, bool) {
	f, main := run.Lines.Field(name), run.Main()
	if f == nil || main == nil || !f.Cycles.Measured() || !main.All.PerPacket.Measured() ||
		main.All.PerPacket.Unit != f.Cycles.Unit || main.All.PerPacket.Value <= 0 {
		return 0, false
	}
	return f.Cycles.Value / main.All.PerPacket.Value, true
}

// tookAway: of two modes, which lines does the second not move, and which does it
// move still?
func tookAway(r *result.Result) []result.Finding {
	var with []result.Curve
	for _, c := range r.Curves {
		if len(c.Lines) > 0 && c.Mode != "" && !result.IsPlain(c.Mode) {
			with = append(with, c)
		}
	}
	if len(with) != 2 || with[0].Side != with[1].Side {
		return nil
	}
	before, after := with[0], with[1]
	if strings.Contains(before.Mode, "pcpu") {
		before, after = after, before
	}
	b, a := atCommonN(before.Lines, after.Lines)
	if a == nil || a.Unit != b.Unit || a.Unit != "transfers/packet" {
		return nil
	}
	var gone, stay, come []string
	for _, row := range b.Fields {
		now := a.At(row.Name)
		if row.Mean.Value < least*b.Total.Mean.Value {
			continue
		}
		text := became(row.Name, row.Mean, now)
		if now.Value < row.Mean.Value/2 {
			gone = append(gone, text)
		} else {
			stay = append(stay, text)
		}
	}
	for _, row := range a.Fields {
		if was := b.At(row.Name); row.Mean.Value >= least*a.Total.Mean.Value && was.Value < row.Mean.Value/2 &&
			was.Value < least*b.Total.Mean.Value {
			come = append(come, became(row.Name, was, row.Mean))
		}
	}
	f := result.Finding{ID: "lines-that-stay",
		NotProven: "That every row is of the modes: what is freed late may move in one window and not in the " +
			"other.", Next: "the rows that stay: who writes them for every packet of every CPU"}
	f.Say(fmt.Sprintf("%s against %s on %s", after.Mode, before.Mode, cpus(a.N)),
		"%s lines move per packet, not %s: %s less than half as often, %s still, %s new",
		format.ThreeDigits(a.Total.Mean.Value), format.ThreeDigits(b.Total.Mean.Value),
		format.Counted(len(gone), "field"), format.Counted(len(stay), "field"),
		format.Counted(len(come), "field"))
	for _, part := range []struct {
		what string
		list []string
	}{{"less: ", gone}, {"still: ", stay}, {"new: ", come}} {
		for _, text := range part.list[:min(5, len(part.list))] {
			f.Evidence = append(f.Evidence, part.what+text+" times a packet")
		}
	}
	return []result.Finding{f}
}

// atCommonN are the points at the largest N that both have, nil if they have none.
func atCommonN(before, after []result.LinePoint) (b, a *result.LinePoint) {
	for i := range before {
		for j := range after {
			if before[i].N == after[j].N {
				b, a = &before[i], &after[j]
			}
		}
	}
	return b, a
}

// falselyShared: which lines move although nobody reads what was written?
func falselyShared(r *result.Result) []result.Finding {
	var out []result.Finding
	for _, c := range r.Curves {
		if len(c.Lines) == 0 || c.Mode == "" || result.IsPlain(c.Mode) {
			continue
		}
		p := &c.Lines[len(c.Lines)-1]
		run := p.Run(result.Pick(r.Runs, c.Runs))
		if run == nil || p.Unit != "transfers/packet" {
			continue
		}
		var names, evidence []string
		var sum float64
		for _, field := range run.Lines.Fields {
			if !field.FalseSharing() || field.Share.Value < least || len(field.With) == 0 {
				continue
			}
			n := p.At(field.Name)
			sum += n.Value * field.Apart.Value
			names = append(names, fmt.Sprintf("%s with %s", field.Name, field.With[0].Name))
			evidence = append(evidence, fmt.Sprintf("%s: %s%s", field.Name,
				linesText(result.LineMean{Name: field.Name, Mean: n}, p), whoMoves(&field)))
		}
		if len(names) == 0 {
			continue
		}
		f := result.Finding{ID: "false-sharing-measured", Evidence: cut(evidence),
			NotProven: "That moving a field is enough: what it comes to lie beside may be written, too.",
			Next:      "pahole -C STRUCT: put what is written into a line without what others only read"}
		f.Say(onCPUs(c, p), "%s of %s lines a packet move for nothing that was written: %s",
			format.ThreeDigits(sum),
			format.ThreeDigits(p.Total.Mean.Value), listed(names))
		out = append(out, f)
	}
	return out
}

// foreignSAs: does the walk of xfrm_state_find take lines of SAs that other CPUs send by?
func foreignSAs(r *result.Result) []result.Finding {
	var out []result.Finding
	for _, run := range view.LastOfModes(r) {
		if run.Lines == nil || run.Lines.Foreign == nil || run.Lines.Foreign.SAs == 0 {
			continue
		}
		x := run.Lines.Foreign
		f := result.Finding{ID: "foreign-sas",
			NotProven: "What the walk costs: SAs whose lines did not move are read, too.",
			Next: "xfrm_state_find that passes over SAs of other CPUs without reading them, or a " +
				"list for each CPU"}
		f.Say(ofRun(run),
			"the walk of xfrm_state_find takes %s from %s of other CPUs",
			format.Quantity(x.PerPacket), format.Counted(x.SAs, "SA"))
		for _, part := range x.Fields[:min(5, len(x.Fields))] {
			f.Evidence = append(f.Evidence,
				fmt.Sprintf("%s: %s of them", part.Name, format.InPercent(part.Share, 0)))
		}
		out = append(out, f)
	}
	return out
}
