package importer

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
)

// RunOptions say what a perf.data does not know itself.
type RunOptions struct {
	Tool     string            // program and version, for Manifest.Tool
	Kallsyms string            // file with the kernel symbols of the recording, "" if there is none; may be gzipped
	Labels   map[string]string // "mode", "n", ...
}

// RunOf makes the run dir of a perf.data file: the recording as it is, the
// kernel symbols, and a manifest of what the recording says about its machine.
// A file that is cut off is imported to its last whole record; what is missing is
// returned, and counted by the report again. It returns a *perfdata.FormatError if the file is no
// recording, and writes nothing then.
func RunOf(file, dir string, opt RunOptions) (*bundle.Run, []bundle.Loss, error) {
	f, err := perfdata.OpenPath(file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	side, err := f.Sideband()
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", file, err)
	}
	kallsyms, gap, err := gzipKallsyms(opt.Kallsyms)
	if err != nil {
		return nil, nil, err
	}
	m := manifest(f, side, opt)
	if gap != nil {
		m.Gaps = append(m.Gaps, *gap)
	}
	w, err := bundle.Create(dir, m)
	if err != nil {
		return nil, nil, err
	}
	if err := copyRecording(w, file); err != nil {
		return nil, nil, err
	}
	if kallsyms != nil {
		if err := w.WriteFile("symbols/kallsyms.gz", kallsyms); err != nil {
			return nil, nil, err
		}
	}
	if err := w.Finish(""); err != nil {
		return nil, nil, err
	}
	run, err := bundle.Open(os.DirFS(dir), dir)
	return run, side.Losses, err
}

// manifest says what the recording says about itself.
func manifest(f *perfdata.File, side *perfdata.Sideband, opt RunOptions) bundle.Manifest {
	m := bundle.Manifest{
		Tool:   opt.Tool,
		Source: "import",
		Plan:   bundle.Plan{Labels: opt.Labels},
		Host: bundle.Host{
			Name: f.Meta.Hostname, Kernel: f.Meta.OSRelease, Arch: f.Meta.Arch, CPUModel: f.Meta.CPUDesc,
		},
		Window: bundle.Window{StartNS: int64(side.FirstNS), EndNS: int64(side.LastNS)},
	}
	if c := f.Meta.Clock; c != nil && side.FirstNS > 0 {
		m.Started = time.Unix(0, int64(c.WallNS-c.ClockNS+side.FirstNS)).UTC()
	}
	if len(f.Meta.CommandLine) > 0 {
		m.Commands = []bundle.Command{{Argv: f.Meta.CommandLine}}
	}
	for _, b := range side.BuildIDs {
		if b.Kernel && b.PID == -1 && m.Host.BuildID == "" {
			m.Host.BuildID = b.ID
		}
	}
	for _, e := range f.Events {
		if e.IsDummy() {
			continue
		}
		m.Events = append(m.Events, bundle.Event{Asked: e.Name, Opened: e.Name})
		if hz := e.Attr.FrequencyHz(); hz > 0 {
			m.Plan.FrequencyHz = int(hz)
		}
	}
	return m
}

// gzipKallsyms returns the text symbols of a kallsyms file, gzipped, or the gap
// that stands for them.
func gzipKallsyms(name string) ([]byte, *bundle.Gap, error) {
	if name == "" {
		return nil, &bundle.Gap{
			What: "names of kernel functions",
			Why:  "a perf.data holds addresses only, and no kernel symbols were given",
			Fix:  "import again with --kallsyms FILE: /proc/kallsyms of the recording machine, read as root in the same boot",
		}, nil
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

// copyRecording copies a perf.data file, or the files of a directory recording.
func copyRecording(w *bundle.Writer, file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return copyFile(w, "perf.data", file)
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
	part, err := w.PartPath(name)
	if err != nil {
		return err
	}
	dst, err := os.Create(part)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if _, err := io.Copy(dst, src); err != nil {
		dst.Close()
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := dst.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return w.Adopt(name)
}
