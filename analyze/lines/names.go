package lines

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
)

// Names is what names addresses and instructions of a kernel, as far as a recording
// has it. All of it may be missing.
type Names struct {
	Text, Data     *symbols.Table
	Objects, Slabs []Object
	Layouts        []bundle.StructLayout
	// Fields tells what an instruction touches, of a simulated run of the same kernel; nil without.
	Fields *Instructions
}

// An Object is one that a probe saw: it was of its kind as long as it lived. One that
// only its slab cache tells was of its kind when the window ended, if that is known.
type Object struct {
	Start uint64
	Size  uint32 // of a slab cache's
	Kind  string // "xfrm_state"
	ID    bundle.LineObject
}

// Objects are those listed when the window ended and the SAs that lookups returned, by
// address, and apart from them those that their slab caches tell. What was listed lived
// longest.
func Objects(listed []bundle.KernelObject, rows []bundle.FindRow) (seen, slabs []Object) {
	for _, row := range rows {
		id := bundle.LineObject{SPI: row.SPI, PCPU: row.PCPU}
		listed = append(listed, bundle.KernelObject{Start: row.State, Struct: "xfrm_state", LineObject: id})
	}
	for _, o := range listed {
		at, err := strconv.ParseUint(strings.TrimPrefix(o.Start, "0x"), 16, 64)
		switch object := (Object{at, o.Size, o.Struct, o.LineObject}); {
		case err != nil || at == 0:
		case o.Cache != "":
			slabs = append(slabs, object)
		default:
			seen = append(seen, object)
		}
	}
	return byStart(seen), byStart(slabs)
}

func byStart(all []Object) []Object {
	slices.SortStableFunc(all, func(a, b Object) int { return cmp.Compare(a.Start, b.Start) })
	return slices.CompactFunc(all, func(a, b Object) bool { return a.Start == b.Start })
}

// lineBytes is the cache line of the machines that take such samples.
const lineBytes = 64

// A named address has the name of its field, and which one of its kind it is in, or by what
// it was named.
type named struct {
	field, object string
	slab          bool // only its slab cache told
}

// unnamedUser stands for all memory of programs.
const unnamedUser = "memory of programs"

// of names an address by the strongest evidence there is: an object that a probe saw,
// then one of a slab cache, then a variable, then what the instruction touches elsewhere,
// then the bare line, which is a line still.
func (n *Names) of(a *perfdata.Access, at instruction) named {
	addr, phys := a.Addr, a.Phys
	switch {
	case addr == 0 && phys == 0:
		return named{field: "address not recorded"}
	case addr == 0:
		return named{field: fmt.Sprintf("physical line 0x%x", phys&^(lineBytes-1))}
	case addr < bundle.KernelHalf:
		return named{field: unnamedUser}
	}
	if o, ok := before(n.Objects, addr); ok {
		if field, ok := n.field(o, addr); ok {
			return named{field: field, object: o.ID.String()}
		}
	}
	if o, ok := before(n.Slabs, addr); ok && addr-o.Start < uint64(o.Size) {
		field, ok := n.field(o, addr)
		if !ok { // the cache does not say what its objects are
			field = withOffset(o.ID.Cache, addr-o.Start)
		}
		return named{field, "by slab cache " + o.ID.Cache, true}
	}
	if s, ok := n.Data.Lookup(addr); ok {
		return named{field: withOffset(s.Name, addr-s.Start)}
	}
	if field, ok := n.Fields.of(at); ok {
		return named{field: field}
	}
	return named{field: fmt.Sprintf("0x%x", addr&^(lineBytes-1))}
}

// before is the last object that begins at an address or before it.
func before(objects []Object, addr uint64) (Object, bool) {
	i, found := slices.BinarySearchFunc(objects, addr, func(o Object, addr uint64) int {
		return cmp.Compare(o.Start, addr)
	})
	if !found {
		i--
	}
	if i < 0 {
		return Object{}, false
	}
	return objects[i], true
}

// field names the field of an object that an address is in.
func (n *Names) field(o Object, addr uint64) (string, bool) {
	for _, l := range n.Layouts {
		if l.Struct == o.Kind && addr-o.Start < uint64(l.Size) {
			return l.Struct + "." + fieldAt(l, uint32(addr-o.Start)), true
		}
	}
	return "", false
}

// fieldAt names the field at an offset; layouts hold the fields that matter, and an
// offset that is in none of them stands for itself.
func fieldAt(l bundle.StructLayout, offset uint32) string {
	for _, f := range l.Fields {
		if offset >= f.Offset && offset-f.Offset < f.Size {
			return f.Name
		}
	}
	return fmt.Sprintf("+%d", offset)
}

func withOffset(name string, offset uint64) string {
	if offset == 0 {
		return name
	}
	return name + "+" + strconv.FormatUint(offset, 10)
}

// instruction names the one that made an access: by the kernel's symbols, else as the
// text of it does.
func (n *Names) instruction(a *perfdata.Access) instruction {
	if a.IP < bundle.KernelHalf {
		return instruction{"programs", 0}
	}
	if s, ok := n.Text.Lookup(a.IP); ok {
		return instruction{s.Name, a.IP - s.Start}
	}
	if a.Function != "" {
		return instruction{a.Function, 0}
	}
	return instruction{fmt.Sprintf("0x%x", a.IP), 0}
}
