package top

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
	"xfrmscope/collect/procfs"
	"xfrmscope/reports/format"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func cpu(n uint32) *uint32 { return &n }

func pcpu(n int) *int { return &n }

func at(t time.Duration) Reading { return Reading{TimeNS: int64(t)} }

// times are CPU times in seconds of user, system, idle, softirq.
func times(cpu int, user, system, idle, softirq uint64) []bundle.Counter {
	var rows []bundle.Counter
	for _, c := range []struct {
		name    string
		seconds uint64
	}{{"user", user}, {"system", system}, {"idle", idle}, {"softirq", softirq}} {
		rows = append(rows, bundle.Counter{Source: "/proc/stat", CPU: &cpu, Name: c.name,
			Value: c.seconds * 1e9})
	}
	return rows
}

func count(source, netns, name string, cpu *int, value uint64) bundle.Counter {
	return bundle.Counter{Source: source, NetNS: netns, Name: name, CPU: cpu, Value: value}
}

// readings are two moments, two seconds apart, of a gateway with per-CPU SAs on
// CPUs 0 and 1: CPU 1 sends a part by the fallback.
func readings() (before, after Reading) {
	sa := func(spi uint32, p *uint32, dir string, packets uint64) bundle.SA {
		return bundle.SA{NetNS: "west", Src: "192.0.2.2", Dst: "192.0.2.3", Proto: "esp", SPI: spi, Dir: dir,
			PCPU: p, Packets: packets, Bytes: 100 * packets}
	}
	before, after = at(10*time.Second), at(12*time.Second)
	before.SAs = []bundle.SA{sa(0x1000, nil, "out", 0), sa(0x1001, cpu(0), "out", 1000),
		sa(0x1002, cpu(1), "out", 9000), sa(0x2000, nil, "in", 50)}
	after.SAs = []bundle.SA{sa(0x1000, nil, "out", 500), sa(0x1001, cpu(0), "out", 5000),
		sa(0x1002, cpu(1), "out", 10000), sa(0x1003, cpu(2), "out", 7), sa(0x2000, nil, "in", 250)}
	after.SAs[4].Drops.Replay = 4
	before.Counters = slices.Concat(times(0, 1, 1, 10, 10), times(1, 1, 1, 10, 10), []bundle.Counter{
		count("/proc/net/softnet_stat", "", "processed", pcpu(0), 100),
		count("/proc/net/xfrm_stat", "west", "XfrmInStateSeqError", nil, 1),
	})
	after.Counters = slices.Concat(times(0, 1, 2, 10, 11), times(1, 2, 1, 11, 10), []bundle.Counter{
		count("/proc/net/softnet_stat", "", "processed", pcpu(0), 300),
		count("/proc/net/xfrm_stat", "west", "XfrmInStateSeqError", nil, 5),
		count("/proc/net/xfrm_stat", "west", "XfrmOutError", nil, 9), // was not there before
	})
	before.Waits = &probe.Waits{Rows: []bundle.LockRow{{CPU: 0, Lock: "0x80", Count: 10, WaitNS: 1000}},
		Accounts: []bundle.LockAccount{{CPU: 0, Ended: 10}, {CPU: 1}}}
	after.Waits = &probe.Waits{Rows: []bundle.LockRow{{CPU: 0, Lock: "0x80", Count: 26, WaitNS: 61000,
		ID: bundle.LockID{Kind: bundle.LockOfSA, Name: "lock", SPI: 0x1000}},
		{CPU: 0, Lock: "0x90", Count: 4, WaitNS: 20000}, {CPU: 7, Lock: "0xa0", Count: 4, WaitNS: 1}},
		Accounts: []bundle.LockAccount{{CPU: 0, Ended: 30}, {CPU: 1}}}
	before.Lookups = &probe.Lookups{States: []probe.State{{CPU: 0, Address: 1, SPI: 0x1001, PCPU: pcpu(0),
		Count: 1000}}}
	after.Lookups = &probe.Lookups{States: []probe.State{
		{CPU: 0, Address: 1, SPI: 0x1001, PCPU: pcpu(0), Count: 5000},
		{CPU: 1, Address: 2, SPI: 0x1002, PCPU: pcpu(1), Count: 990}, {CPU: 1, Address: 1, SPI: 0x1001,
			PCPU: pcpu(0), Count: 10}, {CPU: 1, Address: 3, SPI: 0x1000, Count: 500},
	}}
	before.Inbound, after.Inbound = &probe.Lookups{}, &probe.Lookups{States: []probe.State{{CPU: 0, SPI: 0x2000,
		Address: 1, Count: 1}, {CPU: 1, SPI: 0x2000, Address: 1, Count: 1},
		// of two namespaces
		{CPU: 0, SPI: 0x3000, Address: 2, Count: 1}, {CPU: 1, SPI: 0x3000, Address: 3, Count: 1}}}
	after.Waits.Accounts[0].Begun, after.Waits.Accounts[0].Mismatched = 31, 1
	after.Blind = []string{"sleeping locks"}
	after.Notes = []string{"wait by fentry", "find by fentry"}
	return before, after
}

func TestCompare(t *testing.T) {
	f := compareReadings(nil, nil)
	if f.Seconds != 2 || len(f.Rows) != 2 {
		t.Fatalf("%+v", f)
	}
	for name, test := range map[string]struct {
		got  Number
		want float64
	}{
		"own packets of CPU 0":      {f.Rows[0].Own, 2000},
		"own packets of CPU 1":      {f.Rows[1].Own, 495},
		"fallback packets of CPU 1": {f.Rows[1].Fallback, 250},
		"wrong packets of CPU 1":    {f.Rows[1].Wrong, 5},
		"waits of CPU 0":            {f.Rows[0].Waits, 10},
		"wait per packet of CPU 0":  {f.Rows[0].WaitNS, 20},
		"waits of CPU 1":            {f.Rows[1].Waits, 0},
		"received by CPU 0":         {f.Rows[0].Received, 100},
		"softirq share of CPU 0":    {f.Rows[0].Softirq, 0.5},
		"system share of CPU 0":     {f.Rows[0].System, 0.5},
		"idle share of CPU 1":       {f.Rows[1].Idle, 0.5},
		"own packets of all":        {f.All.Own, 2500},
		"fallback of all":           {f.All.Fallback, 250},
		"fallback share":            {f.FallbackShare, 250.0 / 2750},
		"wrong share":               {f.WrongShare, 5.0 / 2750},
		"softirq share of all":      {f.All.Softirq, 0.25},
		"wait per packet of all":    {f.All.WaitNS, 40000.0 / 2750},
		"the busiest SA":            {f.SAs[0].Packets, 2000},
		"its bits":                  {f.SAs[0].BitsPerS, 1600000},
	} {
		if !test.got.Known || test.got.Value < test.want*0.999999 || test.got.Value > test.want*1.000001 {
			t.Errorf("%s: %+v, want %g", name, test.got, test.want)
		}
	}
	if len(f.Locks) != 2 || f.Locks[0].String() != "x->lock SPI 0x1000" || f.Locks[1].String() != "unnamed 0x90" ||
		f.Locks[0].Waits != 8 || f.Locks[0].MeanNS != 3750 || f.Locks[1].WaitNS != known(10000.0/2750) {
		t.Errorf("locks %+v", f.Locks)
	}
	if n := f.Rows[1].Received; n.Known {
		t.Errorf("CPU 1 has no softnet line, and received %+v", n)
	}
	if len(f.Errors) != 1 || f.Errors[0] != (ErrorRate{"west", "XfrmInStateSeqError", 2}) {
		t.Errorf("errors %+v", f.Errors)
	}
	if !slices.Equal(f.Spread, []string{"0x2000 on CPUs 0-1"}) {
		t.Errorf("spread %q", f.Spread)
	}
	if sa := f.SAs[3]; !sa.New || sa.Packets.Known || sa.SPI != 0x1003 {
		t.Errorf("an SA that was not there before: %+v", sa)
	}
	if sa := f.SAs[4]; sa.Outbound || sa.Drops.Value != 2 {
		t.Errorf("the inbound SA: %+v", sa)
	}
}

// compareReadings compares the readings, changed first.
func compareReadings(cpus bundle.CPUSet, change func(before, after *Reading)) Frame {
	before, after := readings()
	if change != nil {
		change(&before, &after)
	}
	return Compare(before, after, cpus)
}

// Without probes what needs them is not known; the rest is.
func TestNotMeasured(t *testing.T) {
	f := compareReadings(bundle.CPUSet{0, 1},
		func(before, after *Reading) { after.Lookups, after.Waits, after.Inbound = nil, nil, nil })
	row := f.Rows[0]
	if row.Own.Value != 2000 || row.Fallback.Known || row.Wrong.Known || row.Waits.Known || row.WaitNS.Known ||
		f.WrongShare.Known || f.All.WaitNS.Known {
		t.Errorf("%+v\n%+v", row, f.All)
	}
	if !f.FallbackShare.Known || !row.Softirq.Known {
		t.Errorf("%+v", f)
	}
	// Where the fallback carried nothing, its share by CPU is known to be 0, and
	// the wait per packet is too.
	f = compareReadings(bundle.CPUSet{0},
		func(before, after *Reading) { after.Lookups, after.SAs[0].Packets, after.SAs[0].Bytes = nil, 0, 0 })
	if row := f.Rows[0]; row.Fallback != known(0) || row.WaitNS != known(20) || f.All.WaitNS != known(20) {
		t.Errorf("%+v\n%+v, want the waits of CPU 0 over what it sent", row, f.All)
	}
	// Of one CPU among others that use the fallback, too, it is not.
	f = compareReadings(bundle.CPUSet{0}, func(before, after *Reading) { after.Lookups = nil })
	if f.All.WaitNS.Known {
		t.Errorf("%+v: who sent is not known", f.All)
	}
}

// What began again has no rate, and none is negative.
func TestReset(t *testing.T) {
	f := compareReadings(bundle.CPUSet{0, 7}, func(before, after *Reading) {
		after.SAs[1].Packets = 1
		after.Counters[3].Value = 0 // idle of CPU 0 ... softirq
		after.Lookups.States[0].Count = 0
	})
	for _, sa := range f.SAs {
		if sa.SPI == 0x1001 && (!sa.New || sa.Packets.Known) {
			t.Errorf("%+v", sa)
		}
	}
	for _, row := range f.Rows {
		for _, n := range []Number{row.Own, row.Fallback, row.Wrong, row.Waits, row.WaitNS, row.Softirq,
			row.Idle} {
			if n.Value < 0 {
				t.Errorf("%+v", row)
			}
		}
	}
	if row := f.Rows[1]; row.Idle.Known || row.Received.Known {
		t.Errorf("a CPU that is not there: %+v", row)
	}
	same := at(time.Second)
	if f := Compare(same, same, nil); len(f.Rows) != 0 || f.FallbackShare.Known {
		t.Errorf("of nothing: %+v", f)
	}
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestScreen(t *testing.T) {
	f := compareReadings(nil, func(_, after *Reading) {
		after.Unmeasured = []string{"lock waits: refused"}
		after.Problems = []string{"gone"}
	})
	var lines, screen bytes.Buffer
	s := Screen{W: &lines, Number: format.Terminal}
	if err := errors.Join(s.Show(noon, f), s.Show(noon.Add(time.Second), f)); err != nil {
		t.Fatal(err)
	}
	frame, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"testdata/screen.txt": s.text(noon, &f),
		"testdata/lines.txt": lines.String(), "testdata/frame.json": string(frame) + "\n"} {
		if *update {
			if err := errors.Join(os.MkdirAll("testdata", 0o755),
				os.WriteFile(name, []byte(got), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil || got != string(want) {
			t.Errorf("%v: %s differs (-update rewrites it):\n%s", err, name, got)
		}
	}
	s = Screen{W: &screen, Number: format.Terminal, Terminal: func() (int, int) { return 8, 40 }}
	if err := errors.Join(s.Show(noon, f), s.Show(noon, f)); err != nil {
		t.Fatal(err)
	}
	text := screen.String()
	if strings.Count(text, "\x1b[2J") != 1 || strings.Count(text, "\x1b[H") != 2 ||
		!strings.Contains(text, "lines more: choose CPUs with -C") {
		t.Errorf("%q", text)
	}
	for line := range strings.Lines(text) {
		if line = strings.NewReplacer("\x1b[2J", "", "\x1b[H", "", "\x1b[K", "", "\x1b[J", "", "\n",
			"").Replace(line); len(line) > 40 {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
}

// A fake reads what it was given, then fails.
type fake struct {
	readings []Reading
	read     int
}

func (f *fake) Read() (Reading, error) {
	if f.read == len(f.readings) {
		return Reading{}, errors.New("the namespace is gone")
	}
	f.read++
	return f.readings[f.read-1], nil
}

func TestRun(t *testing.T) {
	before, after := readings()
	tick := make(chan time.Time)
	close(tick)
	opt := Options{Frames: 1, Now: func() time.Time { return noon },
		Tick: func(time.Duration) <-chan time.Time { return tick }}
	var out bytes.Buffer
	if err := Run(context.Background(), &fake{readings: []Reading{before, after}},
		(&Screen{W: &out, Number: format.Terminal}).Show,
		opt); err != nil || !strings.Contains(out.String(), "12:00:00 cpu all 2500") {
		t.Errorf("%v\n%s", err, out.String())
	}
	opt.Frames = 0
	if err := Run(context.Background(), &fake{readings: []Reading{before, after}},
		(&Screen{W: &out, Number: format.Terminal}).Show,
		opt); err == nil || !strings.Contains(err.Error(), "is gone") {
		t.Errorf("a source that fails: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	opt.Tick = func(time.Duration) <-chan time.Time { return nil }
	if err := Run(ctx, &fake{readings: []Reading{before, after}}, (&Screen{W: &out, Number: format.Terminal}).Show,
		opt); !errors.Is(err,
		context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// TestLive reads the running kernel twice.
func TestLive(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("reading SAs needs root")
	}
	if testing.Short() {
		t.Skip("loads probes")
	}
	l := Open(Options{})
	var out bytes.Buffer
	screen := &Screen{W: &out, Number: format.Terminal}
	err := errors.Join(Run(context.Background(), l, screen.Show, Options{Frames: 1}), l.Close())
	if err != nil {
		t.Skip("this kernel has no XFRM: ", err)
	}
	if !strings.Contains(out.String(), " cpu 0 ") || !strings.Contains(out.String(), " cpu all ") {
		t.Errorf("%s", out.String())
	}
	t.Log(out.String())
	gone := Open(Options{NetNS: []string{"no-such-namespace"}, NoProbes: true})
	if _, err := gone.Read(); err == nil || !strings.Contains(err.Error(), "no-such-namespace") {
		t.Errorf("a namespace that does not exist: %v", err)
	}
	empty := Open(Options{Root: procfs.Root(t.TempDir()), NoProbes: true, NetNS: []string{"gone"}})
	if _, err := empty.Read(); err == nil {
		t.Error("an empty tree was read")
	}
}
