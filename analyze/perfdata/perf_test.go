package perfdata

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// perfOutput runs the installed perf over a recording. refused is what perf
// says if it cannot read it.
func perfOutput(t testing.TB, path string, args ...string) (out []byte, refused string) {
	t.Helper()
	cmd := exec.Command("perf", append(args, "-f", "-i", path)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil || stdout.Len() == 0 {
		for line := range strings.Lines(stderr.String()) {
			if line = strings.TrimSpace(line); line != "" && line != "Error:" &&
				!strings.HasPrefix(line, "No kallsyms") {
				return nil, strings.TrimSuffix(line, " (rerun with -v to learn more)")
			}
		}
		if err != nil {
			return nil, err.Error()
		}
	}
	return stdout.Bytes(), ""
}

// needPerf skips without an installed perf.
func needPerf(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("perf"); err != nil {
		t.Skip("no perf installed to compare with")
	}
}

// A delivered sample, as perf script prints it and as we deliver it.
func deliveredKey(event string, tid, time, period uint64, frames int) string {
	return fmt.Sprintf("%s tid=%d time=%d period=%d frames=%d", event, tid, time, period, frames)
}

// perfDelivered returns the samples perf script delivers, sorted.
func perfDelivered(t testing.TB, path string, f *File) (keys []string, refused string) {
	t.Helper()
	fields := []string{"event", "ip"}
	want := func(bit uint64, name string) bool {
		for _, e := range f.Events {
			if !e.IsDummy() && !e.attr.has(bit) {
				return false
			}
		}
		fields = append(fields, name)
		return true
	}
	tid, time, period := want(sampleTID, "tid"), want(sampleTime, "time"), want(samplePeriodBit, "period")
	out, refused := perfOutput(t, path, "script", "--ns", "--max-stack=1024", "-F", strings.Join(fields, ","))
	if refused != "" {
		return nil, refused
	}
	var head string
	frames, unwound := 0, unwinds(f)
	flush := func() {
		if unwound {
			frames = 0
		}
		if head != "" {
			keys = append(keys, parseHead(t, head, frames, tid, time, period))
		}
		head, frames = "", 0
	}
	for line := range strings.Lines(string(out)) {
		switch line = strings.TrimRight(line, "\n"); {
		case line == "":
			flush()
		case line[0] == '\t':
			frames++
		default:
			flush()
			head = line
		}
	}
	flush()
	slices.Sort(keys)
	return keys, ""
}

// parseHead reads "tid time: period event: [ip]", the first three if present.
func parseHead(t testing.TB, line string, frames int, hasTID, hasTime, hasPeriod bool) string {
	var tid, time, period uint64
	next := func() (word string) {
		word, line, _ = strings.Cut(strings.TrimLeft(line, " "), " ")
		return word
	}
	number := func(s string) uint64 {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("perf script printed %q where a number was expected: %v", line, err)
		}
		return n
	}
	if hasTID {
		tid = uint64(uint32(number(strings.TrimPrefix(next(), "-"))))
	}
	if hasTime {
		time = number(strings.TrimSuffix(strings.Replace(next(), ".", "", 1), ":"))
	}
	if hasPeriod {
		period = number(next())
	}
	name := line[:strings.LastIndexByte(line, ':')]
	return deliveredKey(strings.TrimSpace(name), tid, time, period, frames)
}

// ourDelivered returns the samples we deliver in the same form.
func ourDelivered(t testing.TB, f *File) (keys []string) {
	t.Helper()
	all := func(bit uint64) bool {
		return !slices.ContainsFunc(f.Events, func(e *Event) bool { return !e.IsDummy() && !e.attr.has(bit) })
	}
	tid, time, period := all(sampleTID), all(sampleTime), all(samplePeriodBit)
	unwound := unwinds(f)
	_, err := f.eachSample(context.Background(), func(s *Sample) error {
		var k [3]uint64
		if tid {
			k[0] = uint64(uint32(max(s.TID, -s.TID))) // perf prints -1 for a task that is gone
		}
		if time {
			k[1] = s.TimeNS
		}
		if period {
			k[2] = s.Period
		}
		frames := frameCount(s.Chain)
		if unwound {
			frames = 0
		}
		keys = append(keys, deliveredKey(s.Event.Name, k[0], k[1], k[2], frames))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(keys)
	return keys
}

// unwinds reports whether perf unwinds stack copies, which adds frames to
// those recorded.
func unwinds(f *File) bool {
	return slices.ContainsFunc(f.Events, func(e *Event) bool { return e.attr.has(sampleStackUser) })
}

// frameCount counts the addresses of a chain as perf does: none if a marker is
// not one.
func frameCount(chain []uint64) int {
	n := 0
	for _, a := range chain {
		switch {
		case a < ContextMax:
			n++
		default:
			if _, ok := ContextMode(a); !ok {
				return 0
			}
		}
	}
	return n
}

var (
	sampleLine = regexp.MustCompile(`PERF_RECORD_SAMPLE\(IP, 0x([0-9a-f]+)\): (-?\d+)/(-?\d+): ` +
		`(0x[0-9a-f]+|0) period: (\d+) addr: (0x[0-9a-f]+|0)`)
	chainLine  = regexp.MustCompile(`^\.\.\.\.\.\s*\d+: ([0-9a-f]{16})$`)
	branchLine = regexp.MustCompile(`^\.\.\.\.\.\s*\d+: ([0-9a-f]{16}) -> ([0-9a-f]{16}) (\d+) cycles (.)`)
)

// perfRaw returns the fields of every SAMPLE record as perf script -D prints
// them, sorted.
func perfRaw(t testing.TB, path string) (keys []string, refused string) {
	t.Helper()
	out, refused := perfOutput(t, path, "script", "-D")
	if refused != "" {
		return nil, refused
	}
	var key strings.Builder
	flush := func() {
		if key.Len() > 0 {
			keys = append(keys, key.String())
		}
		key.Reset()
	}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimRight(line, "\n")
		if m := sampleLine.FindStringSubmatch(line); m != nil {
			flush()
			fmt.Fprintf(&key, "misc=%s pid=%s tid=%s ip=%s period=%s addr=%s", m[1], m[2], m[3], m[4], m[5],
				m[6])
		} else if key.Len() == 0 {
			continue
		} else if m := chainLine.FindStringSubmatch(line); m != nil {
			key.WriteString(" " + m[1])
		} else if m := branchLine.FindStringSubmatch(line); m != nil {
			fmt.Fprintf(&key, " %s>%s:%s%s", m[1], m[2], m[3], m[4])
		} else if line == "" || strings.HasPrefix(line, " ... thread") {
			flush()
		}
	}
	flush()
	slices.Sort(keys)
	return keys, ""
}

// ourRaw returns the same of our reading. Group reads are delivered several
// times, so records are told apart by their place.
func ourRaw(t testing.TB, f *File) (keys []string) {
	t.Helper()
	flag := func(b bool, letter string) string {
		if b {
			return letter
		}
		return " "
	}
	var last *byte // of the record before
	_, err := f.eachSample(context.Background(), func(s *Sample) error {
		if last == &s.rec[0] {
			return nil
		}
		last = &s.rec[0]
		l := &s.Event.layout
		period := s.Period
		if l.period >= 0 {
			period = s.word(int32(l.period))
		}
		var key strings.Builder
		fmt.Fprintf(&key, "misc=%x pid=%d tid=%d ip=%s period=%d addr=%s", s.o.u16(s.rec[4:]), s.PID, s.TID,
			perfHex(s.IP), period, perfHex(s.addr()))
		for _, a := range s.Chain {
			fmt.Fprintf(&key, " %016x", a)
		}
		for b := range s.branches() {
			fmt.Fprintf(&key, " %016x>%016x:%d%s", b.From, b.To, b.Cycles, flag(b.Mispredicted, "M"))
		}
		keys = append(keys, key.String())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(keys)
	return keys
}

// perfHex is C's %#lx.
func perfHex(v uint64) string {
	if v == 0 {
		return "0"
	}
	return fmt.Sprintf("%#x", v)
}

// compareWithPerf says in what a recording reads as the installed perf reads
// it, or why perf does not.
func compareWithPerf(t testing.TB, path string, f *File) string {
	t.Helper()
	if f.counts(t)[recordAuxtrace] > 0 {
		return "perf makes samples of the hardware trace"
	}
	delivered, refused := perfDelivered(t, path, f)
	if refused != "" {
		return "perf 6.1 refuses it: " + refused
	}
	diffLines(t, path+": samples delivered (ours, perf script)", strings.Join(ourDelivered(t, f), "\n"),
		strings.Join(delivered, "\n"))
	lbr := slices.ContainsFunc(f.Events, (*Event).IsCallStack) // perf -D prints the chain before it joins the LBR's
	if raw, refused := perfRaw(t, path); refused == "" && !lbr {
		diffLines(t, path+": records (ours, perf script -D)", strings.Join(ourRaw(t, f), "\n"),
			strings.Join(raw, "\n"))
	}
	return "yes"
}

// fixturePath writes a fixture that is packed to a place perf can read.
func fixturePath(t testing.TB, f fixture) string {
	t.Helper()
	if !strings.HasSuffix(f.name, ".zlib") {
		return filepath.Join(f.root, f.name)
	}
	path := filepath.Join(t.TempDir(), filepath.Base(f.name))
	if err := os.WriteFile(path, f.data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// equalToPerf compares a fixture with perf; one that is too new for the
// installed perf in the form that it reads.
func equalToPerf(t testing.TB, fixture fixture) string {
	t.Helper()
	f := openBytes(t, fixture.data)
	got := compareWithPerf(t, fixturePath(t, fixture), f)
	tooNew := slices.ContainsFunc(f.Events, func(e *Event) bool { return e.attr.Size > oldAttr })
	if tooNew && !strings.HasPrefix(got, "yes") {
		path, twin := olderTwin(t, fixture.data, f)
		diffLines(t, fixture.name+": twin for perf 6.1", dumpSamples(t, f), dumpSamples(t, twin))
		if again := compareWithPerf(t, path, twin); again == "yes" {
			return "yes, its twin with attributes of 128 bytes"
		}
	}
	return got
}

// Every sample of every fixture as perf script has it: event, task, time,
// period, number of frames; and every record as perf script -D has it.
func TestEqualToPerf(t *testing.T) {
	needPerf(t)
	for _, fixture := range fixtures(t) {
		t.Run(filepath.Base(fixture.name), func(t *testing.T) {
			if got := equalToPerf(t, fixture); !strings.HasPrefix(got, "yes") {
				t.Skip(got)
			}
		})
	}
}

// The same of recordings that can only be made here: PERFDATA_OWN names files
// and directories.
func TestOwnRecordingsEqualToPerf(t *testing.T) {
	needPerf(t)
	own := strings.Fields(os.Getenv("PERFDATA_OWN"))
	if len(own) == 0 {
		t.Skip("PERFDATA_OWN names no recordings")
	}
	for _, path := range own {
		f, err := openPath(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %s", path, compareWithPerf(t, path, f))
		f.Close()
	}
}
