package pack

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"xfrmscope/collect/bundle"
)

// Publish writes a copy of the bundle in dir to the directory to, with
// addresses, names of hosts and interfaces, and SPIs masked, equal ones equally
// in all files. It returns what stays readable or was left out. The masked
// bundle has its own sums and verifies; the hash of its scenario is that of the
// scenario unmasked. Keys are masked in every text. Logs, which are free text, are
// left out unless they are asked for.
//
// Not masked are names of network namespaces, of processes and of files, times,
// and kernel addresses.
func Publish(dir, to string, logs bool) (notes []string, err error) {
	runs, err := bundle.OpenAll(dir)
	if err != nil {
		return nil, err
	}
	p := publisher{Masker: NewMasker(namesOf(runs)), from: dir, to: to, logs: logs}
	s, err := bundle.ReadSweep(bundle.DirFS(dir), dir)
	shared := map[string]bundle.File{} // copied once for all runs of a sweep
	if err != nil {
		shared = nil
	}
	for _, r := range runs {
		if err := p.run(r, filepath.Join(to, p.place(r)), shared); err != nil {
			return p.notes, err
		}
	}
	if shared == nil {
		return p.notes, nil
	}
	if err := p.others(); err != nil {
		return p.notes, err
	}
	s.Name, s.Aside = p.FreeText(s.Name), nil
	return p.notes, bundle.WriteSweep(to, s)
}

// place returns where a run lies below the bundle; the run of another host has
// its name masked there too.
func (p *publisher) place(r *bundle.Run) string {
	place := strings.TrimPrefix(strings.TrimPrefix(r.Path, p.from), "/")
	if run, host, ok := cutHost(place); ok {
		return path.Join(run, bundle.HostsDir, p.Text(host))
	}
	return place
}

// cutHost takes apart the place of a run that another host made.
func cutHost(place string) (run, host string, ok bool) {
	run, host = path.Split(place)
	run = strings.TrimSuffix(run, "/")
	if path.Base(run) != bundle.HostsDir {
		return "", "", false
	}
	return path.Dir(run), host, true
}

// A publisher makes one masked copy.
type publisher struct {
	*Masker
	from, to string
	logs     bool // are kept, masked
	notes    []string
}

// run copies a run. What its sweep keeps for all runs is copied by the first
// that has it, and stays shared.
func (p *publisher) run(r *bundle.Run, to string, shared map[string]bundle.File) error {
	m, err := p.manifest(&r.Manifest)
	if err != nil {
		return err
	}
	files := r.Files
	m.Files = nil
	w, err := bundle.Create(to, m)
	if err != nil {
		return err
	}
	for _, f := range files {
		if p.leftOut(f.Name) {
			continue
		}
		if done, ok := shared[f.SHA256+f.Name]; ok {
			if err := w.Update(func(m *bundle.Manifest) { m.Files = append(m.Files, done) }); err != nil {
				return err
			}
			continue
		}
		if err := p.file(r, w, f.Name); err != nil {
			return fmt.Errorf("masking %s: %w", path.Join(r.Path, f.Name), err)
		}
		if _, err := os.Stat(filepath.Join(p.from, f.Name)); shared != nil && err == nil {
			if err := p.moveToSweep(to, f, shared); err != nil {
				return err
			}
		}
	}
	return w.Finish(m.Why)
}

// leftOut reports, and notes, that a file is a log that nobody asked for.
func (p *publisher) leftOut(name string) bool {
	const note = "logs are left out: they are free text; --logs keeps them, masked"
	if p.logs || !strings.HasPrefix(name, bundle.LogDir+"/") {
		return false
	}
	p.note(note)
	return true
}

// moveToSweep puts a file that the sweep kept back beside the runs.
func (p *publisher) moveToSweep(run string, f bundle.File, shared map[string]bundle.File) error {
	done, err := bundle.Open(bundle.DirFS(run), run)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(done.Files, func(d bundle.File) bool { return d.Name == f.Name })
	if i < 0 {
		return nil // left out
	}
	to := filepath.Join(p.to, f.Name)
	if _, err := os.Stat(to); err == nil {
		return nil // of another boot: the run keeps its own
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	shared[f.SHA256+f.Name] = done.Files[i]
	return os.Rename(filepath.Join(run, f.Name), to)
}

func (p *publisher) manifest(m *bundle.Manifest) (bundle.Manifest, error) {
	known, err := maskValue(p.Masker, *m)
	if err != nil {
		return known, err
	}
	p.free = true
	masked, err := maskValue(p.Masker, *m)
	p.free = false
	// These this program wrote: a release of a kernel has dots, too.
	masked.Tool, masked.Events, masked.Probes = known.Tool, known.Events, known.Probes
	known.Host.CmdLine = masked.Host.CmdLine
	masked.Host = known.Host
	for _, note := range FreeTexts(&masked.Plan) {
		p.note(note)
	}
	return masked, err
}

// FreeTexts says, a line for each, which texts of somebody's own a plan has: they
// stay, masked as they are.
func FreeTexts(p *bundle.Plan) []string {
	var out []string
	if p.Load != nil && len(p.Load.Argv) > 0 {
		out = append(out, stays("the load", strings.Join(p.Load.Argv, " ")))
	}
	for _, key := range slices.Sorted(maps.Keys(p.Labels)) {
		switch key {
		case bundle.LabelMode, bundle.LabelN, bundle.LabelRepeat, bundle.LabelSide, bundle.LabelHost:
		default:
			out = append(out, stays("label "+key, p.Labels[key]))
		}
	}
	return out
}

func stays(what, text string) string { return fmt.Sprintf("%s stays: %q", what, text) }

// note notes something once.
func (p *publisher) note(text string) {
	if !slices.Contains(p.notes, text) {
		p.notes = append(p.notes, text)
	}
}

// file copies one artefact, masked by what it is.
func (p *publisher) file(r *bundle.Run, w *bundle.Writer, name string) error {
	in, err := r.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := w.CreatePart(name)
	if err != nil {
		return err
	}
	defer out.Close()
	var left string
	switch {
	case name == bundle.PerfDataFile || strings.HasPrefix(name, bundle.PerfDataFile+"/"):
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
		if err := maskPerfData(out, p.Text); err != nil {
			left = err.Error()
		}
	case strings.HasPrefix(name, bundle.SymbolsDir+"/"):
		_, err = io.Copy(out, in) // names of the kernel's
	default:
		p.free = strings.HasPrefix(name, bundle.LogDir+"/")
		left, err = p.lines(out, in)
		p.free = false
	}
	if err != nil {
		return err
	}
	if left != "" {
		p.notes = append(p.notes,
			fmt.Sprintf("%s is left out: it cannot be masked: %s", path.Join(r.Path, name), left))
		return os.Remove(out.Name())
	}
	if err := out.Close(); err != nil {
		return err
	}
	if err := p.found(out.Name(), path.Join(r.Path, name)); err != nil {
		return err
	}
	return w.Adopt(name)
}

// lines masks a text line by line; left says why a file is none.
func (p *publisher) lines(out io.Writer, in io.Reader) (left string, err error) {
	br, bw := bufio.NewReaderSize(in, 1<<20), bufio.NewWriter(out)
	whole, err := br.Peek(1 << 20)
	if bytes.IndexByte(whole, 0) >= 0 {
		return "it is no text", nil
	}
	if err == io.EOF { // all of it: a JSON document, or some lines
		_, err := bw.Write(p.document(whole))
		if err != nil {
			return "", err
		}
		return "", bw.Flush()
	}
	for {
		line, err := br.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			return "it has a line of more than 1 MB", nil
		}
		if bytes.IndexByte(line, 0) >= 0 {
			return "it is no text", nil
		}
		if _, err := bw.Write(p.json(line)); err != nil {
			return "", err
		}
		if err == io.EOF {
			return "", bw.Flush()
		}
		if err != nil {
			return "", err
		}
	}
}

// document masks a small file: as one JSON text if it is that, else by lines.
func (p *publisher) document(text []byte) []byte {
	masked := p.json(text)
	if len(masked) > 0 && !bytes.Equal(masked, text) && json.Valid(text) {
		return masked
	}
	var out bytes.Buffer
	for line := range bytes.Lines(text) {
		out.Write(p.json(line))
	}
	return out.Bytes()
}

// found notes a host's name that a recording still holds among its records.
func (p *publisher) found(file, name string) error {
	if !strings.Contains(name, "/perf.data") {
		return nil
	}
	for host, masked := range p.names {
		if !strings.HasPrefix(masked, "host") || len(host) < 4 {
			continue
		}
		holds, err := contains(file, []byte(host))
		if err != nil {
			return err
		}
		if holds {
			p.notes = append(p.notes, fmt.Sprintf(
				"%s still holds the name of %s, in a path or in the name of a process", name, masked))
		}
	}
	return nil
}

// contains reports whether a file holds what, reading it in pieces.
func contains(file string, what []byte) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	buf, kept := make([]byte, 1<<20), 0
	for {
		n, err := f.Read(buf[kept:])
		if bytes.Contains(buf[:kept+n], what) {
			return true, nil
		}
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		end := kept + n
		kept = copy(buf, buf[max(0, end-len(what)+1):end])
	}
}

// others copies what a sweep has besides its runs: its scenario and its logs.
func (p *publisher) others() error {
	names, err := below(bundle.DirFS(p.from), bundle.LogDir)
	if err != nil {
		return err
	}
	for _, name := range append(names, bundle.ScenarioFile) {
		if p.leftOut(name) {
			continue
		}
		text, err := fs.ReadFile(bundle.DirFS(p.from), name)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		to := filepath.Join(p.to, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		masked := p.FreeText(string(text))
		if err := os.WriteFile(to, []byte(masked), bundle.ModeOf(name)); err != nil {
			return err
		}
		if name == bundle.ScenarioFile {
			p.note(stays("the scenario", masked))
		}
	}
	return nil
}
