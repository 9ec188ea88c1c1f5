package lab

import (
	"bytes"
	"encoding/binary"

	"github.com/cilium/ebpf/btf"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
)

// which says which of its kind an object is, by what its members say.
func (n *namer) which(kind *btf.Struct, start uint64) bundle.LineObject {
	var o bundle.LineObject
	switch kind.Name {
	case "xfrm_state":
		if spi := n.member(kind, start, 4, "id", "spi"); spi != nil {
			o.SPI = binary.BigEndian.Uint32(spi)
		}
		if cpu := n.member(kind, start, 4, "pcpu_num"); cpu != nil {
			if v := int(int32(binary.LittleEndian.Uint32(cpu))); v >= 0 { // UINT_MAX: of all
				o.PCPU = &v
			}
		}
	case "xfrm_policy":
		if index := n.member(kind, start, 4, "index"); index != nil {
			o.Policy = binary.LittleEndian.Uint32(index)
		}
	case "net_device":
		o.Device = n.device(start)
	case "Qdisc":
		queue := n.pointer(kind, start, "dev_queue")
		if s := n.types.structs["netdev_queue"]; s != nil && queue != 0 {
			o.Device = n.device(n.pointer(s, queue, "dev"))
		}
	case "dst_entry":
		o.Device = n.device(n.pointer(kind, start, "dev"))
	case "rtable":
		o.Device = n.device(n.pointer(kind, start, "dst", "dev"))
	}
	return o
}

// member returns the bytes of a member of a member, nil if there is none.
func (n *namer) member(kind *btf.Struct, start, size uint64, path ...string) []byte {
	members := kind.Members
	for _, name := range path {
		m, at, ok := probe.FindMember(members, name)
		if !ok {
			return nil
		}
		start += at
		if s, ok := btf.UnderlyingType(m.Type).(*btf.Struct); ok {
			members = s.Members
		}
	}
	return n.mem.bytes(start, size)
}

func (n *namer) pointer(kind *btf.Struct, start uint64, path ...string) uint64 {
	if b := n.member(kind, start, 8, path...); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// device returns the name of the net_device at an address, "" if that is none.
func (n *namer) device(at uint64) string {
	const longest = 16 // IFNAMSIZ
	kind := n.types.structs["net_device"]
	if kind == nil || at == 0 {
		return ""
	}
	name, _, ended := bytes.Cut(n.member(kind, at, longest, "name"), []byte{0})
	for _, c := range name {
		if c <= ' ' || c > '~' {
			return ""
		}
	}
	if !ended {
		return ""
	}
	return string(name)
}
