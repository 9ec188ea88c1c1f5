package probe

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/cilium/ebpf/btf"

	"xfrmscope/bpf"
	"xfrmscope/collect/bundle"
)

// Lookup is the probe of a function that gives out SAs.
type Lookup struct {
	*programs
	cacheKnown bool
}

// findArguments are those of xfrm_state_find that the probe relies on, by index
// (net/xfrm/xfrm_state.c, 6.1 to 7.3).
var lookupArguments = map[int]string{2: "fl", 4: "pol", 7: "if_id"}

// Lookup loads the probe of xfrm_state_find, which times one call in oneIn.
// By kprobe calls are counted, and not timed.
func (l *Loader) Lookup(oneIn uint32) (*Lookup, []Attempt) {
	return climb([]AttachMode{Fentry, Kprobe}, func(r AttachMode) (*Lookup, error) { return l.lookup(r, oneIn) })
}

// Inbound loads the probe of the lookup of inbound SAs.
func (l *Loader) Inbound() (*Lookup, []Attempt) {
	return climb([]AttachMode{Fentry, Kprobe}, l.inbound)
}

func (l *Loader) lookup(mode AttachMode, oneIn uint32) (*Lookup, error) {
	const fn = "xfrm_state_find"
	kernel, err := l.types()
	if err != nil {
		return nil, err
	}
	if err := checkArguments(kernel, fn, 8, lookupArguments); err != nil {
		return nil, err
	}
	hooks := []hook{{bpf.FindProgFindEnd, fn}, {bpf.FindProgFindBegin, fn}}
	if mode == Kprobe {
		hooks = []hook{{bpf.FindProgReturned, fn}, {bpf.FindProgEntry, fn}}
	}
	f, err := l.states(bundle.ProbeFind, mode, oneIn, hooks)
	if err != nil {
		return nil, err
	}
	f.cacheKnown = HasField(kernel, "xfrm_policy", "state_cache_list")
	return f, nil
}

// inbound watches xfrm_input_state_lookup, since 6.13 and 6.12.13; before,
// xfrm_input calls xfrm_state_lookup (net/xfrm/xfrm_input.c, 6.1).
func (l *Loader) inbound(mode AttachMode) (*Lookup, error) {
	names, err := l.functions("xfrm_input_state_lookup", "xfrm_state_lookup")
	if err != nil {
		return nil, err
	}
	kernel, err := l.types()
	if err != nil {
		return nil, err
	}
	if err := checkArguments(kernel, names[0], 6, nil); err != nil {
		return nil, err
	}
	program := bpf.FindProgLookupEnd
	if mode == Kprobe {
		program = bpf.FindProgReturned
	}
	return l.states(bundle.ProbeInbound, mode, 1, []hook{{program, names[0]}})
}

func (l *Loader) states(name string, mode AttachMode, oneIn uint32, hooks []hook) (*Lookup, error) {
	spec, err := bpf.LoadFind()
	if err != nil {
		return nil, fmt.Errorf("reading the %s probe: %w", name, err)
	}
	p, err := l.load(name, mode, oneIn, spec, []group{{hooks: hooks}})
	if err != nil {
		return nil, err
	}
	return &Lookup{programs: p}, nil
}

// checkArguments reports a function whose arguments are not those the probe
// was written for.
func checkArguments(kernel *btf.Spec, name string, count int, want map[int]string) error {
	var fn *btf.Func
	if err := kernel.TypeByName(name, &fn); err != nil {
		return &NoFunctionError{Names: []string{name}}
	}
	proto, ok := fn.Type.(*btf.FuncProto)
	if !ok || len(proto.Params) != count {
		return &UnsuitableError{fmt.Sprintf("%s of this kernel does not take %d arguments: its probe was "+
			"written for other versions", name, count)}
	}
	for i, arg := range want {
		if got := proto.Params[i].Name; got != arg {
			return &UnsuitableError{fmt.Sprintf("argument %d of %s is %q on this kernel, not %q: its "+
				"probe was written for other versions", i, name, got, arg)}
		}
	}
	return nil
}

// HasField reports whether a structure of the kernel has a field of its own.
func HasField(kernel *btf.Spec, name, field string) bool {
	var s *btf.Struct
	return kernel.TypeByName(name, &s) == nil &&
		slices.ContainsFunc(s.Members, func(m btf.Member) bool { return m.Name == field })
}

// Blind returns what the probe cannot see, one clause each.
func (f *Lookup) Blind() []string {
	var blind []string
	switch {
	case f.name == bundle.ProbeFind:
	case f.targets()[0] == "xfrm_state_lookup":
		blind = append(blind, "who looks an SA up: xfrm_state_lookup also serves netlink and ICMP errors")
	default:
		blind = append(blind, "packets that a network card has decrypted")
	}
	if f.mode == Kprobe {
		blind = append(blind,
			"how long a call takes, which kprobes are too slow to tell, and how many calls they missed")
	}
	if f.name == bundle.ProbeFind && !f.cacheKnown {
		blind = append(blind, "the policy's cache of SAs: this kernel has none")
	}
	return blind
}

// A State is an SA that was given out on one CPU.
type State struct {
	CPU     int
	Address uint64 // of the xfrm_state
	Net     uint64 // address of its struct net
	NetNS   uint32 // inode number of its network namespace
	SPI     uint32
	PCPU    *int // nil: any CPU, or a kernel that has no per-CPU SAs
	Inbound bool // given out by the lookup of inbound packets
	Count   uint64
}

// Lookups is what a find or an inbound probe counted.
type Lookups struct {
	States   []State              // sorted by CPU, then SPI
	Accounts []bundle.FindAccount // one for each possible CPU, sorted
	Skipped  uint64               // calls that the kernel's recursion guard kept from the probe
}

// Read returns what was counted since the probe was loaded.
func (f *Lookup) Read() (*Lookups, error) {
	cpus, err := elements[bpf.FindFindCpu](f.programs, bpf.FindMapFindCpus)
	if err != nil {
		return nil, err
	}
	finds := decodeLookups(cpus, f.name == bundle.ProbeInbound, f.cacheKnown)
	finds.Skipped, err = f.Skipped()
	return finds, err
}

func decodeLookups(cpus []bpf.FindFindCpu, inbound, cacheKnown bool) *Lookups {
	f := &Lookups{}
	for cpu := range cpus {
		c := &cpus[cpu]
		f.Accounts = append(f.Accounts, bundle.FindAccount{
			CPU: cpu, Calls: c.Calls, Other: c.Other, NoSA: c.None,
			CacheKnown: cacheKnown, CacheEmpty: c.CacheEmpty,
			Timed: c.Timed, TimedNS: c.TimedNs, Hist: trim(c.Hist[:]),
			Walked: c.Walked, WalkSum: c.WalkSum, WalkMax: c.WalkMax, WalkCut: c.WalkCut,
			Mismatched: c.Contexts.Mismatched, Nested: c.Contexts.Nested,
		})
		first := len(f.States)
		for i := range c.Slots {
			s := &c.Slots[i]
			if s.Count == 0 {
				continue
			}
			state := State{CPU: cpu, Address: s.State, Net: s.Net, NetNS: s.Netns,
				SPI: bits.ReverseBytes32(s.Spi), Inbound: inbound, Count: s.Count}
			if s.Pcpu != math.MaxUint32 {
				pcpu := int(s.Pcpu)
				state.PCPU = &pcpu
			}
			f.States = append(f.States, state)
		}
		slices.SortFunc(f.States[first:], func(a, b State) int {
			return cmp.Or(cmp.Compare(a.SPI, b.SPI), cmp.Compare(a.Address, b.Address))
		})
	}
	return f
}
