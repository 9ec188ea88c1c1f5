package sweep

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/record"
	"xfrmscope/collect/scenario"
)

// importDir is the folder of a bundle that holds foreign files as they are; the
// analysis reads them.
const importDir = "import/"

// A stamp tells a file from what it was before a run, without trusting the
// clock.
type stamp struct {
	size  int64
	mtime time.Time
}

func stat(name string) stamp {
	info, err := os.Stat(name)
	if name == "" || err != nil {
		return stamp{}
	}
	return stamp{info.Size(), info.ModTime()}
}

// keepResult copies the load's own result into the run.
func (w *worker) keepResult(ctx context.Context, run *scenario.Run, part string, before stamp) error {
	r := run.Result
	if r.From == "" {
		return nil
	}
	bw, err := bundle.Reopen(part)
	if err != nil {
		return err
	}
	name := importDir + r.From + extension(r)
	to, err := bw.PartPath(name)
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	if r.File != "" {
		err = copyResult(out, r, before)
	} else {
		err = w.printResult(ctx, run, out)
	}
	if err != nil {
		return err
	}
	return bw.Adopt(name)
}

// extension tells the importer what it finds in the file.
func extension(r scenario.Packets) string {
	if ext := filepath.Ext(r.File); ext != "" && len(ext) < 8 {
		return ext
	}
	if r.From == scenario.FromPktgen {
		return ".txt"
	}
	return ".json"
}

func copyResult(out *os.File, r scenario.Packets, before stamp) error {
	if now := stat(r.File); now == before {
		return fmt.Errorf("%w of %s: %s is as it was before the run", errNoResult, r.From, r.File)
	}
	in, err := bundle.OpenRegular(r.File, 0)
	if err != nil {
		return fmt.Errorf("%w of %s: %w", errNoResult, r.From, err)
	}
	defer in.Close()
	n, err := io.Copy(out, in)
	if err == nil && n == 0 {
		err = fmt.Errorf("%w of %s: %s is empty", errNoResult, r.From, r.File)
	}
	return err
}

func (w *worker) printResult(ctx context.Context, run *scenario.Run, out *os.File) error {
	name := filepath.Join(w.dir, bundle.LogDir, run.Dir+".result.log")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	log, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, bundle.ModeOf(bundle.LogDir+"/result"))
	if err != nil {
		return err
	}
	defer log.Close()
	err = w.opt.Machine.Shell(ctx, run.Result.Command, out, log)
	if err != nil && ctx.Err() == nil {
		return &CommandError{What: "result", Command: run.Result.Command, Last: record.LastLines(name, 3),
			Err: err}
	}
	return err
}
