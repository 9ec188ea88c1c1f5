package reports

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xfrmscope/analyze/profile"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// golden compares got with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run go test -update and read the diff", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what was rendered (go test -update rewrites it):\n%s", path, got)
	}
}

// wellFormed decodes XML to its end.
func wellFormed(t *testing.T, doc []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(doc))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
	}
}

func flame(t *testing.T, p *profile.Profile, o FlameOptions) string {
	t.Helper()
	var b, again bytes.Buffer
	if err := FlameSVG(&b, p, o); err != nil {
		t.Fatal(err)
	}
	if err := FlameSVG(&again, p, o); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("a second render differs")
	}
	wellFormed(t, b.Bytes())
	if limit := max(o.MaxBytes, DefaultFlameBytes); b.Len() >= limit {
		t.Errorf("%d bytes, want under %d", b.Len(), limit)
	}
	if strings.Contains(b.String(), "<script") {
		t.Error("holds a script")
	}
	return b.String()
}

func TestFlameGolden(t *testing.T) {
	p := testProfile(runSpec{mode: "shared", n: 4, ratePer: 1, spin: .546, seconds: 10})
	svg := flame(t, p, FlameOptions{Run: "shared n=4"})
	golden(t, "flame.svg", []byte(svg))
	for _, want := range []string{
		"cpu-clock (nanoseconds), shared n=4", "idle not drawn: ", "every frame is drawn",
		"native_queued_spin_lock_slowpath: 5", "hatch-d", "esp_output [esp4]",
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("%q is not in the picture", want)
		}
	}
}

func TestFlameSaysWhatItPruned(t *testing.T) {
	svg := flame(t, testProfile(runSpec{mode: "shared", n: 4, spin: .5, seconds: 10}), FlameOptions{MinShare: .03})
	if !strings.Contains(svg, "of the weight is in frames under 3.0 %, not drawn") {
		t.Error("the pruned weight is not stated")
	}
}

func TestFlameOfHostileNames(t *testing.T) {
	b := newProfileBuilder(hostile, hostile)
	b.p.Mappings[2].File = hostile
	b.add("main;"+strings.ReplaceAll(hostile, ";", ",")+";"+long(t), 0, 100)
	b.add("main;\x00\x1f\u2028\ufffe;x@"+hostile, 1, 1)
	svg := flame(t, b.p, FlameOptions{Run: hostile})
	for _, r := range svg {
		if r < ' ' && r != '\n' || r == '\u202e' {
			t.Errorf("holds %U", r)
		}
	}
}

func TestFlameOfNothing(t *testing.T) {
	if svg := flame(t, &profile.Profile{}, FlameOptions{}); !strings.Contains(svg, "no samples: nothing to draw") {
		t.Error("an empty profile does not say so")
	}
	b := newProfileBuilder("cpu-clock", "nanoseconds")
	b.add("do_idle", 0, 10)
	if svg := flame(t, b.p, FlameOptions{}); !strings.Contains(svg, "every sample was idle") {
		t.Error("an idle profile does not say so")
	}
}

func TestFlameFitsItsBudget(t *testing.T) {
	b := newProfileBuilder("cycles", "cycles")
	for i := range 4000 {
		b.add("root;"+strings.Repeat("f;", i%200)+"leaf_"+strings.Repeat("x", i%40)+string(rune('a'+i%26)), i%8, 1+i%17)
	}
	svg := flame(t, b.p, FlameOptions{})
	if !strings.Contains(svg, "not drawn") {
		t.Error("nothing was pruned")
	}
	flame(t, b.p, FlameOptions{MaxBytes: 20_000})
}
