package samples

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
)

// An archive is a sweep's directory in a zip file.
type archive struct{ *zip.Reader }

// Open implements fs.FS.
func (a archive) Open(name string) (fs.File, error) {
	f, err := a.Reader.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return f, err
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return file{f, bytes.NewReader(data)}, nil
}

// A file is read at any place, as perf.data has to be.
type file struct {
	fs.File
	data *bytes.Reader
}

func (f file) Read(p []byte) (int, error)             { return f.data.Read(p) }
func (f file) ReadAt(p []byte, at int64) (int, error) { return f.data.ReadAt(p, at) }
