package importer

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
)

// RunOptions say what a perf.data does not know itself.
type RunOptions struct {
	Tool     string            // program and version, for Manifest.Tool
	Kallsyms string            // file with the kernel symbols of the recording, "" if there is none; may be gzipped
	Labels   map[string]string // "mode", "n", ...
	Modes    map[string]string // by file: the mode of its traffic, if its name does not tell it

	sweep bool // a traffic file may hold several runs
}

// Dir is the folder of a bundle that holds foreign files as they are.
const Dir = "import/"

// RunOf makes the run dir of files that other programs wrote: at most one
// perf.data, and any that Read understands. They are kept as they are; the
// analysis reads them again. A perf.data gets its kernel symbols beside it, and
// one that is cut off is imported to its last whole record. What the files lost
// is returned, and counted by the report again. Errors are *FormatError,
// *SyntaxError and *perfdata.FormatError; nothing is written then.
func RunOf(files []string, dir string, opt RunOptions) (*bundle.Run, []bundle.Loss, error) {
	m := bundle.Manifest{Tool: opt.Tool, Source: "import", Plan: bundle.Plan{Labels: opt.Labels}}
	var losses []bundle.Loss
	var recording string
	var kallsyms []byte
	for _, file := range files {
		isRecording, err := isRecording(file)
		if err != nil {
			return nil, nil, err
		}
		if !isRecording {
			lost, err := describeImport(&m, file, opt.sweep)
			if err != nil {
				return nil, nil, err
			}
			losses = append(losses, lost...)
			continue
		}
		if recording != "" {
			return nil, nil, &FormatError{File: file, Why: "a run has one perf.data, and " + recording + " is that: import it into a run of its own"}
		}
		recording = file
		lost, err := describeRecording(&m, file)
		if err != nil {
			return nil, nil, err
		}
		losses = append(losses, lost...)
		if kallsyms, err = gzipKallsyms(&m, opt.Kallsyms); err != nil {
			return nil, nil, err
		}
	}
	if err := writeRun(dir, m, files, recording, kallsyms); err != nil {
		return nil, nil, err
	}
	run, err := bundle.Open(os.DirFS(dir), dir)
	return run, losses, err
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
	head, err := io.ReadAll(io.LimitReader(f, HeadBytes))
	if err != nil {
		return false, err
	}
	if len(head) == 0 {
		return true, nil // perf record leaves an empty file when it fails: let its reader say so
	}
	format, err := Detect(head, file)
	return format == Recording, err
}

// describeImport reads a foreign file once, to refuse what the analysis could
// not read, and notes what it says of the machine.
func describeImport(m *bundle.Manifest, file string, sweep bool) ([]bundle.Loss, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	im, err := Read(f, Options{Name: file})
	if err != nil {
		return nil, err
	}
	if im.Traffic != nil && !sweep {
		if _, one := im.Traffic.Bundle(file); !one && len(im.Traffic.Points) > 1 {
			return nil, fmt.Errorf("%s holds the results of %d runs, and a run takes those of one: give the file of a single run", file, len(im.Traffic.Points))
		}
	}
	if m.Host.Name == "" {
		m.Host = im.Host
	}
	if m.Window == (bundle.Window{}) {
		m.Window = im.Window
	}
	if len(im.Command) > 0 {
		m.Commands = append(m.Commands, bundle.Command{Argv: im.Command})
	}
	for _, p := range im.Profiles {
		m.Events = append(m.Events, bundle.Event{Asked: p.Event.Name, Opened: p.Event.Name})
	}
	return im.Losses, nil
}

// describeRecording notes what a perf.data says of itself.
func describeRecording(m *bundle.Manifest, file string) ([]bundle.Loss, error) {
	f, err := perfdata.OpenPath(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	side, err := f.Sideband()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	describe(m, f, side)
	return side.Losses, nil
}

func writeRun(dir string, m bundle.Manifest, files []string, recording string, kallsyms []byte) error {
	w, err := bundle.Create(dir, m)
	if err != nil {
		return err
	}
	for i, file := range files {
		if file == recording {
			err = copyRecording(w, file)
		} else {
			err = copyFile(w, fmt.Sprintf("%s%d-%s", Dir, i+1, plainName(filepath.Base(file))), file)
		}
		if err != nil {
			return err
		}
	}
	if kallsyms != nil {
		if err := w.WriteFile("symbols/kallsyms.gz", kallsyms); err != nil {
			return err
		}
	}
	return w.Finish("")
}

// plainName keeps what every file system and every reader takes.
func plainName(name string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x80 && (unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("._-", c)) {
			return c
		}
		return '_'
	}, name[:min(len(name), 100)])
}

// describe notes what the recording says about itself.
func describe(m *bundle.Manifest, f *perfdata.File, side *perfdata.Sideband) {
	m.Host = bundle.Host{Name: f.Meta.Hostname, Kernel: f.Meta.OSRelease, Arch: f.Meta.Arch, CPUModel: f.Meta.CPUDesc}
	m.Window = bundle.Window{StartNS: int64(side.FirstNS), EndNS: int64(side.LastNS)}
	if c := f.Meta.Clock; c != nil && side.FirstNS > 0 {
		m.Started = time.Unix(0, int64(c.WallNS-c.ClockNS+side.FirstNS)).UTC()
	}
	if len(f.Meta.CommandLine) > 0 {
		m.Commands = append(m.Commands, bundle.Command{Argv: f.Meta.CommandLine})
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
}

// gzipKallsyms returns the symbols of a kallsyms file, gzipped, or notes the gap
// that stands for them.
func gzipKallsyms(m *bundle.Manifest, name string) ([]byte, error) {
	if name == "" {
		m.Gaps = append(m.Gaps, bundle.Gap{
			What: "names of kernel functions",
			Why:  "a perf.data holds addresses only, and no kernel symbols were given",
			Fix:  "import again with --kallsyms FILE: /proc/kallsyms of the recording machine, read as root in the same boot",
		})
		return nil, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading kernel symbols: %w", err)
	}
	table, err := symbols.ReadKallsyms(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("reading kernel symbols of %s: %w", name, err)
	}
	if err := table.Usable(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return data, nil
	}
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	if _, err := zw.Write(data); err != nil {
		return nil, err
	}
	if err := zw.Close(); err != nil {
		return nil, err
	}
	return zipped.Bytes(), nil
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
