package bundle

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

func TestCPUSet(t *testing.T) {
	for _, tt := range []struct{ in, want, err string }{
		{"0", "0", ""},
		{"0-3,8", "0-3,8", ""},
		{"8,3,2,1,0", "0-3,8", ""},
		{"1,1-2,2", "1-2", ""},
		{" 4-5\n", "4-5", ""},
		{"8191", "8191", ""},
		{"", "", "no CPU number"},
		{"a", "", `"a" is no CPU number`},
		{"3-1", "", "runs backwards"},
		{"0-4294967295", "", "outside 0..8191"},
		{"-1", "", "no CPU number"},
		{"1,,2", "", "no CPU number"},
	} {
		got, err := ParseCPUSet(tt.in)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("ParseCPUSet(%q) error = %v, want %q in it", tt.in, err, tt.err)
			}
			continue
		}
		if err != nil || got.String() != tt.want {
			t.Errorf("ParseCPUSet(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
}

func FuzzParseCPUSet(f *testing.F) {
	f.Add("0-3,8")
	f.Fuzz(func(t *testing.T, s string) {
		set, err := ParseCPUSet(s)
		if err != nil {
			return
		}
		again, err := ParseCPUSet(set.String())
		if err != nil || !reflect.DeepEqual(set, again) {
			t.Errorf("%q -> %v -> %q -> %v, %v", s, set, set.String(), again, err)
		}
	})
}

// testRun writes a small run and returns its directory.
func testRun(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	w, err := Create(dir, Manifest{Tool: "test", Source: "record", Plan: Plan{CPUs: CPUSet{1, 2}}})
	if err != nil {
		t.Fatal(err)
	}
	pcpu := uint32(3)
	sas := []SA{{Phase: "end", SPI: 0x1001, PCPU: &pcpu, Packets: 7}, {Phase: "end", SPI: 0x1000}}
	if err := WriteLines(w, "sas.jsonl", sas); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteFile("log/load.log", []byte("x\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(""); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRoundTrip(t *testing.T) {
	runs, err := OpenAll(testRun(t))
	if err != nil {
		t.Fatal(err)
	}
	r := runs[0]
	if r.Status != Complete || r.Plan.CPUs.String() != "1-2" || len(r.Files) != 2 {
		t.Errorf("manifest = %+v", r.Manifest)
	}
	sas, err := r.SAs()
	if err != nil || len(sas) != 2 || *sas[0].PCPU != 3 || sas[1].PCPU != nil {
		t.Errorf("SAs = %+v, %v", sas, err)
	}
	if locks, err := r.Locks(); err != nil || locks.Waits != nil {
		t.Errorf("Locks of a run without = %v, %v", locks, err)
	}
	if err := r.Verify(); err != nil {
		t.Errorf("Verify = %v", err)
	}
}

func TestCreateKeepsWhatIsThere(t *testing.T) {
	dir := testRun(t)
	_, err := Create(dir, Manifest{})
	var exists *ExistsError
	if !errors.As(err, &exists) {
		t.Fatalf("Create over a run = %v, want *ExistsError", err)
	}
	if runs, err := OpenAll(dir); err != nil || runs[0].Verify() != nil {
		t.Errorf("the run is damaged: %v", err)
	}
}

// A run killed at any moment opens as partial, with what was complete and with
// what perf was still writing.
func TestKilled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	w, err := Create(dir, Manifest{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteFile("sas.jsonl", nil); err != nil {
		t.Fatal(err)
	}
	part, err := w.PartPath("perf.data")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(part, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	runs, err := OpenAll(dir)
	if err != nil {
		t.Fatal(err)
	}
	if runs[0].Status != Partial || len(runs[0].Files) != 1 {
		t.Errorf("manifest = %+v", runs[0].Manifest)
	}
	f, err := runs[0].Open("perf.data")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if data, _ := io.ReadAll(f); string(data) != "half" {
		t.Errorf("perf.data = %q", data)
	}
}

func TestVerifyFindsAFlippedBit(t *testing.T) {
	dir := testRun(t)
	name := filepath.Join(dir, "log", "load.log")
	if err := os.WriteFile(name, []byte("y\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	runs, err := OpenAll(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = runs[0].Verify()
	var damaged *DamagedError
	if !errors.As(err, &damaged) || !strings.Contains(err.Error(), "load.log: sha256") {
		t.Errorf("Verify = %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"empty", nil, "neither manifest.json nor sweep.json; make a run with `xfrmscope record"},
		{"no json", map[string]string{"manifest.json": "{"}, "reading manifest.json: unexpected end of JSON"},
		{"newer", map[string]string{"manifest.json": `{"schema": 99, "status": "complete"}`},
			"bundle has schema version 99; this program reads up to 3"},
		{"not ours", map[string]string{"manifest.json": `{"name": "web app"}`}, "no schema version"},
		{"status", map[string]string{"manifest.json": `{"schema": 1}`}, `status ""`},
		{"outside", map[string]string{"manifest.json": `{"schema": 1, "status": "complete", "files": [{"name": "../../etc/passwd"}]}`},
			"outside the bundle"},
		{"sweep outside", map[string]string{"sweep.json": `{"schema": 1, "runs": ["../x"]}`},
			"outside the sweep"},
		{"empty sweep", map[string]string{"sweep.json": `{"schema": 1}`}, "names no run"},
		{"sweep of nothing", map[string]string{"sweep.json": `{"schema": 1, "runs": ["n1"]}`},
			"at/n1 is no run"},
	} {
		fsys := fstest.MapFS{}
		for name, text := range tt.files {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
		_, err := OpenAllFS(fsys, "at")
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error = %v, want %q in it", tt.name, err, tt.want)
		}
	}
	for path, want := range map[string]string{"/nowhere": "does not exist", "bundle_test.go": "it is a file"} {
		if _, err := OpenAll(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("OpenAll(%q) = %v, want %q in it", path, err, want)
		}
	}
}

// Runs of one boot have the same kernel symbols: their sweep keeps them once.
func TestSharedFile(t *testing.T) {
	run, sweep := testRun(t), t.TempDir()
	for _, move := range [][2]string{{run, "n1"}, {filepath.Join(sweep, "n1", "log"), "log"}} {
		if err := os.Rename(move[0], filepath.Join(sweep, move[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(sweep, "sweep.json"), []byte(`{"schema": 1, "runs": ["n1"]}`),
		0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{sweep, filepath.Join(sweep, "n1")} {
		runs, err := OpenAll(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := runs[0].Verify(); err != nil || !runs[0].Has("log/load.log") {
			t.Errorf("%s: Verify = %v, want the shared log found", path, err)
		}
	}
}

func TestDamagedLine(t *testing.T) {
	fsys := fstest.MapFS{
		"manifest.json":  {Data: []byte(`{"schema": 1, "status": "partial"}`)},
		"counters.jsonl": {Data: []byte("{\"name\":\"a\",\"value\":1}\n\n{\"name\":\n")},
	}
	r, err := Open(fsys, "at")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := r.Counters()
	if len(rows) != 1 || err == nil || !strings.Contains(err.Error(), "at/counters.jsonl:3") {
		t.Errorf("Counters = %v, %v, want one row and an error at line 3", rows, err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte(`{"schema": 1, "status": "complete", "plan": {"cpus": "0-3"}, "files": [{"name": "perf.data"}]}`),
		[]byte(`{"row": {"cpu": 1}}`))
	f.Fuzz(func(t *testing.T, manifest, lines []byte) {
		fsys := fstest.MapFS{"manifest.json": {Data: manifest}, "locks.jsonl": {Data: lines},
			"sas.jsonl": {Data: lines}, "sweep.json": {Data: manifest}}
		_, _ = OpenAllFS(fsys, "at")
		r, err := Open(fsys, "at")
		if err != nil {
			return
		}
		_, _ = r.Locks()
		_, _ = r.SAs()
		_ = r.Verify()
	})
}

func TestShellLine(t *testing.T) {
	got := ShellLine([]string{"sh", "-c", "a 'b' $c", "it's", "", "{x,y}:S", "a\nb", "ä", "plain-1.2/3", "-C0-3"})
	want := `sh -c 'a '\''b'\'' $c' 'it'\''s' '' '{x,y}:S' $'a\012b' ä plain-1.2/3 -C0-3`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
