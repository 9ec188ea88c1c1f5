package push

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	otlp "go.opentelemetry.io/proto/slim/otlp/profiles/v1development"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"xfrmscope/analyze/result"
)

// A request is what a collector prints of one: OTLP JSON, in which 64-bit numbers are
// texts and what is 0 is left out.
type request struct {
	ResourceProfiles []struct {
		Resource      struct{ Attributes []keyValue }
		ScopeProfiles []struct {
			Profiles []struct {
				SampleType   struct{ TypeStrindex, UnitStrindex int }
				TimeUnixNano string
				Samples      []struct {
					StackIndex       int
					AttributeIndices []int
					Values           []string
				}
			}
		}
	}
	Dictionary struct {
		StringTable   []string
		FunctionTable []struct{ NameStrindex int }
		LocationTable []struct {
			MappingIndex int
			Lines        []struct{ FunctionIndex int }
		}
		MappingTable   []struct{ FilenameStrindex int }
		StackTable     []struct{ LocationIndices []int }
		AttributeTable []struct {
			KeyStrindex int
			Value       anyValue
		}
	}
}

// A keyValue of the resource has its texts in the dictionary, too: the collector moves
// them there.
type keyValue struct {
	KeyStrindex int
	Value       struct{ StringValueStrindex int }
}

type anyValue struct{ StringValue, IntValue string }

// A collector of OpenTelemetry's own modules takes what is sent, and has of it the
// sums, the leaf functions, the stages and the CPUs that the samples have here.
func TestOTLPCollector(t *testing.T) {
	if os.Getenv("XFRMSCOPE_LONG") == "" {
		t.Skip("fetches and builds a collector: make long-test")
	}
	address, lines := startCollector(t)
	r := sampleResult(t)
	c := OTLP{URL: "http://" + address}
	taken, all, err := c.Push(t.Context(), r)
	if err != nil || taken != len(r.Runs) || all != taken {
		t.Fatalf("Push = %d of %d, %v; want %d", taken, all, err, len(r.Runs))
	}
	for _, run := range r.Runs {
		var got request
		if err := json.Unmarshal(<-lines, &got); err != nil {
			t.Fatal(err)
		}
		checkRequest(t, run, &got)
	}
}

func checkRequest(t *testing.T, run *result.Run, got *request) {
	t.Helper()
	d, p := &got.Dictionary, &got.ResourceProfiles[0]
	attributes := map[string]string{}
	for _, a := range p.Resource.Attributes {
		attributes[d.StringTable[a.KeyStrindex]] = d.StringTable[a.Value.StringValueStrindex]
	}
	for key, want := range map[string]string{"service.name": "xfrmscope", "os.version": run.Manifest.Host.Kernel,
		"xfrmscope.mode": "pcpu", "xfrmscope.run": run.Name, "xfrmscope.n": strconv.Itoa(run.N)} {
		if attributes[key] != want {
			t.Errorf("%s: no attribute %s=%s in %v", run.Name, key, want, attributes)
		}
	}
	weights, counts := p.ScopeProfiles[0].Profiles[0], p.ScopeProfiles[0].Profiles[1]
	name, unit := d.StringTable[weights.SampleType.TypeStrindex], d.StringTable[weights.SampleType.UnitStrindex]
	if name != "cpu-clock" || unit != "nanoseconds" ||
		weights.TimeUnixNano != fmt.Sprint(run.Manifest.Started.UnixNano()) {
		t.Errorf("%s: %s in %s at %s", run.Name, name, unit, weights.TimeUnixNano)
	}
	byFunction, byStage, byCPU := map[string]float64{}, map[string]float64{}, map[string]float64{}
	samples := 0.0
	for i, s := range weights.Samples {
		weight, count := number(t, s.Values), number(t, counts.Samples[i].Values)
		samples += count
		for _, at := range s.AttributeIndices {
			switch a := d.AttributeTable[at]; d.StringTable[a.KeyStrindex] {
			case "xfrmscope.stage":
				byStage[a.Value.StringValue] += weight
			case "cpu.logical_number":
				byCPU[a.Value.IntValue] += weight
			}
		}
		leaf := d.LocationTable[d.StackTable[s.StackIndex].LocationIndices[0]]
		byFunction[d.StringTable[d.FunctionTable[leaf.Lines[0].FunctionIndex].NameStrindex]] += weight
		if file := d.StringTable[d.MappingTable[leaf.MappingIndex].FilenameStrindex]; file == "" {
			t.Errorf("%s: a leaf in no file", run.Name)
		}
	}
	e := run.Main()
	if samples != float64(e.All.Total.Samples) {
		t.Errorf("%s: %v samples, want %d", run.Name, samples, e.All.Total.Samples)
	}
	for _, c := range e.CPUs {
		if got := byCPU[strconv.Itoa(c.CPU)]; got != c.Total.Period {
			t.Errorf("%s: CPU %d has %v, want %v", run.Name, c.CPU, got, c.Total.Period)
		}
	}
	for _, f := range e.All.Functions {
		if byFunction[f.Name] != f.Weight.Period {
			t.Errorf("%s: %s has %v, want %v", run.Name, f.Name, byFunction[f.Name], f.Weight.Period)
		}
	}
	for _, s := range e.All.Stages {
		if byStage[s.Name] != s.Weight.Period {
			t.Errorf("%s: stage %s has %v, want %v", run.Name, s.Name, byStage[s.Name], s.Weight.Period)
		}
	}
}

func number(t *testing.T, values []string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(values[0], 64)
	if err != nil || len(values) != 1 {
		t.Fatal(values, err)
	}
	return v
}

// startCollector builds the collector of testdata/collector and starts it.
// What it prints of a request, it prints before it answers.
func startCollector(t *testing.T) (address string, lines <-chan []byte) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "collector")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = "testdata/collector"
	if text, err := build.CombinedOutput(); err != nil {
		t.Skipf("no modules of a collector: %v: %.400s", err, text)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = free.Addr().String()
	free.Close()
	cmd := exec.Command(program, address)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	read := bufio.NewReader(out)
	if line, err := read.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the collector said %q, %v", line, err)
	}
	printed := make(chan []byte, 100)
	go func() {
		defer close(printed)
		for {
			line, err := read.ReadBytes('\n')
			if err != nil {
				return
			}
			printed <- line
		}
	}()
	return address, printed
}

// A server that refuses, wholly or in part, is an *Error with its words; names of
// others arrive as UTF-8.
func TestOTLPRefuses(t *testing.T) {
	partial := protowire.AppendVarint([]byte{1 << 3}, 2)
	partial = field(nil, 1, field(partial, 2, []byte("too many attributes")))
	status, answer := http.StatusBadRequest, []byte("no such tenant")
	var bodies [][]byte
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != otlpPath || r.Header.Get("X-Tenant") != "a" {
			t.Errorf("%s %v: %v", r.URL, r.Header, err)
		}
		bodies = append(bodies, body)
		w.WriteHeader(status)
		w.Write(answer)
	}))
	defer web.Close()
	r := sampleResult(t)
	r.Runs[0].Name = "a\xff"
	c := OTLP{URL: web.URL, Header: http.Header{"X-Tenant": {"a"}}}
	for _, want := range []string{"no such tenant", "too many attributes"} {
		taken, all, err := c.Push(t.Context(), r)
		var refused *Error
		if taken != 0 || all != len(r.Runs) || !errors.As(err, &refused) ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("Push = %d of %d, %v; want an *Error with the server's words", taken, all, err)
		}
		status, answer = http.StatusOK, partial
	}
	if err := proto.Unmarshal(bodies[0], new(otlp.ProfilesData)); err != nil || len(bodies) != 2 {
		t.Errorf("%d requests: %v", len(bodies), err)
	}
	for _, bad := range []string{"", "\x0a", "\x0a\xff", "\x08", "\xff\xff"} {
		if why, refused := rejected([]byte(bad)); refused || why != "" {
			t.Errorf("%q: %q", bad, why)
		}
	}
}
