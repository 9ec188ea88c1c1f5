package push

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	pprof "github.com/google/pprof/profile"
	pushv1 "github.com/grafana/pyroscope/api/gen/proto/go/push/v1"
	"github.com/grafana/pyroscope/api/gen/proto/go/push/v1/pushv1connect"

	"xfrmscope/analyze"
	"xfrmscope/collect/bundle"
	"xfrmscope/samples"
)

// A server is Pyroscope's own generated service, from its published protocol
// buffers, that keeps what it is sent.
type server struct {
	got    []*pushv1.RawProfileSeries
	refuse error
}

func (s *server) Push(_ context.Context, req *connect.Request[pushv1.PushRequest]) (*connect.Response[pushv1.PushResponse], error) {
	if s.refuse != nil {
		return nil, s.refuse
	}
	s.got = append(s.got, req.Msg.Series...)
	return connect.NewResponse(&pushv1.PushResponse{}), nil
}

func (s *server) start(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(pushv1connect.NewPusherServiceHandler(s))
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	return web.URL
}

// sampleResult is the embedded sweep with per-CPU SAs, analysed.
func sampleResult(t *testing.T) *analyze.Result {
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
		labels := map[string]string{}
		for _, l := range series.Labels {
			labels[l.Name] = l.Value
		}
		run := result.Runs[i]
		for name, want := range map[string]string{"service_name": "xfrmscope", "__name__": "cpu_clock", "event": "cpu-clock",
			"mode": "pcpu", "n": []string{"1", "2", "4"}[i], "kernel": run.Manifest.Host.Kernel, "run": run.Name} {
			if labels[name] != want {
				t.Errorf("%s: label %s = %q, want %q", run.Name, name, labels[name], want)
			}
		}
		p, err := pprof.Parse(bytes.NewReader(series.Samples[0].RawProfile))
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		for _, s := range p.Sample {
			sum += s.Value[1]
		}
		if want := int64(run.Main().All.Total.Period); sum != want || p.TimeNanos != run.Manifest.Started.UnixNano() {
			t.Errorf("%s: profile sums to %d at %d, want %d at %d", run.Name, sum, p.TimeNanos, want, run.Manifest.Started.UnixNano())
		}
	}
}

func TestPyroscopeRefuses(t *testing.T) {
	s := server{refuse: connect.NewError(connect.CodeInvalidArgument, errors.New("no such tenant"))}
	c := Pyroscope{URL: s.start(t), Header: http.Header{"X-Scope-Orgid": {"a"}}}
	taken, err := c.Push(t.Context(), []Profile{{Run: "pcpu n=1, event cycles"}})
	var refused *Error
	if taken != 0 || !errors.As(err, &refused) || !strings.Contains(err.Error(), "no such tenant") || !strings.Contains(err.Error(), "pcpu n=1") {
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
	r := &analyze.Run{Name: "a\"b\nc\xff", Mode: "</script>", N: 3, Labels: map[string]string{
		"mode": "other", "__name__": "x", "9 lives": "cat", "": "empty name", "empty": ""}}
	got := Labels(r)
	want := []Label{{"lives", "cat"}, {"mode", "</script>"}, {"n", "3"}, {"name__", "x"}, {"run", "a\"b\nc\uFFFD"}, {"unnamed", "empty name"}}
	if !slices.Equal(got, want) {
		t.Errorf("Labels = %q, want %q", got, want)
	}
}
