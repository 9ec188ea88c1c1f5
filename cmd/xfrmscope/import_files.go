package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"

	"xfrmscope/analyze/importer"
	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
)

// importAll makes the bundle dir of files that other programs wrote: a run, or
// a sweep of the runs that importer.Groups finds in them. They are kept as they
// are; the analysis reads them again. A perf.data gets its kernel symbols beside
// it, and one that is cut off is imported to its last whole record. What the
// files lost is returned, and counted by the report again. Nothing is written if
// a file cannot be imported.
func importAll(files []string, dir string, o importOptions) ([]*bundle.Run, []bundle.Loss, error) {
	if err := onlyFiles(files); err != nil {
		return nil, nil, err
	}
	all, err := listFiles(files, o.labels)
	if err != nil {
		return nil, nil, err
	}
	unpacked, err := os.MkdirTemp("", temporary())
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(unpacked)
	for i := range all {
		if err := readForeign(&all[i], filepath.Join(unpacked, strconv.Itoa(i))); err != nil {
			return nil, nil, err
		}
	}
	groups, err := importer.Groups(all, o.modes)
	if err != nil {
		return nil, nil, err
	}
	kallsyms, gap, err := kernelSymbols(all, o.kallsyms)
	if err != nil {
		return nil, nil, err
	}
	sweep := len(groups) > 1 || groups[0].Dir != ""
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, nil, &bundle.ExistsError{Path: dir}
	}
	s := bundle.Sweep{Name: filepath.Base(dir)}
	var losses []bundle.Loss
	for _, g := range groups {
		m := bundle.Manifest{
			Tool: "xfrmscope " + version(), Source: "import",
			Plan: bundle.Plan{Labels: g.Labels}, Gaps: gap,
		}
		for _, f := range g.Files {
			f.Import.Describe(&m)
			losses = append(losses, f.Import.Losses...)
		}
		run, err := writeForeign(filepath.Join(dir, g.Dir), m, g.Files, kallsyms)
		if err != nil {
			return nil, nil, err
		}
		s.Dirs, s.Runs = append(s.Dirs, g.Dir), append(s.Runs, run)
	}
	if !sweep {
		return s.Runs, losses, nil
	}
	return s.Runs, losses, bundle.WriteSweep(dir, &s)
}

// listFiles returns the files of an import with their labels. One that is a
// table of runs stands for the files in it.
func listFiles(paths []string, labels map[string]string) ([]importer.File, error) {
	if n, ok := labels[bundle.LabelN]; ok {
		if v, err := strconv.Atoi(n); err != nil || v < 1 {
			return nil, usagef("--label n=%q: n is a number from 1 on", n)
		}
	}
	var out []importer.File
	for _, path := range paths {
		rows, err := readTable(path)
		if err != nil {
			return nil, err
		}
		if rows == nil {
			rows = []importer.File{{Path: path}}
		}
		for _, f := range rows {
			given := maps.Clone(labels)
			if given == nil {
				given = map[string]string{}
			}
			maps.Copy(given, f.Labels)
			f.Labels = given
			out = append(out, f)
		}
	}
	return out, nil
}

// readTable returns the rows of a table of runs, nil if the file is none. Its
// paths are beside it.
func readTable(path string) ([]importer.File, error) {
	f, err := bundle.OpenRegular(path, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	rows, err := importer.ReadRuns(f, path)
	for i, row := range rows {
		if !filepath.IsAbs(row.Path) {
			rows[i].Path = filepath.Join(filepath.Dir(path), row.Path)
		}
	}
	return rows, err
}

// readForeign reads a file once, to refuse what the analysis could not read.
// Of stacks, which can be large, only what the manifest names is kept. A
// compressed perf.data is unpacked, for its reader goes to and fro.
func readForeign(file *importer.File, unpacked string) error {
	format, packed, err := formatOf(file.Path)
	if err != nil {
		return err
	}
	if format == importer.Recording {
		if packed {
			if err := unpack(file.Path, unpacked); err != nil {
				return fmt.Errorf("unpacking %s: %w", file.Path, err)
			}
			file.Data = unpacked
		}
		place := file.Place()
		f, err := perfdata.OpenFS(bundle.DirFS(filepath.Dir(place)), filepath.Base(place))
		if err != nil {
			return fmt.Errorf("opening %s: %w", file.Path, err)
		}
		defer f.Close()
		file.Import, err = importer.OfRecording(f, file.Path)
		return err
	}
	f, err := bundle.OpenRegular(file.Path, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if file.Import, err = importer.Read(f, importer.Options{Name: file.Path}); err == nil {
		file.Import.DropStacks()
	}
	return err
}

// formatOf tells a perf.data, file or directory, from the other formats.
func formatOf(file string) (format importer.Format, packed bool, err error) {
	f, err := bundle.OpenRegular(file, 0)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return importer.Recording, false, err
	}
	br := bufio.NewReader(f)
	magic, err := br.Peek(4)
	if len(magic) == 0 && err == io.EOF {
		// perf record leaves an empty file when it fails: let its reader say so.
		return importer.Recording, false, nil
	}
	inside, err := importer.Inside(br)
	if err != nil {
		return "", false, fmt.Errorf("reading %s: %w", file, err)
	}
	head, err := io.ReadAll(io.LimitReader(inside, importer.HeadBytes))
	if err != nil && len(head) == 0 {
		return "", false, fmt.Errorf("reading %s: %w", file, err)
	}
	format, err = importer.Detect(head, file)
	return format, importer.Packed(magic), err
}

// unpack writes what a compressed file holds.
func unpack(from, to string) error {
	src, err := bundle.OpenRegular(from, 0)
	if err != nil {
		return err
	}
	defer src.Close()
	inside, err := importer.Inside(src)
	if err != nil {
		return err
	}
	dst, err := os.Create(to)
	if err != nil {
		return err
	}
	limit := unpackedAtLeast + unpackedTimes*sizeOf(from)
	n, err := io.Copy(dst, io.LimitReader(inside, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("it has more than %d bytes inside, %d times its size: unpack it first", limit,
			unpackedTimes)
	}
	return errors.Join(err, dst.Close())
}

// How large a compressed perf.data may become: recordings shrink to a tenth, at
// best to a hundredth.
const (
	unpackedAtLeast = 64 << 20
	unpackedTimes   = 128
)

// kernelSymbols returns the symbols of a kallsyms file, gzipped, or the gap that
// stands for them; neither if no file has addresses: a perf.data, or a text of memory
// accesses, which names functions, but no variables.
func kernelSymbols(files []importer.File, name string) ([]byte, []bundle.Gap, error) {
	recording, accesses := false, false
	for _, f := range files {
		recording = recording || f.Import.Format == importer.Recording
		accesses = accesses || len(f.Import.Accesses) > 0
	}
	gap := bundle.Gap{
		What: "names of kernel functions",
		Why:  "a perf.data holds addresses only, and no kernel symbols were given",
		Fix: "import again with --kallsyms FILE: /proc/kallsyms of the recording machine, read as " +
			"root in the same boot",
	}
	switch {
	case !recording && !accesses:
		return nil, nil, nil
	case name == "" && !recording:
		gap.What = "names of kernel variables"
		gap.Why = "perf names functions only, and no kernel symbols were given"
		return nil, []bundle.Gap{gap}, nil
	case name == "":
		return nil, []bundle.Gap{gap}, nil
	}
	data, err := bundle.ReadRegular(name, maxSymbols)
	if err != nil {
		return nil, nil, fmt.Errorf("reading kernel symbols: %w", err)
	}
	table, err := symbols.ReadKallsyms(bytes.NewReader(data))
	if err != nil {
		return nil, nil, fmt.Errorf("reading kernel symbols of %s: %w", name, err)
	}
	if err := table.Usable(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return data, nil, nil
	}
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	if _, err := zw.Write(data); err != nil {
		return nil, nil, err
	}
	if err := zw.Close(); err != nil {
		return nil, nil, err
	}
	return zipped.Bytes(), nil, nil
}

// maxSymbols bounds a kallsyms file: that of a kernel with all its modules has
// 20 MB.
const maxSymbols = 256 << 20

// writeForeign makes one run of its files.
func writeForeign(dir string, m bundle.Manifest, files []importer.File, kallsyms []byte) (*bundle.Run, error) {
	w, err := bundle.Create(dir, m)
	if err != nil {
		return nil, err
	}
	for i, f := range files {
		if f.Import.Format == importer.Recording {
			err = copyRecording(w, f.Place())
		} else {
			name := importer.PlainName(filepath.Base(f.Path))
			err = copyFile(w, fmt.Sprintf("%s%d-%s", importer.Dir, i+1, name), f.Path)
		}
		if err != nil {
			return nil, err
		}
	}
	if kallsyms != nil {
		if err := w.WriteFile(bundle.KallsymsFile, kallsyms); err != nil {
			return nil, err
		}
	}
	if err := w.Finish(cutOff(files)); err != nil {
		return nil, err
	}
	return bundle.Open(bundle.DirFS(dir), dir)
}

// cutOff says what is missing at the end of a recording, "" if it is whole: the
// run of one that is not is partial.
func cutOff(files []importer.File) string {
	for _, f := range files {
		for _, l := range f.Import.Losses {
			if l.Kind == bundle.LossEnd {
				return fmt.Sprintf("%s ends early: %s; %s", filepath.Base(f.Path), l.What, l.Effect)
			}
		}
	}
	return ""
}

// copyRecording copies a perf.data file, or the files of a directory recording.
func copyRecording(w *bundle.Writer, file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return copyFile(w, bundle.PerfDataFile, file)
	}
	parts, err := filepath.Glob(filepath.Join(file, "data*"))
	if err != nil {
		return err
	}
	for _, part := range parts {
		if err := copyFile(w, "perf.data/"+filepath.Base(part), part); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(w *bundle.Writer, name, from string) error {
	src, err := bundle.OpenRegular(from, 0)
	if err != nil {
		return err
	}
	defer src.Close()
	return w.CopyFile(name, src)
}
