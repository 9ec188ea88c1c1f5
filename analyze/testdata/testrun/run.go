// Package testrun makes runs and profiles for the tests of several packages.
package testrun

import (
	"bytes"
	"encoding/json"
	"testing"
	"testing/fstest"

	"xfrmscope/collect/bundle"
)

// A Run is a bundle made in memory: what the probes of a run of n CPUs with
// an SA each would have recorded.
type Run struct {
	Manifest bundle.Manifest
	SAs      []bundle.SA
	Locks    []bundle.LockLine
	Finds    []bundle.FindLine
	Counters []bundle.Counter
	Facts    []bundle.Fact
	Layouts  []bundle.StructLayout
}

const Second = int64(1e9)

// Window returns seconds from..to of the run.
func Window(from, to int64) bundle.Window {
	return bundle.Window{StartNS: from * Second, EndNS: to * Second}
}

func Make(mode string, n int) *Run {
	m := &Run{Manifest: bundle.Manifest{
		Schema: 1, Status: bundle.Complete, Window: Window(1, 3),
		Plan:   bundle.Plan{Labels: map[string]string{"mode": mode}},
		Probes: []bundle.Probe{{Name: "wait", AttachMode: "fentry", Window: Window(5, 7)}},
		Host:   bundle.Host{Name: "west", Kernel: "7.3.4", BuildID: "1f"},
	}}
	packets := uint64(1000 * n)
	at := int64(4)
	for _, p := range []struct{ name, probe string }{{"none-0", ""}, {"wait", "wait"}, {"none-1", ""},
		{"count", "count"}, {"none-2", ""}, {"time", "time"}, {"none-3", ""}, {"find", "find"}, {"none-4", ""},
		{"stacks", "stacks"}, {"none-5", ""}} {
		phase := bundle.Phase{Name: p.name, Probe: p.probe, Window: Window(at, at+2), Packets: packets,
			Counted: true}
		if p.probe != "" {
			phase.Packets = packets * 99 / 100
		}
		m.Manifest.Phases = append(m.Manifest.Phases, phase)
		at += 2
	}
	for cpu := range n {
		m.Manifest.Plan.CPUs = append(m.Manifest.Plan.CPUs, cpu)
	}
	for cpu := range n {
		m.AddSA(cpu)
	}
	return m
}

// AddSA adds the SA of one CPU: 1000 packets in the window, 990 in each phase
// with a probe, 1 % of its acquisitions contended.
func (m *Run) AddSA(cpu int) {
	spi, pcpu := uint32(0x1001+cpu), uint32(cpu)
	for _, at := range []struct {
		phase string
		time  int64
		n     uint64
	}{{"start", 1, 0}, {"end", 3, 1000}} {
		m.SAs = append(m.SAs, bundle.SA{Phase: at.phase, TimeNS: at.time * Second, SPI: spi, Dir: "out",
			PCPU: &pcpu, Packets: at.n})
	}
	lock, name := LockOf(cpu), ""
	hist := make([]uint64, 32)
	hist[7] = 10 // 128 to 256 ns
	m.Locks = append(m.Locks,
		bundle.LockLine{Account: &bundle.LockAccount{CPU: cpu, Begun: 10, Ended: 10}},
		bundle.LockLine{Row: &bundle.LockRow{CPU: cpu, Lock: lock, Name: name, Count: 10, WaitNS: 2000,
			MaxNS: 250, Hist: hist}},
		bundle.LockLine{Acquire: &bundle.AcquireRow{Phase: "count", CPU: cpu, Lock: lock, Count: 990}},
		bundle.LockLine{AcquireAccount: &bundle.AcquireAccount{Phase: "count", CPU: cpu, Count: 990}},
		bundle.LockLine{Acquire: &bundle.AcquireRow{Phase: "time", CPU: cpu, Lock: lock, Count: 990, Fast: 98,
			FastNS:   98 * (20 + 10*uint64(len(m.Manifest.Plan.CPUs)-1)),
			FastHist: []uint64{0, 0, 0, 0, 0, 0, 0, 0, 98}}},
		bundle.LockLine{Stack: &bundle.StackRow{CPU: cpu, Lock: lock, Count: 3,
			Frames: []string{"0xffffffff81000010", "0xffffffff81000110", "0xffffffff81000210"}}},
	)
	own := cpu
	m.Finds = append(m.Finds,
		bundle.FindLine{Row: &bundle.FindRow{CPU: cpu, State: "0x1", Lock: lock, SPI: spi, PCPU: &own,
			Count: 980}},
		bundle.FindLine{Row: &bundle.FindRow{CPU: cpu, State: "0x2", SPI: 0x1000, Count: 10}},
		bundle.FindLine{Account: &bundle.FindAccount{CPU: cpu, Calls: 990, CacheKnown: true, CacheEmpty: 990,
			Timed: 98, TimedNS: 98 * 100, Hist: []uint64{0, 0, 0, 0, 0, 0, 98}, Walked: 98,
			WalkSum: 98 * uint64(len(m.Manifest.Plan.CPUs)+1)}},
	)
}

func LockOf(cpu int) string { return "0xff1100000000000" + string(rune('0'+cpu)) }

func Lines[T any](rows []T) *fstest.MapFile {
	var b bytes.Buffer
	for _, r := range rows {
		data, err := json.Marshal(r)
		if err != nil {
			panic(err)
		}
		b.Write(append(data, '\n'))
	}
	return &fstest.MapFile{Data: b.Bytes()}
}

func (m *Run) Open(t testing.TB, path string) *bundle.Run {
	t.Helper()
	manifest, err := json.Marshal(m.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	layouts, err := json.Marshal(m.Layouts)
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{
		"manifest.json": {Data: manifest}, "layouts.json": {Data: layouts},
		"sas.jsonl": Lines(m.SAs), "locks.jsonl": Lines(m.Locks), "finds.jsonl": Lines(m.Finds),
		"counters.jsonl": Lines(m.Counters), "placement.jsonl": Lines(m.Facts),
		"symbols/kallsyms.gz": {Data: []byte("ffffffff81000000 T " +
			"native_queued_spin_lock_slowpath\nffffffff81000100 T _raw_spin_lock_bh\nffffffff81000200 t " +
			"xfrm_output_resume\nffffffff81000300 t end\n")},
	}
	r, err := bundle.Open(fsys, path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
