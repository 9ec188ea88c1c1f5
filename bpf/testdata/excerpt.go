//go:build ignore

// Excerpt writes the part of a kernel's BTF that the tests need: the structures
// of the packet path, whose members of other types are bytes, and the functions
// that probes are attached to.
//
//	go run ./bpf/testdata/excerpt.go /sys/kernel/btf/vmlinux bpf/testdata/7.3.btf
package main

import (
	"log"
	"os"
	"slices"

	"github.com/cilium/ebpf/btf"
)

var (
	structs = []string{"xfrm_state", "xfrm_policy", "net", "pt_regs", "kmem_cache"}
	nested  = []string{"netns_xfrm", "xfrm_id", "xfrm_state_walk", "xfrm_policy_walk_entry", "xfrm_replay_state",
		"xfrm_lifetime_cur", "ns_common", "hlist_node", "hlist_head", "kmem_cache_order_objects"}
	functions = []string{
		"xfrm_state_find", "xfrm_input_state_lookup", "xfrm_state_lookup", "_raw_spin_lock_bh", "rt_spin_lock",
		"native_queued_spin_lock_slowpath", "__pv_queued_spin_lock_slowpath", "queued_read_lock_slowpath",
		"queued_write_lock_slowpath", "bpf_get_kmem_cache",
	}
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: excerpt BTF OUTPUT")
	}
	kernel, err := btf.LoadSpec(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	e := excerpt{made: make(map[btf.Type]btf.Type)}
	var types []btf.Type
	for _, name := range structs {
		var s *btf.Struct
		if err := kernel.TypeByName(name, &s); err != nil {
			log.Fatalf("struct %s: %v", name, err)
		}
		types = append(types, e.shrink(s))
	}
	for _, name := range functions {
		var fn *btf.Func
		if kernel.TypeByName(name, &fn) == nil {
			proto := *fn.Type.(*btf.FuncProto)
			proto.Return = &btf.Void{}
			proto.Params = slices.Clone(proto.Params)
			for i := range proto.Params {
				proto.Params[i].Type = &btf.Pointer{Target: &btf.Void{}}
			}
			types = append(types, &btf.Func{Name: fn.Name, Type: &proto, Linkage: fn.Linkage})
		}
	}
	b, err := btf.NewBuilder(types, nil)
	if err != nil {
		log.Fatal(err)
	}
	data, err := b.Marshal(nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(os.Args[2], data, 0o644); err != nil {
		log.Fatal(err)
	}
}

// An excerpt copies types, each once.
type excerpt struct{ made map[btf.Type]btf.Type }

func (e excerpt) shrink(t btf.Type) btf.Type {
	if made := e.made[t]; made != nil {
		return made
	}
	switch t := t.(type) {
	case *btf.Struct:
		if t.Name != "" && !slices.Contains(structs, t.Name) && !slices.Contains(nested, t.Name) {
			break
		}
		s := &btf.Struct{Name: t.Name, Size: t.Size}
		e.made[t] = s
		s.Members = e.members(t.Members)
		return s
	case *btf.Union:
		if t.Name != "" {
			break
		}
		u := &btf.Union{Size: t.Size}
		e.made[t] = u
		u.Members = e.members(t.Members)
		return u
	case *btf.Pointer:
		target := e.shrink(btf.UnderlyingType(t.Target))
		if _, opaque := target.(*btf.Array); opaque {
			target = &btf.Void{}
		}
		return &btf.Pointer{Target: target}
	case *btf.Int:
		return t
	case *btf.Void:
		return t
	case *btf.Typedef, *btf.Const, *btf.Volatile:
		return e.shrink(btf.UnderlyingType(t))
	}
	size, err := btf.Sizeof(t)
	if err != nil {
		size = 0
	}
	one := &btf.Int{Name: "unsigned char", Size: 1}
	return &btf.Array{Index: &btf.Int{Name: "unsigned int", Size: 4}, Type: one, Nelems: uint32(size)}
}

func (e excerpt) members(all []btf.Member) []btf.Member {
	var out []btf.Member
	for _, m := range all {
		m.Type = e.shrink(m.Type)
		out = append(out, m)
	}
	return out
}
