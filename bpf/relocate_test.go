package bpf

import (
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestRelocations resolves every field a program reads against the types of the
// lab's kernels (testdata/excerpt.go). What a kernel does not have is poisoned:
// a program that would run over it is refused.
func TestRelocations(t *testing.T) {
	for _, kernel := range []string{"6.1", "6.12", "7.3"} {
		t.Run(kernel, func(t *testing.T) {
			types, err := btf.LoadSpec("testdata/" + kernel + ".btf")
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(relocations(t, types), "\n") + "\n"
			golden := "testdata/" + kernel + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// relocations returns, sorted and each once, what becomes of the fields find and slab
// read; the other programs must read none.
func relocations(t *testing.T, kernel *btf.Spec) []string {
	var lines []string
	var tellsSlabs *btf.Func
	for name, o := range objects() {
		if name == "slab" && kernel.TypeByName("bpf_get_kmem_cache", &tellsSlabs) != nil {
			continue // is not loaded there
		}
		spec, err := o.load()
		if err != nil {
			t.Fatal(err)
		}
		for _, prog := range spec.Programs {
			for _, ins := range prog.Instructions {
				relo := btf.CORERelocationMetadata(&ins)
				if relo == nil {
					continue
				}
				if name != "find" && name != "slab" {
					t.Errorf("%s: %s reads %s", name, prog.Name, relo)
				}
				fixups, err := btf.CORERelocate([]*btf.CORERelocation{relo}, []*btf.Spec{kernel},
					binary.LittleEndian, nil)
				if err != nil {
					t.Fatalf("%s: %s: %v", prog.Name, relo, err)
				}
				what, _, _ := strings.Cut(relo.String(), ", local_id")
				lines = append(lines, fmt.Sprintf("%s) %s", what, &fixups[0]))
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}
