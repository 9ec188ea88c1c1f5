package probe

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
)

func TestTellsSlabs(t *testing.T) {
	var old *UnsuitableError
	err := tellsSlabs(labKernel(t, "6.12"))
	if !errors.As(err, &old) || err.Error() != "the kernel has no bpf_get_kmem_cache (since 6.13)" {
		t.Errorf("6.12: %v", err)
	}
	if err := tellsSlabs(labKernel(t, "7.3")); err != nil {
		t.Errorf("7.3: %v", err)
	}
}

// slabObjectsOf asks the running kernel; without an answer why there is none.
func slabObjectsOf(t *testing.T, addrs ...uint64) (*bundle.Objects, error) {
	t.Helper()
	slabs, err := NewLoader().Slabs()
	var old *UnsuitableError
	switch {
	case errors.As(err, &old), errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOSYS):
		return nil, err
	case err != nil:
		t.Fatalf("%+v", err)
	}
	defer slabs.Close()
	got, _, err := slabs.Objects(addrs)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	return got, nil
}

// Whoever may not load a program is told why, not that memory might be short.
func TestSlabsForbidden(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	runtime.LockOSThread() // for good: the thread ends with the test
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		t.Fatal(err)
	}
	_, err := NewLoader().Slabs()
	_, peekErr := openMemory()
	for _, err := range []error{err, peekErr} {
		var old *UnsuitableError
		said := fmt.Sprint(err)
		if !errors.As(err, &old) && (!strings.Contains(said, "raw_tp: ") || strings.Contains(said, "MEMLOCK")) {
			t.Error(said)
		}
	}
}

// The object of this thread's task is found by each of its addresses, once.
func TestSlabObjectsOfThisKernel(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var task uint64
	for _, shift := range []int32{32, 0} {
		p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.RawTracepoint, License: "GPL",
			Instructions: asm.Instructions{asm.FnGetCurrentTask.Call(), asm.RSh.Imm(asm.R0, shift),
				asm.Return()}})
		if err != nil {
			t.Skip("this kernel does not let eBPF programs be loaded: ", err)
		}
		half, err := p.Run(&ebpf.RunOptions{})
		if p.Close(); err != nil {
			t.Fatal(err)
		}
		task = task<<32 | uint64(half)
	}
	addrs := []uint64{task, task + 1, task + 1000, 8, 1 << 63}
	for range 100 {
		addrs = append(addrs, task+64)
	}
	got, err := slabObjectsOf(t, addrs...)
	if err != nil {
		t.Skip(err)
	}
	if len(got.Objects) != 1 || got.Objects[0].Start != fmt.Sprintf("%#x", task) || got.Objects[0].Size < 1000 ||
		got.Objects[0].Cache == "" {
		t.Fatalf("of the task at %#x: %#v", task, got.Objects)
	}
	o := got.Objects[0]
	if o.Struct != "" && (o.Struct != "task_struct" || len(got.Structs) != 1) {
		t.Errorf("%#v, layouts %+v", o, got.Structs)
	}
	t.Logf("the task at %#x: %s, %d bytes at %s, %q", task, o.Cache, o.Size, o.Start, o.Struct)
}
