package reports

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	stdhtml "html"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xfrmscope/reports/format"
	"xfrmscope/reports/page"
	"xfrmscope/reports/testdata/sample"
)

// A browser is a headless Chromium driven over the two pipes of
// --remote-debugging-pipe (file descriptors 3 and 4, messages end in NUL), so
// that these tests need neither a port nor a library.
type browser struct {
	t       *testing.T
	to      io.Writer
	from    *bufio.Reader
	tab     string
	session string
	id      int
	events  []event
}

type event struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// startBrowser starts Chromium or skips the test with the reason.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not on the PATH: the page is not looked at in a browser (apt-get install chromium)")
	}
	if testing.Short() {
		t.Skip("starts a browser")
	}
	down, toChild := pipe(t)
	fromChild, up := pipe(t)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	cmd := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
		"--remote-debugging-pipe", "--user-data-dir="+profileDir(t), "about:blank")
	cmd.ExtraFiles = []*os.File{down, up}
	if err := cmd.Start(); err != nil {
		t.Skipf("starting chromium: %v", err)
	}
	down.Close()
	up.Close()
	b := &browser{t: t, to: toChild, from: bufio.NewReader(fromChild)}
	t.Cleanup(func() {
		b.session = ""
		b.send("Browser.close", nil) // it then removes its own files
		done := time.AfterFunc(10*time.Second, cancel)
		cmd.Wait()
		done.Stop()
		cancel()
		toChild.Close()
		fromChild.Close()
	})
	return b
}

// profileDir returns a folder for the browser's own files. Its helper processes
// may outlive it for a moment and still write there, which t.TempDir would
// report as a failure.
func profileDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for i := 0; os.RemoveAll(dir) != nil && i < 100; i++ {
			time.Sleep(50 * time.Millisecond)
		}
	})
	return dir
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

func (b *browser) send(method string, params map[string]any) {
	b.id++
	msg := map[string]any{"id": b.id, "method": method}
	if params != nil {
		msg["params"] = params
	}
	if b.session != "" {
		msg["sessionId"] = b.session
	}
	data, _ := json.Marshal(msg)
	b.to.Write(append(data, 0))
}

// call sends a command and returns its result; events that come before it are
// kept.
func (b *browser) call(method string, params map[string]any) json.RawMessage {
	b.t.Helper()
	b.send(method, params)
	for {
		raw, err := b.from.ReadBytes(0)
		if err != nil {
			b.t.Fatalf("%s: chromium went away: %v", method, err)
		}
		var m struct {
			ID     int             `json:"id"`
			Result json.RawMessage `json:"result"`
			Error  json.RawMessage `json:"error"`
			event
		}
		if err := json.Unmarshal(raw[:len(raw)-1], &m); err != nil {
			b.t.Fatalf("%s: %v", method, err)
		}
		switch {
		case m.Method != "":
			b.events = append(b.events, m.event)
		case m.ID != b.id:
		case m.Error != nil:
			b.t.Fatalf("%s: %s", method, m.Error)
		default:
			return m.Result
		}
	}
}

// open loads a file in a new tab of the given size, and closes the one before.
func (b *browser) open(path string, width, height int, scripts bool) {
	b.t.Helper()
	b.session, b.events = "", nil
	var target struct {
		TargetID string `json:"targetId"`
	}
	json.Unmarshal(b.call("Target.createTarget", map[string]any{"url": "about:blank"}), &target)
	if b.tab != "" { // else its page goes on drawing
		b.call("Target.closeTarget", map[string]any{"targetId": b.tab})
	}
	b.tab = target.TargetID
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	json.Unmarshal(b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}),
		&attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil)
	}
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height,
		"deviceScaleFactor": 1, "mobile": false})
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": !scripts})
	b.call("Page.navigate", map[string]any{"url": "file://" + path})
	b.until("document.readyState === 'complete' && location.protocol === 'file:'")
}

// eval evaluates an expression and returns its JSON. It works with scripts
// off, too: only the page's own are.
func (b *browser) eval(expression string) string {
	b.t.Helper()
	var r struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception json.RawMessage `json:"exceptionDetails"`
	}
	json.Unmarshal(b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true,
		"awaitPromise": true}), &r)
	if r.Exception != nil {
		b.t.Fatalf("%s: %s", expression, r.Exception)
	}
	return string(r.Result.Value)
}

// until waits for an expression to become true.
func (b *browser) until(expression string) {
	b.t.Helper()
	for range 1200 { // a minute, for a machine that is busy
		if b.eval(expression) == "true" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Fatalf("never true: %s", expression)
}

// clean fails the test if the page asked for anything but itself, raised an
// exception or wrote an error to the console.
func (b *browser) clean() {
	b.t.Helper()
	b.eval("1") // collects what was still under way
	for _, e := range b.events {
		switch e.Method {
		case "Network.requestWillBeSent":
			var p struct{ Request struct{ URL string } }
			json.Unmarshal(e.Params, &p)
			if strings.HasPrefix(p.Request.URL, "data:") { // a picture in the page itself
				continue
			}
			if !strings.HasPrefix(p.Request.URL, "file://") || !strings.HasSuffix(p.Request.URL, ".html") {
				b.t.Errorf("the page asked for %s", p.Request.URL)
			}
		case "Runtime.exceptionThrown", "Log.entryAdded":
			b.t.Errorf("%s: %.600s", e.Method, e.Params)
		case "Runtime.consoleAPICalled":
			if strings.Contains(string(e.Params), `"type":"error"`) || strings.Contains(string(e.Params),
				`"type":"warning"`) {
				b.t.Errorf("console: %.600s", e.Params)
			}
		}
	}
}

// shot keeps a screenshot of the whole page if XFRMSCOPE_SHOTS names a
// directory.
func (b *browser) shot(name string, whole bool) {
	b.t.Helper()
	dir := os.Getenv("XFRMSCOPE_SHOTS")
	if dir == "" {
		return
	}
	var r struct {
		Data string `json:"data"`
	}
	json.Unmarshal(b.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": whole}), &r)
	data, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// writePage renders a Result to a file.
func writePage(t *testing.T, dir, name string, doc []byte) string {
	t.Helper()
	path := filepath.Join(dir, format.FileName(name)+".html")
	if err := os.WriteFile(path, doc, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// charts scrolls to every chart until it was drawn.
func (b *browser) charts(n int) {
	b.t.Helper()
	b.eval(`document.querySelectorAll('details').forEach(d => { d.open = true; }), 1`)
	b.until(fmt.Sprintf(`(() => {
		const mode = document.getElementById('mode');
		if (mode.getAttribute('aria-pressed') === 'false') mode.click();
		document.querySelector('figure[data-live=no]')?.scrollIntoView();
		return document.querySelectorAll('figure[data-live=drawn] .live svg path').length > 0 &&
			document.querySelectorAll('figure[data-live=drawn]').length === %d;
	})()`, n))
	b.eval("scrollTo(0, 0), 1")
}

// cardsHold fails if a table of the first screen leaves its card at the full width.
func (b *browser) cardsHold(what string) {
	b.t.Helper()
	if got := b.eval(`[...document.querySelectorAll('.card')].filter(card =>
		[...card.querySelectorAll('figure, .scroll')].some(e =>
			e.getBoundingClientRect().right > card.getBoundingClientRect().right + 1)
	).map(card => card.textContent).join(' | ')`); got != `""` {
		b.t.Errorf("%s: cards do not hold what is in them: %s", what, got)
	}
}

// noOverflow fails if the page is wider than the window.
func (b *browser) noOverflow(what string) {
	b.t.Helper()
	if got := b.eval("document.documentElement.scrollWidth <= innerWidth"); got != "true" {
		b.t.Errorf("%s: the page is %s px wide in a window of %s px", what,
			b.eval("document.documentElement.scrollWidth"), b.eval("innerWidth"))
	}
}

func TestPageInChromium(t *testing.T) {
	b := startBrowser(t)
	dir := t.TempDir()
	pages := sample.Extremes(t)
	pages["sweep"], pages["one"], pages["long values"] = sample.Probed(), sample.One(), sample.LongValues()
	pages["PMU"] = sample.WithPMU()
	delete(pages, "same twice") // as "comparison", which takes long enough
	delete(pages, "one a side")
	for _, name := range sortedKeysOf(pages) {
		t.Run(name, func(t *testing.T) {
			b.t = t
			path := writePage(t, dir, name, html(t, pages[name], page.Options{}))
			b.open(path, 1280, 800, true)
			if n := strings.Count(string(mustRead(t, path)), ` data-live="no"`); n > 0 {
				b.charts(n)
			}
			_, after, _ := strings.Cut(string(mustRead(t, path)), "<title>")
			wanted, _, _ := strings.Cut(after, "</title>")
			wanted = stdhtml.UnescapeString(wanted)
			var title string
			json.Unmarshal([]byte(b.eval("document.title")), &title)
			if title != strings.Join(strings.Fields(wanted), " ") {
				t.Errorf("title is %q, want %q", title, wanted)
			}
			b.noOverflow("1280 px")
			b.cardsHold("1280 px")
			b.clean()
			b.shot(name+"-1280", false)
			b.shot(name+"-whole", true)
			b.open(path, 400, 800, true)
			b.noOverflow("400 px")
			b.cardsHold("400 px")
			b.clean()
			b.shot(name+"-400", true)
		})
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPageWithoutScripts(t *testing.T) {
	b := startBrowser(t)
	path := writePage(t, t.TempDir(), "sweep", html(t, sample.Sweep(), page.Options{}))
	b.open(path, 1280, 800, false)
	for expression, want := range map[string]string{
		"document.querySelectorAll('.static svg path').length > 10":                          "true",
		"document.querySelectorAll('.live').length":                                          "0",
		"document.querySelector('.tools').hidden":                                            "true",
		"document.querySelectorAll('#runs tbody tr').length":                                 "6",
		"getComputedStyle(document.querySelector('#chart-rate .trend')).fill":                `"none"`,
		"document.querySelector('#chart-rate .static').getBoundingClientRect().height > 150": "true",
		"document.querySelectorAll('.flame').length":                                         "6",
	} {
		if got := b.eval(expression); got != want {
			t.Errorf("%s = %s, want %s", expression, got, want)
		}
	}
	b.clean()
	b.shot("noscript-1280", false)
	b.shot("noscript-whole", true)
}

func TestPageWorks(t *testing.T) {
	b := startBrowser(t)
	path := writePage(t, t.TempDir(), "sweep", html(t, sample.Sweep(), page.Options{}))
	b.open(path, 1280, 800, true)
	b.charts(3)

	// A head sorts its table, by number and then the other way round.
	first := "document.querySelector('#runs-table tbody tr').cells[0].textContent"
	b.eval("document.querySelectorAll('#runs-table th')[4].querySelector('button').click(), 1")
	if got := b.eval(first); got != `"shared n=4"` {
		t.Errorf("sorted by spin share, the first run is %s", got)
	}
	b.eval("document.querySelectorAll('#runs-table th')[4].querySelector('button').click(), 1")
	if got := b.eval(first); got == `"shared n=4"` {
		t.Error("a second click does not turn the order round")
	}

	// A point tells its figures, as text.
	b.eval(`(async () => {
		const c = document.querySelector('#chart-spin .live');
		window.chart = echarts.getInstanceByDom(c);
		chart.dispatchAction({type: 'showTip', seriesIndex: 3, dataIndex: 2});
		await new Promise(r => setTimeout(r, 300));
	})()`)
	if got := b.eval("document.querySelector('#chart-spin .live').textContent"); !strings.Contains(got,
		"shared n=4: 55.41") {
		t.Errorf("the tip of a point is not shown: %s", got)
	}

	// The button goes back to the drawn figures.
	b.eval("document.getElementById('mode').click(), 1")
	count := "document.querySelectorAll('.live').length + document.querySelectorAll('.static.off').length"
	if got := b.eval(count); got != "0" {
		t.Errorf("%s charts are still live", got)
	}
	b.eval("document.getElementById('mode').click(), 1")
	b.charts(3)

	b.call("Emulation.setEmulatedMedia",
		map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": "dark"}}})
	b.charts(3)
	b.shot("dark-1280", false)
	b.shot("dark-whole", true)
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": "print"})
	seen := "[...document.querySelectorAll('.static')].every(s => s.getBoundingClientRect().height > 0)"
	if got := b.eval(seen); got != "true" {
		t.Error("print does not show the drawn figures")
	}
	b.shot("print-whole", true)
	b.clean()
}

// TestPolicyHolds puts a script into the page, as a hole in the escaping
// would: it must not run.
func TestPolicyHolds(t *testing.T) {
	b := startBrowser(t)
	doc := string(html(t, sample.Sweep(), page.Options{}))
	doc = strings.Replace(doc, "<main>",
		`<main><script>document.title=1337</script><img src="x" onerror="document.title=7">`+
			`<img src="https://example.com/x.png">`, 1)
	b.open(writePage(t, t.TempDir(), "hole", []byte(doc)), 1280, 800, true)
	b.charts(3)
	if got := b.eval("document.title"); !strings.Contains(got, "xfrmscope") {
		t.Errorf("a script that was not ours ran: title %s", got)
	}
	for _, e := range b.events {
		if e.Method == "Network.responseReceived" && strings.Contains(string(e.Params), "example.com") {
			t.Error("a request left the page")
		}
	}
}
