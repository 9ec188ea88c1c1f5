package record

import (
	"slices"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/lockname"
	"xfrmscope/collect/probe"
)

// counted is what the probes of a run counted; nil what was not.
type counted struct {
	waits             *probe.Waits
	acquisitions      []*probe.Acquisitions // of count, of time
	outbound, inbound *probe.Lookups
	stacks            *probe.StackCounts
}

// readProbes reads the probes that had their phase, and notes each and its
// losses in the manifest. What one of them cannot tell is a gap.
func (r *recorder) readProbes() *counted {
	c := &counted{}
	c.waits = readProbe(r, r.loaded.wait, func(w *probe.Waits) []bundle.Loss { return w.Losses(r.plan.CPUs) })
	for _, a := range []*probe.Acquire{r.loaded.count, r.loaded.time} {
		if got := readProbe(r, a,
			func(c *probe.Acquisitions) []bundle.Loss { return c.Losses(a.Name()) }); got != nil {
			c.acquisitions = append(c.acquisitions, got)
		}
	}
	c.outbound = readProbe(r, r.loaded.outbound,
		func(f *probe.Lookups) []bundle.Loss { return f.Losses(bundle.ProbeFind) })
	c.inbound = readProbe(r, r.loaded.inbound,
		func(f *probe.Lookups) []bundle.Loss { return f.Losses(bundle.ProbeInbound) })
	c.stacks = readProbe(r, r.loaded.stacks,
		func(s *probe.StackCounts) []bundle.Loss { return s.Losses(bundle.ProbeStacks) })
	if c.waits != nil {
		c.waits.Rows = slices.DeleteFunc(c.waits.Rows,
			func(row bundle.LockRow) bool { return !r.plan.CPUs.Contains(row.CPU) })
		c.waits.Accounts = slices.DeleteFunc(c.waits.Accounts,
			func(a bundle.LockAccount) bool { return !r.plan.CPUs.Contains(a.CPU) })
	}
	return c
}

// readProbe reads one probe; nil if it was not loaded or had no phase.
func readProbe[C any, T any, P interface {
	*T
	probe.Probe
	Read() (*C, error)
}](r *recorder, p P, losses func(*C) []bundle.Loss) *C {
	if p == nil {
		return nil
	}
	window, ran := r.windowOf(p)
	if !ran {
		return nil
	}
	got, err := p.Read()
	if err != nil {
		r.gap(bundle.Gap{What: measures(p.Name()), Why: err.Error()})
	}
	if got == nil {
		return nil
	}
	r.update(func(m *bundle.Manifest) {
		m.Probes = append(m.Probes,
			bundle.Probe{Name: p.Name(), AttachMode: string(p.Mode()), Blind: p.Blind(), Window: window})
		m.Losses = append(m.Losses, losses(got)...)
	})
	return got
}

// windowOf returns the window in which a probe counted.
func (r *recorder) windowOf(p probe.Probe) (bundle.Window, bool) {
	for _, each := range r.probings {
		if slices.Contains(each.probes, p) && each.window.EndNS != 0 {
			return each.window, true
		}
	}
	return bundle.Window{}, false
}

// states returns the SAs that were given out, outbound first.
func (c *counted) states() []probe.State {
	var states []probe.State
	for _, f := range []*probe.Lookups{c.outbound, c.inbound} {
		if f != nil {
			states = append(states, f.States...)
		}
	}
	return states
}

func (c *counted) stackRows() []bundle.StackRow {
	if c.stacks == nil {
		return nil
	}
	return c.stacks.Rows
}

func (c *counted) waitRows() []bundle.LockRow {
	if c.waits == nil {
		return nil
	}
	return c.waits.Rows
}

// locks returns the addresses of all locks, with repetitions.
func (c *counted) locks() []string {
	var locks []string
	for _, row := range c.waitRows() {
		locks = append(locks, row.Lock)
	}
	for _, a := range c.acquisitions {
		for _, row := range a.Rows {
			locks = append(locks, row.Lock)
		}
	}
	for _, row := range c.stackRows() {
		locks = append(locks, row.Lock)
	}
	return locks
}

// identify says of all rows which lock they are of, when symbols are known.
func (c *counted) identify(n *lockname.Namer) {
	n.Callers(c.stackRows())
	ids := make(map[string]bundle.LockID)
	for _, lock := range c.locks() {
		if _, done := ids[lock]; !done {
			ids[lock] = n.ID(lock)
		}
	}
	for i, row := range c.waitRows() {
		c.waits.Rows[i].ID = ids[row.Lock]
	}
	for _, a := range c.acquisitions {
		for i, row := range a.Rows {
			a.Rows[i].ID = ids[row.Lock]
		}
	}
}

// lockLines are the accounts and the rows, probe by probe.
func (c *counted) lockLines() []bundle.LockLine {
	var lines []bundle.LockLine
	if c.waits != nil {
		for i := range c.waits.Accounts {
			lines = append(lines, bundle.LockLine{Account: &c.waits.Accounts[i]})
		}
	}
	for i := range c.waitRows() {
		lines = append(lines, bundle.LockLine{Row: &c.waits.Rows[i]})
	}
	for _, a := range c.acquisitions {
		for i := range a.Accounts {
			if a.Accounts[i].Count > 0 {
				lines = append(lines, bundle.LockLine{AcquireAccount: &a.Accounts[i]})
			}
		}
		for i := range a.Rows {
			lines = append(lines, bundle.LockLine{Acquire: &a.Rows[i]})
		}
	}
	for i := range c.stackRows() {
		lines = append(lines, bundle.LockLine{Stack: &c.stacks.Rows[i]})
	}
	return lines
}

// findLines are the accounts and the rows of the outbound, then the inbound.
func (c *counted) lookupLines(n *lockname.Namer) []bundle.FindLine {
	var lines []bundle.FindLine
	if c.outbound != nil {
		for i := range c.outbound.Accounts {
			if c.outbound.Accounts[i].Calls > 0 {
				lines = append(lines, bundle.FindLine{Account: &c.outbound.Accounts[i]})
			}
		}
		for _, s := range c.outbound.States {
			lines = append(lines, bundle.FindLine{Row: &bundle.FindRow{
				CPU: s.CPU, State: lockname.Address(s.Address), Lock: n.LockOf(s.Address),
				NetNS: n.NetNS(s.NetNS),
				SPI:   s.SPI, PCPU: s.PCPU, Count: s.Count,
			}})
		}
	}
	if c.inbound != nil {
		for _, s := range c.inbound.States {
			lines = append(lines, bundle.FindLine{Inbound: &bundle.InboundRow{
				CPU: s.CPU, NetNS: n.NetNS(s.NetNS), SPI: s.SPI, PCPU: s.PCPU,
				Lock: n.LockOf(s.Address), Packets: s.Count,
			}})
		}
	}
	return lines
}

// namespaces returns the plan's network namespaces by inode.
func (r *recorder) namespaces() map[uint32]string {
	names := make(map[uint32]string)
	for _, ns := range slices.Backward(r.plan.NetNS) {
		path, err := r.opt.Root.NetNSPath(ns)
		if err != nil {
			continue // it has vanished: its SAs' gap says so
		}
		var st unix.Stat_t
		if unix.Stat(path, &st) == nil {
			names[uint32(st.Ino)] = ns
		}
	}
	return names
}
