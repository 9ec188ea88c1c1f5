package profile

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/symbols"
)

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

func fold(t testing.TB, p *Profile) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteFolded(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFoldedGolden(t *testing.T) {
	golden(t, "small.folded", []byte(fold(t, smallProfiles(t)[0])))
}

// named is a profile of one stack with these functions, leaf first.
func named(file string, kernel bool, functions ...string) *Profile {
	p := &Profile{Event: Event{Name: "cycles"}, Comms: []string{"a b;c"},
		Mappings: []Mapping{{File: file, Kernel: kernel}}, Stacks: []Stack{nil}}
	for i, f := range functions {
		p.Functions = append(p.Functions, Function{f, 0})
		n := i
		if f == "" {
			n = -1
		}
		p.Locations = append(p.Locations, Location{Address: uint64(i), Function: n})
		p.Stacks[0] = append(p.Stacks[0], int32(i))
	}
	p.Cells = []Cell{{Count: 1, Period: 5}}
	return p
}

func TestFoldedFrames(t *testing.T) {
	for _, c := range []struct{ file, function, want string }{
		{"[kernel.kallsyms]", "xfrm_lookup", "xfrm_lookup"},
		{"[kernel.kallsyms]", "", "[[kernel.kallsyms]]"},
		{"[esp4]", "esp_output", "esp_output"},
		{"[esp4]", "", "[[esp4]]"},
		{"[bpf]", "bpf_prog_1_x", "bpf_prog_1_x"},
		{"[unknown]", "", "[unknown]"},
		{"/usr/lib/debug/vmlinux", "f", "f"},
		{"/usr/lib/libc.so.6", "", "[libc.so.6]"},
		{"/usr/lib/libc.so.6", "malloc", "malloc"},
		{"/tmp/perf-42.map", "LazyCompile:~a;b", "LazyCompile:~a:b"},
		{"/usr/bin/x", "foo(int, char*)", "foo"},
		{"/usr/bin/x", "ns::(anonymous namespace)::f(int)", "ns::(anonymous namespace)::f"},
		{"/usr/bin/x", "net/http.(*Client).Do", "net/http.(*Client).Do"},
		{"/usr/bin/x", `operator""_s`, "operator_s"},
		{"/usr/bin/x", "a->b", "a;b_[i]"},
		{"/usr/bin/x", "_ZN3foo3barEi", "foo::bar"},
		{"/usr/bin/x", "_RNvC6_123foo3bar", "123foo::bar"},
		{"/usr/bin/x", "(deleted)", ""},
		{"/usr/bin/x", "new\nline", "new line"},
	} {
		want := "a_b:c;" + c.want + " 5\n"
		if c.want == "" {
			want = "a_b:c 5\n"
		}
		if got := fold(t, named(c.file, false, c.function)); got != want {
			t.Errorf("%q in %s: %q, want %q", c.function, c.file, got, want)
		}
	}
}

func TestFoldedZeroPeriod(t *testing.T) {
	p := named("x", false, "f")
	p.Cells = []Cell{{Count: 3}}
	if got := fold(t, p); got != "a_b:c;f 3\n" {
		t.Errorf("periods of 0: %q, want a weight of 3 samples", got)
	}
}

// TestFoldedOrder: lines are in order of bytes, though "a" comes before "a.b"
// as the last frame and after it as an inner one.
func TestFoldedOrder(t *testing.T) {
	p := &Profile{Comms: []string{"x", "x-y", "x z"}}
	names := []string{"a", "a.b", "a;", "ab", "a b", "-", "~", "a-"}
	for i, n := range names {
		p.Functions = append(p.Functions, Function{n, -1})
		p.Locations = append(p.Locations, Location{Mapping: -1, Function: i})
	}
	for i := range names {
		for j := range names {
			p.Stacks = append(p.Stacks, Stack{int32(i)}, Stack{int32(i), int32(j)},
				Stack{int32(j), int32(i), int32(i)})
		}
	}
	for i := range p.Stacks {
		p.Cells = append(p.Cells, Cell{Stack: int32(i), Comm: int32(i % 3), Count: 1, Period: 1})
	}
	var keys []string
	for line := range strings.Lines(fold(t, p)) {
		i := strings.LastIndexByte(line, ' ')
		keys = append(keys, line[:i])
	}
	if !slices.IsSorted(keys) {
		t.Errorf("not sorted: %q", keys)
	}
	if len(slices.Compact(keys)) != len(keys) {
		t.Error("a line stands twice")
	}
}

// checkProfile asserts what holds for every profile.
func checkProfile(t testing.TB, p *Profile) {
	t.Helper()
	in := func(what string, i, n int) {
		if i < -1 || i >= n {
			t.Fatalf("%s %d of %d", what, i, n)
		}
	}
	for _, f := range p.Functions {
		in("mapping of a function", f.Mapping, len(p.Mappings))
	}
	for _, l := range p.Locations {
		in("mapping of a location", l.Mapping, len(p.Mappings))
		in("function of a location", l.Function, len(p.Functions))
	}
	for _, s := range p.Stacks {
		for _, l := range s {
			if l < 0 || int(l) >= len(p.Locations) {
				t.Fatalf("location %d of %d", l, len(p.Locations))
			}
		}
	}
	for i, c := range p.Cells {
		if c.Stack < 0 || int(c.Stack) >= len(p.Stacks) {
			t.Fatalf("stack %d of %d", c.Stack, len(p.Stacks))
		}
		in("comm", int(c.Comm), len(p.Comms))
		if i > 0 && compareCells(p.Cells[i-1], c) >= 0 {
			t.Fatalf("cells %d and %d are not in order: %+v, %+v", i-1, i, p.Cells[i-1], c)
		}
	}
	if !slices.IsSorted(p.Comms) {
		t.Fatalf("comms %q are not sorted", p.Comms)
	}
}

// FuzzBuild feeds damaged recordings.
func FuzzBuild(f *testing.F) {
	f.Add(small().bytes(), true)
	f.Add(small().bytes(), false)
	tab, err := symbols.ReadKallsyms(strings.NewReader(testKallsyms))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte, user bool) {
		file, err := perfdata.Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		ps, err := Build(t.Context(), file, Options{Kallsyms: tab, User: user, Workers: 1})
		if err != nil {
			return
		}
		for _, p := range ps {
			checkProfile(t, p)
			written(t, p, PprofOptions{})
			fold(t, p)
		}
	})
}
