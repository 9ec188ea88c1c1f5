package finding

import (
	"strings"
	"testing"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

// A moving is a comparison of one mode and N.
type moving struct {
	change
	stages, locks []part
}

// movedOf asks of each comparison by itself.
func movedOf(points ...moving) []result.Finding {
	var out []result.Finding
	for _, p := range points {
		family := func(parts []part) result.CompareFamily {
			f := result.CompareFamily{Mode: "shared", N: 8}
			for _, one := range parts {
				f.Keys = append(f.Keys, one.name)
				f.Family.Comparisons = append(f.Family.Comparisons, one.c)
			}
			return f
		}
		whole := func(id string, c compare.Comparison) result.CompareAt {
			c.Metric = id
			return result.CompareAt{Mode: "shared", N: 8, C: c}
		}
		for i := range p.locks {
			p.locks[i].c.Metric = metric.WaitPacketID
		}
		out = append(out, Moved(&result.Result{Comparison: &result.Comparison{
			Headline: []result.CompareAt{whole(metric.RateID, p.rate), whole(metric.CostID, p.cost),
				whole(metric.WaitPacketID, p.waits)},
			Stages: []result.CompareFamily{family(p.stages)},
			Locks:  []result.CompareFamily{family(p.locks)},
		}})...)
	}
	return out
}

func TestMoved(t *testing.T) {
	// half is half the width of the interval of the difference.
	row := func(before, after, half float64, star bool) compare.Comparison {
		c := compare.Comparison{
			Unit: "ns/packet", Significant: star, Before: compare.Summary{Median: before},
			After:      compare.Summary{Median: after},
			Difference: between(after-before, after-before-half, after-before+half),
			Ratio:      between(after/before, (after-half)/before, (after+half)/before),
		}
		return c
	}
	changed := func(before, after float64) compare.Comparison { return row(before, after, 1, before != after) }
	point := func(rate float64, parts ...part) moving {
		before, after := 0.0, 0.0
		for _, p := range parts {
			before, after = before+p.c.Before.Median, after+p.c.After.Median
		}
		p := moving{change: change{rate: changed(1000, 1000*rate), cost: changed(before, after)}, stages: parts}
		if rate > 1 {
			p.rate.Effect = "better"
		}
		return p
	}
	lock := part{"XFRM input", changed(600, 200)}
	find := part{"SA lookup", changed(100, 400)}
	crypto := part{"crypto", changed(300, 300)}
	// One stage fell, and four took it over, each too little for a star.
	spread := point(1, part{"XFRM input", changed(600, 500)},
		part{"a", row(50, 75, 30, false)}, part{"b", row(50, 75, 30, false)},
		part{"c", row(50, 75, 30, false)}, part{"d", row(50, 75, 30, false)})
	vague := spread
	vague.cost = row(800, 800, 90, false)
	half := point(1.66, lock, crypto)
	half.cost = row(900, 600, 200, true)
	unmoved := point(1.2, lock, crypto) // packets/s that scatter do not mask
	unmoved.rate = row(1000, 1200, 400, false)
	claims(t, movedOf(
		point(1.66, lock, crypto),
		point(1.1, lock, find, crypto),
		point(1.05, lock, crypto),
		spread, vague, half, unmoved,
		point(1, crypto),
	),
		"shared at N=8: removed: XFRM input fell by 400 ns/packet, the whole packet by 399 or more",
		"shared at N=8: moved: XFRM input fell by 400 ns/packet, SA lookup rose by 300",
		"shared at N=8: masked: XFRM input fell by 400 ns/packet, but packets/s rose by 5.0 % where 44.4 % "+
			"less cost would give 80.0 %: something else limits",
		"shared at N=8: moved: XFRM input fell by 100 ns/packet, the whole packet by 1 at most: the rest came "+
			"back in parts too small to show one by one",
		"shared at N=8: not decided: XFRM input fell by 100 ns/packet; that the whole packet fell is not "+
			"shown (by -90 to 90)",
		"shared at N=8: not decided: XFRM input fell by 400 ns/packet; the whole packet fell by 100 to 500: "+
			"how much came back is open",
		"shared at N=8: removed: XFRM input fell by 400 ns/packet, the whole packet by 399 or more",
	)
	if f := movedOf(unmoved)[0]; !strings.Contains(f.NotProven, "no rise of packets/s is shown") {
		t.Errorf("not proven %q, want that packets/s rose", f.NotProven)
	}

	// The wait moves from one lock to another of the same stage.
	locks := point(1, part{"SA lookup", changed(600, 600)})
	locks.waits = changed(300, 300)
	locks.locks = []part{{"x->lock", changed(300, 20)}, {"xfrm_state_lock", changed(0, 280)}}
	cycles := locks
	cycles.cost.Unit, cycles.waits = "cycles/packet", row(300, 120, 10, true)
	cycles.locks = []part{{"x->lock", changed(300, 100)}}
	claims(t, movedOf(locks, cycles),
		"shared at N=8: moved: waits for x->lock fell by 280 ns/packet, waits for xfrm_state_lock rose by 280",
		"shared at N=8: removed: waits for x->lock fell by 200 ns/packet, all lock waits by 170 or more",
	)
}
