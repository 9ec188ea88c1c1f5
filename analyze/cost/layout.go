package cost

import (
	"cmp"
	"slices"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// cacheLine is the bytes of a line on the machines XFRM runs on fast.
const cacheLine = 64

// A hotField is a field that the packet path touches, and how.
type hotField struct {
	name, use string
	access    result.Access
}

// hotFields lists, by structure, what the transmit path touches on every packet:
// net/xfrm/xfrm_state.c xfrm_state_find and xfrm_state_look_at,
// xfrm_output.c xfrm_output_one, xfrm_replay.c, xfrm_policy.c
// xfrm_policy_lookup_bytype (6.12).
func hotFields() map[string][]hotField {
	return map[string][]hotField{
		"xfrm_state": {
			{"bydst", "read by the lookup of every CPU (hash chain)", result.EveryCPU},
			{"state_cache", "read by the lookup of every CPU (list of cached SAs)", result.EveryCPU},
			{"state_cache_input", "read by the receive path (list of its CPU)", 0},
			{"refcnt", "written by every packet of the SA's CPU (hold and put)", result.EveryPacket},
			{"lock", "written by every packet of the SA's CPU (spin lock)", result.EveryPacket},
			{"pcpu_num", "read by the lookup of every CPU", result.EveryCPU},
			{"id.daddr", "read by the lookup of every CPU", result.EveryCPU},
			{"id.spi", "read by every packet of the SA's CPU", 0},
			{"mark", "read by the lookup of every CPU", result.EveryCPU},
			{"if_id", "read by the lookup of every CPU", result.EveryCPU},
			{"km.state", "read by the lookup of every CPU", result.EveryCPU},
			{"props.reqid", "read by the lookup of every CPU", result.EveryCPU},
			{"props.saddr", "read by the lookup of every CPU", result.EveryCPU},
			{"replay", "written by every packet of the SA's CPU (sequence number)", result.EveryPacket},
			{"curlft", "written by every packet of the SA's CPU (bytes, packets)", result.EveryPacket},
			{"lastused", "written by every packet of the SA's CPU", result.EveryPacket},
		},
		"xfrm_policy": {
			{"bydst", "read by the lookup of every CPU (hash chain)", result.EveryCPU},
			{"bydst_inexact_list", "read by the lookup of every CPU", result.EveryCPU},
			{"lock", "read by the lookup (walk.dead), written when the policy changes", result.Rewritten},
			{"refcnt", "written by every packet of every CPU (hold and put)",
				result.EveryPacket | result.EveryCPU},
			{"state_cache_list", "read by the lookup of every CPU (head of the list)", result.EveryCPU},
			{"selector", "read by the lookup of every CPU", result.EveryCPU},
			{"mark", "read by the lookup of every CPU", result.EveryCPU},
			{"if_id", "read by the lookup of every CPU", result.EveryCPU},
			{"walk.dead", "read by the lookup of every CPU", result.EveryCPU},
			{"flags", "read by the lookup of every CPU", result.EveryCPU},
			{"xfrm_nr", "read by every bundle built", 0},
			{"xfrm_vec", "read by every bundle built", 0},
		},
	}
}

// NewLayouts keeps the hot fields of the structures, by offset. A field that the
// kernel does not have is left out.
func NewLayouts(structs []bundle.StructLayout) []result.Layout {
	var out []result.Layout
	for _, s := range structs {
		hot, ok := hotFields()[s.Struct]
		if !ok {
			continue
		}
		l := result.Layout{Struct: s.Struct, Size: s.Size, Source: "kernel BTF, as recorded"}
		for _, h := range hot {
			if f, ok := fieldOf(s.Fields, h.name); ok {
				l.Fields = append(l.Fields,
					result.LayoutField{Name: f.Name, Offset: f.Offset, Size: f.Size,
						Line: f.Offset / cacheLine, Use: h.use, Access: h.access})
			}
		}
		slices.SortStableFunc(l.Fields, func(a, b result.LayoutField) int {
			return cmp.Compare(a.Offset, b.Offset)
		})
		out = append(out, l)
	}
	return out
}

// Restore sets how the fields are touched: by what the table says of them today.
func Restore(l *result.Layout) {
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
