package pack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"
)

// A tree is the files of an archive as a file system: parts of one file.
type tree struct {
	store *os.File
	files map[string]part
	dirs  map[string][]string // names in each directory
}

// A part is where a file lies in the store.
type part struct{ at, size int64 }

func newTree(store *os.File) *tree {
	return &tree{store, map[string]part{}, map[string][]string{".": nil}}
}

// add adds a file and the directories it lies in.
func (t *tree) add(name string, at, size int64) error {
	if _, ok := t.files[name]; ok {
		return fmt.Errorf("the file %q is there twice", name)
	}
	if _, ok := t.dirs[name]; ok {
		return fmt.Errorf("%q is a file and a directory", name)
	}
	t.files[name] = part{at, size}
	for child := name; child != "."; child = path.Dir(child) {
		dir := path.Dir(child)
		if _, ok := t.files[dir]; ok {
			return fmt.Errorf("%q is a file and a directory", dir)
		}
		_, known := t.dirs[dir]
		t.dirs[dir] = append(t.dirs[dir], path.Base(child))
		if known {
			break
		}
	}
	return nil
}

// Open implements fs.FS.
func (t *tree) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if p, ok := t.files[name]; ok {
		return &file{io.NewSectionReader(t.store, p.at, p.size), entry{path.Base(name), p.size, false}}, nil
	}
	names, ok := t.dirs[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	d := &directory{entry: entry{path.Base(name), 0, true}}
	for _, child := range slices.Sorted(slices.Values(names)) {
		p, isFile := t.files[path.Join(name, child)]
		d.rest = append(d.rest, entry{child, p.size, !isFile})
	}
	return d, nil
}

// A file is read at any place, as os.File is.
type file struct {
	*io.SectionReader
	entry entry
}

func (f *file) Stat() (fs.FileInfo, error) { return f.entry, nil }
func (f *file) Close() error               { return nil }

type directory struct {
	entry entry
	rest  []fs.DirEntry
}

func (d *directory) Stat() (fs.FileInfo, error) { return d.entry, nil }
func (d *directory) Close() error               { return nil }
func (d *directory) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.entry.name, Err: errors.New("is a directory")}
}

func (d *directory) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.rest)
	} else if len(d.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.rest))
	out := d.rest[:n:n]
	d.rest = d.rest[n:]
	return out, nil
}

// An entry is what is known of a file or a directory.
type entry struct {
	name string
	size int64
	dir  bool
}

func (e entry) Name() string               { return e.name }
func (e entry) Size() int64                { return e.size }
func (e entry) IsDir() bool                { return e.dir }
func (e entry) ModTime() time.Time         { return time.Time{} }
func (e entry) Sys() any                   { return nil }
func (e entry) Type() fs.FileMode          { return e.Mode().Type() }
func (e entry) Info() (fs.FileInfo, error) { return e, nil }
func (e entry) Mode() fs.FileMode {
	if e.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}
