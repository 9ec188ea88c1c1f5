package importer

import (
	"bytes"
	"strings"
	"testing"

	pprof "github.com/google/pprof/profile"
)

// madePprof is a profile with two values a sample and their counts.
func madePprof(t testing.TB) []byte {
	t.Helper()
	f := &pprof.Function{ID: 1, Name: "xfrm_state_find"}
	m := &pprof.Mapping{ID: 1, File: "[kernel.kallsyms]"}
	l := &pprof.Location{ID: 1, Address: 0xffffffff81000010, Mapping: m, Line: []pprof.Line{{Function: f}}}
	g := &pprof.Profile{
		SampleType: []*pprof.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"},
			{Type: "misses", Unit: "count"}},
		Sample:   []*pprof.Sample{{Location: []*pprof.Location{l}, Value: []int64{3, 30, 7}}},
		Location: []*pprof.Location{l}, Function: []*pprof.Function{f}, Mapping: []*pprof.Mapping{m},
	}
	var out bytes.Buffer
	if err := g.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestPprof(t *testing.T) {
	im, err := Read(bytes.NewReader(madePprof(t)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, p := range im.Profiles {
		checkProfile(t, p)
		n, weight := p.Total()
		got += p.Event.Name + " " + p.Event.Unit + " " + thousands(float64(n)) + " " +
			thousands(float64(weight)) + " " + dumpFrame(p, p.Stacks[0][0]) + "\n"
	}
	const frame = "ffffffff81000010 xfrm_state_find in [kernel.kallsyms] (kernel)\n"
	if want := "cpu nanoseconds 3 30 " + frame + "misses count 3 7 " + frame; im.Format != pprofProto ||
		got != want {
		t.Errorf("%v: got\n%s\nwant\n%s", im.Format, got, want)
	}
	if _, err := readAs(pprofProto, strings.NewReader("no pprof"), Options{Name: "x.pb.gz"}); err == nil ||
		!strings.Contains(err.Error(), "x.pb.gz") {
		t.Errorf("error is %v, want one that names the file", err)
	}
}

func FuzzPprof(f *testing.F) {
	f.Add(madePprof(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		im, err := readAs(pprofProto, bytes.NewReader(data), Options{Name: "fuzz"})
		if err == nil {
			for _, p := range im.Profiles {
				checkProfile(t, p)
			}
		}
	})
}
