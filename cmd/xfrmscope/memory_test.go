//go:build !race

// The program whose memory is measured is built without the race detector.

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"xfrmscope/samples"
)

// Every reader, with an input that is small and describes much. What it costs is
// bounded, whether it is read or refused.
func TestMemory(t *testing.T) {
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
		for i := range n {
			if strings.Contains(text, "%") {
				fmt.Fprintf(w, text, i)
			} else {
				io.WriteString(w, text)
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
		to := filepath.Join(dir, name)
		if err := os.CopyFS(to, fsys); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(plain("", text, 500_000, ""), filepath.Join(to, "n1", name)); err != nil {
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
	for _, c := range []struct{ reader, input string }{
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
	} {
		bound := (memoryBase + memoryGrowth*sizeOf(c.input)) >> 20
		var stderr bytes.Buffer
		peak := bound + 1
		// On a machine with more to do the guard gets its turn late; not each time.
		for range 3 {
			stderr.Reset()
			cmd := exec.Command(program, "show", c.input)
			cmd.Stdin, cmd.Env, cmd.Stderr = zero, append(os.Environ(), "TMPDIR="+tmp), &stderr
			err := cmd.Run()
			peak = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10
			t.Logf("%-24s %4d of %4d MB, %v: %s", c.reader, peak, bound, err,
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
