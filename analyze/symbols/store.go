package symbols

import (
	"bufio"
	"bytes"
	"cmp"
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
	// recording is of this machine. Debug packages are looked for below its
	// usr/lib/debug.
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
	key = cmp.Or(key, "/"+file)
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

// find reads the file that was loaded and, if that has been stripped of its
// local functions, the debug information kept apart from it.
func (s *Store) find(file, buildID string) (*Object, error) {
	image, why := s.first(images(s.places, file, buildID), buildID, false)
	if image == nil {
		return nil, &NotFoundError{file, buildID, why}
	}
	if image.full {
		return image, nil
	}
	id := cmp.Or(buildID, image.BuildID)
	if debug, _ := s.first(debugFiles(s.places, file, id), id, true); debug != nil {
		// Debug files keep the addresses of the image, not its file offsets.
		return &Object{Table: debug.Table, BuildID: image.BuildID, segments: image.segments, full: true}, nil
	}
	return image, nil
}

// first returns the first of the files that can be read and is of the build,
// and if asked has the local functions too, or why there is none.
func (s *Store) first(cs []candidate, buildID string, full bool) (o *Object, why string) {
	why = "no such file in the places searched"
	for _, c := range cs {
		o, err := c.read()
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid):
		case err != nil:
			why = fmt.Sprintf("%s: %v", c.name, err)
		case buildID != "" && o.BuildID != "" && o.BuildID != buildID:
			why = fmt.Sprintf("%s is of another build (%s): it was replaced since the recording", c.name,
				o.BuildID)
		case o.full || !full:
			return o, ""
		}
	}
	return nil, why
}

// A candidate is a file that may be the one looked for.
type candidate struct {
	fsys fs.FS
	name string
}

// images lists where the file that was loaded may be.
func images(p Places, file, buildID string) []candidate {
	var cs []candidate
	if dir := buildIDPath(buildID); dir != "" {
		for _, f := range p.BuildIDs {
			cs = append(cs, candidate{f, dir + "/elf"}, candidate{f, dir + "/vdso"}, candidate{f, dir})
		}
	}
	if p.Root != nil && strings.HasPrefix(file, "/") {
		cs = append(cs, candidate{p.Root, rootPath(file)})
	}
	return cs
}

// debugFiles lists where its debug information may be.
func debugFiles(p Places, file, buildID string) []candidate {
	var cs []candidate
	dir := buildIDPath(buildID)
	if dir != "" {
		for _, f := range p.BuildIDs {
			cs = append(cs, candidate{f, dir + "/debug"}, candidate{f, dir + ".debug"})
		}
	}
	if p.Root == nil || !strings.HasPrefix(file, "/") {
		return cs
	}
	const debug = "usr/lib/debug/"
	if dir != "" {
		cs = append(cs, candidate{p.Root, debug + dir + ".debug"})
	}
	return append(cs, candidate{p.Root, debug + rootPath(file) + ".debug"},
		candidate{p.Root, debug + rootPath(file)})
}

// buildIDPath returns the path of a build id below a directory of them.
func buildIDPath(id string) string {
	if len(id) <= 2 {
		return ""
	}
	return ".build-id/" + id[:2] + "/" + id[2:]
}

// rootPath returns a recorded path as fs.FS has it.
func rootPath(file string) string {
	return strings.TrimPrefix(strings.TrimSuffix(file, " (deleted)"), "/")
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
	if s == nil || buildIDPath(buildID) == "" {
		return nil, none
	}
	for _, f := range s.places.BuildIDs {
		t, err := readWith(f, buildIDPath(buildID)+"/kallsyms", ReadKallsyms)
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
