package probe

import (
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"

	"xfrmscope/bpf"
	"xfrmscope/collect/bundle"
)

func TestDecodeAcquisitions(t *testing.T) {
	cpus := make([]bpf.AcquireAcquireCpu, 2)
	c := &cpus[1]
	c.Count, c.Other, c.Timed, c.Contexts.Mismatched, c.Contexts.Nested = 100, 10, 7, 1, 2
	for i, lock := range []uint64{0xffff2, 0xffff1} {
		s := &c.Slots[5*i]
		s.Lock, s.Count, s.Fast, s.FastNs, s.Slow, s.SlowNs = lock, 45, 2, 50, 1, 900
		s.Hist[9] = 2
	}
	c.Slots[1].Lock = 0xffff3 // claimed, nothing counted
	got := decodeAcquisitions("time", cpus)
	hist := []uint64{0, 0, 0, 0, 0, 0, 0, 0, 0, 2}
	rows := []bundle.AcquireRow{
		{Phase: "time", CPU: 1, Lock: "0xffff1", Count: 45, Fast: 2, FastNS: 50, FastHist: hist, Slow: 1,
			SlowNS: 900},
		{Phase: "time", CPU: 1, Lock: "0xffff2", Count: 45, Fast: 2, FastNS: 50, FastHist: hist, Slow: 1,
			SlowNS: 900},
	}
	if !reflect.DeepEqual(got.Rows, rows) {
		t.Errorf("rows %+v", got.Rows)
	}
	account := bundle.AcquireAccount{Phase: "time", CPU: 1, Count: 100, Other: 10, Mismatched: 1, Nested: 2,
		Timed: 7}
	if len(got.Accounts) != 2 || got.Accounts[1] != account {
		t.Errorf("accounts %+v", got.Accounts)
	}
	got.Skipped = 5
	losses := got.Losses("time")
	if len(losses) != 3 || losses[0].Count != 10 || losses[1].Of != 7 || losses[2].Of != 105 {
		t.Errorf("losses %+v", losses)
	}
}

func TestDecodeLookups(t *testing.T) {
	cpus := make([]bpf.FindFindCpu, 2)
	c := &cpus[0]
	c.Calls, c.None, c.CacheEmpty, c.Timed, c.TimedNs, c.Walked, c.WalkSum, c.WalkMax = 10, 1, 10, 2, 700, 2, 10, 5
	c.Hist[8] = 2
	for at, state := range map[int]uint64{9: 0xffff1, 400: 0xffff2} {
		s := &c.Slots[at]
		s.State, s.Net, s.Netns = state, 0xffff9, 77
	}
	c.Slots[9].Spi, c.Slots[9].Pcpu, c.Slots[9].Count = 0x01100000, math.MaxUint32, 4
	c.Slots[400].Spi, c.Slots[400].Pcpu, c.Slots[400].Count = 0x00100000, 3, 5
	got := decodeLookups(cpus, false, true)
	three := 3
	states := []State{
		{CPU: 0, Address: 0xffff2, Net: 0xffff9, NetNS: 77, SPI: 0x1000, PCPU: &three, Count: 5},
		{CPU: 0, Address: 0xffff1, Net: 0xffff9, NetNS: 77, SPI: 0x1001, Count: 4},
	}
	if !reflect.DeepEqual(got.States, states) {
		t.Errorf("states %+v", got.States)
	}
	account := bundle.FindAccount{
		CPU: 0, Calls: 10, NoSA: 1, CacheKnown: true, CacheEmpty: 10, Timed: 2, TimedNS: 700,
		Hist: []uint64{0, 0, 0, 0, 0, 0, 0, 0, 2}, Walked: 2, WalkSum: 10, WalkMax: 5,
	}
	if !reflect.DeepEqual(got.Accounts[0], account) || len(got.Losses("find")) != 0 {
		t.Errorf("account %+v, losses %+v", got.Accounts[0], got.Losses("find"))
	}
}

func TestAddStack(t *testing.T) {
	rows := make(map[string]*bundle.StackRow)
	r := bpf.StacksStackRecord{Lock: 0xffff1, Size: 16}
	r.Frames[0], r.Frames[1] = 0xa, 0xb
	addStack(rows, 1, &r)
	addStack(rows, 1, &r)
	addStack(rows, 2, &r)
	r.Size = -14 // EFAULT
	addStack(rows, 1, &r)
	r.Size = 8 * int64(len(r.Frames)+1)
	addStack(rows, 3, &r)
	if len(rows) != 3 {
		t.Fatalf("rows %+v", rows)
	}
	for _, row := range rows {
		if row.CPU == 1 && (row.Count != 2 || !reflect.DeepEqual(row.Frames, []string{"0xa", "0xb"}) ||
			row.Lock != "0xffff1") {
			t.Errorf("row %+v", row)
		}
	}
}

func TestAttemptSays(t *testing.T) {
	tests := []struct {
		name string
		a    Attempt
		want string
	}{
		{"no function", Attempt{Fentry, &NoFunctionError{[]string{"a", "b"}}},
			"fentry: no a, b in the kernel's BTF: inlined, renamed"},
		{"no BTF", Attempt{Fentry, &NoBTFError{os.ErrNotExist}},
			"fentry: the kernel tells no types (BTF): boot one with CONFIG_DEBUG_INFO_BTF"},
		{"many arguments", Attempt{Fentry, fmt.Errorf("attach: %w", notSupported)},
			"no trampolines on this architecture, or none for so many arguments"},
		{"no tracepoint", Attempt{RawTP, syscall.ENOENT},
			"raw_tp: no such file or directory: this kernel has no such hook"},
		{"taken", Attempt{Fentry, syscall.EBUSY}, "the function is taken by something else"},
		{"notrace", Attempt{Fentry, syscall.EINVAL}, "the function cannot be traced"},
		{"forbidden", Attempt{Fentry, syscall.EPERM}, "fentry: operation not permitted: "},
		{"verifier", Attempt{Kprobe, &ebpf.VerifierError{Cause: syscall.EACCES, Log: []string{"R1 invalid"}}},
			"kprobe: refused by the verifier: "},
		{"realtime", Attempt{Fentry, &UnsuitableError{"on PREEMPT_RT nothing is timed"}},
			"fentry: on PREEMPT_RT"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.a.Error(); !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q in it", got, test.want)
			}
			if !errors.Is(test.a, test.a.Err) {
				t.Error("the cause is lost")
			}
		})
	}
}

func TestStatusField(t *testing.T) {
	status := []byte("Name:\tx\nCapEff:\t0000004000000000\nSeccomp:\t2\n")
	if caps, known := statusField(status, "CapEff"); !known || hasCapability(caps, 39) || !hasCapability(caps, 38) {
		t.Errorf("CapEff %q, %t", caps, known)
	}
	if _, known := statusField(status, "CapBnd"); known {
		t.Error("found a field that is not there")
	}
	if hasCapability("x", 38) || !hasCapability("0000000000200000", 39) {
		t.Error("a set that is none, or CAP_SYS_ADMIN")
	}
}

// Of a pair what begins last in line is the begin; what is skipped while the
// window is shut is not of it.
func TestSkippedInWindows(t *testing.T) {
	for _, mode := range []AttachMode{TPBTF, RawTP} {
		groups, err := NewLoader().waitGroups(mode)
		if err != nil || len(groups) != 1 ||
			!strings.HasSuffix(groups[0].hooks[len(groups[0].hooks)-1].program, "_begin") {
			t.Errorf("%s: groups %+v, %v", mode, groups, err)
		}
	}
	end, begin := new(ebpf.Program), new(ebpf.Program)
	pair := loadedGroup{programs: []*ebpf.Program{end, begin}}
	if pair.begin() != begin {
		t.Error("the end of a pair is taken for its begin")
	}
	var missed tally
	for _, at := range []struct {
		count uint64
		open  bool
	}{{50, false}, {100, true}, {101, true}, {103, false}, {250, true}, {251, false}, {300, false}} {
		missed.at(at.count, at.open)
	}
	if missed.sum != 4 {
		t.Errorf("%d were missed in windows in which the count rose by 3 and 1", missed.sum)
	}
}
