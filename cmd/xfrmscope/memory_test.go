//go:build !race

// The program whose memory is measured is built without the race detector.

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"xfrmscope/samples"
)

// Every reader, with an input that is small and describes much. What it costs is
// bounded, whether it is read or refused.
func TestMemory(t *testing.T) {
	if os.Getenv("XFRMSCOPE_LONG") == "" {
		t.Skip("reads some 60 files for more than a minute: make long-test")
	}
	dir := t.TempDir()
	program := program(t)
	file := func(write func(w io.Writer)) string {
		f, err := os.CreateTemp(dir, "*.pb.gz")
		if err != nil {
			t.Fatal(err)
		}
		w := bufio.NewWriter(f)
		write(w)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		f.Close()
		return f.Name()
	}
	// times writes before, text n times, and after; a %d in text is the number.
	times := func(w io.Writer, before, text string, n int, after string) {
		io.WriteString(w, before)
		if strings.Contains(text, "%") {
			for i := range n {
				fmt.Fprintf(w, text, i)
			}
		} else {
			block := max(1, 64<<10/max(1, len(text)))
			blocks := strings.Repeat(text, block)
			for i := 0; i < n; i += block {
				io.WriteString(w, blocks[:len(text)*min(n-i, block)])
			}
		}
		io.WriteString(w, after)
	}
	plain := func(before, text string, n int, after string) string {
		return file(func(w io.Writer) { times(w, before, text, n, after) })
	}
	packed := func(before, text string, n int, after string) string {
		return file(func(w io.Writer) {
			z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
			times(z, before, text, n, after)
			z.Close()
		})
	}
	page := func() string {
		return file(func(w io.Writer) {
			io.WriteString(w, `<!doctype html><script type="text/plain" id="results">`)
			b := base64.NewEncoder(base64.StdEncoding, w)
			z := gzip.NewWriter(b)
			times(z, `{"schema":1,"runs":[{}`, ",{}", 1_000_000, "]}")
			z.Close()
			b.Close()
			io.WriteString(w, "</script>")
		})
	}
	bundle := func(name, text string) string {
		fsys, err := samples.Open("pcpu")
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, filepath.Base(name))
		if err := os.CopyFS(to, fsys); err != nil {
			t.Fatal(err)
		}
		rows := plain("", text, 500_000, "")
		switch filepath.Ext(name) {
		case ".gz":
			rows = packed("", text, 9_000_000, "")
		case ".json":
			rows = plain("["+text, text, 500_000, "{}]")
		}
		in := filepath.Join(to, "n1", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(in), 0o755), os.Rename(rows, in)); err != nil {
			t.Fatal(err)
		}
		return to
	}
	pack := func(run string) string {
		if err := writePacked(run+".tar.zst", run); err != nil {
			t.Fatal(err)
		}
		return run + ".tar.zst"
	}
	tmp := filepath.Join(dir, "tmp")
	if err := os.Mkdir(tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	zero, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	defer zero.Close()
	written := func(data []byte) string { return file(func(w io.Writer) { w.Write(data) }) }
	feature := func(id int, data string) string {
		return written(recording{features: map[int][]byte{id: []byte(data)}}.bytes())
	}
	whole := recording{}.bytes()
	empty := written(whole)
	tableOf := func(text string) string { // of a sweep
		to := bundle("sas.jsonl.of.none", "")
		if err := os.WriteFile(filepath.Join(to, "sweep.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return to
	}
	mapped := func(section int, size uint64) string { return written(program64(section, size)) }
	withUser := func(image string) []string { // of a sample in a file
		return []string{"show", "--user", written(recording{records: slices.Concat(
			entry(recordMmap, words(twoOf(7, 7), 0x400000, 1<<20, 0), []byte(padded(image))),
			sampleAt(7, 0x400010, 1000))}.bytes())}
	}
	shown := []struct{ reader, input string }{
		{"stdin", "-"},
		{"results.json: runs", plain(`{"schema":1,"runs":[{}`, ",{}", 1_000_000, "]}")},
		{"results.json: CPUs", plain(`{"schema":1,"runs":[{"events":[{"cpus":[{}`, ",{}", 1_000_000, "]}]}]}")},
		{"results.json: long CPUs", plain(`{"schema":1,"runs":[{"events":[{"cpus":[{}`,
			`,{"a":"of 32 bytes and no more"}`, 150_000, "]}]}]}")},
		{"results.json: depth", plain(`{"schema":1,"runs":`, "[", 1_000_000, "")},
		{"report.html: runs", page()},
		{"pprof: samples", packed("\x0a\x04\x08\x01\x10\x02", "\x12\x00", 8_000_000, "")},
		{"pprof: locations", packed("\x0a\x04\x08\x01\x10\x02", "\x22\x00", 8_000_000, "")},
		{"pprof: functions", packed("\x0a\x04\x08\x01\x10\x02", "\x2a\x00", 8_000_000, "")},
		{"pprof: strings", packed("\x0a\x04\x08\x01\x10\x02", "\x32\x00", 20_000_000, "")},
		{"folded: stacks", packed("", "a;b%d 1\n", 700_000, "")},
		{"folded: depth", packed("a;b 1\n", "a;", 10_000_000, "b 1\n")},
		{"perf script: no end", packed("iperf3 1 [000] 1.0: 1 cpu-clock: \n",
			"\tffffffff81000000 a+0x1\n", 1_000_000, "")},
		{"iperf3: intervals", packed(`{"start":{"version":"iperf 3.9"},"intervals":[{}`,
			",{}", 2_000_000, `],"end":{}}`)},
		{"TRex: runs", packed(`[{"fwd_tx_opackets":1}`, `,{"fwd_tx_opackets":1}`, 1_000_000, "]")},
		{"table: rows", plain("file,mode,n\n", "a,b,1\n", 1_000_000, "")},
		{"flame graph: rectangles", packed("<svg>",
			`<g><title>a%d</title><rect x="1" width="1"/></g>`, 200_000, "</svg>")},
		{"rows: empty", bundle("finds.jsonl", "{}\n")},
		{"rows: locks", bundle("locks.jsonl", `{"row":{},"stack":{}}`+"\n")},
		{"rows: SAs", bundle("sas.jsonl",
			`{"src":"192.0.2.1","dst":"192.0.2.2","spi":1,"proto":"esp","pcpu":1}`+"\n")},
		{"rows: counters", bundle("counters.jsonl", `{"phase":"start"}`+"\n")},
		{"pack: rows", pack(bundle("lines.jsonl", `{"a":"1.2.3.4"}`+"\n"))},
		{"perf.data: attributes", written(recording{attrs: 1 << 16}.bytes())},
		{"perf.data: too many attributes", written(recording{attrs: 400_000}.bytes())},
		{"perf.data: attributes that are not there", written(patched(whole, 16, 1<<15, 104, 1<<40))},
		{"perf.data: ids that are not there", written(patched(whole, 104+64, 0, 1<<40))},
		{"perf.data: ids of all events in one place", written(patched(recording{attrs: 50_000}.bytes(),
			104+64, 104, 80*50_000))},
		{"perf.data: records that are not there", written(patched(whole, 48, 1<<50))},
		{"perf.data: features that are not there", written(patched(whole, 72, ^uint64(0), ^uint64(0)))},
		{"perf.data: name of the host", feature(3, "\xff\xff\xff\xff")},
		{"perf.data: command line", feature(11, "\xff\xff\xff\xff"+strings.Repeat("\x00", 20<<20))},
		{"perf.data: build ids", feature(2, strings.Repeat(string(entry(0, make([]byte, 36))), 300_000))},
		{"perf.data: events described", feature(12, "\xff\xff\xff\xff\x40\x00\x00\x00"+
			strings.Repeat(strings.Repeat("\x01", 64)+strings.Repeat("\x00", 8), 200_000))},
		{"perf.data: PMUs", feature(16, "\xff\xff\xff\xff"+string(pmus(1_000_000)))},
		{"perf.data: tracepoints", feature(1, tracepoints(100_000))},
		{"perf.data: tasks", written(recording{records: tasks(400_000)}.bytes())},
		{"perf.data: mappings", written(recording{records: mappings(200_000)}.bytes())},
		{"perf.data: samples", written(recording{records: sampled(300_000)}.bytes())},
		{"perf.data: compressed tasks", written(recording{records: compressed(t, tasks(1_000_000))}.bytes())},
		{"perf.data: compressed samples", written(recording{records: compressed(t,
			bytes.Repeat(sampleAt(1, 1<<63, 1), 1_000_000))}.bytes())},
		{"perf.data: packed as a whole", packed(string(whole), strings.Repeat("\x00", 1<<20), 300, "")},
		{"kallsyms of a run", bundle("symbols/kallsyms.gz", "ffffffff81000000 t a\n")},
		{"sweep.json: runs", tableOf(`{"schema":1,"name":"s","runs":["n1"` +
			strings.Repeat(`,"n1"`, 500_000) + "]}")},
		{"layouts.json", bundle("layouts.json", `{"fields":[{},{}]},`)},
		{"pktgen: results", packed("Params: count 1 min_pkt_size: 60\n", "Result: OK: 1(c1+d2) usec, 1 "+
			"(60byte,0frags)\n  1pps 1Mb/sec (1bps) errors: 0\n", 300_000, "")},
		{"lock CSV: rows", packed("# output: contended, total wait, max wait, avg wait, type, caller\n",
			"2, 12, 9, 6, spinlock, f%d\n", 400_000, "")},
		{"TRex CSV: cells", packed("#flows,run_1", ",run_1", 100_000, strings.Repeat("\n1"+
			strings.Repeat(",2", 100_001), 10))},
	}
	published := bundle("placement.jsonl", `{"topic":"a","subject":"b","value":"192.0.2.1"}`+"\n")
	err = os.Rename(plain("name: a\n", "# 192.0.2.%d\n", 2_000_000, ""), filepath.Join(published, "scenario.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	commands := []struct {
		reader string
		args   []string
	}{
		{"ELF: sections", withUser(mapped(0, 1<<40))},
		{"ELF: a table that is not there", withUser(mapped(2, 1<<40))},
		{"ELF: symbols", withUser(mapped(2, 24*300_000))},
		{"kallsyms: symbols", []string{"import", empty, "-o", filepath.Join(dir, "k1"), "--kallsyms",
			packed("", "ffffffff81000000 t a\n", 9_000_000, "")}},
		{"kallsyms: names", []string{"import", empty, "-o", filepath.Join(dir, "k2"), "--kallsyms",
			packed("", "ffffffff81%06x t "+strings.Repeat("a", 400)+"\n", 400_000, "")}},
		{"rows: fields", []string{"show", "sample:simulated", "--fields",
			bundle("fields.jsonl", `{"address":1,"field":"a"}`+"\n")}},
		{"results.json of verify", []string{"verify", "sample:pcpu", "--results", page()}},
		{"scenario: aliases", []string{"scenario", "print", plain("a: &a [x,x,x,x,x,x,x,x,x,x,x,x,x,x]\n",
			"b%[1]d: &b%[1]d [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n", 10_000, "")}},
		{"scenario: runs", []string{"scenario", "print", plain("apiVersion: xfrmscope/v1\nname: a\n"+
			"cpus: {counts: 1}\nmodes:\n", "- {name: m%d}\n", 20_000, "")}},
		{"pack --publish: scenario", []string{"pack", published, "--publish", "-o",
			filepath.Join(dir, "p.tar.zst")}},
		{"configuration of a kernel", []string{"doctor", "--kconfig",
			packed("", "CONFIG_A%d=y\n", 2_000_000, "")}},
	}
	for _, c := range shown {
		commands = append(commands, struct {
			reader string
			args   []string
		}{c.reader, []string{"show", c.input}})
	}
	for _, c := range commands {
		size := int64(0)
		for _, arg := range c.args[1:] {
			size += sizeOf(arg)
		}
		bound := (memoryBase + memoryGrowth*size) >> 20
		var stderr bytes.Buffer
		peak := bound + 1
		// On a machine with more to do the guard gets its turn late; not each time.
		for range 5 {
			stderr.Reset()
			cmd := exec.Command(program, c.args...)
			cmd.Stdin, cmd.Env, cmd.Stderr = zero, append(os.Environ(), "TMPDIR="+tmp), &stderr
			err := cmd.Run()
			peak = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10
			t.Logf("%-42s %4d of %4d MB, %v: %s", c.reader, peak, bound, err,
				bytes.TrimSpace(stderr.Bytes()))
			if peak <= bound {
				break
			}
		}
		if peak > bound || strings.Contains(stderr.String(), "goroutine") {
			t.Errorf("%s: %d MB, more than %d: %s", c.reader, peak, bound, stderr.Bytes())
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "tmp", "*")); len(left) > 0 {
		t.Errorf("temporary files stay: %v", left)
	}
}
