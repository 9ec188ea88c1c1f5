package reports

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// browserPages are the pages that the specs in browser/ open by name.
func browserPages(t *testing.T) map[string][]byte {
	page := func(name string) []byte { return html(t, extremes(t)[name], HTMLOptions{}) }
	sweep := html(t, testSweep(), HTMLOptions{})
	data := bytes.Index(sweep, []byte(`id="flame-data">`)) + 2000
	return map[string][]byte{
		"sweep":    sweep,
		"damaged":  slices.Concat(sweep[:data], []byte("AAAAAAAA"), sweep[data+8:]),
		"patch":    html(t, testPatch(), HTMLOptions{}),
		"compare":  html(t, testComparison(t, 4), HTMLOptions{}),
		"repeats":  html(t, testRepeats(t), HTMLOptions{}),
		"one":      html(t, testOne(), HTMLOptions{}),
		"hostile":  html(t, hostileResult(t), HTMLOptions{}),
		"nothing":  page("nothing"),
		"empty":    page("zero samples"),
		"256-CPUs": page("256 CPUs"),
		"64-runs":  page("64 runs"),
		"full":     html(t, testFull(), HTMLOptions{}),
	}
}

// TestBrowser renders pages and runs the Playwright specs of browser/ on them.
// XFRMSCOPE_SHOTS names a folder to keep screenshots in, XFRMSCOPE_SPEC a spec
// to run alone.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not on the PATH: the pages are not looked at in a browser (apt-get install chromium)")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not on the PATH: the browser's specs do not run (apt-get install nodejs npm)")
	}
	if _, err := os.Stat("browser/node_modules/playwright-core"); err != nil {
		t.Skip("playwright-core is not installed: the browser's specs do not run (npm ci --prefix reports/browser)")
	}
	specs, err := filepath.Glob("browser/*.spec.mjs")
	if err != nil || len(specs) == 0 {
		t.Fatalf("no specs in browser/: %v", err)
	}
	if one := os.Getenv("XFRMSCOPE_SPEC"); one != "" {
		specs = []string{filepath.Join("browser", one+".spec.mjs")}
	}
	dir := t.TempDir()
	for name, page := range browserPages(t) {
		writePage(t, dir, name, page)
	}
	shots := os.Getenv("XFRMSCOPE_SHOTS")
	if shots != "" {
		if err := os.MkdirAll(shots, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), node, append([]string{"--test", "--test-reporter=spec"}, specs...)...)
	files := t.TempDir()
	if _, err := WriteDir(files, testOne()); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "XFRMSCOPE_PAGES="+dir, "XFRMSCOPE_FILES="+files, "XFRMSCOPE_CHROMIUM="+chromium)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	} else if testing.Verbose() {
		t.Logf("%s", out)
	}
}
