package probe

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"xfrmscope/bpf"
	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
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
		if err := checkArguments(labKernel(t, kernel), "xfrm_state_find", 8, lookupArguments); err != nil {
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

// The verifier takes the programs of the lower attach mode, whether or not there are
// kprobes to attach them to.
func TestVerifierTakesKprobes(t *testing.T) {
	spec, err := bpf.LoadFind()
	if err != nil {
		t.Fatal(err)
	}
	for name := range spec.Programs {
		if name != bpf.FindProgEntry && name != bpf.FindProgReturned {
			delete(spec.Programs, name)
		}
	}
	coll, err := ebpf.NewCollection(spec)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSYS) || errors.Is(err, ebpf.ErrNotSupported) {
		t.Skip("this kernel does not let eBPF programs be loaded: ", err)
	}
	if err != nil {
		t.Fatalf("%+v", err)
	}
	coll.Close()
}

func TestPeek(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("reading kernel memory needs root")
	}
	var addr uint64
	for s, err := range procfs.Root("").Symbols() {
		if err != nil {
			t.Fatal(err)
		}
		if s.Name == "_stext" {
			addr = s.Addr
			break
		}
	}
	if addr == 0 {
		t.Skip("/proc/kallsyms hides where the kernel's text is")
	}
	words, err := Peek(addr, 70)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSYS) {
		t.Skip("this kernel does not let its memory be read: ", err)
	}
	if err != nil || len(words) != 70 || words[0] == 0 {
		t.Errorf("%d words from %#x, %v", len(words), addr, err)
	}
	if _, err := Peek(8, 1); err == nil {
		t.Error("read what is not mapped")
	}
}
