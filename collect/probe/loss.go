package probe

import (
	"slices"

	"xfrmscope/collect/bundle"
)

const guard = "events that the kernel's recursion guard kept from the probe, on all CPUs"

func source(probe string) string { return "probe " + probe }

func nonZero(all ...bundle.Loss) []bundle.Loss {
	return slices.DeleteFunc(all, func(l bundle.Loss) bool { return l.Count == 0 })
}

// Losses returns what the accounts say was not counted.
func (a *Acquisitions) Losses(name string) []bundle.Loss {
	var s bundle.AcquireAccount
	for _, cpu := range a.Accounts {
		s.Count += cpu.Count
		s.Other += cpu.Other
		s.Timed += cpu.Timed
		s.Mismatched += cpu.Mismatched
	}
	return nonZero(
		bundle.Loss{Source: source(name), What: "acquisitions of locks that found no slot", Count: s.Other,
			Of: s.Count, Effect: "in the total, not by lock"},
		bundle.Loss{Source: source(name), What: "timed acquisitions whose end was not seen",
			Count: s.Mismatched, Of: s.Timed, Effect: "counted; their time is missing"},
		bundle.Loss{Source: source(name), What: guard, Count: a.Skipped, Of: s.Count + a.Skipped,
			Effect: "acquisitions not counted"},
	)
}

// Losses returns what the accounts say was not counted.
func (f *Lookups) Losses(name string) []bundle.Loss {
	var s bundle.FindAccount
	for _, cpu := range f.Accounts {
		s.Calls += cpu.Calls
		s.Other += cpu.Other
		s.Timed += cpu.Timed
		s.Mismatched += cpu.Mismatched
	}
	return nonZero(
		bundle.Loss{Source: source(name), What: "SAs that found no slot", Count: s.Other, Of: s.Calls,
			Effect: "in the total, not by SA"},
		bundle.Loss{Source: source(name), What: "timed calls whose end was not seen", Count: s.Mismatched,
			Of: s.Timed + s.Mismatched, Effect: "counted; their time is missing"},
		bundle.Loss{Source: source(name), What: guard, Count: f.Skipped, Of: s.Calls + f.Skipped,
			Effect: "calls not counted"},
	)
}

// Losses returns what the accounts say was not taken.
func (c *StackCounts) Losses(name string) []bundle.Loss {
	var s StackAccount
	for _, cpu := range c.Accounts {
		s.Taken += cpu.Taken
		s.Full += cpu.Full
		s.Failed += cpu.Failed
	}
	all := s.Taken + s.Full + s.Failed
	return nonZero(
		bundle.Loss{Source: source(name), What: "stacks for which a CPU had no record left", Count: s.Full,
			Of: all, Effect: "later waits are missing"},
		bundle.Loss{Source: source(name), What: "stacks that could not be walked", Count: s.Failed, Of: all,
			Effect: "not taken"},
		bundle.Loss{Source: source(name), What: guard, Count: c.Skipped, Effect: "waits not seen"},
	)
}
