package perfdata

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// openDirectory opens what `perf record --threads` makes: header, features
// and synthesized records in the file data, the samples of each thread in
// data.0, data.1, ... (tools/perf/util/data.c, 6.1). Each data.N is a stream
// of bare records.
func openDirectory(dir string) (*File, error) {
	f, err := OpenPath(filepath.Join(dir, "data"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &FormatError{ErrNotPerfData, 0, dir + " is a directory without a file named data",
			"give the file or the directory that perf record -o wrote"}
	}
	if err != nil {
		return nil, err
	}
	f.Meta.Directory = true
	for n := 0; ; n++ {
		file, err := os.Open(filepath.Join(dir, "data."+strconv.Itoa(n)))
		if errors.Is(err, fs.ErrNotExist) {
			return f, nil
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("opening perf.data directory: %w", err)
		}
		f.closers = append(f.closers, file)
		info, err := file.Stat()
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("opening perf.data directory: %w", err)
		}
		f.streams = append(f.streams, &stream{r: file, index: n + 1, end: info.Size(), o: f.o, block: blockSize})
	}
}
