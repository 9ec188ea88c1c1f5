package profile

import "xfrmscope/analyze/perfdata"

// A chain is the call chain of one sample, parted by whose code the addresses
// are in. Both parts are leaf first and may be views into the sample.
type chain struct {
	kernel []uint64 // the kernel's addresses; hypervisorFrame for each of a hypervisor
	user   []uint64 // the task's addresses; guestFrame for each inside a virtual machine
}

// Stand-ins for frames of code that is not of the recorded kernel and tasks: one word each, no address, since their
// addresses mean nothing here.
const (
	hypervisorFrame = perfdata.ContextMax
	guestFrame      = perfdata.ContextMax + 1
)

// A splitter parts chains. It owns the memory of those that are not views.
type splitter struct {
	asPerf       bool
	kernel, user []uint64
	damaged      uint64 // chains with a word that is neither address nor marker
}

// split parts the chain of s by its context markers (include/uapi/linux/
// perf_event.h enum perf_callchain_context, 7.2). The first address of the
// chain is the sample's IP, except where hardware gave a more precise one; as
// perf does, the chain is taken as it stands. A sample without addresses in
// its chain is a chain of its IP.
//
// Words in the range of markers that are none come from user stacks that are
// not of frame pointers. They are left out; perf drops the whole chain
// (add_callchain_ip, tools/perf/util/machine.c, 6.1).
func (p *splitter) split(s *perfdata.Sample) chain {
	if c, ok := p.simple(s.Chain); ok {
		return c
	}
	c, ok := p.general(s.Chain, s.Mode)
	if !ok {
		p.damaged++
		if p.asPerf {
			return chain{}
		}
	}
	if len(c.kernel)+len(c.user) == 0 && s.Event.HasIP() {
		c, _ = p.general([]uint64{s.IP}, s.Mode)
	}
	return c
}

// simple parts the usual chains, [KERNEL kernel...] [USER user...], without a
// copy.
func (p *splitter) simple(frames []uint64) (c chain, ok bool) {
	i := 0
	if len(frames) > 0 && frames[0] == perfdata.ContextKernel {
		i = addresses(frames, 1)
		c.kernel = frames[1:i]
	}
	if i < len(frames) && frames[i] == perfdata.ContextUser {
		start := i + 1
		i = addresses(frames, start)
		c.user = frames[start:i]
	}
	return c, i == len(frames) && len(c.kernel)+len(c.user) > 0
}

// addresses returns the end of the run of addresses that begins at i.
func addresses(frames []uint64, i int) int {
	for i < len(frames) && frames[i] < perfdata.ContextMax {
		i++
	}
	return i
}

// general parts any chain. Until the first marker the addresses are of the
// mode the sample was taken in. ok is false if a word was left out.
func (p *splitter) general(frames []uint64, mode perfdata.Mode) (c chain, ok bool) {
	p.kernel, p.user = p.kernel[:0], p.user[:0]
	ok = true
	for _, a := range frames {
		switch {
		case a >= perfdata.ContextMax:
			if m, known := perfdata.ContextMode(a); known {
				mode = m
			} else {
				ok = false
			}
		case mode == perfdata.ModeKernel:
			p.kernel = append(p.kernel, a)
		case mode == perfdata.ModeHypervisor:
			p.kernel = append(p.kernel, hypervisorFrame)
		case mode.IsGuest():
			p.user = append(p.user, guestFrame)
		default:
			p.user = append(p.user, a)
		}
	}
	return chain{p.kernel, p.user}, ok
}
