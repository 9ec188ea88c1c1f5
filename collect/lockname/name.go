// Package lockname says which lock lies at an address: from what the probes
// counted, the layout of structures and the kernel's symbols (Sources) a Namer is
// made, which names the address of each row before the rows are written.
package lockname

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
	"xfrmscope/collect/procfs"
)

// Sources is what names are made of, as the probes counted it.
type Sources struct {
	Realtime   bool // PREEMPT_RT: what spins in a spinlock_t is the raw lock inside
	Layouts    []bundle.StructLayout
	PerCPU     PerCPU
	States     []probe.State     // the SAs that were given out, outbound first
	Namespaces map[uint32]string // by inode
	Locks      []string          // addresses of all locks, with repetitions
	Stacks     []bundle.StackRow // of waiters
}

// A Namer says which lock lies at an address. It is made of what the probes
// have counted, when they have: naming costs no event anything.
type Namer struct {
	realtime bool
	layouts  map[string]bundle.StructLayout
	states   map[uint64]probe.State // xfrm_state by address
	nets     map[uint64]string      // struct net by address: the namespace's name
	perCPU   PerCPU
	near     *nearest
	callers  map[uint64]string // by lock: the function that waited most

	namespaces map[uint32]string
}

// PerCPU is where the kernel's per-CPU variables lie.
type PerCPU struct {
	start, end uint64   // of their symbols
	offsets    []uint64 // by CPU: of its copy from the symbol
}

// resolve returns the CPU whose per-CPU variables hold the address, and the
// address the symbol of that variable is near.
func (p PerCPU) resolve(addr uint64) (cpu int, symbol uint64, ok bool) {
	for cpu, offset := range p.offsets {
		if symbol := addr - offset; offset != 0 && symbol >= p.start && symbol < p.end {
			return cpu, symbol, true
		}
	}
	return 0, 0, false
}

// LocatePerCPU finds the per-CPU variables by the kernel's symbols and its
// __per_cpu_offset (mm/percpu.c, arch/x86/kernel/setup_percpu.c, 6.12).
func LocatePerCPU(root procfs.Root) (PerCPU, error) {
	var p PerCPU
	var table uint64
	for s, err := range root.Symbols() {
		if err != nil {
			return PerCPU{}, err
		}
		switch s.Name {
		case "__per_cpu_start":
			p.start = s.Addr
		case "__per_cpu_end":
			p.end = s.Addr
		case "__per_cpu_offset":
			table = s.Addr
		}
	}
	if table == 0 || p.end <= p.start {
		return PerCPU{}, errors.New("no __per_cpu_offset among the kernel's symbols: it lists no variables " +
			"(CONFIG_KALLSYMS_ALL), or hides addresses")
	}
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return PerCPU{}, err
	}
	p.offsets, err = probe.Peek(table, cpus)
	return p, err
}

// New gathers what names can be made of. Text symbols are known when Offer has
// been given all.
func New(from Sources) *Namer {
	n := &Namer{
		realtime: from.Realtime, perCPU: from.PerCPU, namespaces: from.Namespaces,
		layouts: make(map[string]bundle.StructLayout), states: make(map[uint64]probe.State),
		nets: make(map[uint64]string),
	}
	for _, l := range from.Layouts {
		n.layouts[l.Struct] = l
	}
	for _, s := range from.States {
		n.nets[s.Net] = n.NetNS(s.NetNS)
		if _, known := n.states[s.Address]; !known {
			n.states[s.Address] = s
		}
	}
	n.near = newNearest(n.addresses(from.Locks, from.Stacks))
	return n
}

// Offer compares a symbol with every address just behind it.
func (n *Namer) Offer(s procfs.Symbol) { n.near.offer(s) }

// NetNS names a namespace as the plan does, or by its inode.
func (n *Namer) NetNS(inode uint32) string {
	if name, ok := n.namespaces[inode]; ok {
		return name
	}
	return fmt.Sprintf("inode %d", inode)
}

// addresses returns all that symbols are looked for.
func (n *Namer) addresses(locks []string, stacks []bundle.StackRow) []uint64 {
	var addrs []uint64
	for _, lock := range locks {
		addr := parseAddress(lock)
		addrs = append(addrs, addr)
		if _, symbol, ok := n.perCPU.resolve(addr); ok {
			addrs = append(addrs, symbol)
		}
	}
	for _, row := range stacks {
		for _, frame := range row.Frames {
			addrs = append(addrs, parseAddress(frame))
		}
	}
	return addrs
}

// parseAddress reads an address of a row, which this program wrote; 0 if it is
// none.
func parseAddress(hex string) uint64 {
	addr, _ := strconv.ParseUint(hex, 0, 64)
	return addr
}

// ID says which lock lies at an address, as far as is known: the field of the SA or of
// the network namespace it is, the per-CPU or global variable it lies in, else
// who waits for it.
func (n *Namer) ID(lock string) bundle.LockID {
	addr := parseAddress(lock)
	for state, sa := range n.states {
		if field, ok := n.field("xfrm_state", state, addr); ok {
			if n.realtime && field == "lock" {
				// spinlock_t is an rt_mutex_base, which begins with a raw lock
				// (include/linux/spinlock_types.h, rtmutex.h, 6.12).
				field = "lock.wait_lock"
			}
			return bundle.LockID{Kind: bundle.LockOfSA, Name: field, SPI: sa.SPI, PCPU: sa.PCPU,
				Inbound: sa.Inbound}
		}
	}
	for net, ns := range n.nets {
		if field, ok := n.field("net", net, addr); ok {
			return bundle.LockID{Kind: bundle.LockOfNet, Name: field, NetNS: ns}
		}
	}
	if cpu, symbol, ok := n.perCPU.resolve(addr); ok {
		if name := n.near.name(symbol); name != "" {
			return bundle.LockID{Kind: bundle.LockPerCPU, Name: name, CPU: &cpu}
		}
	}
	if name := n.near.name(addr); name != "" && addr != 0 {
		return bundle.LockID{Kind: bundle.LockSymbol, Name: name}
	}
	if caller := n.callers[addr]; caller != "" {
		return bundle.LockID{Kind: bundle.LockOfCaller, Name: caller}
	}
	return bundle.LockID{}
}

// LockOf returns the address of the lock of the SA at an address, "" if where
// it lies is not known.
func (n *Namer) LockOf(state uint64) string {
	for _, f := range n.layouts["xfrm_state"].Fields {
		if f.Name == "lock" {
			return Address(state + uint64(f.Offset))
		}
	}
	return ""
}

// Address writes an address as rows have it.
func Address(addr uint64) string { return fmt.Sprintf("%#x", addr) }

// field returns the field of the structure at base that an address lies in:
// "lock", "xfrm.xfrm_state_lock", "mtimer+0x10".
func (n *Namer) field(name string, base, addr uint64) (field string, ok bool) {
	l, known := n.layouts[name]
	if !known || base == 0 || addr < base || addr-base >= uint64(l.Size) {
		return "", false
	}
	offset := uint32(addr - base)
	for _, f := range slices.Backward(l.Fields) {
		if offset >= f.Offset && offset < f.Offset+f.Size {
			field = f.Name
			if offset > f.Offset {
				field += fmt.Sprintf("+%#x", offset-f.Offset)
			}
			return field, true
		}
	}
	return "", false
}

// Callers takes the probe's own frames off the stacks, and notes who waited most
// for each lock: its name where there is no other.
func (n *Namer) Callers(rows []bundle.StackRow) {
	n.trim(rows)
	n.findCallers(rows)
}

// trim takes the probe's own frames off the stacks: what is above the slow path.
// Where no frame is in one all are kept.
func (n *Namer) trim(rows []bundle.StackRow) {
	for i := range rows {
		frames := rows[i].Frames
		at := slices.IndexFunc(frames, func(frame string) bool {
			return strings.HasSuffix(n.near.function(parseAddress(frame)), "queued_spin_lock_slowpath")
		})
		if at > 0 {
			rows[i].Frames = frames[at:]
		}
	}
}

// findCallers sets who waited most for each lock, of stacks that were trimmed.
func (n *Namer) findCallers(rows []bundle.StackRow) {
	counts := make(map[uint64]map[string]uint64)
	for _, row := range rows {
		caller := n.caller(row.Frames)
		lock := parseAddress(row.Lock)
		if caller == "" {
			continue
		}
		if counts[lock] == nil {
			counts[lock] = make(map[string]uint64)
		}
		counts[lock][caller] += row.Count
	}
	n.callers = make(map[uint64]string)
	for lock, by := range counts {
		for caller, count := range by {
			best := n.callers[lock]
			if cmp.Or(cmp.Compare(count, by[best]), strings.Compare(best, caller)) > 0 || best == "" {
				n.callers[lock] = caller
			}
		}
	}
}

// caller returns the first function of a stack that is no lock primitive.
func (n *Namer) caller(frames []string) string {
	for _, frame := range frames {
		if name := n.near.function(parseAddress(frame)); name != "" && !isLockPrimitive(name) {
			return name
		}
	}
	return ""
}

// isLockPrimitive reports whether a function only takes a lock for its caller
// (kernel/locking/spinlock.c, qspinlock.c, qrwlock.c).
func isLockPrimitive(name string) bool {
	for _, prefix := range []string{"_raw_spin_", "__raw_spin_", "_raw_read_", "_raw_write_", "do_raw_", "queued_",
		"native_queued_", "__pv_queued_", "__pv_init", "pv_queued_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
