package view

import (
	"fmt"
	"slices"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// Perturbed reports whether a run's waits are to be marked.
func Perturbed(r *result.Run) bool {
	return format.Finite(r.Locks.Effect) && r.Locks.Perturbed()
}

// perturbedTitle explains the mark.
const perturbedTitle = "perturbed: counted while packets/s differed by 2 % or more from the samples' window, by the " +
	"probe's effect or the load's own drift"

// effectCell is the probe's effect in a table whose head has the unit.
func effectCell(r *result.Run) Cell {
	c := ValueCell(r.Locks.Effect)
	if v := r.Locks.Effect; format.Finite(v) {
		c.Text = format.Pretty(format.Signed(format.Significant(100*v.Value, 2), v.Value))
	}
	return c.perturbed(r)
}

// perturbed marks a cell of lock waits.
func (c Cell) perturbed(r *result.Run) Cell {
	if Perturbed(r) {
		c.Warn, c.Title = true, perturbedTitle
	}
	return c
}

// During marks a cell of what a probe counted in a phase with other traffic than
// beside it.
func (c Cell) During(r *result.Run, probe string) Cell {
	for i := range r.Phases {
		if p := &r.Phases[i]; p.Probe == probe && format.Finite(p.Effect) && p.Perturbed() {
			c.Warn, c.Title = true, fmt.Sprintf("perturbed: counted while packets/s differed by %s %% "+
				"from those beside the %s probe's window",
				format.Signed(format.Significant(100*p.Effect.Value, 2), p.Effect.Value),
				format.Name(probe))
		}
	}
	return c
}

// EffectMark follows a wait in the digest.
func EffectMark(r *result.Run) string {
	if Perturbed(r) {
		return "*"
	}
	return ""
}

// HasDoubt reports whether a number of a run's row is in doubt.
func HasDoubt(r *result.Run) bool {
	a := AllCPUs(r)
	return slices.ContainsFunc([]metric.Value{r.Packets.Rate, a.PerPacket, a.SpinShare, a.LockWordShare,
		r.Locks.PerPkt}, func(v metric.Value) bool {
		return format.DoubtMark(v) != ""
	})
}
