// Package pack puts a run or a sweep into one file for mail or upload, a tar
// compressed with zstd, and opens such a file as it is: nothing is unpacked
// under a name. Publish makes a copy of a bundle with the names masked that tell
// whose network it was measured on.
package pack

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"xfrmscope/collect/bundle"
)

// Extension is the customary end of a packed bundle's name.
const Extension = ".tar.zst"

// Write packs the run or the sweep in dir. Of a sweep that is its runs and what
// they share; what was set aside stays behind. Equal bundles make equal files.
func Write(w io.Writer, dir string) error {
	names, err := files(dir)
	if err != nil {
		return err
	}
	zw, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(zw)
	for _, name := range names {
		if err := add(tw, filepath.Join(dir, filepath.FromSlash(name)),
			path.Join(filepath.Base(abs), name)); err != nil {
			return fmt.Errorf("packing %s: %w", name, err)
		}
	}
	return errors.Join(tw.Close(), zw.Close())
}

func add(tw *tar.Writer, file, name string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: info.Size(),
		Mode:   int64(bundle.ModeOf(name)),
		Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err = io.CopyN(tw, f, info.Size())
	return err
}

// files returns the files of a bundle, tables of contents first.
func files(dir string) ([]string, error) {
	runs, err := bundle.OpenAll(dir)
	if err != nil {
		return nil, err
	}
	fsys := bundle.DirFS(dir)
	var names []string
	if s, err := bundle.ReadSweep(fsys, dir); err == nil {
		names = append(names, bundle.SweepFile)
		for _, d := range append([]string{bundle.ScenarioFile, bundle.LayoutsFile, bundle.SymbolsDir,
			bundle.LogDir}, s.Dirs...) {
			more, err := below(fsys, d)
			if err != nil {
				return nil, err
			}
			names = append(names, more...)
		}
		return names, nil
	}
	// A run alone takes along what its sweep keeps for it.
	for _, f := range runs[0].Files {
		if _, err := fs.Stat(fsys, f.Name); err != nil {
			return nil, fmt.Errorf("%s is part of a sweep, which keeps %s for it: pack the sweep", dir,
				f.Name)
		}
	}
	return below(fsys, ".")
}

// below returns the regular files at and below a name, but those that were
// still being written.
func below(fsys fs.FS, name string) ([]string, error) {
	var names []string
	err := fs.WalkDir(fsys, name, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && d.Type().IsRegular() && !strings.HasSuffix(name, ".part") {
			names = append(names, name)
		}
		return err
	})
	slices.SortStableFunc(names, func(a, b string) int {
		return boolInt(path.Base(b) == bundle.ManifestFile) - boolInt(path.Base(a) == bundle.ManifestFile)
	})
	return names, err
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
