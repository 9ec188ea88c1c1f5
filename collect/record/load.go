package record

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/sched"
)

// A load is the running command that makes the traffic.
type load struct {
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{} // closed when it has ended
	reap sync.Once

	guard *guard
}

// startLoad starts the plan's load, in a session of its own, with its
// output in log, which stop closes, and env added to its environment.
func startLoad(plan *bundle.Load, own bundle.CPUSet, log *os.File, env []string) (*load, error) {
	set := own
	if len(plan.CPUs) > 0 {
		set = plan.CPUs
	}
	l := &load{cmd: exec.Command(plan.Argv[0], plan.Argv[1:]...), log: log, done: make(chan struct{})}
	l.cmd.Stdout, l.cmd.Stderr = log, log
	l.cmd.Env = append(os.Environ(), env...)
	if err := sched.Start(l.cmd, set); err != nil {
		log.Close()
		return nil, fmt.Errorf("starting the load: %w", err)
	}
	l.guard = startGuard(l.cmd.Process.Pid)
	go func() {
		sched.AwaitEnd(l.cmd)
		close(l.done)
	}()
	return l, nil
}

// A guard ends the load of a process that was killed. The kernel tells the load's
// leader alone; a shell that dies of it leaves what it started.
type guard struct {
	cmd   *exec.Cmd
	alive *os.File // closed by the kernel if not by us
}

// startGuard starts a guard of a group of processes, nil if it cannot.
func startGuard(group int) *guard {
	const script = `read -r _; kill -s TERM -- "-$1"; sleep 2; kill -s KILL -- "-$1"`
	in, alive, err := os.Pipe()
	if err != nil {
		return nil
	}
	defer in.Close()
	g := &guard{cmd: exec.Command("sh", "-c", script, "sh", strconv.Itoa(group)), alive: alive}
	g.cmd.Stdin, g.cmd.SysProcAttr = in, &unix.SysProcAttr{Setsid: true}
	if g.cmd.Start() != nil {
		alive.Close()
		return nil
	}
	return g
}

// stop ends the guard, whose group is ended by others.
func (g *guard) stop() {
	if g == nil {
		return
	}
	_ = g.cmd.Process.Kill() // it may have ended
	_ = g.cmd.Wait()         // killed
	g.alive.Close()
}

// StartLoad starts a load for runs that are made elsewhere, with its output in
// the file log. The function it returns ends the load, and says why the load
// failed if it had ended by itself.
func StartLoad(plan *bundle.Load, log string, opt Options) (stop func() error, err error) {
	own, err := sched.Affinity()
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	l, err := startLoad(plan, own, f, opt.LoadEnv)
	if err != nil {
		return nil, err
	}
	return func() error {
		var err error
		if l.ended() {
			if why := l.failure(); why != "" {
				err = errors.New(why)
			}
		}
		l.stop(opt.grace())
		return err
	}, nil
}

// ended reports whether the load has ended.
func (l *load) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// stop asks all processes of the load to end, and kills what has not ended
// after the grace, or has outlived the group's leader.
func (l *load) stop(grace time.Duration) {
	if !l.ended() {
		l.signal(unix.SIGTERM)
	}
	timeout := time.NewTimer(grace)
	defer timeout.Stop()
	select {
	case <-l.done:
	case <-timeout.C:
	}
	l.exitCode()
	l.log.Close()
}

// exitCode kills what is left of the load and returns how it ended. Only then
// is the leader waited for: until it is, the group's number is not another's.
func (l *load) exitCode() int {
	l.reap.Do(func() {
		l.signal(unix.SIGKILL)
		l.guard.stop()
		_ = l.cmd.Wait() // sets ProcessState
	})
	return sched.ExitCode(l.cmd)
}

func (l *load) signal(sig unix.Signal) {
	// A group of another user's (sudo) cannot be signalled, and must end by
	// itself.
	_ = sched.Signal(l.cmd, sig)
}

// failure returns why a load that ended by itself failed, "" if it did not.
func (l *load) failure() string {
	code := l.exitCode()
	if code == 0 {
		return ""
	}
	return fmt.Sprintf("the load failed with exit status %d: %s", code, LastLines(l.log.Name(), 3))
}

// LastLines returns the last n lines of a log, joined, without empty and
// repeated ones.
func LastLines(name string, n int) string {
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		data, err = os.ReadFile(strings.TrimSuffix(name, ".part"))
	}
	if err != nil {
		return "its output cannot be read: " + err.Error()
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	lines = slices.Compact(lines)
	if len(lines) == 0 {
		return "it printed nothing"
	}
	return strings.Join(lines[max(0, len(lines)-n):], " / ")
}
