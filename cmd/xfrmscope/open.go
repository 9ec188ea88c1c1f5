package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"xfrmscope/analyze"
	"xfrmscope/analyze/importer"
	"xfrmscope/analyze/lines"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/sides"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
	"xfrmscope/collect/pack"
	"xfrmscope/reports"
	"xfrmscope/reports/finding"
	"xfrmscope/samples"
)

// samplePrefix marks a path inside the program.
const samplePrefix = "sample:"

// readOptions say how runs are analysed.
type readOptions struct {
	user   bool
	labels map[string]string // of the runs of foreign files
	fields string            // runs of a simulated machine that say what instructions touch

	whole    func(*result.Run) error // see analyze.Options.Whole
	profiles int64                   // see analyze.Options.Profiles
}

const fieldsUsage = "run or sweep of xfrmscope lab with the same kernel: names the fields that samples of misses " +
	"fell on"

// analyzePaths analyses everything the paths name, sets modes against each other and says
// what it finds.
func analyzePaths(ctx context.Context, paths []string, o readOptions) (*result.Result, error) {
	r, saved, err := readPaths(ctx, paths, o)
	if err != nil || saved {
		return r, err
	}
	var contrasts sync.WaitGroup
	contrasts.Go(func() { r.Contrasts = sides.Contrasts(r) })
	r.Findings = finding.All(r)
	contrasts.Wait()
	return r, nil
}

// readPaths analyses everything the paths name side by side: runs, sweeps and files of
// other programs. One results.json or report.html is read back: saved, with what it found.
func readPaths(ctx context.Context, paths []string, o readOptions) (r *result.Result, saved bool, err error) {
	if len(paths) == 1 {
		r, err := readResult(paths[0])
		if r != nil || err != nil {
			return r, true, err
		}
	}
	if err := onlyFiles(paths); err != nil {
		return nil, false, err
	}
	runs, done, err := openPaths(paths, o.labels)
	defer done()
	if err != nil {
		return nil, false, err
	}
	opt := analyze.Options{Tool: "xfrmscope " + version(), Headline: headlineOf(runs), Whole: o.whole,
		Profiles: o.profiles}
	if o.user {
		opt.User, opt.Symbols = true, symbols.NewStore(symbolPlaces())
	}
	if opt.Fields, err = readFields(o.fields); err != nil {
		return nil, false, err
	}
	r, err = analyze.Runs(ctx, runs, opt)
	return r, false, err
}

// readFields reads what the instructions of kernels touch, by build id.
func readFields(path string) (map[string]*lines.Instructions, error) {
	if path == "" {
		return nil, nil
	}
	runs, err := openRuns(path)
	if err != nil {
		return nil, err
	}
	rows := map[string][]bundle.FieldRow{}
	for _, run := range runs {
		more, err := run.Fields()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", run.Path, err)
		}
		if build := run.Host.BuildID; build != "" {
			rows[build] = append(rows[build], more...)
		}
	}
	out := map[string]*lines.Instructions{}
	for build, list := range rows {
		if len(list) > 0 {
			out[build] = lines.NewInstructions(list)
		}
	}
	if len(out) == 0 {
		return nil, usagef("%s has no %s with a build id: make one with xfrmscope lab run",
			path, bundle.FieldsFile)
	}
	return out, nil
}

// onlyFiles refuses what is neither a file nor a directory.
func onlyFiles(paths []string) error {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
			return usagef(
				"%s: %w: only files and directories are read; give its content to `xfrmscope show -`",
				path, bundle.ErrNotRegular)
		}
	}
	return nil
}

// temporary begins the names of this process's temporary files.
func temporary() string { return fmt.Sprintf("xfrmscope-%d-", os.Getpid()) }

// removeTemporary is for a program that ends at once.
func removeTemporary() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), temporary()+"*")) // a good pattern
	for _, name := range left {
		os.RemoveAll(name)
	}
}

// openPaths opens bundles where they are, and imports all other files together
// into a directory that done removes.
func openPaths(paths []string, labels map[string]string) (runs []*bundle.Run, done func(), err error) {
	done = func() {}
	var files []string
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && !isPacked(path) {
			files = append(files, path)
			continue
		}
		more, err := openRuns(path)
		if err != nil {
			return nil, done, err
		}
		runs = append(runs, more...)
	}
	if len(files) == 0 {
		return runs, done, nil
	}
	dir, err := os.MkdirTemp("", temporary())
	if err != nil {
		return nil, done, err
	}
	done = func() { os.RemoveAll(dir) }
	if _, _, err := importAll(files, dir, importOptions{labels: labels}); err != nil {
		return nil, done, err
	}
	imported, err := bundle.OpenAllFS(bundle.DirFS(dir), "imported")
	return append(runs, imported...), done, err
}

func openRuns(path string) ([]*bundle.Run, error) {
	if name, ok := strings.CutPrefix(path, samplePrefix); ok {
		fsys, err := samples.Open(name)
		if err != nil {
			return nil, usageError{err}
		}
		return bundle.OpenAllFS(fsys, path)
	}
	if isPacked(path) {
		fsys, err := pack.Open(path)
		if err != nil {
			return nil, err
		}
		return bundle.OpenAllFS(fsys, path)
	}
	return bundle.OpenAll(path)
}

// isPacked reports whether a path is a file that pack made.
func isPacked(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := bundle.OpenRegular(path, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	br := bufio.NewReader(f)
	if head, err := br.Peek(4); err != nil || !pack.Is(head) {
		return false
	}
	inside, err := importer.Inside(br) // any file may have been compressed
	if err != nil {
		return false
	}
	block := make([]byte, 512)
	_, err = io.ReadFull(inside, block)
	return err == nil && string(block[257:262]) == "ustar"
}

// headlineOf returns the metrics that a sweep named before it was run; sweeps
// that named different ones, or none, have none in common.
func headlineOf(runs []*bundle.Run) []string {
	for i, r := range runs {
		if r.Sweep == nil || i > 0 && !slices.Equal(r.Sweep.Headline, runs[0].Sweep.Headline) {
			return nil
		}
	}
	if len(runs) == 0 {
		return nil
	}
	return runs[0].Sweep.Headline
}

// readResult reads a results.json or a report.html, and returns nil for
// anything else.
func readResult(path string) (*result.Result, error) {
	f, err := bundle.OpenRegular(path, 0)
	if err != nil {
		return nil, nil // whoever opens it next says why
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	br := bufio.NewReaderSize(f, importer.HeadBytes)
	head, _ := br.Peek(importer.HeadBytes)
	head = bytes.TrimSpace(head)
	var r *result.Result
	switch {
	case bytes.HasPrefix(head, []byte("{")) && bytes.Contains(head[:min(len(head), 200)], []byte(`"schema"`)):
		r, err = reports.ReadJSON(br)
	case bytes.HasPrefix(bytes.ToLower(head[:min(len(head), 15)]), []byte("<!doctype html")):
		r, err = reports.ReadHTML(br)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// keepOutOfRuns refuses to write into a run, at whatever depth, or among the runs
// of a sweep: what was measured stays as it was measured.
func keepOutOfRuns(output string) error {
	dir, err := filepath.Abs(output)
	if err != nil {
		return err
	}
	for at := dir; ; at = filepath.Dir(at) {
		real, err := filepath.EvalSymlinks(at)
		if err == nil && holdsRun(real, at == dir) {
			return usagef("%s is inside of a run or a sweep, %s: write to a directory beside it, as -o out",
				output, at)
		}
		if err == nil && real != at { // go on where the link leads
			at, dir = real, ""
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// holdsRun reports whether a directory is a run, or, if sweeps count, a sweep.
func holdsRun(dir string, sweeps bool) bool {
	fsys := bundle.DirFS(dir)
	if _, err := bundle.Open(fsys, dir); err == nil {
		return true
	}
	_, err := bundle.ReadSweep(fsys, dir)
	return sweeps && err == nil
}
