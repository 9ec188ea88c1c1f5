package bundle

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
)

// maxManifest bounds manifest.json and sweep.json; a run of 1,024 CPUs with
// every loss listed stays far below it.
const maxManifest = 16 << 20

// maxLine bounds a line of a .jsonl file.
const maxLine = 1 << 20

// maxRowGrowth is how many times as much memory as a line a row may take: those
// written take less, and an empty one would take a hundred times.
const maxRowGrowth = 8

// A Run is an opened bundle of one run. It is read-only.
type Run struct {
	Manifest
	Path  string // as given by whoever opened it, for messages
	Sweep *Sweep // it was opened as a part of, nil if none

	fsys   fs.FS
	shared fs.FS // of the sweep the run belongs to, nil if none
}

// Open opens the run at the root of fsys; path is used in messages. It returns
// a *NotBundleError if there is none. Artefacts are not read or checked:
// Verify does that.
func Open(fsys fs.FS, path string) (*Run, error) {
	r := &Run{Path: path, fsys: fsys}
	if err := readJSON(fsys, ManifestFile, &r.Manifest); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &NotBundleError{path, "it holds no manifest.json"}
		}
		return nil, fmt.Errorf("%s: reading manifest.json: %w", path, err)
	}
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	LegacyWarnings(r.Warnings)
	return r, nil
}

// OpenAll opens the run or the sweep at path and returns its runs in order.
func OpenAll(path string) ([]*Run, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, &NotBundleError{path, "it does not exist"}
	}
	if !info.IsDir() {
		return nil, &NotBundleError{path, "it is a file"}
	}
	runs, err := OpenAllFS(DirFS(path), path)
	if parent := filepath.Dir(filepath.Clean(path)); err == nil && !isSweep(path) {
		if isSweep(parent) {
			runs[0].shared = DirFS(parent)
		}
	}
	return runs, err
}

func isSweep(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, SweepFile))
	return err == nil
}

// OpenAllFS is OpenAll below a file system.
func OpenAllFS(fsys fs.FS, path string) ([]*Run, error) {
	if _, err := fs.Stat(fsys, SweepFile); err == nil {
		s, err := OpenSweep(fsys, path)
		if err != nil {
			return nil, err
		}
		return s.Runs, nil
	}
	r, err := Open(fsys, path)
	if err != nil {
		var not *NotBundleError
		if errors.As(err, &not) {
			not.Why = "it holds neither manifest.json nor sweep.json"
		}
		return nil, err
	}
	return withHosts(r), nil
}

func readJSON(fsys fs.FS, name string, v any) error {
	data, err := readBounded(fsys, name)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

func readBounded(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxManifest {
		return nil, fmt.Errorf("larger than %d bytes", maxManifest)
	}
	return data, nil
}

// Has reports whether the bundle holds the artefact.
func (r *Run) Has(name string) bool {
	f, err := r.Open(name)
	if err == nil {
		f.Close()
	}
	return err == nil
}

// Open opens an artefact: the run's own, or the one its sweep keeps for all of
// its runs. Of a partial run it also opens one that was still being written
// (name.part), which then may end anywhere.
func (r *Run) Open(name string) (fs.File, error) {
	f, err := r.fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) && r.shared != nil {
		f, err = r.shared.Open(name)
	}
	if errors.Is(err, fs.ErrNotExist) && r.Status == Partial {
		if part, perr := r.fsys.Open(name + partSuffix); perr == nil {
			return part, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Path, err)
	}
	return f, nil
}

// SAs returns the rows of sas.jsonl, none if the run has no such file.
func (r *Run) SAs() ([]SA, error) { return readLines[SA](r, SAsFile) }

// Counters returns the rows of counters.jsonl, none if there is no such file.
func (r *Run) Counters() ([]Counter, error) { return readLines[Counter](r, CountersFile) }

// Locks is what locks.jsonl holds.
type Locks struct {
	Waits           []LockRow
	Accounts        []LockAccount
	Acquires        []AcquireRow
	AcquireAccounts []AcquireAccount
	Stacks          []StackRow
}

// Locks returns the rows and accounts of locks.jsonl.
func (r *Run) Locks() (Locks, error) {
	lines, err := readLines[LockLine](r, LocksFile)
	var l Locks
	for _, line := range lines {
		line.typeNames()
		l.Waits = appendSet(l.Waits, line.Row)
		l.Accounts = appendSet(l.Accounts, line.Account)
		l.Acquires = appendSet(l.Acquires, line.Acquire)
		l.AcquireAccounts = appendSet(l.AcquireAccounts, line.AcquireAccount)
		l.Stacks = appendSet(l.Stacks, line.Stack)
	}
	return l, err
}

// Finds is what finds.jsonl holds.
type Finds struct {
	Rows     []FindRow
	Accounts []FindAccount
	Inbound  []InboundRow
}

// Finds returns the rows and accounts of finds.jsonl.
func (r *Run) Finds() (Finds, error) {
	lines, err := readLines[FindLine](r, FindsFile)
	var f Finds
	for _, line := range lines {
		f.Rows = appendSet(f.Rows, line.Row)
		f.Accounts = appendSet(f.Accounts, line.Account)
		f.Inbound = appendSet(f.Inbound, line.Inbound)
	}
	return f, err
}

func appendSet[T any](rows []T, row *T) []T {
	if row == nil {
		return rows
	}
	return append(rows, *row)
}

// Totals returns the rows of totals.jsonl, none if nothing was counted.
func (r *Run) Totals() ([]Total, error) { return readLines[Total](r, TotalsFile) }

// Policies returns the rows of policies.jsonl.
func (r *Run) Policies() ([]Policy, error) { return readLines[Policy](r, PoliciesFile) }

// Lines returns the rows of lines.jsonl, none if no machine was simulated.
func (r *Run) Lines() ([]Line, error) { return readLines[Line](r, LinesFile) }

// Fields returns the rows of fields.jsonl, none if no machine was simulated.
func (r *Run) Fields() ([]FieldRow, error) { return readLines[FieldRow](r, FieldsFile) }

// Placement returns the facts of placement.jsonl.
func (r *Run) Placement() ([]Fact, error) { return readLines[Fact](r, PlacementFile) }

// Layouts returns the structures of layouts.json, none if there is no such file.
func (r *Run) Layouts() ([]StructLayout, error) {
	layouts, err := readOptional[[]StructLayout](r, LayoutsFile)
	if layouts == nil {
		return nil, err
	}
	return *layouts, nil
}

// Objects returns objects.json, nothing if there is no such file.
func (r *Run) Objects() (Objects, error) {
	o, err := readOptional[Objects](r, ObjectsFile)
	if o == nil {
		return Objects{}, err
	}
	return *o, nil
}

// Traffic returns traffic.json, nil if there is none.
func (r *Run) Traffic() (*Traffic, error) { return readOptional[Traffic](r, TrafficFile) }

// readOptional reads a file of JSON, nil if the run has none. What can't be read is
// a *DamagedError.
func readOptional[T any](r *Run, name string) (*T, error) {
	var v T
	err := readJSON(r.fsys, name, &v)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &DamagedError{path.Join(r.Path, name), err.Error()}
	}
	return &v, nil
}

// readLines decodes JSON lines. What precedes a bad line is returned with a
// *DamagedError that names the line.
func readLines[T any](r *Run, name string) ([]T, error) {
	f, err := r.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var rows []T
	var d decoder
	sc := bufio.NewScanner(f)
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	const chunk = 16 << 10 // bytes read at a time
	sc.Buffer(make([]byte, 0, min(info.Size(), chunk)+1), maxLine)
	line, size := 0, int(reflect.TypeFor[T]().Size())
	for sc.Scan() {
		line++
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		if rows == nil {
			rows = make([]T, 0, expectLines(info.Size(), len(sc.Bytes())))
		}
		if maxRowGrowth*len(sc.Bytes()) < size {
			at := fmt.Sprintf("%s/%s:%d", r.Path, name, line)
			return rows, &DamagedError{at, fmt.Sprintf("%d bytes are no row", len(sc.Bytes()))}
		}
		rows = slices.Grow(rows, 1)[:len(rows)+1] // the new row is zero
		if err := d.decode(sc.Bytes(), &rows[len(rows)-1]); err != nil {
			at := fmt.Sprintf("%s/%s:%d", r.Path, name, line)
			return rows[:len(rows)-1], &DamagedError{at, err.Error()}
		}
	}
	if err := sc.Err(); err != nil {
		return rows, &DamagedError{fmt.Sprintf("%s/%s:%d", r.Path, name, line+1), err.Error()}
	}
	return rows, nil
}

// expectLines guesses how many lines a file has by the length of its first.
func expectLines(size int64, first int) int {
	const most, shortest = 4 << 20, 64 // bytes of the file, which may say any size, and of a line
	n := int(min(size, most)) / max(first, shortest)
	return n + n/4 + 1 // the first may be longer than most
}

// Verify hashes the manifest and every artefact it names and returns a
// *DamagedError for each that differs, joined; nil if all are as they were
// written.
func (r *Run) Verify() error {
	var errs []error
	if err := verifySum(r.fsys, ManifestFile, r.Schema); err != nil {
		errs = append(errs, &DamagedError{r.Path + "/" + ManifestFile, err.Error()})
	}
	for _, want := range r.Files {
		if err := r.verifyFile(want); err != nil {
			errs = append(errs, &DamagedError{r.Path + "/" + want.Name, err.Error()})
		}
	}
	return errors.Join(errs...)
}

func (r *Run) verifyFile(want File) error {
	f, err := r.Open(want.Name)
	if err != nil {
		return err
	}
	defer f.Close()
	got, err := SumOfFile(f)
	switch {
	case err != nil:
		return err
	case got.Size != want.Size:
		return fmt.Errorf("has %d bytes, the manifest says %d", got.Size, want.Size)
	case !strings.EqualFold(got.SHA256, want.SHA256):
		return fmt.Errorf("sha256 is %s, the manifest says %s", got.SHA256, want.SHA256)
	}
	return nil
}

// ErrNotRegular says that a name is a FIFO, a socket or a device: reading it
// may take for ever, or give without end.
var ErrNotRegular = errors.New("it is no regular file")

// OpenRegular opens a file or a directory that somebody else may have made, and
// nothing that could be waited for. With syscall.O_NOFOLLOW a link is refused.
func OpenRegular(path string, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|flags, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// ReadRegular reads a file as a whole that somebody else may have made, if it is
// regular and no larger than limit.
func ReadRegular(name string, limit int64) ([]byte, error) {
	f, err := OpenRegular(name, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1)) // a file of /proc tells no size
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", name, limit)
	}
	return data, err
}

// DirFS is os.DirFS that opens regular files only.
func DirFS(dir string) fs.FS { return dirFS{dir, 0} }

// DirFSWithoutLinks is DirFS that does not follow a link in the place of a file.
func DirFSWithoutLinks(dir string) fs.FS { return dirFS{dir, syscall.O_NOFOLLOW} }

type dirFS struct {
	dir   string
	flags int
}

func (d dirFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	f, err := OpenRegular(filepath.Join(d.dir, filepath.FromSlash(name)), d.flags)
	if err != nil { // and no *os.File that is nil
		return nil, err
	}
	return f, nil
}

// Stat says what Open would open.
func (d dirFS) Stat(name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	return os.Stat(filepath.Join(d.dir, filepath.FromSlash(name)))
}
