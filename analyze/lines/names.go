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
	Text, Data *symbols.Table
	Objects    []Object
	Layouts    []bundle.StructLayout
	// Fields tells what an instruction touches, of a simulated run of the same kernel; nil without.
	Fields *Instructions
}

// An Object is one that a probe saw: it was of its kind as long as it lived.
type Object struct {
	Start uint64
	Kind  string // "xfrm_state"
	ID    bundle.LineObject
}

// Objects are those listed when the window ended and the SAs that lookups returned, by
// address. What was listed lived longest.
func Objects(listed []bundle.KernelObject, rows []bundle.FindRow) []Object {
	var out []Object
	add := func(start, kind string, id bundle.LineObject) {
		if at, err := strconv.ParseUint(strings.TrimPrefix(start, "0x"), 16, 64); err == nil && at != 0 {
			out = append(out, Object{at, kind, id})
		}
	}
	for _, o := range listed {
		add(o.Start, o.Struct, o.LineObject)
	}
	for _, row := range rows {
		add(row.State, "xfrm_state", bundle.LineObject{SPI: row.SPI, PCPU: row.PCPU})
	}
	slices.SortStableFunc(out, func(a, b Object) int { return cmp.Compare(a.Start, b.Start) })
	return slices.CompactFunc(out, func(a, b Object) bool { return a.Start == b.Start })
}

// lineBytes is the cache line of the machines that take such samples.
const lineBytes = 64

// kernelHalf is where addresses of a 64-bit kernel begin.
const kernelHalf = 1 << 63

// unnamedUser stands for all memory of programs.
const unnamedUser = "memory of programs"

// of names an address by the strongest evidence there is: an object that a probe saw,
// then a variable, then what the instruction touches elsewhere, then the bare line,
// which is a line still. object says which one of its kind it is.
func (n *Names) of(a *perfdata.Access, at instruction) (field, object string) {
	addr, phys := a.Addr, a.Phys
	switch {
	case addr == 0 && phys == 0:
		return "address not recorded", ""
	case addr == 0:
		return fmt.Sprintf("physical line 0x%x", phys&^(lineBytes-1)), ""
	case addr < kernelHalf:
		return unnamedUser, ""
	}
	if field, object, ok := n.inObject(addr); ok {
		return field, object
	}
	if s, ok := n.Data.Lookup(addr); ok {
		return withOffset(s.Name, addr-s.Start), ""
	}
	if field, ok := n.Fields.of(at); ok {
		return field, ""
	}
	return fmt.Sprintf("0x%x", addr&^(lineBytes-1)), ""
}

func (n *Names) inObject(addr uint64) (field, object string, ok bool) {
	i, found := slices.BinarySearchFunc(n.Objects, addr, func(o Object, addr uint64) int {
		return cmp.Compare(o.Start, addr)
	})
	if !found {
		i--
	}
	if i < 0 {
		return "", "", false
	}
	o := n.Objects[i]
	for _, l := range n.Layouts {
		if l.Struct == o.Kind && addr-o.Start < uint64(l.Size) {
			return l.Struct + "." + fieldAt(l, uint32(addr-o.Start)), o.ID.String(), true
		}
	}
	return "", "", false
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
	if a.IP < kernelHalf {
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
