package perfdata

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const beginFormat = `name: contention_begin
ID: 48
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:void * lock_addr;	offset:8;	size:8;	signed:0;
	field:unsigned int flags;	offset:16;	size:4;	signed:0;

print fmt: "%p (flags=%s)", REC->lock_addr, __print_flags(REC->flags, "|")
`

const endFormat = `name: contention_end
ID: 47
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;

	field:void * lock_addr;	offset:8;	size:8;	signed:0;
	field:int ret;	offset:16;	size:4;	signed:1;

print fmt: "%p (ret=%d)", REC->lock_addr, REC->ret
`

// tracingData writes the TRACING_DATA feature for formats of one system.
func tracingData(w *testWriter, system string, formats ...string) []byte {
	out := w.fork().raw([]byte(tracingMagic)).raw([]byte("0.6\x00"))
	order := byte(0)
	if w.big {
		order = 1
	}
	out.raw([]byte{order, 8}).u32(4096)
	for _, page := range []string{"header_page", "header_event"} {
		out.raw([]byte(page + "\x00")).u64(3).raw([]byte("abc"))
	}
	out.u32(1).u64(uint64(len("name: f\nID: 1\n"))).raw([]byte("name: f\nID: 1\n"))
	out.u32(1).raw([]byte(system + "\x00")).u32(uint32(len(formats)))
	for _, f := range formats {
		out.u64(uint64(len(f))).raw([]byte(f))
	}
	return out.u32(0, 0).u64(0).b
}

// lockFile writes a recording of contention events.
func lockFile(w *testWriter, fill func(event func(begin bool, time uint64, tid, cpu uint32, lock uint64, value uint32))) []byte {
	a := Attr{Type: TypeTracepoint, Size: 128, SampleType: testType | SampleCallchain | SampleRaw, SamplePeriod: 1}
	begin, end := a, a
	begin.Config, end.Config = 48, 47
	events := []testEvent{{begin, []uint64{1}, "lock:contention_begin"}, {end, []uint64{2}, "lock:contention_end"}}
	r := w.fork()
	fill(func(isBegin bool, time uint64, tid, cpu uint32, lock uint64, value uint32) {
		r.record(RecordSample, 0, func(w *testWriter) {
			id, typ := uint64(2), uint16(47)
			if isBegin {
				id, typ = 1, 48
			}
			fixedFields(w, id, 0x10, 5, tid, time, cpu, 1).u64(1, 0x1000+time)
			w.u32(28).u16(typ).u16(0).u32(tid).u64(lock).u32(value).raw(make([]byte, 8))
		})
	})
	return w.file(events, r.b, map[Feature][]byte{FeatureTracingData: tracingData(w, "lock", beginFormat, endFormat)})
}

func TestWaits(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		file := lockFile(w, func(event func(bool, uint64, uint32, uint32, uint64, uint32)) {
			event(false, 1, 9, 0, 0xa, 0)        // began before the recording
			event(true, 30, 7, 1, 0xa, 1)        // out of order in the file
			event(true, 10, 6, 0, 0xa, 1)        // a task on CPU 0
			event(true, 20, 6, 0, 0xb, 1)        // an interrupt inside its wait
			event(false, 25, 6, 0, 0xb, 0)       //
			event(false, 50, 6, 2, 0xa, 0)       // ended on another CPU
			event(false, 60, 7, 1, 0xa, 0)       //
			event(true, 70, 0, 0, 0xc, 1)        // two idle tasks with tid 0
			event(true, 71, 0, 1, 0xc, 1)        //
			event(false, 75, 0, 1, 0xc, 0)       //
			event(false, 79, 0, 0, 0xc, 0)       //
			event(true, 80, 8, 0, 0xd, 0x21)     // a mutex: spins, then sleeps
			event(true, 85, 8, 0, 0xd, 0x20)     //
			event(false, 95, 8, 0, 0xd, 1<<32-4) // interrupted: -EINTR
			event(true, 96, 8, 0, 0xe, 1)        // its end is lost
			event(true, 97, 8, 0, 0xf, 1)        //
			event(false, 98, 8, 0, 0xf, 0)       //
			event(true, 99, 5, 0, 0xf, 1)        // open at the end
		})
		f := openBytes(t, file)
		var got []string
		stats, err := f.Waits(context.Background(), SampleOptions{}, func(w *Wait) error {
			got = append(got, fmt.Sprintf("%d/%d->%d %x %s %d+%d ret=%d nested=%d %x", w.TID, w.BeginCPU, w.EndCPU, w.LockAddr, w.Flags, w.BeginNS, w.WaitNS(), w.Ret, w.Nested, w.Chain))
			return nil
		})
		want := []string{
			"6/0->0 b spinlock 20+5 ret=0 nested=1 [1014]",
			"6/0->2 a spinlock 10+40 ret=0 nested=0 [100a]",
			"7/1->1 a spinlock 30+30 ret=0 nested=0 [101e]",
			"0/1->1 c spinlock 71+4 ret=0 nested=0 [1047]",
			"0/0->0 c spinlock 70+9 ret=0 nested=0 [1046]",
			"8/0->0 d mutex 80+15 ret=-4 nested=0 [1050]",
			"8/0->0 f spinlock 97+1 ret=0 nested=1 [1061]",
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v\n got %s\nwant %s", err, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
		if stats.Begun != stats.Waits+stats.NoEnd+stats.Repeated || stats.Ended != stats.Waits+stats.NoBegin || stats.NoBegin != 1 || stats.NoEnd != 2 || stats.Repeated != 1 {
			t.Errorf("%+v", stats)
		}
	})
}

func TestWaitsSayWhatIsMissing(t *testing.T) {
	w := newTestWriter(false)
	none := func(*Wait) error { return nil }
	f := openBytes(t, w.file([]testEvent{{Attr{Size: 64, SampleType: SampleIP}, nil, "cycles"}}, nil, nil))
	if _, err := f.Waits(context.Background(), SampleOptions{}, none); err == nil || !strings.Contains(err.Error(), "-e lock:contention_begin") {
		t.Errorf("no events: %v", err)
	}
	file := lockFile(w, func(func(bool, uint64, uint32, uint32, uint64, uint32)) {})
	at := strings.Index(string(file), "contention_end\nID: 47")
	copy(file[at:], "contention_end\nID: 99")
	if _, err := openBytes(t, file).Waits(context.Background(), SampleOptions{}, none); err == nil || !strings.Contains(err.Error(), "no format of lock:contention_end") {
		t.Errorf("no format: %v", err)
	}
}

func TestFormatFields(t *testing.T) {
	fs, err := parseTracingData(tracingData(newTestWriter(false), "sched", `name: demo
ID: 300
format:
	field:char comm[16];	offset:8;	size:16;	signed:0;
	field:__data_loc char[] path;	offset:24;	size:4;	signed:0;
	field:short prio;	offset:28;	size:2;	signed:1;
	field:unsigned long long args[6];	offset:32;	size:48;	signed:0;
`))
	if err != nil {
		t.Fatal(err)
	}
	e := &Event{Attr: Attr{Type: TypeTracepoint, Config: 300}}
	format := fs.Of(e)
	if format == nil || format.System != "sched" || format.Name != "demo" || fs.Len() != 2 {
		t.Fatalf("%+v", format)
	}
	raw := newTestWriter(false).u64(0).raw([]byte("swapper\x00junk....")).u32(5<<16 | 30).u16(0xfffe).raw([]byte("/bin\x00")).b
	for _, test := range []struct{ field, text string }{{"comm", "swapper"}, {"path", "/bin"}} {
		field, _ := format.Field(test.field)
		if got, ok := fs.Text(raw, field); got != test.text || !ok {
			t.Errorf("%s: %q %v", test.field, got, ok)
		}
	}
	prio, _ := format.Field("prio")
	if v, ok := fs.Uint(raw, prio); int64(v) != -2 || !ok {
		t.Errorf("prio %d %v", int64(v), ok)
	}
	args, ok := format.Field("args")
	if !ok || args.Type != "unsigned long long[6]" {
		t.Errorf("%+v", args)
	}
	if _, ok := fs.Uint(raw, args); ok {
		t.Error("an array read as a number")
	}
	if fs.Of(&Event{Attr: Attr{Type: TypeTracepoint, Config: 301}}) != nil {
		t.Error("a format for an unknown tracepoint")
	}
}
