//go:build !race

// The program whose cost is measured here is built without the race detector.

package main

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/samples"
)

// A simulated sweep has the counters, SAs, lock waits and placement of 64 CPUs,
// drawn at random, in every run; as perf.data each has a recording of the
// samples, 0.1 to 0.3 MB of up to 5 CPUs. It shows what many runs cost to read,
// and says nothing about IPsec.
const scaleCPUs = 64

// simulate writes a sweep of that many runs below dir: modes shared and pcpu,
// eight sizes, and as many repeats as it takes, before and after in turn.
func simulate(tb testing.TB, dir string, runs int) {
	tb.Helper()
	sample, err := samples.Open("shared")
	if err != nil {
		tb.Fatal(err)
	}
	read := func(name string) []byte {
		data, err := fs.ReadFile(sample, name)
		if err != nil {
			tb.Fatal(err)
		}
		return data
	}
	recordings := [][]byte{read("n1/perf.data"), read("n2/perf.data"), read("n4/perf.data")}
	kallsyms := read("symbols/kallsyms.gz")
	rng := rand.New(rand.NewPCG(1, 2))
	table := bundle.Sweep{Name: "simulated"}
	for i := range runs {
		n := []int{1, 2, 4, 8, 16, 32, 48, 64}[i/2%8]
		mode, repeat := []string{"shared", "pcpu"}[i%2], i/16+1
		name := fmt.Sprintf("%s-n%d-r%d", mode, n, repeat)
		table.Dirs = append(table.Dirs, name)
		run := filepath.Join(dir, name)
		w, err := bundle.Create(run, bundle.Manifest{
			Tool: "simulated", Source: "record", Started: time.Unix(0, 0).UTC(),
			Host:   bundle.Host{Name: "simulated", Kernel: "7.3.4"},
			Window: bundle.Window{StartNS: 1e9, EndNS: 6e9},
			Plan: bundle.Plan{CPUs: cpus(n), DurationNS: 5e9, NetNS: []string{"west"},
				Labels: map[string]string{"mode": mode, "n": strconv.Itoa(n),
					"repeat": strconv.Itoa(repeat), "side": []string{"before", "after"}[repeat%2]}},
			Probes: []bundle.Probe{{Name: "wait", AttachMode: "fentry",
				Window: bundle.Window{StartNS: 7e9, EndNS: 9e9}}},
		})
		if err != nil {
			tb.Fatal(err)
		}
		rate := 1.5e6 * float64(n) / (1 + 0.05*float64(n-1)) * (1 + 0.01*rng.NormFloat64())
		if mode == "shared" {
			rate /= 1 + 0.1*float64(n-1)
		}
		err = firstError(
			bundle.WriteLines(w, "sas.jsonl", simulatedSAs(mode, n, rate)),
			bundle.WriteLines(w, "counters.jsonl", simulatedCounters(rng)),
			bundle.WriteLines(w, "locks.jsonl", simulatedLocks(rng, n)),
			bundle.WriteLines(w, "placement.jsonl", simulatedPlacement()),
			w.WriteFile("perf.data", recordings[i%len(recordings)]),
			w.WriteFile("symbols/kallsyms.gz", kallsyms),
			w.Finish(""),
		)
		if err != nil {
			tb.Fatal(err)
		}
		shared := filepath.Join(dir, "symbols", "kallsyms.gz")
		if err := os.MkdirAll(filepath.Dir(shared), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.Rename(filepath.Join(run, "symbols", "kallsyms.gz"), shared); err != nil {
			tb.Fatal(err)
		}
	}
	table.Planned = table.Dirs
	if err := bundle.WriteSweep(dir, &table); err != nil {
		tb.Fatal(err)
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func cpus(n int) bundle.CPUSet {
	var set bundle.CPUSet
	for c := range n {
		set = append(set, c)
	}
	return set
}

func simulatedSAs(mode string, n int, rate float64) []bundle.SA {
	var rows []bundle.SA
	packets := func(sa int) float64 {
		if mode == "shared" {
			return rate * float64(b2i(sa == 0))
		}
		return rate / float64(n) * float64(b2i(sa > 0 && sa <= n))
	}
	for sa := range scaleCPUs + 1 {
		row := bundle.SA{NetNS: "west", Src: "192.0.2.2", Dst: "192.0.2.3", Proto: "esp",
			SPI: uint32(0x1000 + sa), Mode: "tunnel", Dir: "out", ReqID: 1}
		if sa > 0 {
			cpu := uint32(sa - 1)
			row.PCPU = &cpu
		}
		for _, at := range []struct {
			phase string
			ns    int64
		}{{"start", 1e9}, {"end", 6e9}, {"probe-start", 7e9}, {"probe-end", 9e9}} {
			row.Phase, row.TimeNS = at.phase, at.ns
			row.Packets = uint64(packets(sa) * float64(at.ns) / 1e9)
			row.Bytes, row.OSeq = 64*row.Packets, row.Packets
			rows = append(rows, row)
		}
	}
	return rows
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func simulatedCounters(rng *rand.Rand) []bundle.Counter {
	var rows []bundle.Counter
	for cpu := range scaleCPUs {
		for _, of := range []struct{ source, unit, names string }{
			{"/proc/stat", "ns", "user nice system idle iowait irq softirq steal"},
			{"/proc/net/softnet_stat", "count", "processed dropped time_squeeze received_rps " +
				"flow_limit_count backlog_len input_qlen process_qlen"},
		} {
			for _, name := range strings.Fields(of.names) {
				value := rng.Uint64N(1e9)
				rows = append(rows, bundle.Counter{Phase: "start", TimeNS: 1e9, Source: of.source,
					CPU: &cpu, Name: name, Unit: of.unit, Value: value},
					bundle.Counter{Phase: "end", TimeNS: 6e9, Source: of.source, CPU: &cpu,
						Name: name, Unit: of.unit, Value: value + rng.Uint64N(1e9)})
			}
		}
	}
	return rows
}

func simulatedLocks(rng *rand.Rand, n int) []bundle.LockLine {
	var lines []bundle.LockLine
	for cpu := range n {
		account := bundle.LockAccount{CPU: cpu}
		for lock := range 8 {
			count := 1 + rng.Uint64N(1e5)
			row := bundle.LockRow{CPU: cpu, Lock: fmt.Sprintf("%#x", 0xffff888100000000+uint64(lock)<<6),
				Name: fmt.Sprintf("lock%d", lock), Count: count, WaitNS: count * 800, MaxNS: 90_000,
				Hist: make([]uint64, 32)}
			row.Hist[9] = count
			account.Begun += count
			account.Ended += count
			lines = append(lines, bundle.LockLine{Row: &row})
		}
		lines = append(lines, bundle.LockLine{Account: &account})
	}
	return lines
}

func simulatedPlacement() []bundle.Fact {
	var facts []bundle.Fact
	for queue := range scaleCPUs {
		for _, phase := range []string{"start", "end"} {
			facts = append(facts, bundle.Fact{Phase: phase, Topic: "irq",
				Subject: strconv.Itoa(100 + queue), Name: "affinity", Value: strconv.Itoa(queue)},
				bundle.Fact{Phase: phase, Topic: "xps", Subject: fmt.Sprintf("eth0 tx-%d", queue),
					Name: "cpus", Value: strconv.Itoa(queue)})
		}
	}
	return facts
}

// TestScale prints what commands cost on simulated sweeps: XFRMSCOPE_SCALE runs
// (`make scale`: 1,000), and a quarter of them, which tells whether a run costs
// the same among many. It asserts no time.
func TestScale(t *testing.T) {
	runs := 32
	if s := os.Getenv("XFRMSCOPE_SCALE"); s != "" {
		runs, _ = strconv.Atoi(s)
	}
	if testing.Short() {
		t.Skip("writes and reports simulated sweeps")
	}
	dir := t.TempDir()
	program := program(t)
	sizes := []int{max(32, runs/4), max(32, runs)}
	for i, n := range sizes {
		sweep := filepath.Join(dir, strconv.Itoa(n))
		simulate(t, sweep, n)
		syscall.Sync() // or the disk is at it while commands are timed
		for _, args := range [][]string{
			{"list", sweep},
			{"verify", sweep},
			{"show", sweep},
			{"report", sweep, "-o", filepath.Join(dir, "report-"+strconv.Itoa(n))},
			{"compare", sweep},
		} {
			cmd := exec.Command(program, args...)
			began := time.Now()
			out, err := cmd.CombinedOutput()
			took := time.Since(began)
			// Numbers drawn at random break sums and gates: verify says so.
			if err != nil && (args[0] != "verify" || cmd.ProcessState.ExitCode() != exitInvalid) {
				t.Fatalf("%v: %v\n%.2000s", args, err, out)
			}
			usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
			t.Logf("%-8s %5d runs x %d CPUs: %6.2f s, %6.2f s of CPU, %5.0f MB at most, %6.2f ms a run",
				args[0], n, scaleCPUs,
				took.Seconds(), (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(),
				float64(usage.Maxrss)/1e3, 1e3*took.Seconds()/float64(n))
		}
		t.Logf("         %s", size(t, filepath.Join(dir, "report-"+strconv.Itoa(n))))
		if i+1 < len(sizes) && sizes[i+1] == n {
			break
		}
	}
}

// size says how much a report wrote.
func size(t *testing.T, dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	total, page := int64(0), int64(0)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
		if e.Name() == "report.html" {
			page = info.Size()
		}
	}
	return fmt.Sprintf("report: %d files, %.1f MB, report.html %.1f MB", len(entries), float64(total)/1e6,
		float64(page)/1e6)
}
