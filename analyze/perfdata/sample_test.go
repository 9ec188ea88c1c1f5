package perfdata

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"testing"
)

const testType = SampleIdentifier | SampleIP | SampleTID | SampleTime | SampleCPU | SamplePeriodBit

// bothOrders runs a test with a writer of each byte order.
func bothOrders(t *testing.T, test func(*testing.T, *testWriter)) {
	for _, big := range []bool{false, true} {
		t.Run(fmt.Sprintf("big=%v", big), func(t *testing.T) { test(t, newTestWriter(big)) })
	}
}

// fixedFields writes the fields of testType.
func fixedFields(w *testWriter, id, ip uint64, pid, tid uint32, time uint64, cpu uint32, period uint64) *testWriter {
	return w.u64(id, ip).u32(pid, tid).u64(time).u32(cpu, 0).u64(period)
}

// collect returns copies of all samples.
func collect(t *testing.T, f *File, opts SampleOptions) ([]Sample, Stats) {
	t.Helper()
	var out []Sample
	stats, err := f.Samples(context.Background(), opts, func(s *Sample) error {
		c := *s
		c.Chain, c.rec = slices.Clone(s.Chain), slices.Clone(s.rec)
		out = append(out, c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, stats
}

func TestSampleHasEveryField(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		a := Attr{Size: 136, SampleType: 1<<25 - 1&^SampleWeight, ReadFormat: FormatTimeEnabled | FormatTimeRunning | FormatLost,
			Flags: FlagSampleIDAll | FlagInherit, PreciseIP: 2, BranchSampleType: BranchHWIndex | BranchCounters, SampleRegsUser: 1<<3 | 1<<9, SampleRegsIntr: 1 << 5}
		rec := w.fork().record(RecordSample, MiscUser, func(w *testWriter) {
			w.u64(77, 0x1000).u32(10, 11).u64(5000, 0xadd, 77, 78).u32(3, 0).u64(999)
			w.u64(42, 100, 90, 7)                 // READ: value, enabled, running, lost
			w.u64(3, ContextUser, 0x1000, 0x2000) // CALLCHAIN
			w.u32(12).raw([]byte("raw payload!")) // RAW
			w.u64(2, 4)                           // BRANCH_STACK: nr, hw_idx
			w.u64(0xa, 0xb, w.bitfield(1, 1, 1, 0, 1, 0, 1, 0, 16, 300, 4, 5, 2, 1, 4, 9, 3, 2))
			w.u64(0xc, 0xd, w.bitfield(1, 0, 1, 1, 1, 1, 1, 1, 16, 1))
			w.u64(0x11, 0x12)                             // counters
			w.u64(2, 0x333, 0x999)                        // REGS_USER
			w.u64(16, 1, 2, 8)                            // STACK_USER: size, data, dyn_size
			w.u64(5<<48 | 4<<32 | 3)                      // WEIGHT_STRUCT
			w.u64(1<<1 | 1<<6 | 1<<37 | 3<<33)            // DATA_SRC
			w.u64(6, 1, 0x555, 0xfff000, 12, 4096, 2<<20) // TRANSACTION, REGS_INTR (abi, reg), PHYS_ADDR, CGROUP, page sizes
			w.u64(8).raw([]byte("auxtrace"))
		}).b
		f := openBytes(t, w.file([]testEvent{{attr: a, ids: []uint64{77}, name: "all"}}, rec, nil))
		samples, stats := collect(t, f, SampleOptions{})
		if len(samples) != 1 || stats.Undecodable != 0 {
			t.Fatalf("%d samples, %+v", len(samples), stats)
		}
		if got := f.Events[0].Attr; got.PreciseIP != 2 || got.Flags != a.Flags {
			t.Errorf("attr flags %#x precise %d", got.Flags, got.PreciseIP)
		}
		s := &samples[0]
		got := fmt.Sprintf("%x %d %d %d %d %d %x | %x %d %d", s.IP, s.PID, s.TID, s.TimeNS, s.CPU, s.Period, s.Chain, s.Addr(), s.ID(), s.StreamID())
		want := fmt.Sprintf("%x %d %d %d %d %d %x | %x %d %d", 0x1000, 10, 11, 5000, 3, 999, []uint64{ContextUser, 0x1000, 0x2000}, 0xadd, 77, 78)
		if got != want {
			t.Errorf("fixed fields:\n got %s\nwant %s", got, want)
		}
		reads := slices.Collect(s.Reads())
		if want := []ReadValue{{Value: 42, Lost: 7}}; !slices.Equal(reads, want) {
			t.Errorf("reads %+v, want %+v", reads, want)
		}
		branches := slices.Collect(s.Branches())
		wantBranches := []Branch{
			{From: 0xa, To: 0xb, Mispredicted: true, Cycles: 300, Type: 5, Spec: 1, NewType: 9, Priv: 2, Counters: 0x11},
			{From: 0xc, To: 0xd, Predicted: true, InTx: true, Abort: true, Cycles: 1, Counters: 0x12},
		}
		if !slices.Equal(branches, wantBranches) {
			t.Errorf("branches\n got %+v\nwant %+v", branches, wantBranches)
		}
		if hw, ok := s.BranchHWIndex(); hw != 4 || !ok {
			t.Errorf("hw index %d %v", hw, ok)
		}
		if v, ok := s.UserRegs().Value(9); v != 0x999 || !ok {
			t.Errorf("user register 9: %x %v", v, ok)
		}
		if v, ok := s.IntrRegs().Value(5); v != 0x555 || !ok {
			t.Errorf("interrupt register 5: %x %v", v, ok)
		}
		if string(s.Raw()) != "raw payload!" || s.UserStackBytes() != 16 || len(s.UserStack()) != 8 {
			t.Errorf("raw %q stack %d/%d", s.Raw(), s.UserStackBytes(), len(s.UserStack()))
		}
		if got, want := s.Weight(), (Weight{5<<48 | 4<<32 | 3, true, 3, 4, 5}); got != want {
			t.Errorf("weight %+v, want %+v", got, want)
		}
		if d := s.DataSrc(); !d.Load() || d.Store() || !d.Hit() || d.Level() != "Remote L3" {
			t.Errorf("data source %x: level %s", uint64(d), d.Level())
		}
		if s.Transaction() != 6 || s.PhysAddr() != 0xfff000 || s.Cgroup() != 12 || s.DataPageSize() != 4096 || s.CodePageSize() != 2<<20 {
			t.Errorf("txn %d phys %x cgroup %d pages %d %d", s.Transaction(), s.PhysAddr(), s.Cgroup(), s.DataPageSize(), s.CodePageSize())
		}
	})
}

// A sample whose branch stack has less than the attr asked for, as kernels
// write it, must keep the fields behind it.
func TestBranchStackWithoutIndexOrCounters(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		a := Attr{Size: 128, SampleType: SampleIP | SampleBranchStack | SamplePhysAddr, BranchSampleType: BranchHWIndex | BranchCounters}
		for _, test := range []struct {
			name  string
			words []uint64
			n     int
			hw    bool
			ctr   bool
		}{
			{"no stack", []uint64{0}, 0, false, false},
			{"empty stack", []uint64{0, 9}, 0, true, false},
			{"no counters", []uint64{1, 9, 1, 2, 0}, 1, true, false},
			{"all", []uint64{1, 9, 1, 2, 0, 5}, 1, true, true},
		} {
			rec := w.fork().record(RecordSample, 0, func(w *testWriter) { w.u64(0x10).u64(test.words...).u64(0xabc) }).b
			f := openBytes(t, w.file([]testEvent{{attr: a, name: "b"}}, rec, nil))
			samples, stats := collect(t, f, SampleOptions{})
			if len(samples) != 1 {
				t.Fatalf("%s: %+v", test.name, stats)
			}
			s := &samples[0]
			_, hw := s.BranchHWIndex()
			if s.BranchCount() != test.n || s.PhysAddr() != 0xabc || hw != test.hw && test.n > 0 || test.n > 0 && s.HasBranchCounters() != test.ctr {
				t.Errorf("%s: %d branches, phys %x, hw %v, counters %v", test.name, s.BranchCount(), s.PhysAddr(), hw, s.HasBranchCounters())
			}
		}
	})
}

func TestCallStackOfLBRIsChain(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		rec := w.fork().record(RecordSample, 0, func(w *testWriter) {
			w.u64(0xffff0001)
			w.u64(5, ContextKernel, 0xffff0001, 0xffff0002, ContextUser, 0x999)
			w.u64(2, 0x20, 0x10, 0, 0x40, 0x30, 0)
		}).b
		for _, test := range []struct {
			branch uint64
			want   []uint64
		}{
			{BranchCallStack, []uint64{ContextKernel, 0xffff0001, 0xffff0002, ContextUser, 0x10, 0x20, 0x40}},
			{1 << 3, []uint64{ContextKernel, 0xffff0001, 0xffff0002, ContextUser, 0x999}},
		} {
			a := Attr{Size: 112, SampleType: SampleIP | SampleCallchain | SampleBranchStack, BranchSampleType: test.branch}
			f := openBytes(t, w.file([]testEvent{{attr: a, name: "lbr"}}, rec, nil))
			samples, _ := collect(t, f, SampleOptions{})
			if len(samples) != 1 || !slices.Equal(samples[0].Chain, test.want) {
				t.Errorf("branch type %#x: chain %x, want %x", test.branch, samples[0].Chain, test.want)
			}
			if got := f.Events[0].IsCallStack(); got != (test.branch == BranchCallStack) {
				t.Errorf("IsCallStack %v", got)
			}
		}
	})
}

func TestStackOfSizeZeroHasNoDynSize(t *testing.T) {
	w := newTestWriter(false)
	a := Attr{Size: 128, SampleType: SampleIP | SampleRegsUser | SampleStackUser | SamplePhysAddr, SampleRegsUser: 7}
	rec := w.fork().record(RecordSample, 0, func(w *testWriter) { w.u64(1, 0, 0, 0xabc) }).b // abi 0: no registers
	f := openBytes(t, w.file([]testEvent{{attr: a, name: "s"}}, rec, nil))
	samples, stats := collect(t, f, SampleOptions{})
	if len(samples) != 1 || samples[0].PhysAddr() != 0xabc || samples[0].UserStack() != nil {
		t.Fatalf("%+v %+v", samples, stats)
	}
}

func TestIBS(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		a := Attr{Type: 11, Size: 136, SampleType: SampleIP | SampleRaw}
		regs := []uint64{1, 0xffffffff81000000, 77 << 16, 3 | 1<<4, 1 | 1<<7 | 1<<15 | 1<<20 | 250<<32, 0xdead, 0xbeef}
		rec := w.fork().record(RecordSample, 0, func(w *testWriter) {
			w.u64(5).u32(uint32(4+8*len(regs)), 0x3ff).u64(regs...)
		}).b
		features := map[Feature][]byte{FeaturePMUMappings: w.fork().u32(2, 4).text("cpu").u32(11).text("ibs_op").b}
		f := openBytes(t, w.file([]testEvent{{attr: a, name: "ibs_op//"}}, rec, features))
		samples, _ := collect(t, f, SampleOptions{})
		ibs, ok := samples[0].IBS(&f.Meta)
		if !ok || ibs.N != len(regs) || ibs.Caps != 0x3ff || !ibs.Load() || ibs.Store() || !ibs.Locked() || !ibs.DCMiss() || !ibs.L2Miss() ||
			ibs.DCMissLatencyCycles() != 250 || ibs.TagToRetireCycles() != 77 || !ibs.RemoteNode() || ibs.Northbridge() != 3 {
			t.Errorf("%+v %v", ibs, ok)
		}
	})
}

// Group reads of every read_format must deliver one sample a member, Period
// being the growth since the read before.
func TestGroupReads(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		for format := uint64(FormatID | FormatGroup); format < 32; format++ {
			if format&(FormatID|FormatGroup) != FormatID|FormatGroup {
				continue
			}
			a := Attr{Size: 128, SampleType: testType | SampleRead | SampleCallchain, ReadFormat: format, Flags: FlagSampleIDAll}
			member := a // laid out differently: the leader's attr says how its records are
			member.SampleType = 1<<25 - 1
			events := []testEvent{{a, []uint64{1, 2}, "cycles"}, {member, []uint64{11, 12}, "misses"}}
			var records testWriter = *w.fork()
			read := func(cpu uint32, leader, member uint64) {
				records.record(RecordSample, 0, func(w *testWriter) {
					id := uint64(cpu + 1)
					fixedFields(w, id, 0x10, 5, 6, 100, cpu, 1)
					w.u64(2)
					for range bits.OnesCount64(format & (FormatTimeEnabled | FormatTimeRunning)) {
						w.u64(12345)
					}
					for i, v := range []uint64{leader, member} {
						w.u64(v, id+uint64(10*i))
						if format&FormatLost != 0 {
							w.u64(0)
						}
					}
					w.u64(1, 0x10)
				})
			}
			read(0, 100, 5)
			read(1, 70, 2)
			read(0, 250, 5) // the member did not move: no sample
			read(0, 251, 9)
			f := openBytes(t, w.file(events, records.b, nil))
			samples, stats := collect(t, f, SampleOptions{})
			var got []string
			for i := range samples {
				got = append(got, fmt.Sprintf("%s/%d=%d", samples[i].Event, samples[i].CPU, samples[i].Period))
				dumpSample(&samples[i], &f.Meta)
			}
			want := []string{"cycles/0=100", "misses/0=5", "cycles/1=70", "misses/1=2", "cycles/0=150", "cycles/0=1", "misses/0=4"}
			if !slices.Equal(got, want) || stats.Records != 4 {
				t.Errorf("read_format %#x:\n got %v\nwant %v\n%+v", format, got, want, stats)
			}
		}
	})
}

// With inherit every task has a counter of its own (Linux 6.12 on).
func TestGroupReadsOfInheritedTasks(t *testing.T) {
	w := newTestWriter(false)
	a := Attr{Size: 128, SampleType: testType | SampleRead, ReadFormat: FormatID, Flags: FlagInherit}
	records := w.fork()
	for _, r := range []struct{ tid, value uint64 }{{6, 10}, {7, 100}, {6, 15}, {7, 101}} {
		records.record(RecordSample, 0, func(w *testWriter) {
			fixedFields(w, 1, 0x10, 5, uint32(r.tid), 100, 0, 1).u64(r.value, 1)
		})
	}
	f := openBytes(t, w.file([]testEvent{{a, []uint64{1}, "c"}}, records.b, nil))
	samples, _ := collect(t, f, SampleOptions{})
	var got []uint64
	for i := range samples {
		got = append(got, samples[i].Period)
	}
	if want := []uint64{10, 100, 5, 1}; !slices.Equal(got, want) {
		t.Errorf("periods %v, want %v", got, want)
	}
}

func TestSamplesGoToTheirOwnEvent(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		dummy := Attr{Type: TypeSoftware, Config: 9, Size: 128, SampleType: SampleIdentifier | SampleIP | SampleTID | SampleTime}
		clock := Attr{Type: TypeSoftware, Size: 128, SampleType: testType, SamplePeriod: 4000, Flags: FlagFreq}
		fixed := Attr{Type: TypeHardware, Size: 128, SampleType: SampleIdentifier | SampleIP, SamplePeriod: 1000}
		events := []testEvent{{dummy, []uint64{1}, "dummy:HG"}, {clock, []uint64{2}, "cpu-clock"}, {fixed, []uint64{1 << 40}, "cycles"}}
		records := w.fork().
			record(RecordSample, 0, func(w *testWriter) { fixedFields(w, 2, 0x20, 1, 1, 50, 0, 250) }).
			record(RecordSample, 0, func(w *testWriter) { w.u64(1<<40, 0x30) }).
			record(RecordSample, 0, func(w *testWriter) { w.u64(1, 0x40).u32(1, 1).u64(60) }).       // the dummy's
			record(RecordSample, 0, func(w *testWriter) { w.u64(555, 0x50) }).                       // nobody's
			record(RecordSample, 0, func(w *testWriter) { w.u64(2, 0x60) }).                         // too short
			record(RecordSample, 0, func(w *testWriter) { fixedFields(w, 0, 0x70, 1, 1, 70, 0, 1) }) // synthesized: first real event
		f := openBytes(t, w.file(events, records.b, nil))
		samples, stats := collect(t, f, SampleOptions{})
		var got []string
		for i := range samples {
			got = append(got, fmt.Sprintf("%s %x %d", samples[i].Event, samples[i].IP, samples[i].Period))
		}
		want := []string{"cpu-clock 20 250", "cycles 30 1000", "cpu-clock 70 1"}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if stats.UnknownEvent != 1 || stats.Undecodable != 1 || stats.Filtered != 1 || stats.Records != 6 {
			t.Errorf("%+v", stats)
		}
		if n := len(stats.Losses()); n != 2 {
			t.Errorf("%d losses: %+v", n, stats.Losses())
		}
		all, _ := collect(t, f, SampleOptions{Events: f.Events[:1]})
		if len(all) != 1 || !all[0].Event.IsDummy() {
			t.Errorf("asked for the dummy: %v", all)
		}
	})
}

func TestAttrSizes(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		full := Attr{Type: 4, Config: 2, SamplePeriod: 3, SampleType: SampleIP, ReadFormat: FormatID, Flags: FlagFreq | FlagInherit, PreciseIP: 1, WakeupEvents: 6, BPType: 7,
			Config1: 8, Config2: 9, BranchSampleType: 10, SampleRegsUser: 11, SampleStackUser: 12, ClockID: 1, SampleRegsIntr: 14, AuxWatermark: 15, SampleMaxStack: 16,
			AuxSampleSize: 17, AuxAction: 18, SigData: 19, Config3: 20, Config4: 21}
		for _, size := range []uint32{64, 72, 80, 96, 104, 112, 120, 128, 136, 144, 200} {
			a := full
			a.Size = size
			rec := w.fork().record(RecordSample, 0, func(w *testWriter) { w.u64(0x10) }).b
			f := openBytes(t, w.file([]testEvent{{a, []uint64{1}, ""}}, rec, nil))
			got := f.Events[0].Attr
			for _, c := range []struct {
				from      uint32
				got, want uint64
			}{{64, got.Config1, 8}, {72, got.Config2, 9}, {80, got.BranchSampleType, 10}, {96, uint64(got.SampleStackUser), 12},
				{104, got.SampleRegsIntr, 14}, {112, uint64(got.SampleMaxStack), 16}, {120, uint64(got.AuxSampleSize), 17}, {128, got.SigData, 19}, {136, got.Config3, 20}, {144, got.Config4, 21}} {
				want := c.want
				if size < c.from {
					want = 0
				}
				if c.got != want {
					t.Errorf("size %d: field of size %d is %d, want %d", size, c.from, c.got, want)
				}
			}
			if samples, _ := collect(t, f, SampleOptions{}); len(samples) != 1 {
				t.Errorf("size %d: %d samples", size, len(samples))
			}
		}
	})
}

func TestNewerSampleFieldsAreSaid(t *testing.T) {
	w := newTestWriter(false)
	a := Attr{Size: 128, SampleType: SampleIP | SampleCallchain | 1<<26}
	rec := w.fork().record(RecordSample, 0, func(w *testWriter) { w.u64(0x10, 1, 0x10, 12345) }).b
	f := openBytes(t, w.file([]testEvent{{attr: a, name: "new"}}, rec, nil))
	samples, _ := collect(t, f, SampleOptions{})
	side, _ := f.Sideband()
	if len(samples) != 1 || len(side.Losses) != 1 || side.Losses[0].Event != "new" {
		t.Errorf("%v %+v", samples, side.Losses)
	}
}

func TestUnknownRecordsAreKept(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		a := Attr{Size: 128, SampleType: testType, Flags: FlagSampleIDAll}
		records := w.fork().
			record(40, 5, func(w *testWriter) { w.u64(0xfeed).u32(1, 2).u64(33).u32(4, 0).u64(7) }).
			record(200, 0, func(w *testWriter) { w.u64(1) })
		f := openBytes(t, w.file([]testEvent{{a, []uint64{7}, "c"}}, records.b, nil))
		side, err := f.Sideband()
		if err != nil || side.Counts[40] != 1 || side.Counts[200] != 1 {
			t.Fatalf("%v %v", side, err)
		}
		var got []string
		err = f.Records(context.Background(), func(r Record) error {
			got = append(got, fmt.Sprintf("%v misc=%d body=%d pid=%d tid=%d cpu=%d time=%d", r.Type, r.Misc, len(r.Body), r.PID, r.TID, r.CPU, r.TimeNS))
			return nil
		})
		want := []string{"record type 40 misc=5 body=40 pid=1 tid=2 cpu=4 time=33", "record type 200 misc=0 body=8 pid=-1 tid=-1 cpu=-1 time=0"}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %q, want %q (%v)", got, want, err)
		}
	})
}
