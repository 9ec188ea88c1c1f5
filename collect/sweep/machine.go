package sweep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/record"
	"xfrmscope/collect/scenario"
	"xfrmscope/collect/sched"
)

// A Machine carries out the steps of a run.
type Machine interface {
	// Shell runs a set-up, a tear-down, or what prints a result, to its end.
	// What it prints goes to the two files. A cancelled ctx ends it with all its
	// children.
	Shell(ctx context.Context, line string, out, errw *os.File) error

	// Record makes the run's bundle in dir, which must not exist yet; see
	// record.Record for what it returns.
	Record(ctx context.Context, run *scenario.Run, steady *scenario.Steady, dir string,
		say func(line string)) (*bundle.Run, error)

	// Recover ends what an earlier sweep, killed, left running.
	Recover() error
}

// Local is the machine this program runs on.
type Local struct {
	Options record.Options
	Mark    string // NAME=VALUE in the environment of every child: Recover finds them by it
}

// Shell implements Machine.
func (l *Local) Shell(ctx context.Context, line string, out, errw *os.File) error {
	own, err := sched.Affinity()
	if err != nil {
		return err
	}
	cmd := exec.Command("sh", "-c", line)
	cmd.Stdout, cmd.Stderr = out, errw
	cmd.Env = append(os.Environ(), l.Mark)
	if err := sched.Start(cmd, own); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		sched.AwaitEnd(cmd)
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		_ = sched.Signal(cmd, unix.SIGTERM)
		select {
		case <-ended:
		case <-time.After(record.DefaultGrace):
		}
		_ = sched.Signal(cmd, unix.SIGKILL)
	}
	_ = cmd.Wait() // sets ProcessState
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if code := sched.ExitCode(cmd); code != 0 {
		return fmt.Errorf("exit status %d", code)
	}
	return nil
}

// Record implements Machine.
func (l *Local) Record(ctx context.Context, run *scenario.Run, steady *scenario.Steady, dir string,
	say func(string)) (*bundle.Run, error) {
	opt := l.Options
	opt.Progress = func(p record.Progress) { say(p.Step) }
	opt.LoadEnv = append(opt.LoadEnv, l.Mark)
	var verdict steadiness
	if steady != nil && steady.Within > 0 && run.Plan.Load != nil {
		opt.BeforeWindow = func(ctx context.Context) error {
			say(fmt.Sprintf("waiting until the load is steady, %s at most", steady.Within))
			verdict = awaitSteady(ctx, steady, newMeter(opt.Root, &run.Plan))
			return ctx.Err()
		}
	}
	b, err := record.Run(ctx, run.Plan, dir, opt)
	if err != nil || verdict.ok() {
		return b, err
	}
	if err := bundle.Amend(dir, verdict.note); err != nil {
		return b, err
	}
	return bundle.Open(bundle.DirFS(dir), dir)
}

// Recover implements Machine.
func (l *Local) Recover() error {
	deadline, asked := time.Now().Add(record.DefaultGrace), map[int]bool{}
	for looks := 2; looks > 0; looks-- { // a process between fork and exec shows no mark
		pids := marked(l.Mark)
		over := time.Since(deadline)
		for _, pid := range pids {
			switch {
			case over > time.Second:
				return fmt.Errorf("processes of the sweep that was killed still run: %v", pids)
			case over > 0:
				_ = unix.Kill(pid, unix.SIGKILL)
			case !asked[pid]:
				asked[pid] = true
				_ = unix.Kill(pid, unix.SIGTERM)
			}
			looks = 3
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// errNoResult is a load that has left no result.
var errNoResult = errors.New("the load left no result")
