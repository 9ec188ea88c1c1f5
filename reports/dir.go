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
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
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
// They appear when all are on the disk: on an error dir is what it was.
func WriteDir(dir string, r *result.Result) ([]string, error) {
	part, err := partBeside(dir)
	if err != nil {
		return nil, fmt.Errorf("making the report's directory: %w", err)
	}
	defer os.RemoveAll(part) // of no effect once it is renamed
	rest := artefacts(r)
	links := make([]string, 0, len(rest))
	for _, a := range rest {
		links = append(links, a.name)
	}
	all := append([]artefact{{"report.html", func(w io.Writer) error {
		return page.Write(w, r, page.Options{Files: links})
	}}}, rest...)
	names, err := writeAll(part, dir, all)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := written(filepath.Join(part, name)); err != nil {
			return nil, fmt.Errorf("writing %s: %w", filepath.Join(dir, name), err)
		}
	}
	return names, replaceReport(dir, part, names)
}

// partBeside makes the directory that becomes dir, or whose files do if there is
// one. What an earlier report left that did not end goes.
func partBeside(dir string) (string, error) {
	part := filepath.Join(filepath.Dir(filepath.Clean(dir)), "."+filepath.Base(filepath.Clean(dir))+".part")
	switch info, err := os.Stat(dir); {
	case err == nil && info.IsDir(): // its parent may not be ours
		part = filepath.Join(dir, ".report.part")
	case err == nil:
		return "", &fs.PathError{Op: "mkdir", Path: dir, Err: unix.ENOTDIR}
	}
	if err := os.RemoveAll(part); err != nil {
		return "", err
	}
	return part, os.MkdirAll(part, 0o755)
}

// replaceReport gives the files their names, and removes those of an earlier
// report's runs that this one has not.
func replaceReport(dir, part string, names []string) error {
	if filepath.Dir(part) != filepath.Clean(dir) {
		return os.Rename(part, dir)
	}
	earlier := filesOfReport(dir)
	for _, name := range names {
		if err := os.Rename(filepath.Join(part, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	for _, name := range earlier {
		if !slices.Contains(names, name) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// writeAll writes artefacts into part, which becomes dir, one a CPU at a time. It
// returns the names of those written, in their order; after an error it begins no
// more. The page and the results of all runs take longest: they are first and last
// in the list, and begin first.
func writeAll(part, dir string, all []artefact) (written []string, err error) {
	errs := make([]error, len(all))
	done := make([]bool, len(all))
	var failed atomic.Bool
	bundle.OnAllCores(len(all), func(begun int) {
		if failed.Load() {
			return
		}
		i := (len(all) - begun) % len(all) // 0, the last, the one before it ...
		errs[i] = writeFile(filepath.Join(part, all[i].name), all[i].write)
		if done[i] = errs[i] == nil; !done[i] {
			failed.Store(true)
		}
	})
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
	doc, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	listed := page.Files(doc)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		link := fmt.Sprintf("href=%q", escape.EscapeString(e.Name()))
		if page.OfRun(e.Name()) && e.Type().IsRegular() &&
			(slices.Contains(listed, e.Name()) || bytes.Contains(doc, []byte(link))) {
			names = append(names, e.Name())
		}
	}
	return names
}

type artefact struct {
	name  string
	write func(io.Writer) error
}

// artefacts lists what a report consists of beside the page.
func artefacts(r *result.Result) []artefact {
	names, stages := format.UniqueNames{}, stage.Default()
	list := []artefact{
		{"digest.txt", func(w io.Writer) error { return digest.Write(w, r) }},
		{"commit-table.txt", func(w io.Writer) error { return digest.CommitTable(w, r) }},
	}
	var profiles, perPacket, folded, locks []artefact
	var zips sync.Pool
	for _, run := range result.RunsPresent(r) {
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
			classes := sync.OnceValue(func() *stage.Classifier {
				return stage.NewClassifier(stages, e.Profile)
			})
			list = append(list, artefact{"flame-" + stem + ".svg", func(w io.Writer) error {
				return flame.SVG(w, e.Profile, flame.Options{Run: label})
			}})
			profiles = append(profiles, artefact{stem + ".pb.gz", func(w io.Writer) error {
				return profile.WritePprof(w, e.Profile, pprofOptions(classes()))
			}})
			if _, ok := packetScale(e); ok {
				perPacket = append(perPacket, artefact{stem + "-per-packet.pb.gz",
					func(w io.Writer) error {
						return writePacketPprof(w, e, classes())
					}})
			}
			folded = append(folded, artefact{stem + ".folded", func(w io.Writer) error {
				return profile.WriteFolded(w, e.Profile)
			}})
		}
	}
	list = slices.Concat(list, profiles, perPacket, locks, folded)
	return append(list, artefact{"benchfmt.txt", func(w io.Writer) error { return Benchfmt(w, r) }},
		artefact{"results.csv", func(w io.Writer) error { return CSV(w, r) }},
		artefact{"results.json", func(w io.Writer) error { return WriteJSON(w, r) }})
}

// PprofOptions are those of every pprof profile of a report: CPUs and stages as
// labels.
func PprofOptions(p *profile.Profile) profile.PprofOptions {
	return pprofOptions(stage.NewClassifier(stage.Default(), p))
}

func pprofOptions(c *stage.Classifier) profile.PprofOptions {
	return profile.PprofOptions{
		Stage: func(p *profile.Profile, stack int32) string { return c.Name(c.Of(p.Stacks[stack])) },
	}
}

// WriteJSON writes a Result as json.MarshalIndent does, but for its runs, which take a line each: the text of a
// thousand is half of what it would be, and no two are in memory.
func WriteJSON(w io.Writer, r *result.Result) error {
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

// writeFile writes a file and has the kernel begin to bring it to the disk.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(f, 64<<10)
	if err = write(b); err == nil {
		err = b.Flush()
	}
	if err == nil {
		err = unix.SyncFileRange(int(f.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE)
	}
	return errors.Join(err, f.Close())
}

// written reports why a file did not come to the disk: a disk that fails says so
// only then. A sync would wait for the file system's journal, too, for each file.
func written(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.SyncFileRange(int(f.Fd()), 0, 0,
		unix.SYNC_FILE_RANGE_WAIT_BEFORE|unix.SYNC_FILE_RANGE_WRITE|unix.SYNC_FILE_RANGE_WAIT_AFTER)
}
