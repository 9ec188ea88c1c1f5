package finding

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
)

// A MovePoint is the evidence of one mode and N for the question "did the change
// remove the cost, move it, or mask it?".
type MovePoint struct {
	Mode  string
	N     int
	Rate  compare.Comparison // packets/s
	Cost  compare.Comparison // cost per packet, all of it
	Parts []Part             // of the cost, by stage
	Waits compare.Comparison // lock wait per packet, all of it
	Locks []Part             // of the waits, by class of lock: they overlap with the stages
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

// Moved sums up each mode and N, stages first, then lock waits: removed, moved,
// masked, or not decided. Only differences that hold (a star of the comparison)
// count as a change. What came back in parts too small to hold one by one is
// still in the whole, so that the whole decides.
func Moved(points []MovePoint) []result.Finding {
	var out []result.Finding
	for _, p := range points {
		if f, ok := moved(p, p.Parts, Part{"the whole packet", p.Cost}, ""); ok {
			f.Evidence = append(f.Evidence, partLine(Part{"packets/s", p.Rate}))
			out = append(out, f)
		}
		whole := Part{"the whole packet", p.Cost}
		if p.Cost.Unit != p.Waits.Unit { // of cycles no ns can be saved
			whole = Part{"all lock waits", p.Waits}
		}
		if f, ok := moved(p, p.Locks, whole, "waits for "); ok {
			out = append(out, f)
		}
	}
	return out
}

// moved judges parts against the whole. what stands before the names of parts.
func moved(p MovePoint, parts []Part, whole Part, what string) (result.Finding, bool) {
	var down, up []Part
	saved, added := 0.0, 0.0
	for _, part := range parts {
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
		return result.Finding{}, false // nothing was removed that could have moved
	}
	heavy := func(a, b Part) int {
		return cmp.Or(cmp.Compare(math.Abs(b.C.Difference.Value), math.Abs(a.C.Difference.Value)), cmp.Compare(a.Name, b.Name))
	}
	slices.SortFunc(down, heavy)
	slices.SortFunc(up, heavy)
	f := result.Finding{
		ID:        "moved",
		NotProven: "That this change is the cause: what else differs between the sides is listed with the comparison.",
		Next:      "the difference flame graph at this N; the same at a smaller N, where less waits",
	}
	fell := fmt.Sprintf("%s%s fell by %s %s", what, partNames(down), figure(saved), down[0].C.Unit)
	least, most, known := kept(whole.C)
	verdict := ""
	switch {
	case added >= movedShare*saved:
		verdict = fmt.Sprintf("moved: %s, %s%s rose by %s", fell, what, partNames(up), figure(added))
	case known && most < movedShare*saved:
		verdict = fmt.Sprintf("moved: %s, %s by %s at most: the rest came back in parts too small to show one by one", fell, whole.Name, figure(max(most, 0)))
	case !known || !whole.C.Star || least < movedShare*saved:
		verdict = fmt.Sprintf("not decided: %s; %s", fell, undecided(whole))
		f.Next = "more runs of both sides: the whole scatters more than its parts"
	case what == "" && masked(p):
		verdict = fmt.Sprintf("masked: %s, but packets/s rose by %.1f %% where %.1f %% less cost would give %.1f %%: something else limits", fell,
			100*(p.Rate.Ratio.Value-1), 100*(1-p.Cost.Ratio.Value), 100*(1/p.Cost.Ratio.Value-1))
	default:
		verdict = fmt.Sprintf("removed: %s, %s by %s or more", fell, whole.Name, figure(least))
		if p.Rate.Effect != "better" {
			f.NotProven += " That more packets are sent: no rise of packets/s is shown."
		}
	}
	f.Say(fmt.Sprintf("%s at N=%d", p.Mode, p.N), "%s", verdict)
	for _, part := range slices.Concat(down, up, []Part{whole}) {
		f.Evidence = append(f.Evidence, partLine(part))
	}
	return f, true
}

// kept is the interval of what the whole fell by: what did not come back.
func kept(whole compare.Comparison) (least, most float64, known bool) {
	i := whole.Difference.Interval
	if !whole.Difference.Known() || !i.Known() || i.OpenHi {
		return 0, 0, false
	}
	return -i.Hi, -i.Lo, true
}

// undecided says what the whole does show.
func undecided(whole Part) string {
	least, most, known := kept(whole.C)
	switch {
	case !known:
		return "whether " + whole.Name + " fell is not known"
	case !whole.C.Star:
		return fmt.Sprintf("that %s fell is not shown (by %s to %s)", whole.Name, figure(least), figure(most))
	}
	return fmt.Sprintf("%s fell by %s to %s: how much came back is open", whole.Name, figure(least), figure(most))
}

// masked reports whether a lower cost is shown not to show in packets/s: even the
// largest rise of the interval is less than the smallest saving would give.
func masked(p MovePoint) bool {
	cost, rate := p.Cost.Ratio.Interval, p.Rate.Ratio.Interval
	if !p.Cost.Star || !cost.Known() || cost.OpenHi || cost.Hi <= 0 || cost.Hi >= 1 || !p.Rate.Ratio.Known() || !rate.Known() || rate.OpenHi {
		return false
	}
	want := 1/cost.Hi - 1
	return want > 0.01 && rate.Hi-1 < maskedShare*want
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
