package reports

import (
	"fmt"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
)

// perturbed reports whether a run's waits are to be marked.
func perturbed(r *analyze.Run) bool {
	return finite(r.Locks.Effect) && r.Locks.Perturbed()
}

// perturbedTitle explains the mark.
const perturbedTitle = "perturbed: counted while packets/s differed by 2 % or more from the samples' window, by the probe's effect or the load's own drift"

// effectText is a change with its sign, in per cent: "+10 % packets/s".
func effectText(v metric.Value) string {
	if !finite(v) {
		return "not measured"
	}
	s := significant(100*v.Value, 2) + " % packets/s"
	if v.Value > 0 {
		s = "+" + s
	}
	return s
}

// effectCell is the probe's effect in a table whose head has the unit.
func effectCell(r *analyze.Run) cell {
	c := valueCell(r.Locks.Effect)
	if v := r.Locks.Effect; finite(v) {
		c.Text = pretty(signed(significant(100*v.Value, 2), v.Value))
	}
	return c.perturbed(r)
}

// perturbed marks a cell of lock waits.
func (c cell) perturbed(r *analyze.Run) cell {
	if perturbed(r) {
		c.Warn, c.Title = true, perturbedTitle
	}
	return c
}

// during marks a cell of what a probe counted in a phase with other traffic than
// beside it.
func (c cell) during(r *analyze.Run, probe string) cell {
	for i := range r.Phases {
		if p := &r.Phases[i]; p.Probe == probe && finite(p.Effect) && p.Perturbed() {
			c.Warn, c.Title = true, fmt.Sprintf("perturbed: counted while packets/s differed by %s %% from those beside the %s probe's window", signed(significant(100*p.Effect.Value, 2), p.Effect.Value), name(probe))
		}
	}
	return c
}

// effectNote is what a tile says under a lock wait.
func effectNote(r *analyze.Run) string {
	if !finite(r.Locks.Effect) {
		return ""
	}
	if perturbed(r) {
		return "perturbed: " + pretty(effectText(r.Locks.Effect))
	}
	return "probe: " + pretty(effectText(r.Locks.Effect))
}

// effectMark follows a wait in the digest.
func effectMark(r *analyze.Run) string {
	if perturbed(r) {
		return "*"
	}
	return ""
}
