package probe

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/btf"

	"xfrmscope/collect/bundle"
)

// laidOut are the structures of the packet path, and those of their members
// that are laid out too.
func laidOut() map[string][]string {
	return map[string][]string{
		"xfrm_state":  {"xs_net", "id", "km", "props", "replay", "curlft"},
		"xfrm_policy": {"xp_net", "walk", "curlft"},
		"net":         {"xfrm"},
	}
}

// Layouts returns where the fields of struct xfrm_state, xfrm_policy and net lie
// in the running kernel. Without BTF it is a *NoBTFError.
func (l *Loader) Layouts() ([]bundle.StructLayout, error) {
	kernel, err := l.types()
	if err != nil {
		return nil, err
	}
	return layouts(kernel)
}

func layouts(kernel *btf.Spec) ([]bundle.StructLayout, error) {
	var all []bundle.StructLayout
	var errs []error
	for name, nested := range laidOut() {
		var s *btf.Struct
		if err := kernel.TypeByName(name, &s); err != nil {
			errs = append(errs, fmt.Errorf("struct %s: %w", name, err))
			continue
		}
		l := bundle.StructLayout{Struct: name, Size: s.Size, Fields: fields(s.Members, "", 0, nested)}
		slices.SortStableFunc(l.Fields,
			func(a, b bundle.StructField) int { return cmp.Compare(a.Offset, b.Offset) })
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b bundle.StructLayout) int { return cmp.Compare(a.Struct, b.Struct) })
	return all, errors.Join(errs...)
}

// fields flattens members: anonymous ones always, named ones if they are among
// nested.
func fields(members []btf.Member, prefix string, base uint32, nested []string) []bundle.StructField {
	var out []bundle.StructField
	for _, m := range members {
		offset := base + m.Offset.Bytes()
		switch inner := MembersOf(m.Type); {
		case inner != nil && m.Name == "":
			out = append(out, fields(inner, prefix, offset, nested)...)
		case inner != nil && slices.Contains(nested, m.Name):
			out = append(out, fields(inner, prefix+m.Name+".", offset, nil)...)
		case m.Name != "":
			size, err := btf.Sizeof(m.Type)
			if err != nil {
				continue // a flexible array: it is part of no structure's size
			}
			out = append(out, bundle.StructField{Name: prefix + m.Name, Offset: offset, Size: uint32(size)})
		}
	}
	return out
}

// MembersOf returns the members of a structure or union, nil of other types.
func MembersOf(t btf.Type) []btf.Member {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		return t.Members
	case *btf.Union:
		return t.Members
	}
	return nil
}
