package importer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"xfrmscope/analyze/profile"
)

// fixture reads a file of the shared fixtures, which are not part of the
// project, or skips the test.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "fixtures", filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("fixture %s is not here: %v", name, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func mustRead(t testing.TB, name string, data []byte) *Import {
	t.Helper()
	im, err := Read(bytes.NewReader(data), Options{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range im.Profiles {
		checkProfile(t, p)
	}
	return im
}

// foldStyle is how stackcollapse-perf.pl prints a stack.
type foldStyle struct{ kernel, jit, tid bool }

var jitFile = regexp.MustCompile(`/tmp/perf-\d+\.map`)

// fold prints a profile's sample counts as stackcollapse-perf.pl would.
func fold(p *profile.Profile, style foldStyle) string {
	counts := map[string]uint64{}
	for _, c := range p.Cells {
		frames := []string{task(p, c, style)}
		for _, l := range slices.Backward(p.Stacks[c.Stack]) {
			if f := foldFrame(p, l, style); f != "" {
				frames = append(frames, f)
			}
		}
		counts[strings.Join(frames, ";")] += c.Count
	}
	var out []string
	for stack, n := range counts {
		out = append(out, fmt.Sprintf("%s %d\n", stack, n))
	}
	slices.Sort(out)
	return strings.Join(out, "")
}

func task(p *profile.Profile, c profile.Cell, style foldStyle) string {
	comm := p.Comms[c.Comm]
	if style.tid {
		pid := "?"
		if c.PID >= 0 {
			pid = fmt.Sprint(c.PID)
		}
		comm = fmt.Sprintf("%s-%s/%d", comm, pid, c.TID)
	}
	return strings.ReplaceAll(comm, " ", "_")
}

func foldFrame(p *profile.Profile, l int32, style foldStyle) string {
	file := unknownFile
	if m := p.Locations[l].Mapping; m >= 0 {
		file = p.Mappings[m].File
	}
	name := p.FunctionName(l)
	switch {
	case name == profile.Unknown && file != unknownFile && file != "[user]":
		name = "[" + file[strings.LastIndexByte(file, '/')+1:] + "]"
	case strings.HasPrefix(name, "("):
		return "" // "(bash)": a task's name in old texts
	}
	if i := strings.IndexByte(name, '('); i >= 0 && !strings.HasPrefix(name[i:], "(anonymous namespace)") {
		name = name[:i]
	}
	kernel := strings.HasPrefix(file, "[") || strings.HasSuffix(file, "vmlinux")
	switch {
	case style.kernel && kernel && file != unknownFile:
		name += "_[k]"
	case style.jit && jitFile.MatchString(file):
		name += "_[j]"
	}
	return name
}

// stackcollapse-perf.pl keeps the first event only: that profile must equal
// what it printed, stack by stack; the others must be there as well. It also
// forgets the last sample of a text that does not end in a blank line, so the
// text is compared without that one.
func TestScriptAgainstStackcollapse(t *testing.T) {
	for _, tt := range []struct {
		name   string
		events []string // "name samples"
		lost   uint64   // last samples stackcollapse-perf.pl forgets
	}{
		{"perf-cycles-instructions-01", []string{"instructions 333", "cycles 111"}, 0},
		{"perf-iperf-stacks-pidtid-01", []string{"cpu-clock 201"}, 1},
	} {
		text := fixture(t, "script/"+tt.name+".txt")
		var got []string
		for _, p := range mustRead(t, tt.name, text).Profiles {
			got = append(got, fmt.Sprintf("%s %d", p.Event.Name, total(p)))
		}
		if !slices.Equal(got, tt.events) {
			t.Errorf("%s: events %q, want %q", tt.name, got, tt.events)
		}
		if tt.lost > 0 {
			text = text[:bytes.LastIndex(text, []byte("\n\n"))+2]
		}
		first := mustRead(t, tt.name, text).Profiles[0]
		for suffix, style := range map[string]foldStyle{
			"kernel": {kernel: true},
			"all":    {kernel: true, jit: true},
			"tid":    {tid: true},
		} {
			want := string(fixture(t, "script/"+tt.name+"-collapsed-"+suffix+".txt"))
			if diff := lineDiff(fold(first, style), want); diff != "" {
				t.Errorf("%s, %s: %s", tt.name, suffix, diff)
			}
		}
	}
}

// Samples, periods and frames of a system-wide recording, counted apart with a
// regular expression a line.
func TestScriptSystemWide(t *testing.T) {
	text := fixture(t, "script/system-wide.linux-perf.txt")
	p := mustRead(t, "system-wide", text).Profiles
	if len(p) != 1 || p[0].Event.Name != "cpu-clock" || p[0].Event.Unit != "nanoseconds" {
		t.Fatalf("events are %v, want cpu-clock in nanoseconds", p)
	}
	head := regexp.MustCompile(`(?m)^\S.* \[(\d+)\] \d+\.\d+: +(\d+) cpu-clock: $`)
	samples, periods := uint64(0), uint64(0)
	for _, m := range head.FindAllSubmatch(text, -1) {
		n, err := strconv.ParseUint(string(m[2]), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		samples++
		periods += n
	}
	frames := len(regexp.MustCompile(`(?m)^\t`).FindAll(text, -1))
	gotFrames := 0
	for _, c := range p[0].Cells {
		gotFrames += int(c.Count) * len(p[0].Stacks[c.Stack])
	}
	if n, w := p[0].Total(); n != samples || w != periods || gotFrames != frames {
		t.Errorf("%d samples of %d ns with %d frames, want %d of %d with %d", n, w, gotFrames, samples, periods,
			frames)
	}
	if len(p[0].Losses) > 0 || len(p[0].Warnings) > 0 {
		t.Errorf("losses %v, warnings %v, want none", p[0].Losses, p[0].Warnings)
	}
}

// lineDiff returns the first lines two texts do not share.
func lineDiff(got, want string) string {
	if got == want {
		return ""
	}
	var out []string
	has := func(text string) map[string]bool {
		m := map[string]bool{}
		for line := range strings.Lines(text) {
			m[line] = true
		}
		return m
	}
	inGot, inWant := has(got), has(want)
	for line := range strings.Lines(got) {
		if !inWant[line] {
			out = append(out, "+"+line)
		}
	}
	for line := range strings.Lines(want) {
		if !inGot[line] {
			out = append(out, "-"+line)
		}
	}
	return fmt.Sprintf("%d lines differ, got + want -:\n%s", len(out), strings.Join(out[:min(len(out), 8)], ""))
}

// checkProfile fails if a profile is not what package profile promises.
func checkProfile(t testing.TB, p *profile.Profile) {
	t.Helper()
	if err := invariants(p); err != nil {
		t.Fatalf("event %s: %v", p.Event.Name, err)
	}
}

func invariants(p *profile.Profile) error {
	within := func(what string, i, low, n int) error {
		if i < low || i >= n {
			return fmt.Errorf("%s %d is outside %d..%d", what, i, low, n-1)
		}
		return nil
	}
	var err []error
	for _, f := range p.Functions {
		err = append(err, within("mapping of a function", f.Mapping, -1, len(p.Mappings)))
	}
	for _, l := range p.Locations {
		err = append(err, within("mapping", l.Mapping, -1, len(p.Mappings)),
			within("function", l.Function, -1, len(p.Functions)))
	}
	for _, s := range p.Stacks {
		for _, l := range s {
			err = append(err, within("location", int(l), 0, len(p.Locations)))
		}
	}
	for i, c := range p.Cells {
		err = append(err, within("stack", int(c.Stack), 0, len(p.Stacks)),
			within("comm", int(c.Comm), -1, len(p.Comms)))
		order := func(a, b profile.Cell) int {
			return cmp.Or(cmp.Compare(a.CPU, b.CPU), cmp.Compare(a.Comm, b.Comm), cmp.Compare(a.PID, b.PID),
				cmp.Compare(a.TID, b.TID), cmp.Compare(a.Stack, b.Stack))
		}
		if i > 0 && order(p.Cells[i-1], c) > 0 {
			err = append(err, fmt.Errorf("cell %d is out of order", i))
		}
	}
	return errors.Join(err...)
}
