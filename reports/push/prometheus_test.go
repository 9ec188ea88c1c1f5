package push

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

// Figures sent to a Pushgateway, and figures back-filled from a file, come back
// from a real Prometheus as the numbers they were.
func TestPrometheus(t *testing.T) {
	if testing.Short() {
		t.Skip("starts two servers")
	}
	for _, program := range []string{"prometheus", "promtool", "prometheus-pushgateway"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	result := sampleResult(t)
	dir := t.TempDir()
	data := filepath.Join(dir, "data")

	t.Log("back-filling the file of the run's own time")
	file := filepath.Join(dir, "figures.txt")
	var b bytes.Buffer
	if err := OpenMetrics(&b, result); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "promtool", "tsdb", "create-blocks-from", "openmetrics", file,
		data).CombinedOutput(); err != nil {
		t.Fatalf("promtool: %v\n%s", err, out)
	}

	t.Log("pushing to the gateway")
	gateway := serve(t, "prometheus-pushgateway", "/-/ready", func(address string) []string {
		return []string{"--web.listen-address=" + address}
	})
	g := Gateway{URL: gateway, Group: "nightly/7.3 \"x\""}
	if err := g.Put(t.Context(), result); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "prometheus.yml")
	target := strings.TrimPrefix(gateway, "http://")
	if err := os.WriteFile(config,
		fmt.Appendf(nil, "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: gateway\n  "+
			"honor_labels: true\n  static_configs: [{targets: [%q]}]\n", target), 0o644); err != nil {
		t.Fatal(err)
	}
	prometheus := serve(t, "prometheus", "/-/ready", func(address string) []string {
		return []string{"--config.file=" + config, "--storage.tsdb.path=" + data,
			"--storage.tsdb.retention.time=100y", "--web.listen-address=" + address}
	})
	for _, run := range result.Runs {
		n := strconv.Itoa(run.N)
		selector := fmt.Sprintf(`{mode="pcpu",n=%q,cpu="all"}`, n)
		same(t, prometheus, "xfrmscope_"+metric.RateID+selector, time.Time{}, run.Packets.Headline().Value)
		same(t, prometheus, "xfrmscope_"+metric.RateID+selector, run.Manifest.Started,
			run.Packets.Headline().Value)
		same(t, prometheus, "xfrmscope_"+metric.SpinID+selector, run.Manifest.Started, mainSpin(run))
	}
}

func mainSpin(r *result.Run) float64 { return r.Main().All.SpinShare.Value }

// serve starts a server on a free port of the loopback and waits until it is
// ready.
func serve(t *testing.T, program, ready string, args func(address string) []string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	var log bytes.Buffer
	cmd := exec.Command(program, args(address)...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = &log, &log, t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 300 {
		if resp, err := http.Get("http://" + address + ready); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return "http://" + address
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	t.Fatalf("%s is not ready after 30 s:\n%s", program, log.String())
	return ""
}

// same queries until the value is there, for a scrape takes a second.
func same(t *testing.T, prometheus, query string, at time.Time, want float64) {
	t.Helper()
	values := url.Values{"query": {query}}
	if !at.IsZero() {
		values.Set("time", strconv.FormatFloat(float64(at.UnixMilli())/1e3, 'f', 3, 64))
	}
	var text []byte
	for range 100 {
		var answer struct {
			Data struct {
				Result []struct{ Value [2]any }
			}
		}
		resp, err := http.Get(prometheus + "/api/v1/query?" + values.Encode())
		if err != nil {
			t.Fatal(err)
		}
		err = json.NewDecoder(resp.Body).Decode(&answer)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		text, _ = json.Marshal(answer)
		if len(answer.Data.Result) > 0 {
			got, err := strconv.ParseFloat(fmt.Sprint(answer.Data.Result[0].Value[1]), 64)
			if err != nil || got != want || len(answer.Data.Result) != 1 {
				t.Errorf("%s = %s, want %v", query, text, want)
			}
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("%s at %v is not there after 10 s: %s", query, at, text)
}

// What was not measured is no zero, and says why.
func TestFiguresMissing(t *testing.T) {
	var b bytes.Buffer
	if err := OpenMetrics(&b, sampleResult(t)); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if !strings.HasSuffix(text, "# EOF\n") {
		t.Errorf("the text ends with %q", text[max(0, len(text)-40):])
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "xfrmscope_not_measured") && !strings.Contains(line, `why="`) {
			t.Errorf("no reason: %s", line)
		}
	}
}
