package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
	"xfrmscope/collect/record"
	"xfrmscope/collect/scenario"
)

// Serve is the agent: it answers the requests of in on out until in ends. Runs
// are made in a directory of its own below the system's temporary one, which is
// removed at the end unless it holds a run that nobody fetched.
func Serve(ctx context.Context, in io.Reader, out io.Writer, opt record.Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	cpus, err := scenario.ReadMachine(opt.Root)
	if err != nil {
		return err
	}
	a := &agent{wire: newWire[request, answer](in, out), opt: opt, open: make(chan int64, 1)}
	if err := a.send(answer{Hello: &hello{Tool: opt.Tool, Host: name, Schema: bundle.SchemaVersion,
		CPUs: cpus}}); err != nil {
		return err
	}
	defer a.leave()
	for {
		q, err := a.receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		if err := a.answer(ctx, q); err != nil {
			return err
		}
	}
}

// An agent makes one run at a time.
type agent struct {
	*wire[request, answer]
	opt  record.Options
	open chan int64 // when the window shall open

	temp  string // holds run
	run   string // the bundle, "" if there is none
	stop  context.CancelFunc
	ended chan struct{} // closed when the run has ended
}

func (a *agent) answer(ctx context.Context, q request) error {
	switch {
	case q.Clock:
		return a.send(answer{ClockNS: probe.Monotonic()})
	case q.Record != nil:
		return a.record(ctx, *q.Record)
	case q.OpenNS != 0:
		select {
		case a.open <- q.OpenNS:
		default: // it is told already
		}
	case q.Stop:
		if a.stop != nil {
			a.stop()
		}
	case q.Fetch:
		return a.fetch()
	}
	return nil
}

// record starts a run; Done follows when it has ended.
func (a *agent) record(ctx context.Context, plan bundle.Plan) error {
	a.leave()
	var err error
	if a.temp, err = os.MkdirTemp("", "xfrmscope-run-"); err != nil {
		return a.send(answer{Done: &done{Error: err.Error()}})
	}
	select {
	case <-a.open: // of a run that never got so far
	default:
	}
	ctx, a.stop = context.WithCancel(ctx)
	a.ended = make(chan struct{})
	opt := a.opt
	opt.Progress = func(p record.Progress) { _ = a.send(answer{Progress: p.Step}) }
	opt.BeforeWindow = a.await
	go func() {
		defer close(a.ended)
		dir := filepath.Join(a.temp, "run")
		run, err := record.Run(ctx, plan, dir, opt)
		d := done{Bundle: run != nil}
		if err != nil {
			d.Error = err.Error()
			var partial *record.PartialError
			if errors.As(err, &partial) {
				d.Error = partial.Why // its directory is not the coordinator's
			}
		}
		if run != nil {
			a.run = dir
		}
		_ = a.send(answer{Done: &d})
	}()
	return nil
}

// await says that the window could open, and waits for its time.
func (a *agent) await(ctx context.Context) error {
	if err := a.send(answer{Ready: true}); err != nil {
		return err
	}
	select {
	case at := <-a.open:
		timer := time.NewTimer(time.Duration(at - probe.Monotonic()))
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fetch sends the files of the bundle, the manifest last.
func (a *agent) fetch() error {
	if a.ended != nil {
		<-a.ended
	}
	if a.run == "" {
		return a.send(answer{Failed: "there is no run to fetch"})
	}
	manifest := ""
	err := filepath.WalkDir(a.run, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if filepath.Dir(path) == a.run && d.Name() == bundle.ManifestFile {
			manifest = path
			return nil
		}
		return a.sendFile(path)
	})
	if err == nil {
		err = a.sendFile(manifest)
	}
	if err != nil {
		return err
	}
	if err := a.send(answer{Fetched: true}); err != nil {
		return err
	}
	a.run = ""
	a.leave()
	return nil
}

func (a *agent) sendFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	name, err := filepath.Rel(a.run, path)
	if err != nil {
		return err
	}
	if err := a.send(answer{File: &file{filepath.ToSlash(name), info.Size()}}); err != nil {
		return err
	}
	_, err = io.CopyN(a.w, f, info.Size())
	return err
}

// leave ends what runs and removes what it made; a run that nobody fetched
// stays.
func (a *agent) leave() {
	if a.stop != nil {
		a.stop()
		<-a.ended
		a.stop = nil
	}
	if a.temp != "" && a.run == "" {
		_ = os.RemoveAll(a.temp)
	}
	a.temp, a.run = "", ""
}

// oneLine keeps what another program printed on one line of a message.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
