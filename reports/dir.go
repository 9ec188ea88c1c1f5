package reports

import (
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
	"slices"

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
	var written []string
	for _, a := range all {
		if err := writeAtomic(filepath.Join(dir, a.name), a.write); err != nil {
			return written, fmt.Errorf("writing %s: %w", filepath.Join(dir, a.name), err)
		}
		written = append(written, a.name)
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
	for _, run := range view.Present(r) {
		if len(run.Locks.Rows) > 0 {
			locks = append(locks, artefact{names.Unique(format.FileName(view.Sided(run.Side, run.Name))+
				"-locks") + ".pb.gz", func(w io.Writer) error {
				return writeLockPprof(w, run)
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

func writeJSON(w io.Writer, r *result.Result) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

// writeAtomic writes a file beside its name and renames it: a reader sees the
// old file or the new one.
func writeAtomic(path string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	part := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".part")
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer os.Remove(part) // of no effect once it is renamed
	if _, err := f.Write(b.Bytes()); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(part, path)
}
