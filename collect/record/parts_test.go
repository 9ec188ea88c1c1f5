package record

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
)

const guest = procfs.Root("../procfs/testdata/guest")

func TestParseTraffic(t *testing.T) {
	tests := []struct {
		name, text string
		want       *bundle.Traffic
		wrong      string
	}{
		{"one number", "12345\n", &bundle.Traffic{Packets: 12345}, ""},
		{"by CPU", "# sent\n0 10\n\n3 32\n", &bundle.Traffic{Packets: 42,
			PerCPU: []bundle.CPUPackets{{CPU: 0, Packets: 10}, {CPU: 3, Packets: 32}}}, ""},
		{"empty", "\n# nothing\n", nil, "1: holds no number"},
		{"words", "many\n", nil, "1: packets: "},
		{"negative", "-5\n", nil, "1: packets: "},
		{"two numbers", "5\n6\n", nil, "2: \"6\": want one number, or lines of CPU PACKETS"},
		{"mixed", "0 5\n6\n", nil, "2: \"6\": want"},
		{"mixed the other way", "6\n0 5\n", nil, "2: \"0 5\": want"},
		{"three columns", "0 5 6\n", nil, "1: \"0 5 6\": want"},
		{"a CPU twice", "1 5\n1 6\n", nil, "2: \"1\" is no CPU, or was there before"},
		{"no CPU", "9999 5\n", nil, "1: \"9999\" is no CPU"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseTraffic(test.text)
			if test.wrong != "" {
				if err == nil || !strings.HasPrefix(err.Error(), test.wrong) {
					t.Errorf("got %v, want %s", err, test.wrong)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func FuzzParseTraffic(f *testing.F) {
	f.Add("12345\n")
	f.Add("0 10\n3 32\n")
	f.Fuzz(func(t *testing.T, text string) {
		traffic, err := parseTraffic(text)
		if err != nil || traffic.PerCPU == nil {
			return
		}
		var sum uint64
		for _, c := range traffic.PerCPU {
			sum += c.Packets
		}
		if sum != traffic.Packets {
			t.Errorf("%q: %d packets by CPU, %d in all", text, sum, traffic.Packets)
		}
	})
}

// packetsBetween lets a snapshot read the texts at the start and at the end.
func packetsBetween(t *testing.T, start, end string) (*snapshot, *bundle.Traffic, error) {
	t.Helper()
	s := &snapshot{packetsFile: filepath.Join(t.TempDir(), "packets")}
	for _, at := range []struct{ phase, text string }{{bundle.PhaseStart, start}, {bundle.PhaseEnd, end}} {
		if err := os.WriteFile(s.packetsFile, []byte(at.text), 0o644); err != nil {
			t.Fatal(err)
		}
		s.takePackets(at.phase)
	}
	traffic, err := s.traffic()
	return s, traffic, err
}

func TestTraffic(t *testing.T) {
	s, got, err := packetsBetween(t, "0 10\n1 20\n", "0 15\n1 27\n")
	if err != nil || len(s.gaps) != 0 {
		t.Fatalf("%v, gaps %+v", err, s.gaps)
	}
	if got.Window.StartNS == 0 || got.Window.EndNS < got.Window.StartNS {
		t.Errorf("window %+v", got.Window)
	}
	want := []bundle.CPUPackets{{CPU: 0, Packets: 5}, {CPU: 1, Packets: 7}}
	if got.Packets != 12 || !slices.Equal(got.PerCPU, want) {
		t.Errorf("got %+v", got)
	}
}

func TestTrafficWrong(t *testing.T) {
	for _, test := range []struct{ name, start, end, want string }{
		{"falls", "20\n", "10\n", "the counts fell from 20 to 10"},
		{"a CPU's falls", "0 10\n1 20\n", "0 5\n1 30\n", "the counts of CPU 0 fell"},
		{"a CPU comes", "0 10\n", "0 10\n1 5\n", "name other CPUs than before"},
		{"another CPU", "0 10\n", "1 15\n", "the counts of CPU 1 fell, or its line moved"},
	} {
		if _, got, err := packetsBetween(t, test.start, test.end); got != nil || err == nil ||
			!strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %+v, %v", test.name, got, err)
		}
	}
	s, got, err := packetsBetween(t, "0 10\nx\n", "0 10\n")
	if got != nil || err != nil || len(s.gaps) != 1 || !strings.HasPrefix(s.gaps[0].Why, s.packetsFile+":2: ") {
		t.Errorf("a bad line: %+v, %v, gaps %+v", got, err, s.gaps)
	}
}

func TestSnapshot(t *testing.T) {
	s := snapshot{root: guest, netns: []string{""}}
	s.takeCounters(bundle.PhaseStart)
	s.takeCounters(bundle.PhaseEnd)
	count := make(map[string]int)
	for _, c := range s.counters {
		if c.TimeNS == 0 {
			t.Fatalf("no time: %+v", c)
		}
		count[c.Phase+" "+c.Source]++
	}
	for _, want := range []string{"/proc/stat", "/proc/net/softnet_stat", "/proc/softirqs", "/proc/net/xfrm_stat",
		"/proc/net/snmp"} {
		if n := count["start "+want]; n == 0 || n != count["end "+want] {
			t.Errorf("%s: %d rows at the start, %d at the end", want, n, count["end "+want])
		}
	}
	if len(s.gaps) != 0 {
		t.Errorf("gaps %+v", s.gaps)
	}
}

// What cannot be read is one gap, named once.
func TestSnapshotGaps(t *testing.T) {
	s := snapshot{root: procfs.Root(t.TempDir()), netns: []string{"gone"}}
	s.take(bundle.PhaseStart)
	s.take(bundle.PhaseEnd)
	var what []string
	for _, g := range s.gaps {
		what = append(what, g.What)
	}
	want := []string{
		"CPU topology", "interrupts", "placement of network namespace gone",
		"policies of network namespace gone", "listeners to XFRM's events in network namespace gone",
		"CPU times", "softirq counters", "softirq counts", "XFRM's counters of network namespace gone",
		"protocol counters of network namespace gone", "SAs of network namespace gone",
	}
	if !slices.Equal(what, want) || len(s.counters) != 0 {
		t.Errorf("gaps %q, %d counters", what, len(s.counters))
	}
}

func TestSaveSymbols(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	w, err := bundle.Create(dir, bundle.Manifest{Source: "record"})
	if err != nil {
		t.Fatal(err)
	}
	var offered []string
	if err := saveKallsyms(w, guest, false,
		func(s procfs.Symbol) { offered = append(offered, s.Name) }); err != nil {
		t.Fatal(err)
	}
	if err := saveModules(w, guest); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(offered, "tasklist_lock") {
		t.Errorf("no variable was offered: %q", offered)
	}
	checkSymbolFiles(t, dir)
}

func checkSymbolFiles(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "symbols/kallsyms.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\nffffffffc0611040 t esp_output\t[esp4]\n") ||
		strings.Contains(string(text), "init_net") {
		t.Errorf("kallsyms:\n%s", text)
	}
	ids, err := os.ReadFile(filepath.Join(dir, "symbols/buildids"))
	if err != nil || strings.Count(string(ids), "\n") != 3 ||
		!strings.Contains(string(ids), " [kernel.kallsyms]\n") {
		t.Errorf("buildids: %q, %v", ids, err)
	}
	modules, err := os.ReadFile(filepath.Join(dir, "symbols/modules"))
	if err != nil || !strings.Contains(string(modules), "esp4 32768 10 - Live 0xffffffffc060f000") {
		t.Errorf("modules: %q, %v", modules, err)
	}
}

func TestHiddenSymbols(t *testing.T) {
	opt := machine(t, map[string]string{
		"proc/kallsyms":                 "0000000000000000 T _text\n0000000000000000 t xfrm_state_find\n",
		"proc/sys/kernel/kptr_restrict": "2\n",
	})
	dir := filepath.Join(t.TempDir(), "run")
	w, err := bundle.Create(dir, bundle.Manifest{})
	if err != nil {
		t.Fatal(err)
	}
	err = saveKallsyms(w, opt.Root, false, func(procfs.Symbol) {})
	if !errors.Is(err, errHidden) {
		t.Fatalf("got %v", err)
	}
	g := kallsymsGap(opt.Root, err)
	if !strings.HasSuffix(g.Why, "kernel.kptr_restrict is 2") ||
		!strings.Contains(g.Fix, "sysctl kernel.kptr_restrict=0") {
		t.Errorf("gap %+v", g)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "symbols/*")); len(files) != 0 {
		t.Errorf("left behind: %q", files)
	}
}

func TestLastLines(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	if got := LastLines(name, 2); !strings.HasPrefix(got, "its output cannot be read: ") {
		t.Errorf("no file: %q", got)
	}
	if err := os.WriteFile(name, []byte("one\ntwo\n\n  three\nthree\nfour"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := LastLines(name+".part", 3); got != "two / three / four" {
		t.Errorf("got %q", got)
	}
}

// Counters that fell or vanished are named, those that may fall are not.
func TestUnsteady(t *testing.T) {
	cpu := 2
	row := func(phase, source, ns, name string, cpu *int, value uint64) bundle.Counter {
		return bundle.Counter{Phase: phase, Source: source, NetNS: ns, Name: name, CPU: cpu, Value: value}
	}
	rows := []bundle.Counter{
		row(bundle.PhaseStart, "/proc/net/xfrm_stat", "west", "XfrmInError", nil, 7),
		row(bundle.PhaseStart, "/proc/net/xfrm_stat", "west", "XfrmOutError", nil, 7),
		// could not be read at the end: a gap says so
		row(bundle.PhaseStart, "/proc/net/xfrm_stat", "gone", "XfrmOutError", nil, 7),
		row(bundle.PhaseStart, "/proc/net/softnet_stat", "", "processed", &cpu, 9),
		row(bundle.PhaseStart, "/proc/net/softnet_stat", "", "backlog_len", &cpu, 9),
		row(bundle.PhaseStart, "/proc/stat", "", "user", &cpu, 9),
		row(bundle.PhaseEnd, "/proc/net/xfrm_stat", "west", "XfrmInError", nil, 6),
		row(bundle.PhaseEnd, "/proc/net/xfrm_stat", "west", "XfrmOutError", nil, 9),
		row(bundle.PhaseEnd, "/proc/net/softnet_stat", "", "processed", &cpu, 8),
		row(bundle.PhaseEnd, "/proc/net/softnet_stat", "", "backlog_len", &cpu, 0),
		row(bundle.PhaseEnd, "/proc/stat", "", "user", new(int), 9),
	}
	var got []string
	for _, w := range unsteady(rows) {
		got = append(got, w.Weakens+": "+w.Text)
	}
	want := []string{
		"/proc/net/softnet_stat: processed of CPU 2 fell during the window: the difference is no count",
		"/proc/net/xfrm_stat: XfrmInError in network namespace west fell during the window: the difference " +
			"is no count",
		"/proc/stat: user of CPU 2 vanished during the window: the difference is no count",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if names := few([]string{"a", "b", "c", "d", "e", "f", "g", "h"}); names != "a, b, c, d, e, f and 2 more" {
		t.Errorf("many names: %q", names)
	}
}

func TestWithoutIdle(t *testing.T) {
	rows := []bundle.Counter{
		{Phase: bundle.PhaseStart, Source: "/proc/net/snmp", Name: "IpInReceives"},
		{Phase: bundle.PhaseStart, Source: "/proc/net/snmp", Name: "IpInHdrErrors"},
		{Phase: bundle.PhaseStart, Source: "/proc/net/xfrm_stat", Name: "XfrmInError"},
		{Phase: bundle.PhaseEnd, Source: "/proc/net/snmp", Name: "IpInReceives", Value: 1},
	}
	got := withoutIdle(slices.Clone(rows))
	if want := []bundle.Counter{rows[0], rows[2], rows[3]}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

// That nothing was dropped or held back is a result, and is kept.
func TestWithoutIdleFacts(t *testing.T) {
	var facts []bundle.Fact
	for _, name := range []string{"rx_pause_frames", "rx_out_of_buffer", "tx_dropped", "rx_csum_none", "rx_bytes"} {
		for _, phase := range []string{bundle.PhaseStart, bundle.PhaseEnd} {
			f := bundle.Fact{Phase: phase, Topic: "stat", Subject: "eth0", Name: name, Value: "0",
				Counter: true}
			if name == "rx_bytes" && phase == bundle.PhaseEnd {
				f.Value = "9"
			}
			facts = append(facts, f)
		}
	}
	facts = append(facts, bundle.Fact{Phase: bundle.PhaseStart, Topic: "rss", Subject: "eth0", Name: "key",
		Value: "0"})
	got := withoutIdleFacts(slices.Clone(facts))
	if want := slices.Delete(slices.Clone(facts), 6, 8); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

// The samples within the window are of the measured CPUs.
func TestSample(t *testing.T) {
	s := snapshot{root: guest, cpus: bundle.CPUSet{1, 3}}
	s.sample()
	s.sample()
	if len(s.counters) != 2*2*8 {
		t.Fatalf("%d rows", len(s.counters))
	}
	for _, c := range s.counters {
		if c.Phase != bundle.PhaseSample || *c.CPU != 1 && *c.CPU != 3 {
			t.Errorf("got %+v", c)
		}
	}
}
