package perfdata

import (
	"reflect"
	"testing"
)

// trailer writes the sample_id of testType: TID, TIME, CPU, IDENTIFIER.
func (w *testWriter) trailer(time uint64, cpu uint32, id uint64) *testWriter {
	return w.u32(1, 2).u64(time).u32(cpu, 0).u64(id)
}

func TestSideband(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		a := Attr{Type: TypeSoftware, Size: 136, SampleType: testType, Flags: FlagSampleIDAll}
		records := w.fork().
			record(RecordIDIndex, 0, func(w *testWriter) { w.u64(1, 7, 0, 3, ^uint64(0)) }).
			record(RecordMmap2, MiscUser|MiscMmapBuildID, func(w *testWriter) {
				w.u32(10, 11).u64(0x1000, 0x2000, 0x300).raw([]byte{4, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef}).raw(make([]byte, 16)).u32(5, 2).name("/bin/a").trailer(30, 0, 7)
			}).
			record(RecordMmap2, MiscUser, func(w *testWriter) {
				w.u32(10, 11).u64(0x5000, 0x2000, 0).u32(8, 1).u64(99, 1).u32(1, 2).name("/bin/b").trailer(20, 0, 7)
			}).
			record(RecordMmap, MiscKernel, func(w *testWriter) {
				w.u32(1<<32-1, 0).u64(0xffffffff81000000, 0x1000, 0xffffffff81000000).name("[kernel.kallsyms]_text").trailer(0, 0, 0)
			}).
			record(RecordComm, MiscCommExec, func(w *testWriter) { w.u32(10, 11).name("iperf3").trailer(40, 0, 7) }).
			record(RecordFork, 0, func(w *testWriter) { w.u32(20, 10, 21, 11).u64(50).trailer(50, 0, 7) }).
			record(RecordExit, 0, func(w *testWriter) { w.u32(20, 10, 21, 11).u64(60).trailer(60, 0, 7) }).
			record(RecordKsymbol, 0, func(w *testWriter) {
				w.u64(0xffffffffc0000000).u32(0x40).u16(1).u16(1).name("bpf_prog_6deef7357e7b4530_x").trailer(70, 0, 7)
			}).
			record(RecordBPFEvent, 0, func(w *testWriter) { w.u16(1).u16(0).u32(42).raw([]byte{1, 2, 3, 4, 5, 6, 7, 8}).trailer(80, 0, 7) }).
			record(RecordNamespaces, 0, func(w *testWriter) { w.u32(10, 11).u64(1, 4, 0xf0000000).trailer(85, 0, 7) }).
			record(RecordCgroup, 0, func(w *testWriter) { w.u64(77).name("/system.slice").trailer(86, 0, 7) }).
			record(RecordThrottle, 0, func(w *testWriter) { w.u64(90, 7, 7).trailer(90, 3, 7) }).
			record(RecordUnthrottle, 0, func(w *testWriter) { w.u64(95, 7, 7).trailer(95, 3, 7) }).
			record(RecordLost, 0, func(w *testWriter) { w.u64(7, 55).trailer(97, 3, 7) }).
			record(RecordLostSamples, 0, func(w *testWriter) { w.u64(60).trailer(0, 0, 7) }). // perf record's own: 55 are the same
			record(RecordLostSamples, 0, func(w *testWriter) { w.u64(4).trailer(98, 3, 7) }). // the kernel's
			record(RecordLostSamples, MiscLostSamplesBPF, func(w *testWriter) { w.u64(9).trailer(0, 0, 7) }).
			record(RecordAux, 0, func(w *testWriter) { w.u64(0, 0, 1|4).trailer(99, 3, 7) }).
			record(RecordSample, 0, func(w *testWriter) { fixedFields(w, 7, 1, 1, 1, 100, 3, 1) }).
			record(RecordComm, 0, func(w *testWriter) { w.u32(10) }) // too short
		features := map[Feature][]byte{
			FeatureNRCPUs:    w.fork().u32(5, 2).b,
			FeatureCmdLine:   w.fork().u32(2).text("perf").text("record").b,
			FeatureClockData: w.fork().u32(1, 1).u64(1000, 2000).b,
			FeatureCache:     w.fork().u32(1, 1, 1, 64, 64, 8).text("Data").text("32K").text("0-1").b,
			FeatureBuildID: w.fork().record(0, MiscKernel|MiscBuildIDSize, func(w *testWriter) {
				w.u32(1<<32 - 1).raw([]byte{0xca, 0xfe}).raw(make([]byte, 18)).raw([]byte{2, 0, 0, 0}).name("[kernel.kallsyms]")
			}).b,
			FeatureGroupDesc:  w.fork().u32(1).text("{a,b}").u32(0, 1).b,
			FeatureSampleTime: w.fork().u64(100, 101).b,
			FeatureCPUDomain:  []byte("later"),
		}
		f := openBytes(t, w.file([]testEvent{{a, []uint64{7}, "cpu-clock"}}, records.b, features))
		side, err := f.Sideband()
		if err != nil {
			t.Fatal(err)
		}
		want := Sideband{
			Mmaps: []Mmap{
				{PID: -1, Start: 0xffffffff81000000, Len: 0x1000, PgOff: 0xffffffff81000000, File: "[kernel.kallsyms]_text", Misc: MiscKernel},
				{TimeNS: 20, PID: 10, TID: 11, Start: 0x5000, Len: 0x2000, File: "/bin/b", Major: 8, Minor: 1, Inode: 99, Prot: 1, Misc: MiscUser},
				{TimeNS: 30, PID: 10, TID: 11, Start: 0x1000, Len: 0x2000, PgOff: 0x300, File: "/bin/a", BuildID: "deadbeef", Prot: 5, Misc: MiscUser | MiscMmapBuildID},
			},
			Comms:      []Comm{{TimeNS: 40, PID: 10, TID: 11, Name: "iperf3", Exec: true}},
			Forks:      []Task{{50, 20, 21, 10, 11}},
			Exits:      []Task{{60, 20, 21, 10, 11}},
			KSymbols:   []KSymbol{{70, 0xffffffffc0000000, 0x40, 1, true, "bpf_prog_6deef7357e7b4530_x"}},
			BPF:        []BPFEvent{{80, 1, 42, "0102030405060708"}},
			Namespaces: []Namespaces{{85, 10, 11, []NamespaceLink{{4, 0xf0000000}}}},
			Cgroups:    []Cgroup{{86, 77, "/system.slice"}},
			Throttles:  []Throttle{{90, 3, f.Events[0], false}, {95, 3, f.Events[0], true}},
			BuildIDs:   []BuildID{{-1, true, "[kernel.kallsyms]", "cafe"}, {10, false, "/bin/a", "deadbeef"}},
			IDs:        []IDIndex{{7, 3, -1}},
			Counts:     side.Counts, SampleRecords: []uint64{1}, Losses: side.Losses, FirstNS: 100, LastNS: 100,
		}
		if !reflect.DeepEqual(*side, want) {
			t.Errorf("\n got %+v\nwant %+v", *side, want)
		}
		var losses []lossNote
		for _, l := range side.Losses {
			cpu := int32(-1)
			if l.CPU != nil {
				cpu = int32(*l.CPU)
			}
			losses = append(losses, lossNote{what: l.What, count: l.Count, of: l.Of, cpu: cpu, event: l.Event})
		}
		wantLosses := []lossNote{
			{what: "records dropped in the ring (LOST_SAMPLES of perf record)", count: 60, of: 61, cpu: 3, event: "cpu-clock"},
			{what: "samples dropped by the kernel (LOST_SAMPLES)", count: 4, of: 5, cpu: 3, event: "cpu-clock"},
			{what: "samples dropped by a BPF filter (LOST_SAMPLES)", count: 9, of: 10, cpu: 3, event: "cpu-clock"},
			{what: "throttled intervals (THROTTLE)", count: 1, cpu: 3, event: "cpu-clock"},
			{what: "AUX areas truncated (AUX)", count: 1, cpu: 3, event: "cpu-clock"},
			{what: "AUX areas with gaps (AUX)", count: 1, cpu: 3, event: "cpu-clock"},
			{what: "COMM records too short for their fields", count: 1, cpu: -1},
		}
		if !reflect.DeepEqual(losses, wantLosses) {
			t.Errorf("losses\n got %+v\nwant %+v", losses, wantLosses)
		}
		m := f.Meta
		if m.CPUsAvailable != 5 || m.CPUsOnline != 2 || len(m.CommandLine) != 2 || *m.Clock != (ClockData{1, 1000, 2000}) ||
			m.Caches[0] != (Cache{1, 64, 64, 8, "Data", "32K", "0-1"}) || m.Groups[0] != (Group{"{a,b}", 0, 1}) || string(m.Raw(FeatureCPUDomain)) != "later" {
			t.Errorf("meta %+v", m)
		}
		if f.Events[0].Leader != f.Events[0] || f.Events[0].Unit() != "nanoseconds" {
			t.Errorf("event %+v", f.Events[0])
		}
	})
}
