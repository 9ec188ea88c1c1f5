package bundle

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

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
