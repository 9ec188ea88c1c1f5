package scenario

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"xfrmscope/collect/procfs"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// fourCPUs is two L3 caches of two cores, each core with two threads: 0 1 | 2 3,
// siblings 4 5 | 6 7.
func eightCPUs() Machine {
	var m Machine
	for n := range 8 {
		m.CPUs = append(m.CPUs, CPU{Number: n, L3: n % 4 / 2 * 2, Thread: n / 4})
	}
	return m
}

func defaults() Defaults {
	return Defaults{Events: []string{"cycles"}, FrequencyHz: 999, Probes: []string{"wait"}}
}

const minimal = "apiVersion: xfrmscope/v1\nname: test\ncpus: {counts: 1..2}\n"

func resolve(t *testing.T, text string, set ...string) *Scenario {
	t.Helper()
	s, err := Parse([]byte(text), "test.yaml", set)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(eightCPUs(), defaults())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMistakes(t *testing.T) {
	var modes strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&modes, "{name: a%d}, ", i)
	}
	for _, tt := range []struct{ text, want string }{
		{"", "test.yaml: is empty"},
		{"a: b: c", "test.yaml:1: mapping values are not allowed"},
		{minimal + "modes:\n  - {name: a, setup: echo {run}}\nrepeats: 1",
			"test.yaml:5: did not find expected"},
		{minimal + "x: [a\ny: b", "test.yaml:4: did not find expected"},
		{minimal + "x: 'a", "found unexpected end of stream"},
		{"name: x", `test.yaml:1: apiVersion is ""`},
		{"apiVersion: xfrmscope/v9\nname: x",
			`test.yaml:1: apiVersion is "xfrmscope/v9", and this program reads xfrmscope/v1`},
		{minimal + "warmup: 2s", `test.yaml:4: there is no key "warmup" here; did you mean warm_up?`},
		{minimal + "modes:\n- name: a\n  setpu: x",
			`test.yaml:6: there is no key "setpu" here; did you mean setup?`},
		{minimal + "load: {command: x, elephants: 1}",
			`test.yaml:4: there is no key "elephants" here; there are command, cpus`},
		{minimal + "load: x", "test.yaml:4: want keys here (command, cpus)"},
		{minimal + "load: {command: ' '}", "test.yaml:4: the load has no command"},
		{minimal + "load: {command: x, cpus: a}", `test.yaml:4: CPU list "a"`},
		{minimal + "window: 5 bananas", "test.yaml:4: cannot unmarshal"},
		{minimal + "window: -5s", "test.yaml:4: -5s is not within"},
		{minimal + "repeats: 0x7fffffff", "test.yaml:4: 2147483647 repeats"},
		{minimal + "repeats: 1000\nmodes: [{name: a}, {name: b, repeats: 900}, {name: c}, {name: d}, {name: " +
			"e}, {name: f}]", "test.yaml:4: 11800 runs are more"},
		{minimal + "modes: [" + modes.String() + "{name: b}]", "runs are more"}, // each five times
		{minimal + "repeats: 2\nrepeats: 3", "test.yaml:5: mapping key \"repeats\" already defined at line 4"},
		{minimal + "order: random", `test.yaml:4: order is "random"; it is one of interleaved, grouped`},
		{minimal + "modes: [{name: ../x}]", `test.yaml:4: "../x" is no name for a directory`},
		{minimal + "modes:\n- {name: a}\n- {name: a}", `test.yaml:6: "a" is there twice`},
		{minimal + "modes:\n- {name: plain}\nceiling: {setup: x}", `test.yaml:5: "plain" is there twice`},
		{minimal + "modes: [{name: a, teardown: x}]", "test.yaml:4: there is a tear-down without a set-up"},
		{minimal + "ceiling: {name: fast}", "test.yaml:4: the ceiling is named plain or no-ipsec"},
		{minimal + "packets: {from: file}", "test.yaml:4: packets from a file need file"},
		{minimal + "packets: {from: trex}", "test.yaml:4: packets from trex need either"},
		{minimal + "packets: {from: trex, file: x}", "test.yaml:4: trex leaves a result when it ends"},
		{minimal + "packets: {file: x}", "test.yaml:4: the SAs' counters are read without"},
		{minimal + "labels: {mode: x}", "test.yaml:4: the label mode is the sweep's own"},
		{minimal + "probes: [none, wait]", "test.yaml:4: none and others"},
		{minimal + "steady: {within: 5s, tolerance: 5}", "test.yaml:4: a tolerance of 5"},
		{minimal + "x: &a 1", `test.yaml:4: there is no key "x"`},
		{minimal + "name: &a 1\nlabels: {b: *a}", "test.yaml:4: anchors and aliases are not read"},
		{"apiVersion: xfrmscope/v1\nname: x\ncpus: {}", "test.yaml:3: no set of CPUs is named"},
		{"apiVersion: xfrmscope/v1\nname: x\ncpus: {counts: 3..1}", `test.yaml:3: "3..1" runs backwards`},
		{"apiVersion: xfrmscope/v1\nname: x\ncpus:\n  counts: [1, 1]",
			"test.yaml:4: 1 CPUs cannot be measured, or are there twice"},
		{"apiVersion: xfrmscope/v1\nname: x\ncpus: {counts: 1..4, from: 0-2}",
			"test.yaml:3: 4 CPUs are more than the 3 of from: 0-2"},
		{"apiVersion: xfrmscope/v1\nname: x\ncpus: {sets: [0-1, 0-1]}",
			`test.yaml:3: the set "0-1" is empty or there twice`},
		{"apiVersion: xfrmscope/v1\nname: x\ncpus: {sets: [0-1], counts: 1}",
			"test.yaml:3: sets and counts are both given"},
	} {
		_, err := Parse([]byte(tt.text), "test.yaml", nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q\nerror = %v\nwant %q in it", tt.text, err, tt.want)
		}
	}
	s, err := Parse([]byte("apiVersion: xfrmscope/v1\nname: x\ncpus: {counts: 9}"), "test.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Resolve(eightCPUs(), defaults()); err == nil ||
		!strings.Contains(err.Error(), "9 CPUs are asked for, and there are 8: 0-7") {
		t.Errorf("Resolve = %v", err)
	}
}

func TestSet(t *testing.T) {
	const text = minimal + "modes:\n- name: a\n- name: b\n"
	s := resolve(t, text, "window=5s", "load.command=flows {n}", "modes.b.setup=up: x", "modes.0.repeats=7",
		"cpus.counts=[1, 4]", "labels.who=me")
	if s.Window.Seconds() != 5 || s.Load.Command != "flows {n}" || s.Modes[0].Repeats != 7 ||
		s.Labels["who"] != "me" || len(s.CPUs.Sets) != 2 || len(s.CPUs.Sets[1]) != 4 {
		t.Errorf("got %+v", s)
	}
	for assignment, want := range map[string]string{
		"window":        "want KEY=VALUE",
		"windw=5s":      `test.yaml: there is no key "windw" here; did you mean window?`,
		"modes.c.x=1":   `the list has no element "c"`,
		"window.x=1":    "nothing below it",
		"window=[":      "is no YAML",
		"repeats=-1":    "test.yaml: -1 repeats",
		"modes.a.name=": `"" is no name for a directory`,
	} {
		if assignment == "window.x=1" {
			_, err := Parse([]byte(text+"window: 5s\n"), "test.yaml", []string{assignment})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("--set %s: %v", assignment, err)
			}
			continue
		}
		if _, err := Parse([]byte(text), "test.yaml", []string{assignment}); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("--set %s: error %v, want %q in it", assignment, err, want)
		}
	}
}

func TestCPUOrder(t *testing.T) {
	for _, tt := range []struct{ cpus, want string }{
		{"{counts: [1, 3, 8]}", "0 0-2 0-7"},
		{"{counts: [1, 2, 3, 5], order: l3}", "0 0-1 0-2 0-4"},
		{"{counts: [1, 2, 3, 5], order: spread}", "0 0,2 0-2 0-4"},
		{"{counts: 2, from: '2-6', order: l3}", "2-3"},
		{"{counts: 3, from: '1-4', order: spread}", "1-3"},
		{"{sets: [3, '1,5', 0-7]}", "3 1,5 0-7"},
	} {
		s := resolve(t, "apiVersion: xfrmscope/v1\nname: test\ncpus: "+tt.cpus)
		var got []string
		for _, set := range s.CPUs.Sets {
			got = append(got, set.String())
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %s, want %s", tt.cpus, strings.Join(got, " "), tt.want)
		}
	}
}

func TestReadMachine(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		name = root + "/sys/devices/system/cpu/" + name
		if err := os.MkdirAll(name[:strings.LastIndex(name, "/")], 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("online", "0-1,3")
	write("cpu1/cache/index0/level", "1")
	write("cpu1/cache/index3/level", "3")
	write("cpu1/cache/index3/shared_cpu_list", "0-1")
	write("cpu1/topology/thread_siblings_list", "0-1")
	m, err := ReadMachine(procfs.Root(root))
	want := Machine{[]CPU{{0, 0, 0}, {1, 0, 1}, {3, 3, 0}}}
	if err != nil || !reflect.DeepEqual(m, want) {
		t.Errorf("got %+v, %v, want %+v", m, err, want)
	}
}

// full uses every key.
func full(t *testing.T) *Scenario {
	text, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return resolve(t, string(text))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs (%v); got\n%s", name, err, got)
	}
}

// wantHash is what sha256sum(1) says of testdata/full.resolved.yaml.
const wantHash = "9faac692ea2a45da00762e5b5205a0a773a5904b9237448ea33820ab374de64f"

// The resolved text is the canonical form: should a library ever write it
// otherwise, hashes change, and this test says so.
func TestCanonical(t *testing.T) {
	s := full(t)
	text, err := s.Text()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/full.resolved.yaml", text)
	again := resolve(t, string(text))
	if text2, err := again.Text(); err != nil || string(text2) != string(text) {
		t.Errorf("resolved again:\n%s%v", text2, err)
	}
	if !reflect.DeepEqual(s, again) {
		t.Errorf("resolved again\n%+v\nwas\n%+v", again, s)
	}
	if hash := Hash(text); hash != wantHash {
		t.Errorf("hash %s, want %s (sha256sum testdata/full.resolved.yaml)", hash, wantHash)
	}
}

func TestRuns(t *testing.T) {
	var got []string
	for _, r := range full(t).Runs("hash") {
		got = append(got, r.Dir)
		if r.Plan.Scenario != "hash" || !r.Plan.Lines || r.Plan.Labels["mode"] != r.Mode ||
			r.Plan.Labels["side"] != r.Side {
			t.Errorf("plan %+v", r.Plan)
		}
	}
	const want = "before-shared-n1-r1 after-shared-n1-r1 before-pcpu-n1-r1 after-pcpu-n1-r1 before-plain-n1-r1 " +
		"after-plain-n1-r1 " +
		"after-plain-n3-r1 before-plain-n3-r1 after-pcpu-n3-r1 before-pcpu-n3-r1 after-shared-n3-r1 " +
		"before-shared-n3-r1 " +
		"before-shared-n3-r2 after-shared-n3-r2 before-pcpu-n3-r2 after-pcpu-n3-r2 " +
		"after-pcpu-n1-r2 before-pcpu-n1-r2 after-shared-n1-r2 before-shared-n1-r2"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	r := full(t).Runs("")[2]
	if r.String() != "before pcpu n=1 #1" ||
		strings.Join(r.Setup, "|") != "install before|pcpu up 1 ${n} {print}" ||
		strings.Join(r.Teardown, "|") != "|pcpu down" ||
		r.Plan.Load.Argv[2] != "flows 1 on 0 (0) for before-pcpu-n1-r1 #1\n" ||
		r.Plan.Load.CPUs.String() != "0,7" {
		t.Errorf("got %+v %+v", r, r.Plan.Load)
	}
	if r := full(t).Runs("")[4]; r.Result.Command != "cat /proc/net/pktgen/before-1" ||
		r.Result.From != FromPktgen {
		t.Errorf("ceiling's result %+v", r.Result)
	}
	grouped := resolve(t, minimal+"order: grouped\nrepeats: 2\nmodes: [{name: a}, {name: b}]")
	got = nil
	for _, r := range grouped.Runs("") {
		got = append(got, r.Dir)
	}
	if s := strings.Join(got, " "); s != "a-n1-r1 a-n1-r2 a-n2-r1 a-n2-r2 b-n1-r1 b-n1-r2 b-n2-r1 b-n2-r2" {
		t.Errorf("grouped: %s", s)
	}
	same := resolve(t, "apiVersion: xfrmscope/v1\nname: x\ncpus: {sets: ['0,1', '0,4']}\nrepeats: 1").Runs("")
	if same[0].Dir != "all-n2-c0-1-r1" || same[1].Dir != "all-n2-c0_4-r1" {
		t.Errorf("sets of one size: %s, %s", same[0].Dir, same[1].Dir)
	}
}

// Balance: at each N no mode comes first more often than another.
func TestInterleaved(t *testing.T) {
	s := resolve(t,
		"apiVersion: xfrmscope/v1\nname: x\ncpus: {counts: 1..4}\nrepeats: 6\nmodes: [{name: a}, {name: b}]")
	first := map[int]int{}
	runs := s.Runs("")
	for i := 0; i < len(runs); i += 2 {
		if runs[i].N != runs[i+1].N || runs[i].Mode == runs[i+1].Mode {
			t.Errorf("runs %d: %s then %s", i, &runs[i], &runs[i+1])
		}
		if runs[i].Mode == "a" {
			first[runs[i].N]++
		}
	}
	for n, k := range first {
		if k != 3 {
			t.Errorf("n=%d: a comes first in %d of 6", n, k)
		}
	}
}

func TestSchema(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/schema.json", text)
	var schema struct {
		Properties map[string]struct{ Description string }
	}
	if err := json.Unmarshal(text, &schema); err != nil ||
		len(schema.Properties) != reflect.TypeFor[Scenario]().NumField() {
		t.Errorf("%d keys, %v", len(schema.Properties), err)
	}
	for key, p := range schema.Properties {
		if p.Description == "" {
			t.Errorf("%s has no description", key)
		}
	}
}

func FuzzParse(f *testing.F) {
	text, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text, "window=5s")
	f.Add([]byte(minimal), "modes.a.setup=x")
	f.Fuzz(func(t *testing.T, text []byte, set string) {
		s, err := Parse(text, "fuzz", []string{set})
		if err != nil {
			if _, ok := err.(*Error); !ok {
				t.Errorf("error %T %v", err, err)
			}
			return
		}
		r, err := s.Resolve(eightCPUs(), defaults())
		if err != nil {
			return
		}
		canonical, err := r.Text()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(canonical, "canonical", nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, canonical)
		}
		if again, err = again.Resolve(eightCPUs(), defaults()); err != nil {
			t.Fatal(err)
		}
		if text, _ := again.Text(); !bytes.Equal(text, canonical) {
			t.Errorf("resolves to\n%s then to\n%s", canonical, text)
		}
		dirs := map[string]bool{}
		for _, run := range r.Runs("") {
			if dirs[run.Dir] {
				t.Errorf("%s is there twice", run.Dir)
			}
			dirs[run.Dir] = true
		}
	})
}
