package pack

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// A tree is the files of an archive as a file system. They stand in a file without a
// name, as a zip file has them that compresses none: each can be read at any place.
type tree struct {
	*zip.Reader
	store *os.File
	files map[string]*zip.File
}

// newTree opens what was written to the store.
func newTree(store *os.File) (*tree, error) {
	info, err := store.Stat()
	if err != nil {
		return nil, err
	}
	r, err := zip.NewReader(store, info.Size())
	if err != nil {
		return nil, err
	}
	t := &tree{r, store, map[string]*zip.File{}}
	for _, f := range r.File {
		if t.files[f.Name] != nil {
			return nil, fmt.Errorf("the file %q is there twice", f.Name)
		}
		t.files[f.Name] = f
	}
	for name := range t.files {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if t.files[dir] != nil {
				return nil, fmt.Errorf("%q is a file and a directory", dir)
			}
		}
	}
	return t, nil
}

// Open implements fs.FS.
func (t *tree) Open(name string) (fs.File, error) {
	f := t.files[name]
	if f == nil {
		return t.Reader.Open(name) // a directory
	}
	at, err := f.DataOffset()
	if err != nil {
		return nil, err
	}
	return &file{io.NewSectionReader(t.store, at, int64(f.UncompressedSize64)), f.FileInfo()}, nil
}

// A file is read at any place, as os.File is.
type file struct {
	*io.SectionReader
	info fs.FileInfo
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }
