package flame

import (
	"bytes"
	"strings"
	"testing"

	"xfrmscope/analyze/profile"
	"xfrmscope/reports/testdata/sample"
)

func flameText(t *testing.T, p *profile.Profile, o Options) string {
	t.Helper()
	var b, again bytes.Buffer
	if err := SVG(&b, p, o); err != nil {
		t.Fatal(err)
	}
	if err := SVG(&again, p, o); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("a second render differs")
	}
	sample.WellFormed(t, b.Bytes())
	if limit := max(o.MaxBytes, DefaultFlameBytes); b.Len() >= limit {
		t.Errorf("%d bytes, want under %d", b.Len(), limit)
	}
	if strings.Contains(b.String(), "<script") {
		t.Error("holds a script")
	}
	return b.String()
}

func TestFlameGolden(t *testing.T) {
	p := sample.NewProfile(sample.Spec{Mode: "shared", N: 4, RatePer: 1, Spin: .546, Seconds: 10})
	svg := flameText(t, p, Options{Run: "shared n=4"})
	sample.Golden(t, "flame.svg", []byte(svg))
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
	svg := flameText(t, sample.NewProfile(sample.Spec{Mode: "shared", N: 4, Spin: .5, Seconds: 10}),
		Options{MinShare: .03})
	if !strings.Contains(svg, "of the weight is in frames under 3.0 %, not drawn") {
		t.Error("the pruned weight is not stated")
	}
}

func TestFlameOfHostileNames(t *testing.T) {
	b := sample.NewProfileBuilder(sample.Hostile, sample.Hostile)
	b.P.Mappings[2].File = sample.Hostile
	b.Add("main;"+strings.ReplaceAll(sample.Hostile, ";", ",")+";"+sample.Long(t), 0, 100)
	b.Add("main;\x00\x1f\u2028\ufffe;x@"+sample.Hostile, 1, 1)
	svg := flameText(t, b.P, Options{Run: sample.Hostile})
	for _, r := range svg {
		if r < ' ' && r != '\n' || r == '\u202e' {
			t.Errorf("holds %U", r)
		}
	}
}

func TestFlameOfNothing(t *testing.T) {
	if svg := flameText(t, &profile.Profile{}, Options{}); !strings.Contains(svg, "no samples: nothing to draw") {
		t.Error("an empty profile does not say so")
	}
	b := sample.NewProfileBuilder("cpu-clock", "nanoseconds")
	b.Add("do_idle", 0, 10)
	if svg := flameText(t, b.P, Options{}); !strings.Contains(svg, "every sample was idle") {
		t.Error("an idle profile does not say so")
	}
}

func TestFlameFitsItsBudget(t *testing.T) {
	b := sample.NewProfileBuilder("cycles", "cycles")
	for i := range 4000 {
		b.Add("root;"+strings.Repeat("f;", i%200)+"leaf_"+strings.Repeat("x", i%40)+string(rune('a'+i%26)),
			i%8, 1+i%17)
	}
	svg := flameText(t, b.P, Options{})
	if !strings.Contains(svg, "not drawn") {
		t.Error("nothing was pruned")
	}
	flameText(t, b.P, Options{MaxBytes: 20_000})
}
