package perfdata

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
)

// OpenFS opens the recording of that name below a file system: a file, or the directory that `perf record --threads`
// makes. The files must be able to read at an offset, as those of os.DirFS and embed.FS are; Close closes them.
func OpenFS(fsys fs.FS, name string) (*File, error) {
	if info, err := fs.Stat(fsys, name); err != nil || info.IsDir() {
		if err != nil {
			return nil, err
		}
		return openDirectory(fsys, name)
	}
	r, size, file, err := openPart(fsys, name)
	if err != nil {
		return nil, err
	}
	f, err := Open(r, size)
	if err != nil {
		file.Close()
		return nil, err
	}
	f.closers = append(f.closers, file)
	return f, nil
}

// openDirectory opens what `perf record --threads` makes: header, features and synthesized records in the file data,
// the samples of each thread in data.0, data.1, ... (tools/perf/util/data.c, 6.1). Each data.N is a stream of bare
// records.
func openDirectory(fsys fs.FS, dir string) (*File, error) {
	f, err := OpenFS(fsys, path.Join(dir, "data"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &FormatError{errNotPerfData, 0, "a directory without a file named data",
			"give the file or the directory that perf record -o wrote"}
	}
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		r, size, file, err := openPart(fsys, path.Join(dir, "data."+strconv.Itoa(n)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return f, nil
		case err != nil:
			f.Close()
			return nil, fmt.Errorf("opening perf.data directory: %w", err)
		}
		f.closers = append(f.closers, file)
		f.streams = append(f.streams, &stream{r: r, index: n + 1, end: size, o: f.o, block: blockSize})
	}
}

// openPart opens a file for reading at any offset.
func openPart(fsys fs.FS, name string) (io.ReaderAt, int64, io.Closer, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, 0, nil, err
	}
	info, err := file.Stat()
	r, ok := file.(io.ReaderAt)
	if err == nil && (!ok || !info.Mode().IsRegular()) {
		err = fmt.Errorf("%s cannot be read at an offset: save it to a file first", info.Name())
	}
	if err != nil {
		file.Close()
		return nil, 0, nil, err
	}
	return r, info.Size(), file, nil
}
