package collect

import (
	"errors"
	"slices"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
)

// save writes all artefacts but perf.data and the logs. Each is written
// whatever became of the others; the error joins those of all.
func (r *recorder) save() error {
	r.opt.progress("saving symbols and counters")
	waits := r.readWaits()
	r.closeProbe() // its programs are symbols too, at other addresses each time
	locks := &lockNames{}
	if waits != nil {
		locks = newLockNames(waits.Rows)
	}
	if err := saveKallsyms(r.w, r.opt.Root, locks); err != nil {
		r.gap(kallsymsGap(r.opt.Root, err))
	}
	if err := saveModules(r.w, r.opt.Root); err != nil {
		r.gap(bundle.Gap{What: "modules and build ids", Why: err.Error()})
	}
	r.update(func(m *bundle.Manifest) {
		m.Gaps = append(m.Gaps, r.snapshot.gaps...)
		m.Warnings = append(m.Warnings, r.snapshot.warnings...)
	})
	errs := []error{
		bundle.WriteLines(r.w, sasFile, r.snapshot.sas),
		bundle.WriteLines(r.w, placementFile, withoutIdleFacts(r.snapshot.facts)),
		bundle.WriteLines(r.w, policiesFile, r.snapshot.policies),
		bundle.WriteLines(r.w, countersFile, withoutIdle(r.snapshot.counters)),
		r.saveTraffic(),
	}
	if waits != nil {
		locks.name(waits.Rows)
		errs = append(errs, bundle.WriteLines(r.w, locksFile, lockLines(waits)))
	}
	return errors.Join(errs...)
}

// readWaits reads the wait probe, keeps what the measured CPUs counted, and
// notes the probe and its losses in the manifest.
func (r *recorder) readWaits() *probe.Waits {
	if r.wait == nil || r.probed.EndNS == 0 {
		return nil
	}
	waits, err := r.wait.Read()
	if err != nil {
		r.gap(bundle.Gap{What: "lock waits", Why: err.Error()})
	}
	if waits == nil {
		return nil
	}
	p := bundle.Probe{Name: ProbeWait, Rung: string(r.wait.Rung()), Blind: r.wait.Blind(), Window: r.probed}
	r.update(func(m *bundle.Manifest) {
		m.Probes = append(m.Probes, p)
		m.Losses = append(m.Losses, waits.Losses(r.plan.CPUs)...)
	})
	waits.Rows = slices.DeleteFunc(waits.Rows, func(row bundle.LockRow) bool { return !r.plan.CPUs.Contains(row.CPU) })
	waits.Accounts = slices.DeleteFunc(waits.Accounts, func(a bundle.LockAccount) bool { return !r.plan.CPUs.Contains(a.CPU) })
	return waits
}

// lockLines are the accounts, then the rows.
func lockLines(waits *probe.Waits) []bundle.LockLine {
	var lines []bundle.LockLine
	for i := range waits.Accounts {
		lines = append(lines, bundle.LockLine{Account: &waits.Accounts[i]})
	}
	for i := range waits.Rows {
		lines = append(lines, bundle.LockLine{Row: &waits.Rows[i]})
	}
	return lines
}

// saveTraffic writes what the packets file counted in the window.
func (r *recorder) saveTraffic() error {
	traffic, err := r.snapshot.traffic()
	if err != nil {
		r.gap(bundle.Gap{What: "packets counted by the load", Why: err.Error()})
	}
	if traffic == nil {
		return nil
	}
	return r.w.WriteJSON(trafficFile, traffic)
}
