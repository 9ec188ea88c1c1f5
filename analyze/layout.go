package analyze

import (
	"cmp"
	"slices"
	"strings"

	"xfrmscope/collect/bundle"
)

// cacheLine is the bytes of a line on the machines XFRM runs on fast.
const cacheLine = 64

// A hotField is a field that the packet path touches, and how.
type hotField struct {
	name, use string
	access    Access
}

// An Access is how packets touch a field, as flags.
type Access uint8

const (
	EveryPacket Access = 1 << iota // every packet writes it
	EveryCPU                       // packets of all CPUs touch it, not those of one
	Rewritten                      // written when the policy changes
)

// hotFields lists, by structure, what the transmit path touches on every packet:
// net/xfrm/xfrm_state.c xfrm_state_find and xfrm_state_look_at,
// xfrm_output.c xfrm_output_one, xfrm_replay.c, xfrm_policy.c
// xfrm_policy_lookup_bytype (6.12).
func hotFields() map[string][]hotField {
	return map[string][]hotField{
		"xfrm_state": {
			{"bydst", "read by the lookup of every CPU (hash chain)", EveryCPU},
			{"state_cache", "read by the lookup of every CPU (list of cached SAs)", EveryCPU},
			{"state_cache_input", "read by the receive path (list of its CPU)", 0},
			{"refcnt", "written by every packet of the SA's CPU (hold and put)", EveryPacket},
			{"lock", "written by every packet of the SA's CPU (spin lock)", EveryPacket},
			{"pcpu_num", "read by the lookup of every CPU", EveryCPU},
			{"id.daddr", "read by the lookup of every CPU", EveryCPU},
			{"id.spi", "read by every packet of the SA's CPU", 0},
			{"mark", "read by the lookup of every CPU", EveryCPU},
			{"if_id", "read by the lookup of every CPU", EveryCPU},
			{"km.state", "read by the lookup of every CPU", EveryCPU},
			{"props.reqid", "read by the lookup of every CPU", EveryCPU},
			{"props.saddr", "read by the lookup of every CPU", EveryCPU},
			{"replay", "written by every packet of the SA's CPU (sequence number)", EveryPacket},
			{"curlft", "written by every packet of the SA's CPU (bytes, packets)", EveryPacket},
			{"lastused", "written by every packet of the SA's CPU", EveryPacket},
		},
		"xfrm_policy": {
			{"bydst", "read by the lookup of every CPU (hash chain)", EveryCPU},
			{"bydst_inexact_list", "read by the lookup of every CPU", EveryCPU},
			{"lock", "read by the lookup (walk.dead), written when the policy changes", Rewritten},
			{"refcnt", "written by every packet of every CPU (hold and put)", EveryPacket | EveryCPU},
			{"state_cache_list", "read by the lookup of every CPU (head of the list)", EveryCPU},
			{"selector", "read by the lookup of every CPU", EveryCPU},
			{"mark", "read by the lookup of every CPU", EveryCPU},
			{"if_id", "read by the lookup of every CPU", EveryCPU},
			{"walk.dead", "read by the lookup of every CPU", EveryCPU},
			{"flags", "read by the lookup of every CPU", EveryCPU},
			{"xfrm_nr", "read by every bundle built", 0},
			{"xfrm_vec", "read by every bundle built", 0},
		},
	}
}

// Written reports whether packets write the field.
func (f LayoutField) Written() bool { return f.Access&EveryPacket != 0 }

// AllCPUs reports whether every CPU touches the field, not only its owner.
func (f LayoutField) AllCPUs() bool { return f.Access&EveryCPU != 0 }

// newLayouts keeps the hot fields of the structures, by offset. A field that the
// kernel does not have is left out.
func newLayouts(structs []bundle.StructLayout) []Layout {
	var out []Layout
	for _, s := range structs {
		hot, ok := hotFields()[s.Struct]
		if !ok {
			continue
		}
		l := Layout{Struct: s.Struct, Size: s.Size, Source: "kernel BTF, as recorded"}
		for _, h := range hot {
			if f, ok := fieldOf(s.Fields, h.name); ok {
				l.Fields = append(l.Fields, LayoutField{Name: f.Name, Offset: f.Offset, Size: f.Size, Line: f.Offset / cacheLine, Use: h.use, Access: h.access})
			}
		}
		slices.SortStableFunc(l.Fields, func(a, b LayoutField) int { return cmp.Compare(a.Offset, b.Offset) })
		out = append(out, l)
	}
	return out
}

// restore sets how the fields are touched: by what the table says of them today.
func (l *Layout) restore() {
	for i := range l.Fields {
		for _, h := range hotFields()[l.Struct] {
			if h.use == l.Fields[i].Use {
				l.Fields[i].Access = h.access
			}
		}
	}
}

// fieldOf finds a field by its name, or the first of its members where only
// those are listed.
func fieldOf(fields []bundle.StructField, name string) (bundle.StructField, bool) {
	for _, f := range fields {
		if f.Name == name {
			return f, true
		}
	}
	for _, f := range fields {
		if strings.HasPrefix(f.Name, name+".") {
			return f, true
		}
	}
	return bundle.StructField{}, false
}
