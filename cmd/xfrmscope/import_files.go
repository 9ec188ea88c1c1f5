package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"

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
	var all []importer.File
	for _, file := range files {
		f, err := readForeign(file)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, f)
	}
	groups, err := importer.Groups(all, o.labels[bundle.LabelMode], o.modes)
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
			Plan: bundle.Plan{Labels: g.Labels(o.labels)}, Gaps: gap,
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

// readForeign reads a file once, to refuse what the analysis could not read.
// Of stacks, which can be large, only what the manifest names is kept.
func readForeign(file string) (importer.File, error) {
	out := importer.File{Path: file}
	recording, err := isRecording(file)
	if err != nil {
		return out, err
	}
	if recording {
		f, err := perfdata.OpenFS(os.DirFS(filepath.Dir(file)), filepath.Base(file))
		if err != nil {
			return out, fmt.Errorf("opening %s: %w", file, err)
		}
		defer f.Close()
		out.Import, err = importer.OfRecording(f, file)
		return out, err
	}
	f, err := os.Open(file)
	if err != nil {
		return out, err
	}
	defer f.Close()
	if out.Import, err = importer.Read(f, importer.Options{Name: file}); err == nil {
		out.Import.DropStacks()
	}
	return out, err
}

// isRecording tells a perf.data, file or directory, from the other formats.
func isRecording(file string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return err == nil, err
	}
	head, err := io.ReadAll(io.LimitReader(f, importer.HeadBytes))
	if err != nil {
		return false, err
	}
	if len(head) == 0 {
		return true, nil // perf record leaves an empty file when it fails: let its reader say so
	}
	format, err := importer.Detect(head, file)
	return format == importer.Recording, err
}

// kernelSymbols returns the symbols of a kallsyms file, gzipped, or the gap that
// stands for them; neither if no file is a perf.data.
func kernelSymbols(files []importer.File, name string) ([]byte, []bundle.Gap, error) {
	recordings := 0
	for _, f := range files {
		if f.Import.Format == importer.Recording {
			recordings++
		}
	}
	switch {
	case recordings == 0:
		return nil, nil, nil
	case name == "":
		return nil, []bundle.Gap{{
			What: "names of kernel functions",
			Why:  "a perf.data holds addresses only, and no kernel symbols were given",
			Fix: "import again with --kallsyms FILE: /proc/kallsyms of the recording machine, read as " +
				"root in the same boot",
		}}, nil
	}
	data, err := os.ReadFile(name)
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

// writeForeign makes one run of its files.
func writeForeign(dir string, m bundle.Manifest, files []importer.File, kallsyms []byte) (*bundle.Run, error) {
	w, err := bundle.Create(dir, m)
	if err != nil {
		return nil, err
	}
	for i, f := range files {
		if f.Import.Format == importer.Recording {
			err = copyRecording(w, f.Path)
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
	if err := w.Finish(""); err != nil {
		return nil, err
	}
	return bundle.Open(os.DirFS(dir), dir)
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
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	return w.CopyFile(name, src)
}
