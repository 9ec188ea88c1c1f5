package push

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	pprof "github.com/google/pprof/profile"
	"google.golang.org/protobuf/encoding/protowire"

	"xfrmscope/analyze"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/samples"
)

// A server stands for Pyroscope: it takes a Connect unary call of its push API
// and keeps what it is sent, decoded by the published field numbers.
type server struct {
	got    []series
	refuse string // the error's text
}

// A series is a RawProfileSeries.
type series struct {
	labels   map[string]string
	profiles [][]byte
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	kind := r.Header.Get("Content-Type")
	switch {
	case err != nil || r.Method != http.MethodPost || r.URL.Path != pushPath || kind != "application/proto":
		http.Error(w, fmt.Sprint(r.Method, " ", r.URL, " of ", kind, ": ", err), http.StatusNotFound)
		return
	case s.refuse != "":
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"code":"invalid_argument","message":%q}`, s.refuse)
		return
	}
	for _, b := range message(body, 1)[0] {
		got, in := series{labels: map[string]string{}}, message(b, 2)
		for _, label := range in[0] {
			pair := message(label, 2)
			got.labels[string(pair[0][0])] = string(pair[1][0])
		}
		for _, sample := range in[1] {
			got.profiles = append(got.profiles, message(sample, 1)[0]...)
		}
		s.got = append(s.got, got)
	}
	w.Header().Set("Content-Type", "application/proto") // an empty PushResponse
}

// message decodes a message whose fields 1..n are all length-delimited: the
// values of field i+1 at i. Anything else panics: net/http ends the call.
func message(b []byte, n protowire.Number) [][][]byte {
	out := make([][][]byte, n)
	for len(b) > 0 {
		field, kind, tag := protowire.ConsumeTag(b)
		if tag < 0 || kind != protowire.BytesType || field > n {
			panic(fmt.Sprintf("field %d of type %d, %d fields expected", field, kind, n))
		}
		value, size := protowire.ConsumeBytes(b[tag:])
		if size < 0 {
			panic(protowire.ParseError(size))
		}
		out[field-1], b = append(out[field-1], value), b[tag+size:]
	}
	return out
}

func (s *server) start(t *testing.T) string {
	t.Helper()
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return web.URL
}

// sampleResult is the embedded sweep with per-CPU SAs, analysed.
func sampleResult(t *testing.T) *result.Result {
	t.Helper()
	fsys, err := samples.Open("pcpu")
	if err != nil {
		t.Fatal(err)
	}
	runs, err := bundle.OpenAllFS(fsys, "sample:pcpu")
	if err != nil {
		t.Fatal(err)
	}
	r, err := analyze.Runs(t.Context(), runs, analyze.Options{Tool: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPyroscope(t *testing.T) {
	result := sampleResult(t)
	profiles, err := Profiles(result)
	if err != nil {
		t.Fatal(err)
	}
	var s server
	c := Pyroscope{URL: s.start(t)}
	taken, err := c.Push(t.Context(), profiles)
	if err != nil || taken != len(result.Runs) || len(s.got) != taken {
		t.Fatalf("Push = %d, %v; the server got %d profiles, want %d", taken, err, len(s.got), len(result.Runs))
	}
	for i, series := range s.got {
		run := result.Runs[i]
		for name, want := range map[string]string{
			"service_name": "xfrmscope", "__name__": "cpu_clock", "event": "cpu-clock",
			"mode": "pcpu", "n": []string{"1", "2", "4"}[i], "kernel": run.Manifest.Host.Kernel,
			"run": run.Name} {
			if series.labels[name] != want {
				t.Errorf("%s: label %s = %q, want %q", run.Name, name, series.labels[name], want)
			}
		}
		p, err := pprof.Parse(bytes.NewReader(series.profiles[0]))
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		for _, s := range p.Sample {
			sum += s.Value[1]
		}
		if want := int64(run.Main().All.Total.Period); sum != want ||
			p.TimeNanos != run.Manifest.Started.UnixNano() {
			t.Errorf("%s: profile sums to %d at %d, want %d at %d",
				run.Name, sum, p.TimeNanos, want, run.Manifest.Started.UnixNano())
		}
	}
}

func TestPyroscopeRefuses(t *testing.T) {
	s := server{refuse: "no such tenant"}
	c := Pyroscope{URL: s.start(t), Header: http.Header{"X-Scope-Orgid": {"a"}}}
	taken, err := c.Push(t.Context(), []Profile{{Run: "pcpu n=1, event cycles"}})
	var refused *Error
	if taken != 0 || !errors.As(err, &refused) || !strings.Contains(err.Error(), "no such tenant") ||
		!strings.Contains(err.Error(), "pcpu n=1") {
		t.Errorf("Push = %d, %v; want an *Error with the server's words", taken, err)
	}
	for _, address := range []string{"", "localhost:4040", "ftp://x", "http://"} {
		if _, err := (&Pyroscope{URL: address}).Push(t.Context(), nil); err == nil {
			t.Errorf("address %q is taken", address)
		}
	}
}

// Hostile labels arrive as they are, or not at all.
func TestLabels(t *testing.T) {
	r := &result.Run{Name: "a\"b\nc\xff", Mode: "</script>", N: 3, Labels: map[string]string{
		"mode": "other", "__name__": "x", "9 lives": "cat", "": "empty name", "empty": ""}}
	got := Labels(r)
	want := []Label{{"lives", "cat"}, {"mode", "</script>"}, {"n", "3"}, {"name__", "x"},
		{"run", "a\"b\nc\uFFFD"}, {"unnamed", "empty name"}}
	if !slices.Equal(got, want) {
		t.Errorf("Labels = %q, want %q", got, want)
	}
}
