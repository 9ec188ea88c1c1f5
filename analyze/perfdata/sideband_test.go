package perfdata

import (
	"fmt"
	"reflect"
	"testing"
)

// trailer writes the sample_id of testType: TID, TIME, CPU, IDENTIFIER.
func (w *testWriter) trailer(time uint64, cpu uint32, id uint64) *testWriter {
	return w.u32(1, 2).u64(time).u32(cpu, 0).u64(id)
}

func TestSideband(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		a := attr{Type: typeSoftware, Size: 136, SampleType: testType, Flags: flagSampleIDAll}
		records := w.fork().
			record(recordIDIndex, 0, func(w *testWriter) { w.u64(1, 7, 0, 3, ^uint64(0)) }).
			record(recordMmap2, uint16(ModeUser)|miscMmapBuildID, func(w *testWriter) {
				w.u32(10, 11).u64(0x1000, 0x2000, 0x300).raw([]byte{4, 0, 0, 0, 0xde, 0xad, 0xbe,
					0xef}).raw(make([]byte, 16)).u32(5, 2).name("/bin/a").trailer(30, 0, 7)
			}).
			record(recordMmap2, uint16(ModeUser), func(w *testWriter) {
				w.u32(10, 11).u64(0x5000, 0x2000, 0).u32(8, 1).u64(99, 1).u32(1,
					2).name("/bin/b").trailer(20, 0, 7)
			}).
			record(recordMmap, uint16(ModeKernel), func(w *testWriter) {
				w.u32(1<<32-1, 0).u64(0xffffffff81000000, 0x1000,
					0xffffffff81000000).name("[kernel.kallsyms]_text").trailer(0, 0, 0)
			}).
			record(recordComm, 1<<13, func(w *testWriter) {
				w.u32(10, 11).name("iperf3").trailer(40, 0,
					7)
			}).
			record(recordFork, 0, func(w *testWriter) { w.u32(20, 10, 21, 11).u64(50).trailer(50, 0, 7) }).
			record(recordKsymbol, 0, func(w *testWriter) {
				w.u64(0xffffffffc0000000).u32(0x40).u16(1).u16(1).name("bpf_prog_6deef7357e7b4530_x").
					trailer(70, 0, 7)
			}).
			record(recordThrottle, 0, func(w *testWriter) { w.u64(90, 7, 7).trailer(90, 3, 7) }).
			record(recordLost, 0, func(w *testWriter) { w.u64(7, 55).trailer(97, 3, 7) }).
			// perf record's own: 55 are the same
			record(recordLostSamples, 0, func(w *testWriter) { w.u64(60).trailer(0, 0, 7) }).
			// the kernel's
			record(recordLostSamples, 0, func(w *testWriter) { w.u64(4).trailer(98, 3, 7) }).
			record(recordLostSamples, miscLostSamplesBPF,
				func(w *testWriter) { w.u64(9).trailer(0, 0, 7) }).
			record(recordAux, 0, func(w *testWriter) { w.u64(0, 0, 1|4).trailer(99, 3, 7) }).
			record(recordSample, 0, func(w *testWriter) { fixedFields(w, 7, 1, 1, 1, 100, 3, 1) }).
			record(recordComm, 0, func(w *testWriter) { w.u32(10) }) // too short
		features := map[feature][]byte{
			featureCmdLine:   w.fork().u32(2).text("perf").text("record").b,
			featureClockData: w.fork().u32(1, 1).u64(3000, 2000).b,
			featureBuildID: w.fork().record(0, uint16(ModeKernel)|miscBuildIDSize, func(w *testWriter) {
				w.u32(1<<32 - 1).raw([]byte{0xca, 0xfe}).raw(make([]byte, 18)).raw([]byte{2, 0, 0,
					0}).name("[kernel.kallsyms]")
			}).b,
		}
		f := openBytes(t, w.file([]testEvent{{a, []uint64{7}, "cpu-clock"}}, records.b, features))
		side, err := f.Sideband()
		if err != nil {
			t.Fatal(err)
		}
		want := Sideband{
			Mmaps: []Mmap{
				{PID: -1, Start: 0xffffffff81000000, Len: 0x1000, PgOff: 0xffffffff81000000,
					File: "[kernel.kallsyms]_text", mode: ModeKernel},
				{TimeNS: 20, PID: 10, Start: 0x5000, Len: 0x2000, File: "/bin/b", Prot: 1,
					mode: ModeUser},
				{TimeNS: 30, PID: 10, Start: 0x1000, Len: 0x2000, PgOff: 0x300, File: "/bin/a",
					BuildID: "deadbeef", Prot: 5, mode: ModeUser},
			},
			Comms:    []Comm{{TimeNS: 40, TID: 11, Name: "iperf3"}},
			Forks:    []Task{{50, 20, 21, 10, 11}},
			KSymbols: []KSymbol{{70, 0xffffffffc0000000, 0x40, 1, true, "bpf_prog_6deef7357e7b4530_x"}},
			BuildIDs: []BuildID{{-1, true, "[kernel.kallsyms]", "cafe"}, {10, false, "/bin/a", "deadbeef"}},
			Losses:   side.Losses, FirstNS: 100, LastNS: 100,
		}
		if !reflect.DeepEqual(*side, want) {
			t.Errorf("\n got %+v\nwant %+v", *side, want)
		}
		var losses []string
		for _, l := range side.Losses {
			cpu := int32(-1)
			if l.CPU != nil {
				cpu = int32(*l.CPU)
			}
			losses = append(losses, fmt.Sprintf("%d of %d %s, CPU %d, event %s", l.Count, l.Of, l.What, cpu,
				l.Event))
		}
		wantLosses := []string{
			"60 of 61 records dropped in the ring (LOST_SAMPLES of perf record), CPU 3, event cpu-clock",
			"4 of 5 samples dropped by the kernel (LOST_SAMPLES), CPU 3, event cpu-clock",
			"9 of 10 samples dropped by a BPF filter (LOST_SAMPLES), CPU 3, event cpu-clock",
			"1 of 0 throttled intervals (THROTTLE), CPU 3, event cpu-clock",
			"1 of 0 AUX areas truncated (AUX), CPU 3, event cpu-clock",
			"1 of 0 AUX areas with gaps (AUX), CPU 3, event cpu-clock",
			"1 of 0 COMM records too short for their fields, CPU -1, event ",
		}
		if !reflect.DeepEqual(losses, wantLosses) {
			t.Errorf("losses\n got %+v\nwant %+v", losses, wantLosses)
		}
		if m := f.Meta; len(m.CommandLine) != 2 || m.WallOffsetNS != 1000 {
			t.Errorf("meta %+v", m)
		}
		if f.Events[0].Unit() != "nanoseconds" {
			t.Errorf("event %+v", f.Events[0])
		}
	})
}
