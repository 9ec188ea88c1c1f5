package finding

import (
	"fmt"

	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// outside: is what holds a mode back no part of XFRM? It names the ceiling of
// the plain path where it is not alone, pause frames received, a generator at
// its end, locks of the IOMMU, of the queueing discipline or of the page
// allocator.
func outside(r *result.Result) []result.Finding {
	table := stage.Default()
	var out []result.Finding
	for _, run := range view.LastOfModes(r) {
		if withoutIPsec(run) {
			continue // nothing of it is inside
		}
		if f, ok := outsideOf(run, atCeiling(r.Curves, run), table); ok {
			out = append(out, f)
		}
	}
	return out
}

func outsideOf(run *result.Run, ceiling string, table *stage.Table) (result.Finding, bool) {
	var claims, evidence []string
	if ceiling != "" {
		claims = append(claims, "it is at the ceiling of the path without IPsec")
		evidence = append(evidence, ceiling)
	}
	for _, g := range run.Gates {
		if limits(g) {
			claims = append(claims, gateClaim(g.ID))
			evidence = append(evidence, g.ID+": "+g.Evidence)
		}
	}
	mains := run.Mains()
	for _, e := range mains {
		if !e.Timed() {
			continue
		}
		of := e.Of()
		if len(mains) > 1 {
			of += " by " + e.Name
		}
		for _, c := range e.All.SpinCallers {
			name := c.Name
			if row := table.Of(c.Name); row != stage.None {
				if table.Rows[row].XFRM() {
					continue
				}
				name = table.Rows[row].Name
			}
			if atLeast(c.Share, spinFloor) {
				claims = append(claims, fmt.Sprintf("%s spins %s of %s", name, format.Percent(c.Share),
					of))
				evidence = append(evidence, fmt.Sprintf("slow path entered from %s, in %s: %s of %s",
					c.Name, name, format.Percent(c.Share), of))
			}
		}
	}
	if len(claims) == 0 || len(claims) == 1 && ceiling != "" {
		return result.Finding{}, false // the ceiling alone has a finding of its own
	}
	f := result.Finding{
		ID:        "not-xfrm",
		Evidence:  evidence,
		NotProven: "How much of the limit this is, nor that XFRM would not be the next one once it is gone.",
		Next:      "remove it and repeat, before reading the scaling of this mode as XFRM's",
	}
	f.Say(ofRun(run), "outside XFRM: %s", listed(claims))
	return f, true
}

// limits says whether a failed gate names a limit outside the machine. Drops, and
// pause frames that it sends itself, are what a machine does that is at its own
// limit; CPUs of which some are idle may be so for want of an SA.
func limits(g result.Gate) bool {
	return g.Status == result.GateFailed && (g.ID == bundle.GateGenerator || g.HeldBack)
}

// gateClaim says in a few words what a failed gate means for the limit.
func gateClaim(gate string) string {
	switch gate {
	case bundle.GatePause:
		return "the next machine paused this one"
	case bundle.GateGenerator:
		return "no more was offered, or the link was full"
	}
	return gate
}

// atCeiling says how near to the path without IPsec the mode of a run is, "" if
// it is not there.
func atCeiling(curves []result.Curve, run *result.Run) string {
	for _, c := range curves {
		k := c.Ceiling
		if c.Mode == run.Mode && c.Side == run.Side && k != nil && k.Verdict == scaling.AtCeiling {
			return fmt.Sprintf("%s of the rate without IPsec (%s), from N=%d on", ratio(k.Ratio.Value),
				k.Ceiling, k.Reached)
		}
	}
	return ""
}
