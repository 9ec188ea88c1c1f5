package pack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"

	"xfrmscope/collect/bundle"
)

// Bounds of what Open takes.
const (
	maxFiles  = 1 << 18
	maxWindow = 64 << 20 // memory of the decoder

	// A recording is hardly ever compressed to a hundredth: more than this is a
	// trap, not a bundle.
	maxGrowth = 1000
	minLimit  = 64 << 20
)

// A FormatError says why a file is no packed bundle.
type FormatError struct {
	Path string
	Why  string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s is no packed bundle: %s; `xfrmscope pack RUN -o FILE%s` makes one", e.Path, e.Why,
		Extension)
}

// Is reports whether a file begins as one that Write made.
func Is(head []byte) bool { return bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}) }

// Open returns the files of a packed bundle. They are unpacked into one
// temporary file without a name, which goes when the program does: a name in
// the archive leads nowhere else.
func Open(name string) (fs.FS, error) {
	in, err := bundle.OpenRegular(name, 0)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return nil, err
	}
	store, err := os.CreateTemp("", "xfrmscope-packed-")
	if err != nil {
		return nil, fmt.Errorf("unpacking %s: %w", name, err)
	}
	if err := os.Remove(store.Name()); err != nil {
		store.Close()
		return nil, fmt.Errorf("unpacking %s: %w", name, err)
	}
	t, err := unpack(in, store, minLimit+maxGrowth*info.Size())
	if err != nil {
		store.Close()
		var own *os.PathError
		if errors.As(err, &own) { // the temporary file: a full disk
			return nil, fmt.Errorf("unpacking %s: %w; TMPDIR names where", name, err)
		}
		return nil, &FormatError{name, err.Error()}
	}
	return t.root()
}

// unpack copies the files of the archive one after the other into store.
func unpack(in io.Reader, store *os.File, limit int64) (*tree, error) {
	zr, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow),
		zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	defer zr.Close()
	tr, out := tar.NewReader(io.LimitReader(zr, limit)), zip.NewWriter(store)
	files, size := 0, int64(0)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(h.Name, "./"), "/")
		switch {
		case name == "" || name == ".":
			continue
		case !fs.ValidPath(name):
			return nil, fmt.Errorf("it names a file %q outside of it", h.Name)
		case h.Typeflag == tar.TypeDir:
			continue
		case h.Typeflag != tar.TypeReg:
			return nil, fmt.Errorf("%q is a link or a device", h.Name)
		case h.Size > limit-size:
			return nil, fmt.Errorf("%q and what precedes it have more than %d bytes, far more than the "+
				"file's size lets expect", name, limit)
		case files == maxFiles:
			return nil, fmt.Errorf("it has more than %d files", maxFiles)
		}
		w, err := out.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			return nil, err
		}
		n, err := io.Copy(w, tr)
		if err == nil && n != h.Size {
			err = fmt.Errorf("%q has %d bytes of %d", name, n, h.Size)
		}
		if err != nil {
			return nil, err
		}
		files, size = files+1, size+n
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	return newTree(store)
}

// root returns the bundle: the directory that holds its table of contents.
func (t *tree) root() (fs.FS, error) {
	best := ""
	for name := range t.files {
		if base := path.Base(name); base != bundle.SweepFile && base != bundle.ManifestFile {
			continue
		}
		depth, least := strings.Count(name, "/"), strings.Count(best, "/")
		if best == "" || depth < least || depth == least && name < best {
			best = name
		}
	}
	if best == "" {
		t.store.Close()
		return nil, errors.New("the archive holds neither manifest.json nor sweep.json")
	}
	return fs.Sub(t, path.Dir(best))
}
