package probe

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf/btf"

	"xfrmscope/collect/bundle"
)

// labKernel is the part of a lab kernel's types that bpf/testdata/excerpt.go
// keeps.
func labKernel(t *testing.T, version string) *btf.Spec {
	t.Helper()
	types, err := btf.LoadSpec("../../bpf/testdata/" + version + ".btf")
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func TestLayouts(t *testing.T) {
	tests := []struct {
		kernel, structure, field string
		offset, size             uint32 // size 0: the kernel has no such field
	}{
		{"7.3", "xfrm_state", "xs_net.net", 0, 8},
		{"7.3", "xfrm_state", "bydst", 8, 16},
		{"7.3", "xfrm_state", "refcnt", 104, 4},
		{"7.3", "xfrm_state", "lock", 108, 4},
		{"7.3", "xfrm_state", "pcpu_num", 112, 4},
		{"7.3", "xfrm_state", "id.spi", 132, 4},
		{"7.3", "xfrm_policy", "state_cache_list", 40, 8},
		{"7.3", "xfrm_policy", "refcnt", 56, 4},
		{"7.3", "net", "xfrm.xfrm_state_lock", 3776 + 768, 4},
		{"7.3", "net", "xfrm.xfrm_policy_lock", 3776 + 780, 4},
		{"6.12", "xfrm_state", "lock", 108, 4},
		{"6.12", "xfrm_state", "pcpu_num", 112, 4},
		{"6.1", "xfrm_state", "pcpu_num", 0, 0},
		{"6.1", "xfrm_state", "lock", 76, 4},
		{"6.1", "xfrm_policy", "state_cache_list", 0, 0},
	}
	for _, test := range tests {
		all, err := layouts(labKernel(t, test.kernel))
		if err != nil {
			t.Fatal(err)
		}
		if got := fieldOf(all, test.structure, test.field); got.Offset != test.offset || got.Size != test.size {
			t.Errorf("%s: %s.%s is %+v", test.kernel, test.structure, test.field, got)
		}
	}
}

func fieldOf(all []bundle.StructLayout, structure, field string) bundle.StructField {
	for _, l := range all {
		for _, f := range l.Fields {
			if l.Struct == structure && f.Name == field {
				return f
			}
		}
	}
	return bundle.StructField{}
}

// Of each layout the fields are in order and within the structure.
func TestLayoutsAddUp(t *testing.T) {
	for _, kernel := range []string{"6.1", "6.12", "7.3"} {
		all, err := layouts(labKernel(t, kernel))
		if err != nil || len(all) != 3 {
			t.Fatalf("%s: %d layouts, %v", kernel, len(all), err)
		}
		for _, l := range all {
			last := uint32(0)
			for _, f := range l.Fields {
				if f.Offset < last || f.Offset+f.Size > l.Size {
					t.Errorf("%s: %s %+v after %d", kernel, l.Struct, f, last)
				}
				last = f.Offset
			}
		}
	}
}

func TestCheckArguments(t *testing.T) {
	for _, kernel := range []string{"6.1", "6.12", "7.3"} {
		if err := checkArguments(labKernel(t, kernel), "xfrm_state_find", 8, findArguments); err != nil {
			t.Errorf("%s: %v", kernel, err)
		}
	}
	kernel := labKernel(t, "7.3")
	var missing *NoFunctionError
	if err := checkArguments(kernel, "xfrm_state_seek", 8, nil); !errors.As(err, &missing) {
		t.Errorf("a function that is not there: %v", err)
	}
	var other *UnsuitableError
	if err := checkArguments(kernel, "xfrm_state_find", 7, nil); !errors.As(err, &other) {
		t.Errorf("another number of arguments: %v", err)
	}
	if err := checkArguments(kernel, "xfrm_state_find", 8, map[int]string{4: "policy"}); !errors.As(err, &other) {
		t.Errorf("another argument: %v", err)
	}
}
