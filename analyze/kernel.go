package analyze

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"

	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
)

// maxKernels is how many symbol tables are kept: the runs of a sweep share one,
// and two sides of a comparison have two.
const maxKernels = 4

// kernels keeps symbol tables by the content of their files: reading one takes
// longer than all else of a small run.
type kernels struct {
	sync.Mutex
	tables []keptKernel // newest last
}

type keptKernel struct {
	file  fs.FileInfo // that it was first read from
	sum   [sha256.Size]byte
	table func() (*symbols.Table, error)
}

// read returns the kernel's symbols of a run: nil without an error if it holds
// none.
func (k *kernels) read(b *bundle.Run) (*symbols.Table, error) {
	f, err := b.Open(bundle.KallsymsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // a nil table says it is absent
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if table := k.ofFile(info); table != nil {
		return table()
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return k.table(info, data)()
}

// ofFile returns the table of a file that was read before, nil if none: the runs
// of a sweep share one.
func (k *kernels) ofFile(info fs.FileInfo) func() (*symbols.Table, error) {
	k.Lock()
	defer k.Unlock()
	for _, t := range k.tables {
		if os.SameFile(t.file, info) && t.file.Size() == info.Size() && t.file.ModTime().Equal(info.ModTime()) {
			return t.table
		}
	}
	return nil
}

// table returns what reads the table once, for all who hold the same data.
func (k *kernels) table(info fs.FileInfo, data []byte) func() (*symbols.Table, error) {
	sum := sha256.Sum256(data)
	k.Lock()
	defer k.Unlock()
	for _, t := range k.tables {
		if t.sum == sum {
			return t.table
		}
	}
	table := sync.OnceValues(func() (*symbols.Table, error) { return symbols.ReadKallsyms(bytes.NewReader(data)) })
	k.tables = append(k.tables, keptKernel{info, sum, table})
	if len(k.tables) > maxKernels {
		k.tables = k.tables[1:]
	}
	return table
}
