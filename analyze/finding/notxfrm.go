package finding

import (
	"fmt"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// A LimitPoint is the evidence of one run, the one with most CPUs of its mode,
// for the question "is what ends scaling XFRM at all?".
type LimitPoint struct {
	Mode, Run string
	N         int
	AtCeiling string // what the ceiling says, "" if it is not reached or not known
	Failed    []FailedGate
	Spin      metric.Value
	Spinners  []Spinner // by the stage of who entered the slow path, heaviest first
}

// A FailedGate is a gate that says what outside XFRM is the limit.
type FailedGate struct{ ID, Evidence string }

// A Spinner is a part of the path that waits for locks.
type Spinner struct {
	Stage, Caller string
	XFRM          bool         // the stage is of XFRM or ESP
	Share         metric.Value // of busy time
}

// NotXFRM names what holds a mode back and is no part of XFRM: the ceiling of the
// plain path where it is not alone, pause frames received, a generator at its end,
// locks of the IOMMU, of the queueing discipline or of the page allocator.
func NotXFRM(points []LimitPoint) []result.Finding {
	var out []result.Finding
	for _, p := range points {
		if f, ok := notXFRM(p); ok {
			out = append(out, f)
		}
	}
	return out
}

func notXFRM(p LimitPoint) (result.Finding, bool) {
	var claims, evidence []string
	if p.AtCeiling != "" {
		claims = append(claims, "it is at the ceiling of the path without IPsec")
		evidence = append(evidence, p.AtCeiling)
	}
	for _, g := range p.Failed {
		claims = append(claims, gateClaim(g.ID))
		evidence = append(evidence, g.ID+": "+g.Evidence)
	}
	for _, s := range p.Spinners {
		if s.XFRM || !s.Share.Measured() || s.Share.Value-2*s.Share.SE < SpinFloor {
			continue
		}
		claims = append(claims, fmt.Sprintf("%s spins %s of busy time", s.Stage, percent(s.Share)))
		evidence = append(evidence, fmt.Sprintf("slow path entered from %s, in %s: %s of busy time", s.Caller, s.Stage, percent(s.Share)))
	}
	if len(claims) == 0 || len(claims) == 1 && p.AtCeiling != "" {
		return result.Finding{}, false // the ceiling alone has a finding of its own
	}
	f := result.Finding{
		ID:        "not-xfrm",
		Evidence:  evidence,
		NotProven: "How much of the limit this is, nor that XFRM would not be the next one once it is gone.",
		Next:      "remove it and repeat, before reading the scaling of this mode as XFRM's",
	}
	f.Say(p.Mode+" on "+cpus(p.N), "outside XFRM: %s", listed(claims))
	return f, true
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
