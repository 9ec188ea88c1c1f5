package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"xfrmscope/analyze"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
	"xfrmscope/collect/doctor"
	"xfrmscope/collect/pack"
	"xfrmscope/collect/scenario"
	"xfrmscope/reports/digest"
	"xfrmscope/samples"
)

// The fault tests make real sweeps with perf and break them. `make faults` runs
// them in full; here they are cut down.
func faultScale(few, many int) int {
	if os.Getenv("XFRMSCOPE_FAULTS") == "full" {
		return many
	}
	return few
}

// mutantMemory bounds what one damaged bundle of 130 kB may allocate in all.
const mutantMemory = 256 << 20

// Damaged bundles are opened, verified, analysed and printed: none ends the
// program, none makes it allocate by a length that it did not check, and what is
// found damaged is said.
func TestMutants(t *testing.T) {
	n := faultScale(150, 10_000)
	if testing.Short() {
		n = 20
	}
	original := smallBundle(t)
	names := slices.Sorted(maps.Keys(original))
	opened, found, worst, worstOf := 0, 0, uint64(0), 0
	for i := range n {
		rng := rand.New(rand.NewPCG(uint64(i), 1))
		mutant := maps.Clone(original)
		var changed []string
		for range 1 + rng.IntN(3) {
			name := names[rng.IntN(len(names))]
			mutant[name] = &fstest.MapFile{Data: mutate(rng, mutant[name].Data)}
			changed = append(changed, name)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		ok, damaged := look(t, fmt.Sprintf("mutant %d (%s)", i, strings.Join(changed, ", ")), mutant)
		runtime.ReadMemStats(&after)
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > worst {
			worst, worstOf = allocated, i
		}
		if ok {
			opened++
		}
		if damaged {
			found++
		} else if !same(original, mutant) {
			t.Errorf("mutant %d (%s): nobody noticed", i, strings.Join(changed, ", "))
		}
	}
	if worst > mutantMemory {
		t.Errorf("mutant %d allocated %.0f MB", worstOf, float64(worst)/1e6)
	}
	t.Logf("%d mutants: no panic; %d opened and analysed, %d found damaged; at most %.1f MB allocated for one", n,
		opened, found, float64(worst)/1e6)
}

func same(a, b fstest.MapFS) bool {
	return maps.EqualFunc(a, b, func(x, y *fstest.MapFile) bool { return bytes.Equal(x.Data, y.Data) })
}

// look does with a bundle what the commands do.
func look(t *testing.T, what string, fsys fs.FS) (opened, damaged bool) {
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("%s: panic: %v\n%s", what, r, debug.Stack())
		}
	}()
	runs, err := bundle.OpenAllFS(fsys, "mutant")
	if err != nil {
		return false, true
	}
	for _, r := range runs {
		damaged = damaged || r.Verify() != nil
	}
	result, err := analyze.Runs(context.Background(), runs, analyze.Options{})
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return true, damaged
	}
	if err := digest.Write(io.Discard, result); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	return true, damaged
}

// smallBundle is one recorded run with few kernel symbols, written by this
// version, so that its manifest has a sum.
func smallBundle(t *testing.T) fstest.MapFS {
	t.Helper()
	sample, err := samples.Open("pcpu")
	if err != nil {
		t.Fatal(err)
	}
	runs, err := bundle.OpenAllFS(sample, "pcpu")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	w, err := bundle.Create(dir, runs[0].Manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Update(func(m *bundle.Manifest) { m.Files = nil }); err != nil {
		t.Fatal(err)
	}
	for _, f := range runs[0].Files {
		if strings.HasPrefix(f.Name, "symbols/") {
			continue
		}
		data, err := fs.ReadFile(sample, "n1/"+f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.WriteFile(f.Name, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.WriteFile("symbols/kallsyms.gz",
		gzipped(t, "ffffffff81000000 T _text\nffffffff81a00000 T "+
			"native_queued_spin_lock_slowpath\nffffffff81b00000 t esp_output\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(""); err != nil {
		t.Fatal(err)
	}
	out := fstest.MapFS{}
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		out[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// mutate damages a copy of data in one of the ways files are damaged.
func mutate(rng *rand.Rand, data []byte) []byte {
	out := slices.Clone(data)
	if len(out) == 0 {
		return []byte{byte(rng.Uint32())}
	}
	at := rng.IntN(len(out))
	if rng.IntN(2) == 0 {
		at = rng.IntN(min(len(out), 256)) // headers are worth more attempts
	}
	length := min(1+rng.IntN(64), len(out)-at)
	switch rng.IntN(6) {
	case 0: // one bit
		out[at] ^= 1 << rng.IntN(8)
	case 1: // a number that is too large
		for i := range length {
			out[at+i] = 0xff
		}
	case 2:
		clear(out[at : at+length])
	case 3: // any bytes
		for i := range length {
			out[at+i] = byte(rng.Uint32())
		}
	case 4: // cut off
		out = out[:at]
	case 5: // a part is there twice
		out = slices.Insert(out, at, data[at:at+length]...)
	}
	return out
}

// A packed bundle that is damaged is refused, or its files are found damaged.
func TestPackedMutants(t *testing.T) {
	n := faultScale(100, 10_000)
	dir := t.TempDir()
	for name, f := range smallBundle(t) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var whole bytes.Buffer
	if err := pack.Write(&whole, dir); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "mutant.tar.zst")
	refused, found := 0, 0
	for i := range n {
		data := mutate(rand.New(rand.NewPCG(uint64(i), 2)), whole.Bytes())
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		fsys, err := pack.Open(file)
		if err != nil {
			refused++
			continue
		}
		if _, damaged := look(t, fmt.Sprintf("packed mutant %d", i), fsys); damaged {
			found++
		} else if !bytes.Equal(data, whole.Bytes()) {
			t.Logf("packed mutant %d holds what it held", i)
		}
	}
	t.Logf("%d packed mutants: no panic; %d refused, %d found damaged", n, refused, found)
}

func gunzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return data
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	if _, err := zw.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// inputKinds are small files of every kind that commands read but bundles, which
// TestMutants has.
func inputKinds(t *testing.T) map[string][]byte {
	t.Helper()
	sample, err := samples.Open("pcpu")
	if err != nil {
		t.Fatal(err)
	}
	recording, err := fs.ReadFile(sample, "n1/perf.data")
	if err != nil {
		t.Fatal(err)
	}
	scenarioText, _ := samples.Scenario("command")
	program, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	const folded = "ksoftirqd/1;net_rx_action_[k];xfrm_input_[k];esp_input_[k] 12\niperf3;udp_sendmsg_[k] 3\n"
	dir := t.TempDir()
	file := filepath.Join(dir, "a.folded")
	if err := os.WriteFile(file, []byte(folded), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := cli("report", file, "-o", filepath.Join(dir, "out")); code != exitOK {
		t.Fatal(stderr)
	}
	made := func(pattern string) []byte {
		names, err := filepath.Glob(filepath.Join(dir, "out", pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %q, %v", pattern, names, err)
		}
		data, err := os.ReadFile(names[0])
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	return map[string][]byte{
		"perf.data": recording, "a.folded": []byte(folded), "results.json": made("results.json"),
		"a.pb.gz": gunzipped(t, made("*.pb.gz")), "scenario.yaml": scenarioText,
		"a.script": []byte("iperf3 7 [001] 1.000000: 1001 cpu-clock: \n\tffffffff81a00010 esp_output+0x10 " +
			"([kernel.kallsyms])\n\tffffffff81b00010 xfrm_output+0x10 ([kernel.kallsyms])\n\n"),
		"a.svg": []byte(`<svg width="1200"><g><title>all (100 samples, 100%)</title>` +
			`<rect x="10" width="1180" y="100"/></g><g><title>a (50 samples, 50%)</title>` +
			`<rect x="10" width="590" y="84"/></g></svg>`),
		"trex.csv": []byte("# frame size 1440,pps 286458,tx per flow 3.3G\n#flows,run_1,run_2,avg_2\n" +
			"1,3.13,3.12,3.12\n2,6.1,6.2,6.15\n"),
		"trex.json": []byte(`[[{"tx_opackets": 1000, "rx_ipackets": 990, "l_pkts": 10, "flow": 1, ` +
			`"run": 1}]]`),
		"iperf3.json": []byte(`{"start":{"version":"iperf 3.9","test_start":{"num_streams":1}},` +
			`"intervals":[],"end":{"sum":{"seconds":10,"bytes":1,"bits_per_second":3e9,` +
			`"lost_packets":100,` +
			`"packets":1000}}}`),
		"pktgen": []byte("Params: count 100000  min_pkt_size: 60  max_pkt_size: 60\n" +
			"     ifname: eth0@3\n" +
			"Result: OK: 15430(c15405+d25) usec, 100000 (60byte,0frags)\n" +
			"  6480562pps 3110Mb/sec (3110669760bps) errors: 0\n"),
		"locks.csv": []byte("# output: contended, total wait, max wait, avg wait, type, caller\n" +
			"201, 1234567, 9876, 6142, spinlock, f+0x1f2\n# debug: total=208, bad=4\n"),
		"kallsyms": []byte("ffffffff81000000 T _text\nffffffff81a00000 T native_queued_spin_lock_slowpath\n" +
			"ffffffff81b00000 t esp_output\t[esp4]\n"),
		"report.html": made("report.html"),
		"mail.txt":    []byte("> " + strings.ReplaceAll(string(made("digest.txt")), "\n", "\n> ")),
		"neper.csv":   []byte("Flows,Run 1,Run 2,Average\n1,9000.5,9100,9050.25\n16,24000,24100.5,24050\n"),
		"runs.table":  []byte("file      n  mode\na.folded  1  shared\na.folded  4  shared\n"),
		"sweep.json": []byte(`{"schema":1,"name":"s","runs":["r1","r2"],"headline":["packet_rate"],` +
			`"planned":["r1","r2","r3"],"aside":["aside/r1.1"]}`),
		"traffic.json": []byte(`{"source":"TRex","packets":1000,"per_cpu":[{"cpu":0,"packets":1000}]}`),
		"layouts.json": []byte(`[{"struct":"xfrm_state","size":768,"fields":[{"name":"lock","offset":112,` +
			`"size":4}]}]`),
		"kconfig":     []byte("CONFIG_PERF_EVENTS=y\nCONFIG_XFRM_USER=m\n# CONFIG_PREEMPT_RT is not set\n"),
		"perf.map":    []byte("7f0000001000 40 Interpreter::run(int)\n0x7f0000002000 0x20 f\n"),
		"program.elf": program,
	}
}

func eightCPUs() (m scenario.Machine) {
	for cpu := range 8 {
		m.CPUs = append(m.CPUs, scenario.CPU{Number: cpu})
	}
	return m
}

// Damaged files of every kind are read: none ends the program, none makes it
// allocate by a length that it did not check.
func TestInputMutants(t *testing.T) {
	n := faultScale(60, 10_000)
	if testing.Short() {
		n = 10
	}
	run, kinds := smallBundle(t), inputKinds(t)
	run[bundle.PerfDataFile] = &fstest.MapFile{Data: recording{records: many(200, func(i uint32) []byte {
		return inKernel(sampleAt(7, 0xffffffff81000000+uint64(i)<<16, uint64(i)<<20))
	})}.bytes()}
	for name, whole := range kinds {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, name)
			named := filepath.Join(dir, "a.folded") // by a table
			if err := os.WriteFile(named, kinds["a.folded"], 0o644); err != nil {
				t.Fatal(err)
			}
			read, worst, worstOf := 0, uint64(0), 0
			var slowest time.Duration
			if !lookAt(t, name, file, whole, run) {
				t.Error("it is not read as it is")
			}
			for i := range n {
				data := mutate(rand.New(rand.NewPCG(uint64(i), 3)), whole)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				began := time.Now()
				if lookAt(t, fmt.Sprintf("%s, mutant %d", name, i), file, data, run) {
					read++
				}
				slowest = max(slowest, time.Since(began))
				runtime.ReadMemStats(&after)
				if allocated := after.TotalAlloc - before.TotalAlloc; allocated > worst {
					worst, worstOf = allocated, i
				}
			}
			if worst > mutantMemory {
				t.Errorf("mutant %d allocated %.0f MB", worstOf, float64(worst)/1e6)
			}
			t.Logf("%d mutants: no panic; %d read, %d refused; for one at most %.1f MB allocated, %.1f s",
				n, read, n-read, float64(worst)/1e6, slowest.Seconds())
		})
	}
}

// lookAt does with a damaged file what the commands do, and reports whether it was
// read.
func lookAt(t *testing.T, what, file string, data []byte, run fstest.MapFS) (ok bool) {
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("%s: panic: %v\n%s", what, r, debug.Stack())
		}
	}()
	switch name := filepath.Base(file); name {
	case "mail.txt":
		return show(context.Background(), streams{in: bytes.NewReader(data), out: io.Discard}, showOptions{},
			[]string{"-"}) == nil
	case "kconfig":
		_, err := doctor.Kconfig(bytes.NewReader(data))
		return err == nil
	case "perf.map":
		_, err := symbols.ReadPerfMap(bytes.NewReader(data))
		return err == nil
	case "program.elf":
		_, err := symbols.ReadELF(bytes.NewReader(data))
		return err == nil
	case bundle.TrafficFile, bundle.LayoutsFile:
		mutant := maps.Clone(run)
		mutant[name] = &fstest.MapFile{Data: data}
		opened, _ := look(t, what, mutant)
		return opened
	case bundle.SweepFile:
		mutant := fstest.MapFS{name: &fstest.MapFile{Data: data}}
		for name, f := range run {
			mutant["r1/"+name], mutant["r2/"+name] = f, f
		}
		opened, _ := look(t, what, mutant)
		return opened
	case "scenario.yaml":
		s, err := scenario.Parse(data, file, nil)
		if err != nil {
			return false
		}
		_, err = resolveScenario(s, eightCPUs())
		return err == nil
	case "kallsyms":
		mutant := maps.Clone(run)
		mutant[bundle.KallsymsFile] = &fstest.MapFile{Data: gzipped(t, string(data))}
		opened, _ := look(t, what, mutant)
		return opened
	}
	if strings.HasSuffix(file, ".gz") { // damaged within: a sum guards the outside
		data = gzipped(t, string(data))
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := analyzePaths(context.Background(), []string{file}, readOptions{})
	if err != nil {
		return false
	}
	if err := digest.Write(io.Discard, r); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	return true
}
