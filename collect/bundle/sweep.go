package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// A Sweep is a directory of runs that differ in one factor.
type Sweep struct {
	Schema int      `json:"schema"`
	Name   string   `json:"name"`
	Dirs   []string `json:"runs"` // directories of the runs, in order

	Scenario string   `json:"scenario,omitempty"` // hash of the scenario it was made by
	Headline []string `json:"headline,omitempty"` // metric ids named before it was run, see package metric
	// directories of all runs it is to have; those that Dirs lacks were not made yet
	Planned []string `json:"planned,omitempty"`
	// directories of runs that did not end: kept, and part of no result
	Aside []string `json:"aside,omitempty"`

	Sum string `json:"sum,omitempty"` // SHA-256 of the file, see verifySum

	Runs []*Run `json:"-"`
	fsys fs.FS
}

// Missing returns the planned runs that were not made.
func (s *Sweep) Missing() []string {
	return slices.DeleteFunc(slices.Clone(s.Planned), func(dir string) bool { return slices.Contains(s.Dirs, dir) })
}

// OpenSweep opens the sweep at the root of fsys.
func OpenSweep(fsys fs.FS, path string) (*Sweep, error) {
	s, err := ReadSweep(fsys, path)
	if err != nil {
		return nil, err
	}
	runs, errs := make([][]*Run, len(s.Dirs)), make([]error, len(s.Dirs))
	OnAllCores(len(s.Dirs), func(i int) { runs[i], errs[i] = s.open(path, s.Dirs[i]) })
	for i := range runs {
		if errs[i] != nil {
			return nil, errs[i]
		}
		s.Runs = append(s.Runs, runs[i]...)
	}
	if len(s.Runs) == 0 {
		return nil, &NotBundleError{path, "its sweep.json names no run"}
	}
	return s, nil
}

// OnAllCores calls do with 0..n-1, begun in that order, as many at a time as there are
// CPUs.
func OnAllCores(n int, do func(int)) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}

// open opens the run in a directory of the sweep, and its hosts'.
func (s *Sweep) open(path, dir string) ([]*Run, error) {
	sub, err := fs.Sub(s.fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r, err := Open(sub, path+"/"+dir)
	if err != nil {
		return nil, err
	}
	r.shared, r.Sweep = s.fsys, s
	return withHosts(r), nil
}

// ReadSweep reads sweep.json at the root of fsys, and none of the runs.
func ReadSweep(fsys fs.FS, path string) (*Sweep, error) {
	s := Sweep{fsys: fsys}
	if err := readJSON(fsys, SweepFile, &s); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &NotBundleError{path, "it holds no sweep.json"}
		}
		return nil, fmt.Errorf("%s: reading sweep.json: %w", path, err)
	}
	if s.Schema < 1 || s.Schema > SchemaVersion {
		return nil, fmt.Errorf("%s: sweep.json: %w %d; this program reads 1 to %d",
			path, ErrVersion, s.Schema, SchemaVersion)
	}
	for _, dir := range slices.Concat(s.Dirs, s.Planned, s.Aside) {
		if !validName(dir) {
			return nil, fmt.Errorf("%s: sweep.json names the run %q outside the sweep", path, dir)
		}
	}
	return &s, nil
}

// VerifyTable compares sweep.json with its own sum; the runs verify themselves.
func (s *Sweep) VerifyTable() error { return verifySum(s.fsys, SweepFile, s.Schema) }

// WriteSweep writes the sweep's table of contents into dir: all of it or none.
func WriteSweep(dir string, s *Sweep) error {
	s.Schema, s.Sum = SchemaVersion, noSum
	if err := replaceTable(filepath.Join(dir, SweepFile), s); err != nil {
		return fmt.Errorf("writing %s: %w", SweepFile, err)
	}
	return nil
}

// replaceTable writes a table of contents beside its old version and renames.
func replaceTable(name string, v any) error {
	data, err := marshalSummed(v)
	if err != nil {
		return err
	}
	return WriteWhole(name, data)
}

// WriteWhole writes a file, durably: who opens it sees the old one or all of the
// new one.
func WriteWhole(name string, data []byte) error {
	part := name + partSuffix
	defer os.Remove(part) // of no effect once it is renamed
	if err := os.WriteFile(part, data, 0o644); err != nil {
		return err
	}
	if _, err := seal(part); err != nil {
		return err
	}
	if err := os.Rename(part, name); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}
