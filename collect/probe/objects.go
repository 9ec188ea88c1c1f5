package probe

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"xfrmscope/collect/bundle"
)

// A listed is a kind of objects that each network namespace has a list of.
type listed struct {
	head string // in struct net
	kind string
	node string // in the kind
	// dead says where a walk through the list left a mark among the objects: a byte, and what it is then
	dead string
	is   byte
	id   func(read func(member string, size int) []byte) bundle.LineObject
}

// lists are those of SAs, policies and devices (include/net/netns/xfrm.h, net_namespace.h, 6.12).
func lists() []listed {
	return []listed{
		{"xfrm.state_all", "xfrm_state", "km.all", "km.state", 5, idOfSA},
		{"xfrm.policy_all", "xfrm_policy", "walk.all", "walk.dead", 1, idOfPolicy},
		{"dev_base_head", "net_device", "dev_list", "", 0, idOfDevice},
	}
}

func idOfSA(read func(string, int) []byte) (o bundle.LineObject) {
	if spi := read("id.spi", 4); spi != nil {
		o.SPI = binary.BigEndian.Uint32(spi)
	}
	if cpu := read("pcpu_num", 4); cpu != nil && binary.NativeEndian.Uint32(cpu) != math.MaxUint32 {
		o.PCPU = new(int(binary.NativeEndian.Uint32(cpu)))
	}
	return o
}

func idOfPolicy(read func(string, int) []byte) (o bundle.LineObject) {
	if index := read("index", 4); index != nil {
		o.Policy = binary.NativeEndian.Uint32(index)
	}
	return o
}

func idOfDevice(read func(string, int) []byte) bundle.LineObject {
	name, _, _ := bytes.Cut(read("name", 16), []byte{0})
	return bundle.LineObject{Device: string(name)}
}

// mostListed bounds a list, which others change while it is read.
const mostListed = 1 << 14

// Objects returns the SAs, policies and devices of network namespaces, by the addresses of their struct net, and the
// layout of each kind to its last member: what names an address that was sampled. It needs what Peek needs.
func (l *Loader) Objects(nets []uint64) (*bundle.Objects, error) {
	kernel, err := l.types()
	if err != nil {
		return nil, err
	}
	memory, err := openMemory()
	if err != nil {
		return nil, err
	}
	defer memory.close()
	kinds := map[string]*btf.Struct{}
	out := &bundle.Objects{}
	for _, kind := range []string{"net", "xfrm_state", "xfrm_policy", "net_device"} {
		s, err := structOf(kernel, kind)
		if err != nil {
			return nil, err
		}
		kinds[kind], out.Structs = s, append(out.Structs, deepLayout(s))
	}
	for _, net := range nets {
		out.Objects = append(out.Objects, object(net, "net", bundle.LineObject{}))
		for _, list := range lists() {
			found, err := list.walk(memory, kinds, net)
			if err != nil {
				return out, fmt.Errorf("the list net.%s: %w", list.head, err)
			}
			out.Objects = append(out.Objects, found...)
		}
	}
	return out, nil
}

func structOf(kernel *btf.Spec, name string) (s *btf.Struct, err error) {
	if err := kernel.TypeByName(name, &s); err != nil {
		return nil, fmt.Errorf("struct %s: %w", name, err)
	}
	return s, nil
}

func object(at uint64, kind string, id bundle.LineObject) bundle.KernelObject {
	return bundle.KernelObject{Start: fmt.Sprintf("%#x", at), Struct: kind, LineObject: id}
}

// walk goes along the list of a namespace, whose nodes begin with the next.
func (l listed) walk(m *memory, kinds map[string]*btf.Struct, net uint64) (out []bundle.KernelObject, err error) {
	head, ok1 := memberAt(kinds["net"], l.head)
	node, ok2 := memberAt(kinds[l.kind], l.node)
	if !ok1 || !ok2 {
		return nil, &UnsuitableError{"this kernel has no such list of " + l.kind}
	}
	head += net
	for at, n := head, 0; n < mostListed; n++ {
		next, err := m.read(at, 8)
		if err != nil {
			return out, err
		}
		if at = binary.NativeEndian.Uint64(next); at == head {
			return out, nil
		}
		start := at - node
		read := func(member string, size int) []byte {
			to, ok := memberAt(kinds[l.kind], member)
			if !ok {
				return nil
			}
			b, rerr := m.read(start+to, size)
			err = cmp.Or(err, rerr)
			return b
		}
		if l.dead != "" {
			if b := read(l.dead, 1); len(b) == 1 && b[0] == l.is {
				continue
			}
		}
		out = append(out, object(start, l.kind, l.id(read)))
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// memberAt returns where a member of a member lies: "xfrm.state_all".
func memberAt(s *btf.Struct, path string) (at uint64, ok bool) {
	members := s.Members
	for name := range strings.SplitSeq(path, ".") {
		m, offset, ok := FindMember(members, name)
		if !ok {
			return 0, false
		}
		at += offset
		members = MembersOf(m.Type)
	}
	return at, true
}

// FindMember returns a member and where it lies, also one of an unnamed member.
func FindMember(members []btf.Member, name string) (btf.Member, uint64, bool) {
	for _, m := range members {
		if m.Name == name {
			return m, uint64(m.Offset.Bytes()), true
		}
		if m.Name != "" {
			continue
		}
		if found, at, ok := FindMember(MembersOf(m.Type), name); ok {
			return found, uint64(m.Offset.Bytes()) + at, true
		}
	}
	return btf.Member{}, 0, false
}

// deepLayout has the innermost member at each byte of a structure.
func deepLayout(s *btf.Struct) bundle.StructLayout {
	l := bundle.StructLayout{Struct: s.Name, Size: s.Size}
	for at := range s.Size {
		name := FieldAt(s, uint64(at))
		if n := len(l.Fields); n > 0 && l.Fields[n-1].Name == name {
			l.Fields[n-1].Size++
			continue
		}
		l.Fields = append(l.Fields, bundle.StructField{Name: name, Offset: at, Size: 1})
	}
	return l
}

// FieldAt names the innermost member of a type that a byte is in, without what only wraps a lock's word or a counter.
func FieldAt(t btf.Type, off uint64) string {
	name := fieldAt(t, off)
	for _, wrap := range []string{".rlock.raw_lock", ".raw_lock.", ".refs.counter", ".refcnt.counter", ".counter"} {
		name, _, _ = strings.Cut(name, wrap)
	}
	return name
}

func fieldAt(t btf.Type, off uint64) string {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Array:
		if size, err := btf.Sizeof(t.Type); err == nil && size > 0 {
			return fieldAt(t.Type, off%uint64(size))
		}
	case *btf.Struct, *btf.Union:
		i := slices.IndexFunc(MembersOf(t), func(m btf.Member) bool {
			size, err := btf.Sizeof(m.Type)
			if m.BitfieldSize > 0 {
				size = int(m.BitfieldSize+7) / 8
			}
			at := uint64(m.Offset.Bytes())
			return err == nil && at <= off && off < at+uint64(size)
		})
		if i < 0 {
			return "(padding)"
		}
		m := MembersOf(t)[i]
		inner := fieldAt(m.Type, off-uint64(m.Offset.Bytes()))
		if m.Name == "" || inner == "" {
			return m.Name + inner
		}
		return m.Name + "." + inner
	}
	return ""
}
