package bundle

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
)

const partSuffix = ".part" // of an artefact that is still being written

// A Writer makes a bundle. Every artefact is complete on disk (written,
// synced, renamed) before the manifest names it, so that a bundle opens at
// whatever moment its writer was killed. Its methods may be called from
// several goroutines.
type Writer struct {
	dir string

	mu sync.Mutex
	m  Manifest
}

// Create makes the directory and a manifest with status partial. It returns
// an *ExistsError if dir already holds something.
func Create(dir string, m Manifest) (*Writer, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("creating bundle: %w", err)
	}
	if len(entries) > 0 {
		return nil, &ExistsError{dir}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("creating bundle: %w", err)
	}
	m.Status = Partial
	m.Why = cmp.Or(m.Why, "the run has not ended")
	w := &Writer{dir: dir, m: m}
	return w, w.Update(func(*Manifest) {})
}

// PartPath returns the path another program shall write artefact name to.
// Adopt takes it over when it is complete.
func (w *Writer) PartPath(name string) (string, error) {
	full := filepath.Join(w.dir, filepath.FromSlash(name)) + partSuffix
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return "", fmt.Errorf("writing %s: %w", name, err)
	}
	return full, nil
}

// ModeOf returns the permissions of a file of a bundle or of a pack, less the
// umask. What may tell where the kernel lies, a key, or whose hosts these are, is
// its maker's alone.
func ModeOf(name string) os.FileMode {
	base := path.Base(path.Dir(name))
	if base == SymbolsDir || base == LogDir {
		return 0o600
	}
	switch path.Base(name) {
	case LocksFile, FindsFile, ObjectsFile, PerfDataFile:
		return 0o600
	}
	return 0o644
}

// CreatePart opens the path that PartPath returns.
func (w *Writer) CreatePart(name string) (*os.File, error) {
	part, err := w.PartPath(name)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_RDWR, ModeOf(name))
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", name, err)
	}
	return f, nil
}

// Adopt syncs, hashes and renames an artefact written to PartPath(name) and
// names it in the manifest.
func (w *Writer) Adopt(name string) error {
	part, err := w.PartPath(name)
	if err != nil {
		return err
	}
	file, err := seal(part)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	full := part[:len(part)-len(partSuffix)]
	if err := os.Rename(part, full); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := syncDir(filepath.Dir(full)); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	file.Name = name
	return w.Update(func(m *Manifest) {
		m.Files = slices.DeleteFunc(m.Files, func(f File) bool { return f.Name == name })
		m.Files = append(m.Files, file)
		slices.SortFunc(m.Files, func(a, b File) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	})
}

// seal makes a file durable and returns its size and hash.
func seal(name string) (File, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return File{}, err
	}
	return SumOfFile(f)
}

// SumOfFile is the size and the hash of what r holds.
func SumOfFile(r io.Reader) (File, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	return File{Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// WriteFile writes one artefact. On an error nothing of it is named.
func (w *Writer) WriteFile(name string, data []byte) error {
	part, err := w.PartPath(name)
	if err != nil {
		return err
	}
	if err := os.WriteFile(part, data, ModeOf(name)); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return w.Adopt(name)
}

// CopyFile is WriteFile of what r holds.
func (w *Writer) CopyFile(name string, r io.Reader) error {
	f, err := w.CreatePart(name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return w.Adopt(name)
}

// WriteLines writes rows as JSON lines.
func WriteLines[T any](w *Writer, name string, rows []T) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, row := range rows {
		if err := enc.Encode(row); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return w.WriteFile(name, b.Bytes())
}

// WriteJSON writes one value as an indented JSON file.
func (w *Writer) WriteJSON(name string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return w.WriteFile(name, append(data, '\n'))
}

// Update changes the manifest and writes it.
func (w *Writer) Update(change func(*Manifest)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.m)
	w.m.Schema, w.m.Sum = SchemaVersion, noSum
	if err := replaceTable(filepath.Join(w.dir, ManifestFile), &w.m); err != nil {
		return fmt.Errorf("writing manifest: %w", err)
	}
	return nil
}

// Finish writes the last manifest: complete if why is "", else partial.
func (w *Writer) Finish(why string) error {
	return w.Update(func(m *Manifest) {
		m.Status, m.Why = Complete, ""
		if why != "" {
			m.Status, m.Why = Partial, why
		}
	})
}

// Reopen returns a writer for a run that has ended, to add what came after it.
// Its status stays.
func Reopen(dir string) (*Writer, error) {
	run, err := Open(DirFS(dir), dir)
	if err != nil {
		return nil, err
	}
	return &Writer{dir: dir, m: run.Manifest}, nil
}

// Amend changes the manifest of a run that has ended. No artefact is touched.
func Amend(dir string, change func(*Manifest)) error {
	w, err := Reopen(dir)
	if err != nil {
		return err
	}
	return w.Update(change)
}

// validName reports whether a name of a manifest stays below the bundle.
func validName(name string) bool {
	return name != "" && path.Clean(name) == name && !path.IsAbs(name) &&
		name != ".." && len(name) < 4096 && (len(name) < 3 || name[:3] != "../")
}

// Rename moves a directory of a bundle, durably; what the new name holds must
// not exist.
func Rename(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return &ExistsError{to}
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Dir(from)), syncDir(filepath.Dir(to)))
}

// Share keeps what a run has in common with others once, beside the runs: the
// first run's files become those of the sweep, and a later run's that are equal
// to them go. A run's own file wins, so that runs of another boot have theirs.
func Share(sweep, part string) error {
	b, err := Open(DirFS(part), part)
	if err != nil {
		return err
	}
	for _, name := range SharedFiles() {
		i := slices.IndexFunc(b.Files, func(f File) bool { return f.Name == name })
		if i < 0 {
			continue
		}
		own, shared := filepath.Join(part, name), filepath.Join(sweep, name)
		if err := os.MkdirAll(filepath.Dir(shared), 0o755); err != nil {
			return err
		}
		err := os.Link(own, shared)
		if err != nil && !errors.Is(err, os.ErrExist) {
			continue // a file system without links: the run keeps its file
		}
		if same, err := sameFile(shared, b.Files[i]); err != nil || !same {
			continue
		}
		if err := os.Remove(own); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		_ = os.Remove(filepath.Dir(own)) // if it was the last
	}
	return nil
}

// sameFile reports whether a file is the one a manifest describes.
func sameFile(name string, want File) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	got, err := SumOfFile(f)
	return got.Size == want.Size && got.SHA256 == want.SHA256, err
}
