package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPush(t *testing.T) {
	var requests []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests = append(requests, r.Method+" "+r.URL.EscapedPath())
		if len(body) == 0 || r.Header.Get("Authorization") != "Bearer x" {
			http.Error(w, "not so", http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "figures.txt")
	code, out, errw := cli("push", "sample:pcpu", "--pyroscope", server.URL, "--pushgateway", server.URL, "--group",
		"nightly",
		"--openmetrics", file, "--header", "Authorization: Bearer x")
	if code != exitOK || !strings.Contains(out, "3 of 3 profiles sent") {
		t.Errorf("push = %d, %s%s", code, out, errw)
	}
	want := "PUT /metrics/job/xfrmscope/push@base64/bmlnaHRseQ"
	if len(requests) != 4 || requests[0] != want {
		t.Errorf("requests = %q, want %q and three profiles", requests, want)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "xfrmscope_packet_rate{") {
		t.Errorf("%s: %v", text[:min(200, len(text))], err)
	}

	code, out, errw = cli("push", "sample:pcpu", "--pyroscope", server.URL)
	if code != exitFailure || !strings.Contains(errw, "401 Unauthorized: not so") ||
		!strings.Contains(out, "0 of 3 profiles sent") {
		t.Errorf("push without the header = %d, %s%s", code, out, errw)
	}
}
