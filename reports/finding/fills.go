package finding

import (
	"fmt"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// fills: how many lines does a packet take from other caches, as the CPU's own counters
// have it, and where do they fall? One finding a mode, at its largest N.
func fills(r *result.Result) []result.Finding {
	var out []result.Finding
	for _, run := range view.LastOfModes(r) {
		var claims, evidence []string
		for _, m := range run.Misses {
			if m.CPU != result.AllCPUs || !bundle.CountsTransfers(m.Event) || !m.PerPacket.Measured() {
				continue
			}
			claims = append(claims, fmt.Sprintf("%s of %s", format.Quantity(m.PerPacket), m.Event))
			evidence = append(evidence, byStage(run, m.Event)...)
			for _, f := range m.Functions[:min(5, len(m.Functions))] {
				evidence = append(evidence,
					fmt.Sprintf("%s: %s in %s", m.Event, format.Percent(f.Misses), f.Name))
			}
		}
		sampled := len(claims) > 0
		for _, t := range run.Counted {
			if !bundle.CountsTransfers(t.Event) || !t.PerPacket.Measured() {
				continue
			}
			v := metric.Value{Value: t.PerPacket.Value, SE: t.PerPacket.SE, Unit: t.PerPacket.Unit}
			text := format.Quantity(v) + " of " + t.Event
			if evidence = append(evidence, "counted, without sampling: "+text); !sampled {
				claims = append(claims, text)
			}
		}
		if len(claims) == 0 {
			continue
		}
		f := result.Finding{ID: "fills", Evidence: cut(evidence),
			NotProven: "Which field: the samples have no address. AMD counts demand fills of stores too, " +
				"and none that stay " + "in a CCX.",
			Next: "xfrmscope record --lines, or report --fields LABRUN with a simulated run of this kernel"}
		f.Say(ofRun(run), "lines from other caches: %s", listed(claims))
		out = append(out, f)
	}
	return out
}

// byStage are the stages in which an event falls most.
func byStage(run *result.Run, event string) []string {
	var out []string
	for _, e := range run.Events {
		for _, s := range e.All.Stages {
			if e.Name == event && s.PerPacket.Measured() && s.Share.Value >= 0.1 {
				text := fmt.Sprintf("%s: %s in stage %s", event, format.Quantity(s.PerPacket), s.Name)
				out = append(out, text)
			}
		}
	}
	return out
}
