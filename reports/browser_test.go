package reports

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xfrmscope/collect/bundle"
	"xfrmscope/reports/page"
	"xfrmscope/reports/testdata/sample"
)

// browserPages are the pages that the specs in browser/ open by name.
func browserPages(t *testing.T) map[string][]byte {
	doc := func(name string) []byte { return html(t, sample.Extremes(t)[name], page.Options{}) }
	sweep := html(t, sample.Sweep(), page.Options{})
	counted := sample.One() // as by a simulated machine
	for _, e := range counted.Runs[0].Events {
		e.Name = bundle.SimPrefix + e.Name
		e.Profile.Event.Name = e.Name
	}
	data := bytes.Index(sweep, []byte(`id="flame-data">`)) + 2000
	return map[string][]byte{
		"sweep":    sweep,
		"damaged":  slices.Concat(sweep[:data], []byte("AAAAAAAA"), sweep[data+8:]),
		"patch":    html(t, sample.Patch(), page.Options{}),
		"compare":  html(t, sample.Comparison(t, 4), page.Options{}),
		"repeats":  html(t, sample.Repeats(t), page.Options{}),
		"one":      html(t, sample.One(), page.Options{}),
		"counted":  html(t, counted, page.Options{}),
		"hostile":  html(t, sample.HostileResult(t), page.Options{}),
		"nothing":  doc("nothing"),
		"empty":    doc("zero samples"),
		"256-CPUs": doc("256 CPUs"),
		"64-runs":  doc("64 runs"),
		"full":     html(t, sample.Full(), page.Options{}),
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
		t.Skip("chromium is not on the PATH: the pages are not looked at in a browser (apt-get install " +
			"chromium)")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not on the PATH: the browser's specs do not run (apt-get install nodejs npm)")
	}
	if _, err := os.Stat("browser/node_modules/playwright-core"); err != nil {
		t.Skip("playwright-core is not installed: the browser's specs do not run (npm ci --prefix " +
			"reports/browser)")
	}
	specs, err := filepath.Glob("browser/*.spec.mjs")
	if err != nil || len(specs) == 0 {
		t.Fatalf("no specs in browser/: %v", err)
	}
	if one := os.Getenv("XFRMSCOPE_SPEC"); one != "" {
		specs = []string{filepath.Join("browser", one+".spec.mjs")}
	}
	dir := t.TempDir()
	for name, doc := range browserPages(t) {
		writePage(t, dir, name, doc)
	}
	shots := os.Getenv("XFRMSCOPE_SHOTS")
	if shots != "" {
		if err := os.MkdirAll(shots, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	files := t.TempDir()
	if _, err := WriteDir(files, sample.One()); err != nil {
		t.Fatal(err)
	}
	for _, spec := range specs {
		t.Run(strings.TrimSuffix(filepath.Base(spec), ".spec.mjs"), func(t *testing.T) {
			t.Parallel() // with a browser each, which waits more than it draws
			cmd := exec.CommandContext(t.Context(), node, "--test", "--test-reporter=spec", spec)
			cmd.Env = append(os.Environ(), "XFRMSCOPE_PAGES="+dir, "XFRMSCOPE_FILES="+files,
				"XFRMSCOPE_CHROMIUM="+chromium)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			} else if testing.Verbose() {
				t.Logf("%s", out)
			}
		})
	}
}
