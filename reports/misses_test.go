package reports

import (
	"strings"
	"testing"

	"xfrmscope/reports/page"
	"xfrmscope/reports/testdata/sample"
	"xfrmscope/reports/view"
)

func TestMissesAreShown(t *testing.T) {
	r := sample.WithPMU()
	doc := string(html(t, r, page.Options{Static: true, FlameBytes: -1}))
	section := doc[strings.Index(doc, `<section id="misses">`):]
	section = section[:strings.Index(section, "</section>")]
	for _, want := range []string{
		"Where do cache misses fall?", `id="miss-table"`, `id="miss-cpu-table"`, "11.25", "15.25", "31.8",
		"± 2.9", "42.5",
		"no event that counts instructions", "skb_cow_data",
		"not measured: no hardware counters: event cycles does not open (ENOENT)", "pcpu N=1",
		`id="miss-intensity"`, "esp_output_tail", "3.75", "± 0.49", `id="counted-table"`, "44.25", "62.5",
		"Not measured: per 1000 (no cycles were counted)",
	} {
		if !strings.Contains(section, want) {
			t.Errorf("the section does not show %q:\n%s", want, section)
		}
	}
	text := strings.Join(strings.Fields(digestText(t, r)), " ")
	for _, want := range []string{
		"One shared SA on 4 CPUs, L1-dcache-load-misses:k: 45.5 +- 3.9 per packet, 11.25 +- 0.98 per 1000 " +
			"cycles, 31.8 +- 2.9 per 1000 instructions",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the digest does not say %q:\n%s", want, digestText(t, r))
		}
	}
}

// TestMissesSayWhyNot: without an event that counts them, and without a reason
// in the recording, the page says what to record.
func TestMissesSayWhyNot(t *testing.T) {
	r := sample.One()
	r.Runs[0].Gaps = nil
	doc := string(html(t, r, page.Options{Static: true, FlameBytes: -1}))
	if !strings.Contains(doc, "no event that counts cache misses was sampled") || !strings.Contains(doc,
		"L1-dcache-load-misses:k") {
		t.Error("the page does not say why no misses were counted")
	}
	if strings.Contains(doc, `id="miss-table"`) {
		t.Error("there is a table of nothing")
	}
}

func TestProbeEffectMarksWaits(t *testing.T) {
	r := sample.Probed() // effects of -20, -10, 0, +10 and +20 %; the first run's is 0.4 %
	if got := []bool{view.Perturbed(r.Runs[0]), view.Perturbed(r.Runs[1]), view.Perturbed(r.Runs[3])}; got[0] ||
		!got[1] || got[2] {
		t.Errorf("perturbed = %v, want only the second", got)
	}
	text := digestText(t, r)
	if want := "lock waits were counted while packets/s changed by -20..+20 %"; !strings.Contains(text, want) {
		t.Errorf("the digest lacks %q:\n%s", want, text)
	}
	if text := digestText(t, sample.Sweep()); strings.Contains(text, "*") {
		t.Errorf("waits are marked without a cause:\n%s", text)
	}
	one := sample.NewResult(r.Runs[5])
	if text := digestText(t, one); !strings.Contains(text, " 13.2k*\n") ||
		!strings.Contains(text, "* counted at other packets/s") {
		t.Errorf("one run:\n%s", text)
	}
	doc := string(html(t, r, page.Options{Static: true, FlameBytes: -1}))
	for _, want := range []string{"probe effect", `title="perturbed: counted while`,
		"<small>perturbed</small>"} {
		if !strings.Contains(doc, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
