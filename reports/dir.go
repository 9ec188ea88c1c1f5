package reports

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	escape "html"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/reports/digest"
	"xfrmscope/reports/flame"
	"xfrmscope/reports/format"
	"xfrmscope/reports/page"
	"xfrmscope/reports/view"
)

// WriteDir writes every artefact into dir, which it makes if needed, and
// returns their names in the order written:
//
//	report.html            the page; it links the others
//	digest.txt             the text for a mail
//	commit-table.txt       the bare table for a commit message
//	flame-RUN-EVENT.svg    one flame graph for each event of each run
//	RUN-EVENT.pb.gz        the same as a pprof profile with labels cpu and stage
//	RUN-EVENT-per-packet.pb.gz
//	                       its weights for a million packets: what may be subtracted
//	RUN-locks.pb.gz        lock waits: contentions/count, delay/nanoseconds
//	RUN-EVENT.folded       the same as folded text: TASK;ROOT;...;LEAF WEIGHT
//	benchfmt.txt           the runs as Go benchmarks, for benchstat
//	results.csv            every number, one to a line
//	results.json           the Result
//
// Each file is complete when it appears under its name. On an error the names
// written so far are returned with it.
func WriteDir(dir string, r *result.Result) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the report's directory: %w", err)
	}
	rest := artefacts(r)
	links := make([]string, 0, len(rest))
	for _, a := range rest {
		links = append(links, a.name)
	}
	all := append([]artefact{{"report.html", func(w io.Writer) error {
		return page.Write(w, r, page.Options{Files: links})
	}}}, rest...)
	earlier := filesOfReport(dir)
	written, err := writeAll(dir, all)
	if err != nil {
		return written, err
	}
	for _, name := range earlier { // of runs that this report has not
		if !slices.Contains(written, name) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return written, err
			}
		}
	}
	return written, nil
}

// writeAll writes artefacts, one a CPU at a time. It returns the names of those written, in their order; after
// an error it begins no more.
func writeAll(dir string, all []artefact) (written []string, err error) {
	errs := make([]error, len(all))
	done := make([]bool, len(all))
	var next, failed atomic.Int64
	next.Store(-1)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := next.Add(1); int(i) < len(all) && failed.Load() == 0; i = next.Add(1) {
				errs[i] = writeAtomic(filepath.Join(dir, all[i].name), all[i].write)
				if done[i] = errs[i] == nil; !done[i] {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	for i, a := range all {
		if done[i] {
			written = append(written, a.name)
		}
		if err == nil && errs[i] != nil {
			err = fmt.Errorf("writing %s: %w", filepath.Join(dir, a.name), errs[i])
		}
	}
	return written, err
}

// filesOfReport returns the files of runs in a directory that the report there,
// if there is one, names as its own.
func filesOfReport(dir string) []string {
	name := filepath.Join(dir, "report.html")
	if info, err := os.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	page, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	ofRun := regexp.MustCompile(`^flame-.*\.svg$|\.pb\.gz$|\.folded$`)
	var names []string
	for _, e := range entries {
		link := fmt.Sprintf("href=%q", escape.EscapeString(e.Name()))
		if ofRun.MatchString(e.Name()) && e.Type().IsRegular() && bytes.Contains(page, []byte(link)) {
			names = append(names, e.Name())
		}
	}
	return names
}

// An artefact is a file of a report.
type artefact struct {
	name  string
	write func(io.Writer) error
}

// artefacts lists what a report consists of beside the page.
func artefacts(r *result.Result) []artefact {
	names := format.UniqueNames{}
	list := []artefact{
		{"digest.txt", func(w io.Writer) error { return digest.Write(w, r) }},
		{"commit-table.txt", func(w io.Writer) error { return digest.CommitTable(w, r) }},
	}
	var profiles, perPacket, folded, locks []artefact
	var zips sync.Pool
	for _, run := range view.Present(r) {
		if len(run.Locks.Rows) > 0 {
			locks = append(locks, artefact{names.Unique(format.FileName(view.Sided(run.Side, run.Name))+
				"-locks") + ".pb.gz", func(w io.Writer) error {
				return writeLockPprof(w, run, &zips)
			}})
		}
		for _, e := range run.Events {
			if e.Profile == nil {
				continue
			}
			stem := names.Unique(format.FileName(view.Sided(run.Side, run.Name)) + "-" +
				format.FileName(e.Name))
			label := format.OrDash(view.Sided(run.Side, run.Name))
			list = append(list, artefact{"flame-" + stem + ".svg", func(w io.Writer) error {
				return flame.SVG(w, e.Profile, flame.Options{Run: label})
			}})
			profiles = append(profiles, artefact{stem + ".pb.gz", func(w io.Writer) error {
				return writePprof(w, e.Profile)
			}})
			if _, ok := packetScale(e); ok {
				perPacket = append(perPacket, artefact{stem + "-per-packet.pb.gz",
					func(w io.Writer) error {
						return writePacketPprof(w, e)
					}})
			}
			folded = append(folded, artefact{stem + ".folded", func(w io.Writer) error {
				return profile.WriteFolded(w, e.Profile)
			}})
		}
	}
	list = slices.Concat(list, profiles, perPacket, locks, folded)
	return append(list,
		artefact{"benchfmt.txt", func(w io.Writer) error { return Benchfmt(w, r) }},
		artefact{"results.csv", func(w io.Writer) error { return CSV(w, r) }},
		artefact{"results.json", func(w io.Writer) error { return writeJSON(w, r) }})
}

// writePprof writes a profile with its CPUs and stages as labels.
func writePprof(w io.Writer, p *profile.Profile) error {
	return profile.WritePprof(w, p, PprofOptions(p))
}

// PprofOptions are those of every pprof profile of a report: CPUs and stages as
// labels.
func PprofOptions(p *profile.Profile) profile.PprofOptions {
	c := stage.NewClassifier(stage.Default(), p)
	return profile.PprofOptions{
		Stage: func(p *profile.Profile, stack int32) string { return c.Name(c.Of(p.Stacks[stack])) },
	}
}

// writeJSON writes a Result as json.MarshalIndent does, run after run: the text of a thousand runs takes more
// memory than they do.
func writeJSON(w io.Writer, r *result.Result) error {
	const noRuns = "\n \"runs\": []" // in no text: there a line's end is escaped
	around := *r
	around.Runs = []*result.Run{}
	data, err := json.MarshalIndent(&around, "", " ")
	if err != nil {
		return err
	}
	if len(r.Runs) == 0 {
		if data, err = json.MarshalIndent(r, "", " "); err != nil {
			return err
		}
		_, err = w.Write(append(data, '\n'))
		return err
	}
	head, tail, _ := strings.Cut(string(data), noRuns)
	b := bufio.NewWriterSize(w, 64<<10)
	b.WriteString(head + noRuns[:len(noRuns)-1])
	var text bytes.Buffer
	enc := json.NewEncoder(&text) // keeps its own buffers
	enc.SetIndent("  ", " ")
	for i, run := range r.Runs {
		text.Reset()
		if err := enc.Encode(run); err != nil {
			return err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n  ")
		b.Write(bytes.TrimSuffix(text.Bytes(), []byte("\n")))
	}
	b.WriteString("\n ]" + tail + "\n")
	return b.Flush()
}

// writeAtomic writes a file beside its name and renames it: a reader sees the
// old file or the new one.
func writeAtomic(path string, write func(io.Writer) error) error {
	part := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".part")
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer os.Remove(part) // of no effect once it is renamed
	b := bufio.NewWriterSize(f, 64<<10)
	if err = write(b); err == nil {
		err = b.Flush()
	}
	if err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(part, path)
}
