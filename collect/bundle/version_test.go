package bundle

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

var update = flag.Bool("update", false, "rewrite testdata of the current schema version")

// A bundle of each schema version is kept: it must open, verify and say what it
// said.
func TestVersions(t *testing.T) {
	if *update {
		current := fmt.Sprintf("testdata/v%d", SchemaVersion)
		if err := os.RemoveAll(current); err != nil {
			t.Fatal(err)
		}
		rewrite(t, "testdata/v1", current)
	}
	for version := 1; version <= SchemaVersion; version++ {
		dir := fmt.Sprintf("testdata/v%d", version)
		s, err := OpenSweep(os.DirFS(dir), dir)
		if err != nil {
			t.Error(err)
			continue
		}
		r := s.Runs[0]
		if err := s.VerifyTable(); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
		if err := r.Verify(); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
		sas, err := r.SAs()
		if err != nil || len(sas) != 7 || sas[6].SPI == 0 {
			t.Errorf("%s: SAs %+v, %v", dir, sas, err)
		}
		counters, err := r.Counters()
		if err != nil || len(counters) == 0 {
			t.Errorf("%s: counters %+v, %v", dir, counters, err)
		}
		locks, err := r.Locks()
		if err != nil || len(locks.Waits)+len(locks.Accounts) == 0 {
			t.Errorf("%s: locks %+v, %v", dir, locks, err)
		}
		if id := locks.Waits[0].ID; version > 2 && id.String() != "x->lock SPI 0x1001 pcpu 0" {
			t.Errorf("%s: lock %+v", dir, id)
		}
		if s.Schema != version || r.Schema != version || r.Plan.Labels["mode"] != "pcpu" ||
			r.Window.Seconds() < 4 || r.Host.Kernel == "" {
			t.Errorf("%s: %+v", dir, r.Manifest)
		}
	}
}

// rewrite copies a sweep as this program writes it.
func rewrite(t *testing.T, from, to string) {
	t.Helper()
	s, err := OpenSweep(os.DirFS(from), from)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range s.Runs {
		w, err := Create(filepath.Join(to, s.Dirs[i]), r.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Files {
			if f.Name == LocksFile {
				rewriteLocks(t, r, w)
				continue
			}
			data, err := fs.ReadFile(r.fsys, f.Name)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.WriteFile(f.Name, data); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Finish(""); err != nil {
			t.Fatal(err)
		}
	}
	s.Scenario, s.Headline, s.Planned = noSum, []string{"packet_rate"}, append(s.Dirs, "pcpu-n2")
	if err := WriteSweep(to, s); err != nil {
		t.Fatal(err)
	}
}

func rewriteLocks(t *testing.T, r *Run, w *Writer) {
	t.Helper()
	lines, err := readLines[LockLine](r, LocksFile)
	if err != nil {
		t.Fatal(err)
	}
	lines[1].Row.ID = LockID{Kind: LockOfSA, Name: "lock", SPI: 0x1001, PCPU: new(int)}
	if err := WriteLines(w, LocksFile, lines); err != nil {
		t.Fatal(err)
	}
}

// One flipped bit anywhere in a sweep is found.
func TestEveryFlippedBit(t *testing.T) {
	dir := fmt.Sprintf("testdata/v%d", SchemaVersion)
	flipped, files := 0, fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := verifyAll(files); err != nil {
		t.Fatal(err)
	}
	for name, f := range files {
		step := 7 // in the end each bit of the byte
		if strings.HasSuffix(name, ".jsonl") {
			step = 97
		}
		for bit := 0; bit < 8*len(f.Data); bit += step {
			f.Data[bit/8] ^= 1 << (bit % 8)
			if verifyAll(files) == nil {
				t.Errorf("%s: bit %d of byte %d (%q) flipped, and nobody noticed", name, bit%8, bit/8,
					f.Data[bit/8])
			}
			f.Data[bit/8] ^= 1 << (bit % 8)
			flipped++
		}
	}
	t.Logf("%d bits flipped", flipped)
}

func verifyAll(fsys fs.FS) error {
	s, err := OpenSweep(fsys, "at")
	if err != nil {
		return err
	}
	if err := s.VerifyTable(); err != nil {
		return err
	}
	return s.Runs[0].Verify()
}
