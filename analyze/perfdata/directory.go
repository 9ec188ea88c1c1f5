package perfdata

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
)

// openDirectory opens what `perf record --threads` makes: header, features
// and synthesized records in the file data, the samples of each thread in
// data.0, data.1, ... (tools/perf/util/data.c, 6.1). Each data.N is a stream
// of bare records.
func openDirectory(fsys fs.FS, dir string) (*File, error) {
	f, err := OpenFS(fsys, path.Join(dir, "data"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &FormatError{ErrNotPerfData, 0, "a directory without a file named data",
			"give the file or the directory that perf record -o wrote"}
	}
	if err != nil {
		return nil, err
	}
	f.Meta.Directory = true
	for n := 0; ; n++ {
		file, err := fsys.Open(path.Join(dir, "data."+strconv.Itoa(n)))
		if errors.Is(err, fs.ErrNotExist) {
			return f, nil
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("opening perf.data directory: %w", err)
		}
		f.closers = append(f.closers, file)
		r, size, err := randomAccess(file)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("opening perf.data directory: %w", err)
		}
		f.streams = append(f.streams, &stream{r: r, index: n + 1, end: size, o: f.o, block: blockSize})
	}
}

// randomAccess returns a file for reading at any offset, and its size.
func randomAccess(file fs.File) (io.ReaderAt, int64, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, 0, err
	}
	r, ok := file.(io.ReaderAt)
	if !ok {
		return nil, 0, fmt.Errorf("%s: this file system cannot read at an offset", info.Name())
	}
	return r, info.Size(), nil
}
