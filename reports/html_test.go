package reports

import (
	"bytes"
	"maps"
	"os"
	"slices"
	"testing"

	"xfrmscope/analyze"
)

// html renders twice and checks what holds for every page.
func html(t *testing.T, r *analyze.Result, o HTMLOptions) []byte {
	t.Helper()
	var b, again bytes.Buffer
	if err := HTML(&b, r, o); err != nil {
		t.Fatal(err)
	}
	if err := HTML(&again, r, o); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("a second render differs")
	}
	return b.Bytes()
}

func TestHTMLOfExtremes(t *testing.T) {
	for name, r := range extremes(t) {
		t.Run(name, func(t *testing.T) {
			without := len(html(t, r, HTMLOptions{FlameBytes: -1}))
			with := len(html(t, r, HTMLOptions{}))
			t.Logf("%d bytes, %d with flame graphs", without, with)
			if without > 700_000 || with > 2_000_000 {
				t.Errorf("%d bytes without flame graphs and %d with them, want at most 700 kB and 2 MB", without, with)
			}
		})
	}
}

func TestWriteForLooking(t *testing.T) {
	dir := os.Getenv("LOOK")
	if dir == "" {
		t.Skip()
	}
	os.WriteFile(dir+"/sweep.html", html(t, testSweep(), HTMLOptions{}), 0o644)
	os.WriteFile(dir+"/one.html", html(t, testOne(), HTMLOptions{}), 0o644)
	for n, r := range extremes(t) {
		os.WriteFile(dir+"/"+n+".html", html(t, r, HTMLOptions{}), 0o644)
	}
}

func sortedKeysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
