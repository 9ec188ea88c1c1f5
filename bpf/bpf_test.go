package bpf

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// allowed is every helper a lock probe may call. Whatever updates or deletes
// in a map takes a bucket lock, whose contention runs the probe again; whatever
// walks a stack is longer than the waits it measures.
var allowed = map[asm.BuiltinFunc]bool{
	asm.FnMapLookupElem: true,
	asm.FnKtimeGetNs:    true,
}

func loadWait(t *testing.T) *ebpf.CollectionSpec {
	t.Helper()
	spec, err := LoadWait()
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestWaitCallsNoForbiddenHelper(t *testing.T) {
	for name, prog := range loadWait(t).Programs {
		calls := 0
		for _, ins := range prog.Instructions {
			if ins.IsFunctionCall() {
				t.Errorf("%s calls a function that is not inlined", name)
			}
			if !ins.IsBuiltinCall() {
				continue
			}
			calls++
			if fn := asm.BuiltinFunc(ins.Constant); !allowed[fn] {
				t.Errorf("%s calls %v", name, fn)
			}
		}
		if calls == 0 {
			t.Errorf("%s calls no helper: the check sees nothing", name)
		}
	}
}

// The clock must be the first thing end does and the last helper of begin.
func TestWaitReadsClockOutsideItsOwnWork(t *testing.T) {
	for name, prog := range loadWait(t).Programs {
		var calls []asm.BuiltinFunc
		for _, ins := range prog.Instructions {
			if ins.IsBuiltinCall() {
				calls = append(calls, asm.BuiltinFunc(ins.Constant))
			}
		}
		clock := 0
		if isBegin(name) {
			clock = 1
		}
		if len(calls) != 2 || calls[clock] != asm.FnKtimeGetNs {
			t.Errorf("%s calls %v", name, calls)
		}
	}
}

func isBegin(name string) bool { return name[len(name)-len("begin"):] == "begin" }

func TestWaitMaps(t *testing.T) {
	spec := loadWait(t)
	for name, m := range spec.Maps {
		switch name {
		case WaitMapWaitCpus:
			// PCPU_MIN_UNIT_SIZE (include/linux/percpu.h) bounds an element.
			if m.Type != ebpf.PerCPUArray || m.MaxEntries != 1 || m.ValueSize != 21664 || m.ValueSize > 32<<10 {
				t.Errorf("%s is %v", name, m)
			}
		case ".bss":
			if m.Type != ebpf.Array || m.ValueSize != 4 {
				t.Errorf("%s is %v", name, m)
			}
		default:
			t.Errorf("unexpected map %s: %v", name, m)
		}
	}
}

func TestWaitLicense(t *testing.T) {
	for name, prog := range loadWait(t).Programs {
		if prog.License != "Dual BSD/GPL" {
			t.Errorf("%s has license %q", name, prog.License)
		}
	}
}
