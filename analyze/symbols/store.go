package symbols

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Places are where a Store may look; a nil place is not looked in.
type Places struct {
	// Root is the file system the recorded paths are of: os.DirFS("/") if the
	// recording is of this machine.
	Root fs.FS

	// BuildIDs are directories that have files by build id, tried in order:
	//
	//	.build-id/ab/cdef01.../{debug,elf,vdso,kallsyms}  perf's cache ~/.debug (tools/perf/util/build-id.c)
	//	.build-id/ab/cdef01...                            the same, before Linux 4.7
	//	.build-id/ab/cdef01....debug                      debug packages: /usr/lib/debug
	BuildIDs []fs.FS

	// PerfMaps is the directory that just-in-time compilers write perf-PID.map
	// to: os.DirFS("/tmp").
	PerfMaps fs.FS
}

// A Store reads symbol tables from files and keeps each one it has read, by
// build id if there is one. It may be used from several goroutines. The nil
// *Store finds nothing.
type Store struct {
	places Places

	mu      sync.Mutex
	objects map[string]*slot
}

type slot struct {
	once   sync.Once
	object *Object
	err    error
}

// NewStore returns an empty Store over the places.
func NewStore(p Places) *Store {
	return &Store{places: p, objects: map[string]*slot{}}
}

// A NotFoundError says that no file with the symbols of a mapping was found.
type NotFoundError struct {
	File    string // as the recording names it
	BuildID string // as recorded, "" if it was not
	Why     string
}

func (e *NotFoundError) Error() string {
	if e.BuildID == "" {
		return fmt.Sprintf("no symbols of %s: %s", e.File, e.Why)
	}
	return fmt.Sprintf("no symbols of %s (build id %s): %s", e.File, e.BuildID, e.Why)
}

// Object returns the symbols of a program, library or module that a recording
// names by path and, if it could, build id. A file of another build is not
// used: its names would be wrong. Errors are *NotFoundError; the answer for
// one build id does not change while the Store lives.
func (s *Store) Object(file, buildID string) (*Object, error) {
	if s == nil {
		return nil, &NotFoundError{file, buildID, "no places to look in were given"}
	}
	key := buildID
	if key == "" {
		key = "/" + file
	}
	s.mu.Lock()
	e := s.objects[key]
	if e == nil {
		e = &slot{}
		s.objects[key] = e
	}
	s.mu.Unlock()
	e.once.Do(func() { e.object, e.err = s.find(file, buildID) })
	return e.object, e.err
}

// find tries the files in turn until one has a full symbol table, as perf does
// (dso__load, tools/perf/util/symbol.c); the exported names alone are second
// best.
func (s *Store) find(file, buildID string) (*Object, error) {
	var best, image *Object
	why := "no such file in the places searched"
	for _, c := range s.candidates(file, buildID) {
		o, err := c.read()
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid):
			continue
		case err != nil:
			why = fmt.Sprintf("%s: %v", c.name, err)
			continue
		case buildID != "" && o.BuildID != "" && o.BuildID != buildID:
			why = fmt.Sprintf("%s is of another build (%s): it was replaced since the recording", c.name, o.BuildID)
			continue
		}
		if c.image && image == nil {
			image = o
		}
		if best == nil || o.full && !best.full {
			best = o
		}
		if best.full && image != nil {
			break
		}
	}
	switch {
	case best == nil:
		return nil, &NotFoundError{file, buildID, why}
	case image == nil:
		return nil, &NotFoundError{file, buildID, "only its debug information is there, not the file that was loaded"}
	case best == image:
		return best, nil
	}
	// Debug files keep the addresses of the image, not its file offsets.
	return &Object{Table: best.Table, BuildID: image.BuildID, segments: image.segments, full: true}, nil
}

// A candidate is a file that may hold the symbols looked for.
type candidate struct {
	fsys  fs.FS
	name  string
	image bool // the file that was loaded, not its debug information
}

func (s *Store) candidates(file, buildID string) []candidate {
	var cs []candidate
	if len(buildID) > 2 {
		dir := ".build-id/" + buildID[:2] + "/" + buildID[2:]
		for _, f := range s.places.BuildIDs {
			cs = append(cs, candidate{f, dir + "/elf", true}, candidate{f, dir + "/vdso", true}, candidate{f, dir, true},
				candidate{f, dir + "/debug", false}, candidate{f, dir + ".debug", false})
		}
	}
	path := strings.TrimPrefix(strings.TrimSuffix(file, " (deleted)"), "/")
	if r := s.places.Root; r != nil && strings.HasPrefix(file, "/") {
		cs = append(cs, candidate{r, path, true}, candidate{r, "usr/lib/debug/" + path + ".debug", false}, candidate{r, "usr/lib/debug/" + path, false})
	}
	return cs
}

func (c candidate) read() (*Object, error) {
	if !fs.ValidPath(c.name) {
		return nil, fs.ErrInvalid
	}
	f, err := c.fsys.Open(c.name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fs.ErrNotExist // never a device: it may not end
	}
	r, err := readerAt(f)
	if err != nil {
		return nil, err
	}
	return ReadELF(r)
}

// maxModule is the largest compressed module or file without random access
// that is read into memory.
const maxModule = 256 << 20

// readerAt gives random access to a file, unpacking a module that is
// compressed (CONFIG_MODULE_COMPRESS_*: gzip, xz or zstd).
func readerAt(f fs.File) (io.ReaderAt, error) {
	br := bufio.NewReader(f)
	magic, _ := br.Peek(6)
	if ra, ok := f.(io.ReaderAt); ok && bytes.HasPrefix(magic, []byte("\x7fELF")) {
		return ra, nil
	}
	var plain bytes.Buffer
	err := unpack(&plain, br, magic)
	return bytes.NewReader(plain.Bytes()), err
}

func unpack(w *bytes.Buffer, r io.Reader, magic []byte) error {
	switch {
	case bytes.HasPrefix(magic, []byte("\xfd7zXZ\x00")):
		return unxz(w, r, maxModule)
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		zr, err := gzip.NewReader(r)
		if err != nil {
			return err
		}
		return copyAtMost(w, zr, maxModule)
	case bytes.HasPrefix(magic, []byte("\x28\xb5\x2f\xfd")):
		zr, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return err
		}
		defer zr.Close()
		return copyAtMost(w, zr, maxModule)
	}
	return copyAtMost(w, r, maxModule)
}

func copyAtMost(w io.Writer, r io.Reader, limit int64) error {
	n, err := io.Copy(w, io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = ErrTooBig
	}
	return err
}

// Kallsyms returns the kernel symbols perf's cache keeps for a kernel build,
// at the addresses of the boot they were saved in. Errors are *NotFoundError
// and those of ReadKallsyms.
func (s *Store) Kallsyms(buildID string) (*Table, error) {
	none := &NotFoundError{KernelImage, buildID, "no kallsyms of that build in the places searched"}
	if s == nil || len(buildID) <= 2 {
		return nil, none
	}
	for _, f := range s.places.BuildIDs {
		t, err := readWith(f, ".build-id/"+buildID[:2]+"/"+buildID[2:]+"/kallsyms", ReadKallsyms)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
			return t, err
		}
	}
	return nil, none
}

// PerfMap returns the symbols of the code that process pid made at run time.
// Errors are *NotFoundError and those of ReadPerfMap.
func (s *Store) PerfMap(pid int32) (*Table, error) {
	name := fmt.Sprintf("perf-%d.map", pid)
	if s == nil || s.places.PerfMaps == nil {
		return nil, &NotFoundError{name, "", "no places to look in were given"}
	}
	t, err := readWith(s.places.PerfMaps, name, ReadPerfMap)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NotFoundError{name, "", "no such file"}
	}
	return t, err
}

func readWith(fsys fs.FS, name string, read func(io.Reader) (*Table, error)) (*Table, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f)
}
