package profile

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	pprof "github.com/google/pprof/profile"

	"xfrmscope/collect/bundle"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what was made:\n%s", path, got)
	}
}

func smallProfiles(t testing.TB) []*Profile {
	return build(t, small().open(t), Options{Kallsyms: kallsyms(t), User: true})
}

// lockStage labels the stacks whose leaf waits for a lock.
func lockStage(p *Profile, stack int32) string {
	if s := p.Stacks[stack]; len(s) > 0 && strings.Contains(p.FunctionName(s[0]), "spin_lock") {
		return "lock"
	}
	return ""
}

// written returns a profile as google/pprof reads what the encoder wrote.
func written(t testing.TB, p *Profile, o PprofOptions) *pprof.Profile {
	t.Helper()
	var b bytes.Buffer
	if err := WritePprof(&b, p, o); err != nil {
		t.Fatal(err)
	}
	g, err := pprof.Parse(&b) // and checks it
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestPprofGolden(t *testing.T) {
	g := written(t, smallProfiles(t)[0], PprofOptions{Stage: lockStage, StartNS: 1_700_000_000_000_000_000,
		DurationNS: 5_000_000_000})
	golden(t, "small.pprof.txt", []byte(g.String()))
}

func TestPprofWritesTheSameBytes(t *testing.T) {
	var first []byte
	for range 3 {
		var b bytes.Buffer
		if err := WritePprof(&b, smallProfiles(t)[0], PprofOptions{Stage: lockStage}); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b.Bytes()
		}
		if !bytes.Equal(first, b.Bytes()) {
			t.Fatal("two writings differ")
		}
	}
}

func TestPprofRoundTrip(t *testing.T) {
	for _, p := range smallProfiles(t) {
		var b bytes.Buffer
		if err := WritePprof(&b, p, PprofOptions{}); err != nil {
			t.Fatal(err)
		}
		back, err := ReadPprof(&b)
		if err != nil {
			t.Fatal(err)
		}
		if len(back) != 1 {
			t.Fatalf("%d profiles, want one: samples/count is no event", len(back))
		}
		without := *p
		without.Cells = WithoutTasks(p.Cells)
		if got, want := sortedDump(back[0]), sortedDump(&without); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", p.Event.Name, strings.Join(got, "\n     "),
				strings.Join(want, "\n     "))
		}
		if got, want := back[0].Event, p.Event; got.Name != want.Name || got.Unit != want.Unit ||
			got.PeriodFixed != want.PeriodFixed {
			t.Errorf("event %+v, want %+v", got, want)
		}
	}
}

// sortedDump drops what a pprof profile does not hold exactly: the order of
// stacks, and squares of periods that differ.
func sortedDump(p *Profile) []string {
	out := dump(p)
	for i, s := range out {
		before, after, _ := strings.Cut(s, " sq=")
		_, stack, _ := strings.Cut(after, " ")
		out[i] = before + " " + stack
	}
	return sorted(out)
}

func TestPprofWithoutTasks(t *testing.T) {
	p := &Profile{Event: Event{Name: "cycles", Unit: "cycles"}, Comms: []string{"a"},
		Functions: []Function{{"f", -1}}, Locations: []Location{{Address: 1, Mapping: -1}},
		Stacks: []Stack{{0}},
		Cells: []Cell{{PID: 1, TID: 1, Count: 1, Period: 10}, {PID: 1, TID: 2, Count: 2, Period: 20},
			{CPU: 1, PID: 1, TID: 2, Count: 4, Period: 40}}}
	g := written(t, p, PprofOptions{})
	if len(g.Sample) != 2 || g.Sample[0].Value[1] != 30 || g.Sample[1].Value[1] != 40 {
		t.Errorf("samples %v, want 30 on CPU 0 and 40 on CPU 1", g.Sample)
	}
	if len(p.Cells) != 3 || p.Cells[0].PID != 1 {
		t.Error("the profile was changed")
	}
}

// TestPprofTool runs go tool pprof on a profile as a user would.
func TestPprofTool(t *testing.T) {
	if testing.Short() {
		t.Skip("runs go tool pprof")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command")
	}
	file := filepath.Join(t.TempDir(), "p.pb.gz")
	w, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	p := smallProfiles(t)[0]
	cpu := 3
	p.Losses = append(p.Losses, bundle.Loss{Source: "perf", What: "samples dropped", Count: 3, CPU: &cpu,
		Effect: "totals are too small"})
	if err := WritePprof(w, p, PprofOptions{Stage: lockStage}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"-top"}, []string{"Type: cpu-clock", "of 11us total", "native_queued_spin_lock_slowpath",
			"[unknown]"}},
		{[]string{"-top", "-tagfocus", "cpu=1"}, []string{"4us, 36.36% of 11us total", "esp_output"}},
		{[]string{"-top", "-tagfocus", "cpu=0"}, []string{"7us, 63.64% of 11us total"}},
		{[]string{"-top", "-tagfocus", "comm=^ping$"}, []string{"1us, 9.09% of 11us total"}},
		{[]string{"-top", "-tagfocus", "stage=lock"}, []string{"3us, 27.27% of 11us total"}},
		{[]string{"-top", "-sample_index=samples"}, []string{"of 11 total"}},
		{[]string{"-comments"}, []string{"loss: perf: 3 samples dropped, CPU 3: totals are too small"}},
		{[]string{"-tags"}, []string{"cpu:", "comm:"}},
	} {
		out, err := exec.Command("go", append(append([]string{"tool", "pprof"}, c.args...),
			file)...).CombinedOutput()
		if err != nil {
			t.Errorf("go tool pprof %v: %v\n%s", c.args, err, out)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("go tool pprof %v does not say %q:\n%s", c.args, want, out)
			}
		}
	}
}

func TestFromPprofSeveralTypes(t *testing.T) {
	g := &pprof.Profile{
		SampleType: []*pprof.ValueType{{Type: "contentions", Unit: "count"},
			{Type: "delay", Unit: "nanoseconds"}},
		Function: []*pprof.Function{{ID: 1, Name: "inlined"}, {ID: 2, Name: "outer", SystemName: "_Zouter"}},
	}
	g.Mapping = []*pprof.Mapping{{ID: 1, File: "/lib/modules/6.1/esp4.ko.xz"}}
	g.Location = []*pprof.Location{{ID: 1, Address: 7, Mapping: g.Mapping[0],
		Line: []pprof.Line{{Function: g.Function[0]}, {Function: g.Function[1]}}}}
	g.Sample = []*pprof.Sample{{Location: g.Location, Value: []int64{2, 500}},
		{Location: g.Location, Value: []int64{0, 30}}}
	ps, err := fromPprof(g)
	if err != nil {
		t.Fatal(err)
	}
	if len(ps) != 2 || ps[0].Event.Name != "contentions" || ps[1].Event.Unit != "nanoseconds" {
		t.Fatalf("%d profiles", len(ps))
	}
	checkDump(t, ps[0],
		"cpu-1 - -1/-1 n=1 w=2 sq=4 inlined@/lib/modules/6.1/esp4.ko.xz _Zouter@/lib/modules/6.1/esp4.ko.xz")
	checkDump(t, ps[1],
		"cpu-1 - -1/-1 n=2 w=530 sq=250900 inlined@/lib/modules/6.1/esp4.ko.xz "+
			"_Zouter@/lib/modules/6.1/esp4.ko.xz")
	if !ps[0].Mappings[0].Kernel {
		t.Error("a .ko is not taken for the kernel's")
	}
}

func TestFromPprofRefusesDifferences(t *testing.T) {
	g := &pprof.Profile{SampleType: []*pprof.ValueType{{Type: "cpu", Unit: "nanoseconds"}},
		Sample: []*pprof.Sample{{Value: []int64{-5}}}}
	if _, err := fromPprof(g); err == nil || !strings.Contains(err.Error(), "difference") {
		t.Errorf("error = %v", err)
	}
}

func FuzzReadPprof(f *testing.F) {
	var b bytes.Buffer
	if err := written(f, smallProfiles(f)[0], PprofOptions{}).WriteUncompressed(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		ps, err := ReadPprof(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, p := range ps {
			checkProfile(t, p)
		}
	})
}
