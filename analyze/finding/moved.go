package finding

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
)

// A MovePoint is the evidence of one mode and N for the question "did the change
// remove the cost, move it, or mask it?".
type MovePoint struct {
	Mode  string
	N     int
	Rate  compare.Comparison // packets/s
	Cost  compare.Comparison // cost per packet
	Parts []Part             // of the cost: stages, and locks apart
}

// A Part is a part of the cost of a packet, before and after.
type Part struct {
	Name string
	C    compare.Comparison
}

// What part of a saving must come back elsewhere for it to be called moved, and
// what part of a lower cost must show in packets/s for it not to be masked.
const (
	movedShare  = 0.5
	maskedShare = 0.5
)

// Moved sums up each mode and N: removed, moved, masked, or nothing shown. Only
// differences that hold (a star of the comparison) count as a change.
func Moved(points []MovePoint) []Finding {
	var out []Finding
	for _, p := range points {
		if f, ok := moved(p); ok {
			out = append(out, f)
		}
	}
	return out
}

func moved(p MovePoint) (Finding, bool) {
	var down, up []Part
	saved, added := 0.0, 0.0
	for _, part := range p.Parts {
		d := part.C.Difference
		switch {
		case !part.C.Star || !d.Known():
		case d.Value < 0:
			down, saved = append(down, part), saved-d.Value
		case d.Value > 0:
			up, added = append(up, part), added+d.Value
		}
	}
	if len(down) == 0 {
		return Finding{}, false // nothing was removed that could have moved
	}
	heavy := func(a, b Part) int {
		return cmp.Or(cmp.Compare(math.Abs(b.C.Difference.Value), math.Abs(a.C.Difference.Value)), cmp.Compare(a.Name, b.Name))
	}
	slices.SortFunc(down, heavy)
	slices.SortFunc(up, heavy)
	where := fmt.Sprintf("%s at N=%d", p.Mode, p.N)
	unit := down[0].C.Unit
	f := Finding{
		ID:        "moved",
		NotProven: "That this change is the cause: what else differs between the sides is listed with the comparison.",
		Next:      "the difference flame graph at this N; the same at a smaller N, where less waits",
	}
	fell := fmt.Sprintf("%s fell by %s %s", partNames(down), figure(saved), unit)
	switch {
	case added >= movedShare*saved:
		f.Claim = fmt.Sprintf("%s: moved: %s, %s rose by %s", where, fell, partNames(up), figure(added))
	case masked(p):
		f.Claim = fmt.Sprintf("%s: masked: %s, but packets/s rose by %.1f %% where %.1f %% less cost would give %.1f %%: something else limits", where, fell,
			100*(p.Rate.Ratio.Value-1), 100*(1-p.Cost.Ratio.Value), 100*(1/p.Cost.Ratio.Value-1))
	default:
		f.Claim = fmt.Sprintf("%s: removed: %s, and no more than %.0f %% of it came back elsewhere", where, fell, 100*added/saved)
	}
	for _, part := range slices.Concat(down, up) {
		f.Evidence = append(f.Evidence, partLine(part))
	}
	f.Evidence = append(f.Evidence, partLine(Part{"cost per packet", p.Cost}), partLine(Part{"packets/s", p.Rate}))
	return f, true
}

// masked reports whether a lower cost does not show in packets/s.
func masked(p MovePoint) bool {
	if !p.Rate.Ratio.Known() || !p.Cost.Ratio.Known() || p.Cost.Ratio.Value <= 0 || p.Cost.Ratio.Value >= 1 {
		return false
	}
	want := 1/p.Cost.Ratio.Value - 1
	return want > 0.01 && p.Rate.Ratio.Value-1 < maskedShare*want
}

func partNames(parts []Part) string {
	var names []string
	for _, p := range parts {
		names = append(names, p.Name)
	}
	return listed(names)
}

func partLine(p Part) string {
	c := p.C
	s := fmt.Sprintf("%s: %s -> %s %s", p.Name, figure(c.Before.Median), figure(c.After.Median), c.Unit)
	if i := c.Difference.Interval; i.Known() && !i.OpenHi {
		s += fmt.Sprintf(", difference %s (%.0f %% interval %s to %s)", figure(c.Difference.Value), 100*i.Level, figure(i.Lo), figure(i.Hi))
	}
	if c.Star {
		s += " *"
	}
	return strings.TrimSpace(s)
}
