package sides

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
)

// A boots is the boots that a cell's runs were made in; empty if a run does not say.
type boots struct {
	before, after []string
	apart         bool // a boot has runs of one side only
}

func (c *cell) boots() boots {
	b := boots{before: bootsOf(c.before), after: bootsOf(c.after)}
	if b.before == nil || b.after == nil {
		return boots{}
	}
	slices.Sort(b.before)
	slices.Sort(b.after)
	b.apart = !slices.Equal(b.before, b.after)
	return b
}

func bootsOf(runs []*result.Run) []string {
	var out []string
	for _, r := range runs {
		if r.Manifest.Host.BootID == "" {
			return nil
		}
		out = result.AppendNew(out, r.Manifest.Host.BootID)
	}
	return out
}

// few says why no change is significant: boots differ by where memory and code came to
// lie, and the sides by their boots, of which there are too few to tell by how much.
func (b boots) few() *compare.Reason {
	if !b.apart || min(len(b.before), len(b.after)) >= compare.MinRuns {
		return nil
	}
	what := "one boot a side"
	if len(b.before)+len(b.after) > 2 {
		what = fmt.Sprintf("boots: %d before, %d after, and significance needs %d a side", len(b.before),
			len(b.after), compare.MinRuns)
	}
	return compare.Because(compare.TooFewBoots, "%s: what differs between boots is not told from the change", what)
}

// fewBoots notes what cells have too few boots; it names them if others have enough.
func fewBoots(modes []modePair) (notes []compare.Reason) {
	var names []string
	cells := 0
	for _, m := range modes {
		for _, at := range m.cells {
			cells++
			if why := at.boots().few(); why != nil {
				notes, names = result.AppendNew(notes, *why), append(names, at.name())
			}
		}
	}
	for i := range notes {
		if len(names) < cells {
			notes[i].Text = strings.Join(names, ", ") + ": " + notes[i].Text
		}
	}
	return notes
}

// takeBack takes the significance if there are too few boots, and says that no change could have
// been shown; the numbers stay.
func (b boots) takeBack(one *compare.Comparison) {
	why := b.few()
	if why == nil {
		return
	}
	one.Detectable.Missing = why
	if one.Significant {
		one.Significant, one.Effect, one.Verdict = false, "", compare.FewBoots
		one.Notes = slices.Insert(one.Notes, 0, *why)
	}
}

// block is what a run is compared within: its label, else its boot where every one
// of several has runs of both sides.
func (b boots) block(r *result.Run) string {
	if !b.apart && len(b.before) > 1 {
		return cmp.Or(r.Labels[BlockLabel], r.Manifest.Host.BootID)
	}
	return r.Labels[BlockLabel]
}

// units groups the runs of each boot, which are not independent, where the sides
// are apart in boots enough for a test; nil if the run is the unit, as where every
// boot has one.
func (b boots) units(runs []*result.Run) [][]int {
	of := bootsOf(runs)
	if !b.apart || b.few() != nil || len(of) == len(runs) {
		return nil
	}
	out := make([][]int, len(of))
	for i, r := range runs {
		unit := slices.Index(of, r.Manifest.Host.BootID)
		out[unit] = append(out[unit], i)
	}
	return out
}

// meanSeries is the mean of each unit. Errors of sampling are for single runs.
func meanSeries(s compare.Series, units [][]int) compare.Series {
	if units == nil {
		return s
	}
	out := s
	out.Values, out.Blocks, out.SE, out.Counts, out.PerCount = nil, nil, nil, nil, nil
	for _, unit := range units {
		sum := 0.0
		for _, i := range unit {
			sum += s.Values[i]
		}
		out.Values = append(out.Values, sum/float64(len(unit)))
		if s.Blocks != nil {
			out.Blocks = append(out.Blocks, s.Blocks[unit[0]])
		}
	}
	return out
}

// meanTable is the mean of each unit; samples are added up.
func meanTable(t compare.CostTable, units [][]int) compare.CostTable {
	if units == nil {
		return t
	}
	out := compare.CostTable{Unit: t.Unit, Callers: t.Callers, Notes: t.Notes}
	for _, unit := range units {
		cost, samples := map[string]float64{}, map[string]uint64{}
		for _, i := range unit {
			for name, v := range t.Runs[i] {
				cost[name] += v / float64(len(unit))
				samples[name] += t.Samples[i][name]
			}
		}
		out.Runs, out.Samples = append(out.Runs, cost), append(out.Samples, samples)
		if t.Blocks != nil {
			out.Blocks = append(out.Blocks, t.Blocks[unit[0]])
		}
	}
	return out
}
