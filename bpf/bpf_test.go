package bpf

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// An object is a compiled file, and what may be in it.
type object struct {
	load    func() (*ebpf.CollectionSpec, error)
	helpers []asm.BuiltinFunc
	maps    map[string]uint32 // per-CPU arrays of one element unless noted, and the element's size
}

// Whatever updates or deletes in a map takes a bucket lock, whose contention
// runs a lock probe again; whatever walks a stack is longer than the waits that
// are measured. Only stacks walks, and only find, peek and slab, which watch no lock,
// read what may fault.
func objects() map[string]object {
	const lookup, clock = asm.FnMapLookupElem, asm.FnKtimeGetNs
	return map[string]object{
		"wait": {LoadWait, []asm.BuiltinFunc{lookup, clock}, map[string]uint32{WaitMapWaitCpus: 21712}},
		"acquire": {LoadAcquire, []asm.BuiltinFunc{lookup, clock},
			map[string]uint32{AcquireMapAcquireCpus: 26808}},
		"find": {LoadFind, []asm.BuiltinFunc{lookup, clock, asm.FnProbeReadKernel},
			map[string]uint32{FindMapFindCpus: 20856}},
		"stacks": {LoadStacks, []asm.BuiltinFunc{lookup, clock, asm.FnGetStack},
			map[string]uint32{StacksMapStackCpus: 64, StacksMapStackRecords: 400}},
		"peek": {LoadPeek, []asm.BuiltinFunc{lookup, asm.FnProbeReadKernel},
			map[string]uint32{PeekMapPeeks: 520}},
		"slab": {LoadSlab, []asm.BuiltinFunc{lookup, asm.FnProbeReadKernel, asm.FnProbeReadKernelStr},
			map[string]uint32{SlabMapSlabs: 4096}},
	}
}

// each runs a test for every object.
func each(t *testing.T, test func(*testing.T, object, *ebpf.CollectionSpec)) {
	for _, name := range slices.Sorted(maps.Keys(objects())) {
		t.Run(name, func(t *testing.T) {
			o := objects()[name]
			spec, err := o.load()
			if err != nil {
				t.Fatal(err)
			}
			test(t, o, spec)
		})
	}
}

func TestCallsNoForbiddenHelper(t *testing.T) {
	each(t, func(t *testing.T, o object, spec *ebpf.CollectionSpec) {
		for name, prog := range spec.Programs {
			calls := helpers(t, prog)
			for _, fn := range calls {
				if !slices.Contains(o.helpers, fn) {
					t.Errorf("%s calls %v", name, fn)
				}
			}
			if len(calls) == 0 {
				t.Errorf("%s calls no helper: the check sees nothing", name)
			}
		}
	})
}

// helpers returns the helpers a program calls, in order.
func helpers(t *testing.T, prog *ebpf.ProgramSpec) []asm.BuiltinFunc {
	t.Helper()
	var calls []asm.BuiltinFunc
	for _, ins := range prog.Instructions {
		if ins.IsFunctionCall() {
			t.Errorf("%s calls a function that is not inlined", prog.Name)
		}
		if ins.IsBuiltinCall() {
			calls = append(calls, asm.BuiltinFunc(ins.Constant))
		}
	}
	return calls
}

// The clock must be the first thing end does and the last helper of begin.
func TestReadsClockOutsideItsOwnWork(t *testing.T) {
	each(t, func(t *testing.T, _ object, spec *ebpf.CollectionSpec) {
		for name, prog := range spec.Programs {
			calls := helpers(t, prog)
			switch {
			case strings.HasSuffix(name, "begin") && calls[len(calls)-1] != asm.FnKtimeGetNs:
				t.Errorf("%s calls %v", name, calls)
			case strings.HasSuffix(name, "end") && name != FindProgLookupEnd &&
				!slices.Contains(calls[:2], asm.FnKtimeGetNs):
				t.Errorf("%s calls %v", name, calls)
			}
		}
	})
}

func TestMaps(t *testing.T) {
	each(t, func(t *testing.T, o object, spec *ebpf.CollectionSpec) {
		for name, m := range spec.Maps {
			size, known := o.maps[name]
			kind, entries := ebpf.PerCPUArray, uint32(1)
			switch name {
			case StacksMapStackRecords:
				entries = 256
			case PeekMapPeeks, SlabMapSlabs:
				kind = ebpf.Array
			case ".bss", ".rodata":
				size, known, kind = 4, true, ebpf.Array
			}
			// PCPU_MIN_UNIT_SIZE (include/linux/percpu.h) bounds an element.
			if !known || m.Type != kind || m.MaxEntries != entries || m.ValueSize != size || size > 32<<10 {
				t.Errorf("%s is %v", name, m)
			}
		}
	})
}

func TestLicense(t *testing.T) {
	each(t, func(t *testing.T, _ object, spec *ebpf.CollectionSpec) {
		for name, prog := range spec.Programs {
			if prog.License != "Dual BSD/GPL" {
				t.Errorf("%s has license %q", name, prog.License)
			}
		}
	})
}
