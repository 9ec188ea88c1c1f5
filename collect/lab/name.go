package lab

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
)

// A namer names addresses of a guest's kernel: "xfrm_state.lock", "init_net.xfrm",
// "per-CPU softnet_data+64".
type namer struct {
	mem     *memory // nil if the kernel's tables can't be read
	types   *types
	kinds   map[uint64]*btf.Struct // what objects of general caches are, by where they start
	statics []function             // symbols, by address
	known   map[uint64]named       // what was found, by address
}

type named struct {
	name   string
	object bundle.LineObject
}

// newNamer reads what the addresses lead to. Without BTF, or with tables that are
// not as expected, only symbols are named; why says so then.
func (k *Kernel) newNamer(ram []byte, cpus int, addrs []uint64) (n *namer, why error) {
	n = &namer{kinds: map[uint64]*btf.Struct{}, known: map[uint64]named{}, statics: k.statics()}
	if len(k.btf) == 0 {
		return n, fmt.Errorf("the kernel has no BTF")
	}
	t, err := newTypes(k.btf)
	if err != nil {
		return n, err
	}
	mem, err := newMemory(ram, k.symbols, cpus, t)
	if err != nil {
		return n, err
	}
	n.mem, n.types = mem, t
	n.follow(k.symbols["init_net"], addrs)
	return n, nil
}

// statics are the symbols of the kernel's data, and of its text.
func (k *Kernel) statics() []function {
	all := make([]function, 0, len(k.symbols))
	for name, addr := range k.symbols {
		if !strings.HasPrefix(name, "__pfx_") {
			all = append(all, function{addr: addr, name: name})
		}
	}
	slices.SortFunc(all, func(a, b function) int {
		// Of several names the plainest is last, which is the one found.
		underscores := cmp.Compare(strings.Count(b.name, "_"), strings.Count(a.name, "_"))
		return cmp.Or(cmp.Compare(a.addr, b.addr), underscores, cmp.Compare(a.name, b.name))
	})
	return all
}

// follow goes along typed pointers, from the network namespace and from the objects
// of caches that hold one kind, and so learns what objects of general caches are.
func (n *namer) follow(net uint64, addrs []uint64) {
	type step struct {
		at    uint64
		kind  *btf.Struct
		depth int
	}
	var queue []step
	if s := n.types.structs["net"]; s != nil && net != 0 {
		queue = append(queue, step{at: net, kind: s})
	}
	for _, a := range addrs {
		o, ok := n.mem.object(a)
		if s := n.ownKind(o.cache); ok && s != nil && n.kinds[o.start] == nil {
			n.kinds[o.start] = s
			queue = append(queue, step{at: o.start, kind: s})
		}
	}
	const deepest, most = 5, 60000
	for i := 0; i < len(queue) && i < most; i++ {
		s := queue[i]
		if s.depth > deepest {
			continue
		}
		for _, l := range n.types.pointers(s.kind) {
			to := n.mem.word(s.at + l.offset)
			if to < n.mem.direct || to&7 != 0 || n.kinds[to] != nil {
				continue
			}
			if o, ok := n.mem.object(to); ok && o.start == to && uint64(l.to.Size) <= o.size {
				n.kinds[to] = l.to
				queue = append(queue, step{to, l.to, s.depth + 1})
			}
		}
	}
}

// ownKind is the structure that all objects of a cache are, nil for a general cache.
func (n *namer) ownKind(cache string) *btf.Struct {
	return n.types.structs[probe.StructOf(cache)]
}

// name names an address, and says which object it is in.
func (n *namer) name(va uint64) (string, bundle.LineObject) {
	if known, ok := n.known[va]; ok {
		return known.name, known.object
	}
	var known named
	known.name, known.object = n.find(va)
	n.known[va] = known
	return known.name, known.object
}

func (n *namer) find(va uint64) (string, bundle.LineObject) {
	var none bundle.LineObject
	if n.mem == nil {
		return n.static(va), none
	}
	if va-textBase < moduleBase {
		if net := n.mem.symbols["init_net"]; va-net < uint64(n.sizeOf("net")) {
			return "init_net." + probe.FieldAt(n.types.structs["net"], va-net), none
		}
		return n.static(va), none
	}
	start, end := n.mem.symbols["__per_cpu_start"], n.mem.symbols["__per_cpu_end"]
	for cpu, offset := range n.mem.perCPU {
		if at := va - offset; offset != 0 && start <= at && at < end {
			return "per-CPU " + n.static(at), bundle.LineObject{CPU: &cpu}
		}
	}
	pa, ok := n.mem.physical(va)
	if !ok {
		return "vmalloc", none
	}
	o, ok := n.mem.object(va)
	if !ok {
		return n.page(va), none
	}
	off := n.mem.direct + pa - o.start
	kind := n.kinds[o.start]
	if own := n.ownKind(o.cache); own != nil {
		kind = own
	}
	if kind == nil || off >= uint64(kind.Size) {
		return o.cache + "+" + strconv.FormatUint(off, 10), bundle.LineObject{Cache: o.cache}
	}
	object := n.which(kind, o.start)
	object.Cache = o.cache
	return kind.Name + "." + probe.FieldAt(kind, off), object
}

// page names what is in no slab.
func (n *namer) page(va uint64) string {
	idents := n.mem.word(n.mem.symbols["ip_idents"]) // net/ipv4/route.c, an array of counters, 7.3
	if size := 4 * (n.mem.half(n.mem.symbols["ip_idents_mask"]) + 1); idents != 0 && va-idents < size {
		return "ip_idents"
	}
	return "page"
}

func (n *namer) sizeOf(name string) uint32 {
	if s := n.types.structs[name]; s != nil {
		return s.Size
	}
	return 0
}

// static names an address by the symbol before it.
func (n *namer) static(va uint64) string {
	i, _ := slices.BinarySearchFunc(n.statics, va, func(f function, va uint64) int {
		if f.addr <= va {
			return -1
		}
		return 1
	})
	if i == 0 {
		return fmt.Sprintf("%#x", va)
	}
	s := n.statics[i-1]
	if s.addr == va {
		return s.name
	}
	return s.name + "+" + strconv.FormatUint(va-s.addr, 10)
}
