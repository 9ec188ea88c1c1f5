package analyze

import (
	"slices"

	"xfrmscope/analyze/cost"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/sides"
	"xfrmscope/collect/bundle"
)

// Restore sets what a results.json does not hold, for it holds it as text:
// whoever reads one calls it.
func Restore(r *result.Result) {
	names := []string{sides.Before, sides.After}
	bundle.LegacyWarnings(r.Warnings)
	for _, run := range result.RunsPresent(r) {
		names = append(names, run.Mode, run.Name)
		bundle.LegacyWarnings(run.Warnings)
		bundle.LegacyWarnings(run.Manifest.Warnings)
		run.Events = slices.DeleteFunc(run.Events, func(e *result.Event) bool { return e == nil })
		for _, e := range run.Events {
			bundle.LegacyWarnings(e.Warnings)
		}
		run.Packets.BySA = bundle.LegacySACounters(run.Packets.Source)
		for i := range run.Gates {
			g := &run.Gates[i]
			g.HeldBack = g.ID == bundle.GatePause && bundle.LegacyHeldBack(g.Evidence)
		}
		for i := range run.Layouts {
			cost.Restore(&run.Layouts[i])
		}
		for i := range run.Locks.Rows {
			l := &run.Locks.Rows[i]
			l.ID = bundle.LegacyLockID(l.Name)
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Subject = bundle.LegacyClaimant(f.Claim, names)
	}
}
