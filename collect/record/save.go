package record

import (
	"errors"
	"slices"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/lockname"
	"xfrmscope/collect/probe"
	"xfrmscope/collect/procfs"
)

// save writes all artefacts but perf.data and the logs. Each is written
// whatever became of the others; the error joins those of all.
func (r *recorder) save() error {
	r.say("saving symbols and counters")
	c := r.readProbes()
	layouts := r.readLayouts()
	names := lockname.New(lockname.Sources{
		Realtime: r.opt.Root.ReadTrimmed("/sys/kernel/realtime") == "1",
		Layouts:  layouts, PerCPU: r.perCPU(c), States: c.states(), Namespaces: r.namespaces(),
		Locks: c.locks(), Stacks: c.stackRows(),
	})
	r.closeProbes() // their programs are symbols too, at other addresses each time
	if err := saveKallsyms(r.w, r.opt.Root, r.plan.Lines, names.Offer); err != nil {
		gap := kallsymsGap(r.opt.Root, err)
		r.gap(gap)
		r.miss(gap.What + " are not known: " + gap.Why)
	}
	if err := saveModules(r.w, r.opt.Root); err != nil {
		r.gap(bundle.Gap{What: "modules and build ids", Why: err.Error()})
	}
	r.update(func(m *bundle.Manifest) {
		m.Gaps = append(m.Gaps, r.snapshot.gaps...)
		m.Warnings = append(m.Warnings, r.snapshot.warnings...)
	})
	c.identify(names)
	return errors.Join(
		bundle.WriteLines(r.w, bundle.SAsFile, r.snapshot.sas),
		bundle.WriteLines(r.w, bundle.PlacementFile, withoutIdleFacts(r.snapshot.facts)),
		bundle.WriteLines(r.w, bundle.PoliciesFile, r.snapshot.policies),
		bundle.WriteLines(r.w, bundle.CountersFile, withoutIdle(r.snapshot.counters)),
		r.saveTraffic(),
		writeSome(r.w, bundle.TotalsFile, r.totals),
		writeSome(r.w, bundle.LocksFile, c.lockLines()),
		writeSome(r.w, bundle.FindsFile, c.lookupLines(names)),
		r.saveLayouts(layouts),
		r.saveObjects(c),
	)
}

// writeSome writes rows if there are any.
func writeSome[T any](w *bundle.Writer, name string, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	return bundle.WriteLines(w, name, rows)
}

// readLayouts reads where the kernel's hot fields lie.
func (r *recorder) readLayouts() []bundle.StructLayout {
	layouts, err := r.loader.Layouts()
	if err != nil {
		r.gap(bundle.Gap{What: "layout of the kernel's structures", Why: err.Error()})
	}
	return layouts
}

func (r *recorder) saveLayouts(layouts []bundle.StructLayout) error {
	if len(layouts) == 0 {
		return nil
	}
	return r.w.WriteJSON(bundle.LayoutsFile, layouts)
}

// saveObjects writes what names the memory that was sampled: the objects of the
// namespaces that the kernel's symbols or the SAs that were looked up lead to, and those
// of slab caches that were sampled.
func (r *recorder) saveObjects(c *counted) error {
	if !r.plan.Lines {
		return nil
	}
	objects, err := r.loader.Objects(networks(r.opt.Root, c.states()))
	if err != nil {
		r.gap(bundle.Gap{What: "objects of the kernel's memory", Why: err.Error()})
	}
	var all bundle.Objects
	for _, some := range []*bundle.Objects{objects, r.slabs} {
		if some != nil {
			all.Objects = append(all.Objects, some.Objects...)
			all.Structs = append(all.Structs, some.Structs...)
		}
	}
	if len(all.Objects) == 0 {
		return nil
	}
	return r.w.WriteJSON(bundle.ObjectsFile, all)
}

// networks are the addresses of struct net: the first, if the kernel lists variables,
// and those that SAs belong to.
func networks(root procfs.Root, states []probe.State) []uint64 {
	var nets []uint64
	for s, err := range root.Symbols() {
		if err != nil {
			break // said where the symbols are saved
		}
		if s.Name == "init_net" && s.Addr != 0 {
			nets = append(nets, s.Addr)
		}
	}
	for _, s := range states {
		if s.Net != 0 && !slices.Contains(nets, s.Net) {
			nets = append(nets, s.Net)
		}
	}
	return nets
}

// perCPU finds the per-CPU variables, if there are locks to name.
func (r *recorder) perCPU(c *counted) lockname.PerCPU {
	if len(c.locks()) == 0 {
		return lockname.PerCPU{}
	}
	p, err := lockname.LocatePerCPU(r.opt.Root)
	if err != nil {
		r.gap(bundle.Gap{What: "names of per-CPU locks", Why: err.Error()})
	}
	return p
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
	return r.w.WriteJSON(bundle.TrafficFile, traffic)
}
