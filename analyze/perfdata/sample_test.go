package perfdata

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"testing"
)

const testType = sampleIdentifier | sampleIP | sampleTID | sampleTime | sampleCPU | samplePeriodBit

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
func collect(t *testing.T, f *File) ([]Sample, Stats) {
	t.Helper()
	var out []Sample
	stats, err := f.eachSample(context.Background(), func(s *Sample) error {
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
		a := attr{Size: 136, SampleType: 1<<25 - 1&^sampleWeight, ReadFormat: formatTimeEnabled |
			formatTimeRunning | formatLost,
			Flags: flagSampleIDAll | flagInherit, PreciseIP: 2, BranchSampleType: branchHWIndex |
				branchCounters, SampleRegsUser: 1<<3 | 1<<9, SampleRegsIntr: 1 << 5}
		rec := w.fork().record(recordSample, uint16(ModeUser), func(w *testWriter) {
			w.u64(77, 0x1000).u32(10, 11).u64(5000, 0xadd, 77, 78).u32(3, 0).u64(999)
			w.u64(42, 100, 90, 7)                 // READ: value, enabled, running, lost
			w.u64(3, ContextUser, 0x1000, 0x2000) // CALLCHAIN
			w.u32(12).raw([]byte("raw payload!")) // RAW
			w.u64(2, 4)                           // BRANCH_STACK: nr, hw_idx
			w.u64(0xa, 0xb, w.bitfield(1, 1, 1, 0, 1, 0, 1, 0, 16, 300, 4, 5, 2, 1, 4, 9, 3, 2))
			w.u64(0xc, 0xd, w.bitfield(1, 0, 1, 1, 1, 1, 1, 1, 16, 1))
			w.u64(0x11, 0x12)                          // counters
			w.u64(2, 0x333, 0x999)                     // REGS_USER
			w.u64(16, 1, 2, 8)                         // STACK_USER: size, data, dyn_size
			w.u64(5<<48 | 4<<32 | 3)                   // WEIGHT_STRUCT
			w.u64(1<<1 | 1<<6 | 1<<37 | 3<<33 | 2<<43) // DATA_SRC
			// TRANSACTION, REGS_INTR (abi, reg), PHYS_ADDR, CGROUP, page sizes
			w.u64(6, 1, 0x555, 0xfff000, 12, 4096, 2<<20)
			w.u64(8).raw([]byte("auxtrace"))
		}).b
		f := openBytes(t, w.file([]testEvent{{attr: a, ids: []uint64{77}, name: "all"}}, rec, nil))
		samples, stats := collect(t, f)
		if len(samples) != 1 || stats.Undecodable != 0 {
			t.Fatalf("%d samples, %+v", len(samples), stats)
		}
		if got := f.Events[0].attr; got.PreciseIP != 2 || got.Flags != a.Flags {
			t.Errorf("attr flags %#x precise %d", got.Flags, got.PreciseIP)
		}
		s := &samples[0]
		got := fmt.Sprintf("%x %d %d %d %d %d %x | %x", s.IP, s.PID, s.TID, s.TimeNS, s.CPU, s.Period, s.Chain,
			s.addr())
		want := fmt.Sprintf("%x %d %d %d %d %d %x | %x", 0x1000, 10, 11, 5000, 3, 999,
			[]uint64{ContextUser, 0x1000, 0x2000}, 0xadd)
		if got != want {
			t.Errorf("fixed fields:\n got %s\nwant %s", got, want)
		}
		reads := slices.Collect(s.owner.layout.reads(s.rec, s.o))
		if want := []readValue{{value: 42}}; !slices.Equal(reads, want) {
			t.Errorf("reads %+v, want %+v", reads, want)
		}
		branches := slices.Collect(s.branches())
		wantBranches := []branch{
			{From: 0xa, To: 0xb, Mispredicted: true, Cycles: 300, Type: 5},
			{From: 0xc, To: 0xd, Cycles: 1},
		}
		if !slices.Equal(branches, wantBranches) {
			t.Errorf("branches\n got %+v\nwant %+v", branches, wantBranches)
		}
		if string(s.Raw()) != "raw payload!" {
			t.Errorf("raw %q", s.Raw())
		}
		access := s.Access(&f.Meta)
		if access.Latency != 3 || access.Addr != 0xadd || access.CPU != 3 {
			t.Errorf("access %+v", access)
		}
		if d := access.Source; !d.Load() || d.Store() || d.Writes() || d.HitModified() || d.Peer() ||
			d.Level() != 3 || !d.Remote() ||
			d.Hops() != 2 || d.OtherCache() {
			t.Errorf("data source %x", uint64(d))
		}
		if access.Phys != 0xfff000 {
			t.Errorf("phys %x", access.Phys)
		}
	})
}

// A sample whose branch stack has less than the attr asked for, as kernels
// write it, must keep the fields behind it.
func TestBranchStackWithoutIndexOrCounters(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		a := attr{Size: 128, SampleType: sampleIP | sampleBranchStack | samplePhysAddr,
			BranchSampleType: branchHWIndex | branchCounters}
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
			rec := w.fork().record(recordSample, 0,
				func(w *testWriter) { w.u64(0x10).u64(test.words...).u64(0xabc) }).b
			f := openBytes(t, w.file([]testEvent{{attr: a, name: "b"}}, rec, nil))
			samples, stats := collect(t, f)
			if len(samples) != 1 {
				t.Fatalf("%s: %+v", test.name, stats)
			}
			s := &samples[0]
			n, _ := s.branchStack()
			phys := s.Access(&f.Meta).Phys
			if hw, ctr := s.tail.branchIndex, s.tail.branchCounters; n != test.n || phys != 0xabc ||
				n > 0 && (hw != test.hw || ctr != test.ctr) {
				t.Errorf("%s: %d branches, phys %x, hw %v, counters %v", test.name, n, phys, hw, ctr)
			}
		}
	})
}

func TestCallStackOfLBRIsChain(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		rec := w.fork().record(recordSample, 0, func(w *testWriter) {
			w.u64(0xffff0001)
			w.u64(5, ContextKernel, 0xffff0001, 0xffff0002, ContextUser, 0x999)
			w.u64(2, 0x20, 0x10, 0, 0x40, 0x30, 0)
		}).b
		for _, test := range []struct {
			branch uint64
			want   []uint64
		}{
			{branchCallStack, []uint64{ContextKernel, 0xffff0001, 0xffff0002, ContextUser, 0x10, 0x20,
				0x40}},
			{1 << 3, []uint64{ContextKernel, 0xffff0001, 0xffff0002, ContextUser, 0x999}},
		} {
			a := attr{Size: 112, SampleType: sampleIP | sampleCallchain | sampleBranchStack,
				BranchSampleType: test.branch}
			f := openBytes(t, w.file([]testEvent{{attr: a, name: "lbr"}}, rec, nil))
			samples, _ := collect(t, f)
			if len(samples) != 1 || !slices.Equal(samples[0].Chain, test.want) {
				t.Errorf("branch type %#x: chain %x, want %x", test.branch, samples[0].Chain, test.want)
			}
			if got := f.Events[0].IsCallStack(); got != (test.branch == branchCallStack) {
				t.Errorf("IsCallStack %v", got)
			}
		}
	})
}

func TestStackOfSizeZeroHasNoDynSize(t *testing.T) {
	w := newTestWriter(false)
	a := attr{Size: 128, SampleType: sampleIP | sampleRegsUser | sampleStackUser | samplePhysAddr,
		SampleRegsUser: 7}
	rec := w.fork().record(recordSample, 0, func(w *testWriter) { w.u64(1, 0, 0, 0xabc) }).b // abi 0: no registers
	f := openBytes(t, w.file([]testEvent{{attr: a, name: "s"}}, rec, nil))
	samples, stats := collect(t, f)
	if len(samples) != 1 || samples[0].Access(&f.Meta).Phys != 0xabc {
		t.Fatalf("%+v %+v", samples, stats)
	}
}

// IBS knows of a load whether it wrote too: a locked one did.
func TestIBS(t *testing.T) {
	const load, store, locked, others = 1, 2, 1 << 15, 1<<7 | 1<<20 | 250<<32
	bothOrders(t, func(t *testing.T, w *testWriter) {
		for _, test := range []struct {
			pmu        string
			data3      uint64
			writes, ok bool
		}{
			{"ibs_op", load | others, false, true},
			{"ibs_op", load | locked | others, true, true},
			{"ibs_op", store, true, true},
			{"ibs_op", locked, false, true},
			{"ibs_fetch", store, false, false},
		} {
			a := attr{Type: 11, Size: 136, SampleType: sampleIP | sampleRaw}
			regs := []uint64{1, 0xffffffff81000000, 77 << 16, 3 | 1<<4, test.data3, 0xdead, 0xbeef}
			rec := w.fork().record(recordSample, 0, func(w *testWriter) {
				w.u64(5).u32(uint32(4+8*len(regs)), 0x3ff).u64(regs...)
			}).b
			pmus := w.fork().u32(2, 4).text("cpu").u32(11).text(test.pmu).b
			f := openBytes(t, w.file([]testEvent{{attr: a, name: test.pmu + "//"}}, rec,
				map[feature][]byte{featurePMUMappings: pmus}))
			samples, _ := collect(t, f)
			if writes, ok := samples[0].ibsWrites(&f.Meta); writes != test.writes || ok != test.ok {
				t.Errorf("%+v: %v %v", test, writes, ok)
			}
		}
	})
}

// Group reads of every read_format must deliver one sample a member, Period
// being the growth since the read before.
func TestGroupReads(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		for format := uint64(formatID | formatGroup); format < 32; format++ {
			if format&(formatID|formatGroup) != formatID|formatGroup {
				continue
			}
			a := attr{Size: 128, SampleType: testType | sampleRead | sampleCallchain, ReadFormat: format,
				Flags: flagSampleIDAll}
			member := a // laid out differently: the leader's attr says how its records are
			member.SampleType = 1<<25 - 1
			events := []testEvent{{a, []uint64{1, 2}, "cycles"}, {member, []uint64{11, 12}, "misses"}}
			var records testWriter = *w.fork()
			read := func(cpu uint32, leader, member uint64) {
				records.record(recordSample, 0, func(w *testWriter) {
					id := uint64(cpu + 1)
					fixedFields(w, id, 0x10, 5, 6, 100, cpu, 1)
					w.u64(2)
					for range bits.OnesCount64(format & (formatTimeEnabled | formatTimeRunning)) {
						w.u64(12345)
					}
					for i, v := range []uint64{leader, member} {
						w.u64(v, id+uint64(10*i))
						if format&formatLost != 0 {
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
			samples, stats := collect(t, f)
			var got []string
			for i := range samples {
				got = append(got, fmt.Sprintf("%s/%d=%d", samples[i].Event.Name, samples[i].CPU,
					samples[i].Period))
				dumpSample(&samples[i], &f.Meta)
			}
			want := []string{"cycles/0=100", "misses/0=5", "cycles/1=70", "misses/1=2", "cycles/0=150",
				"cycles/0=1", "misses/0=4"}
			if !slices.Equal(got, want) || stats.Records != 4 {
				t.Errorf("read_format %#x:\n got %v\nwant %v\n%+v", format, got, want, stats)
			}
		}
	})
}

// With inherit every task has a counter of its own (Linux 6.12 on).
func TestGroupReadsOfInheritedTasks(t *testing.T) {
	w := newTestWriter(false)
	a := attr{Size: 128, SampleType: testType | sampleRead, ReadFormat: formatID, Flags: flagInherit}
	records := w.fork()
	for _, r := range []struct{ tid, value uint64 }{{6, 10}, {7, 100}, {6, 15}, {7, 101}} {
		records.record(recordSample, 0, func(w *testWriter) {
			fixedFields(w, 1, 0x10, 5, uint32(r.tid), 100, 0, 1).u64(r.value, 1)
		})
	}
	f := openBytes(t, w.file([]testEvent{{a, []uint64{1}, "c"}}, records.b, nil))
	samples, _ := collect(t, f)
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
		dummy := attr{Type: typeSoftware, Config: 9, Size: 128, SampleType: sampleIdentifier | sampleIP |
			sampleTID | sampleTime}
		clock := attr{Type: typeSoftware, Size: 128, SampleType: testType, SamplePeriod: 4000, Flags: flagFreq}
		fixed := attr{Type: typeHardware, Size: 128, SampleType: sampleIdentifier | sampleIP,
			SamplePeriod: 1000}
		events := []testEvent{{dummy, []uint64{1}, "dummy:HG"}, {clock, []uint64{2}, "cpu-clock"},
			{fixed, []uint64{1 << 40}, "cycles"}}
		records := w.fork().
			record(recordSample, 0, func(w *testWriter) { fixedFields(w, 2, 0x20, 1, 1, 50, 0, 250) }).
			record(recordSample, 0, func(w *testWriter) { w.u64(1<<40, 0x30) }).
			// the dummy's
			record(recordSample, 0, func(w *testWriter) { w.u64(1, 0x40).u32(1, 1).u64(60) }).
			// nobody's
			record(recordSample, 0, func(w *testWriter) { w.u64(555, 0x50) }).
			// too short
			record(recordSample, 0, func(w *testWriter) { w.u64(2, 0x60) }).
			// synthesized: first real event
			record(recordSample, 0, func(w *testWriter) { fixedFields(w, 0, 0x70, 1, 1, 70, 0, 1) })
		f := openBytes(t, w.file(events, records.b, nil))
		samples, stats := collect(t, f)
		var got []string
		for i := range samples {
			got = append(got, fmt.Sprintf("%s %x %d", samples[i].Event.Name, samples[i].IP,
				samples[i].Period))
		}
		want := []string{"cpu-clock 20 250", "cycles 30 1000", "cpu-clock 70 1"}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if stats.UnknownEvent != 1 || stats.Undecodable != 1 || stats.Samples != 3 || stats.Records != 6 {
			t.Errorf("%+v", stats)
		}
		if n := len(stats.Losses()); n != 2 {
			t.Errorf("%d losses: %+v", n, stats.Losses())
		}
	})
}

func TestAttrSizes(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		full := attr{Type: 4, Config: 2, SamplePeriod: 3, SampleType: sampleIP, ReadFormat: formatID,
			Flags:     flagFreq | flagInherit,
			PreciseIP: 1, Config1: 8, BranchSampleType: 10, SampleRegsUser: 11, SampleRegsIntr: 14}
		for _, size := range []uint32{64, 72, 80, 96, 104, 112, 120, 128, 136, 144, 200} {
			a := full
			a.Size = size
			rec := w.fork().record(recordSample, 0, func(w *testWriter) { w.u64(0x10) }).b
			f := openBytes(t, w.file([]testEvent{{a, []uint64{1}, ""}}, rec, nil))
			got := f.Events[0].attr
			for _, c := range []struct {
				from      uint32
				got, want uint64
			}{{64, got.Config1, 8}, {80, got.BranchSampleType, 10}, {88, got.SampleRegsUser, 11},
				{104, got.SampleRegsIntr, 14}} {
				want := c.want
				if size < c.from {
					want = 0
				}
				if c.got != want {
					t.Errorf("size %d: field of size %d is %d, want %d", size, c.from, c.got, want)
				}
			}
			if samples, _ := collect(t, f); len(samples) != 1 {
				t.Errorf("size %d: %d samples", size, len(samples))
			}
		}
	})
}

func TestNewerSampleFieldsAreSaid(t *testing.T) {
	w := newTestWriter(false)
	a := attr{Size: 128, SampleType: sampleIP | sampleCallchain | 1<<26}
	rec := w.fork().record(recordSample, 0, func(w *testWriter) { w.u64(0x10, 1, 0x10, 12345) }).b
	f := openBytes(t, w.file([]testEvent{{attr: a, name: "new"}}, rec, nil))
	samples, _ := collect(t, f)
	side, _ := f.Sideband()
	if len(samples) != 1 || len(side.Losses) != 1 || side.Losses[0].Event != "new" {
		t.Errorf("%v %+v", samples, side.Losses)
	}
}
