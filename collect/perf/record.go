package perf

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/sched"
)

// Options are what perf record shall do.
type Options struct {
	CPUs        bundle.CPUSet
	Events      []string
	FrequencyHz int
	Output      string // the perf.data file
}

// recordArgs is the command line without the control channel.
func (t *Tool) recordArgs(o Options) []string {
	args := []string{t.Path, "record", "-k", "CLOCK_MONOTONIC", "-C", o.CPUs.String(), "-F", strconv.Itoa(o.FrequencyHz),
		"-g", "--kernel-callchains", "-N"}
	for _, event := range o.Events {
		args = append(args, "-e", event)
	}
	if t.Zstd {
		args = append(args, "-z")
	}
	return append(args, "-o", o.Output)
}

// Argv returns the command line Start runs. perf opens the events but leaves
// them disabled (-D -1) until it is told over file descriptors 3 and 4.
func (t *Tool) Argv(o Options) []string {
	return append(t.recordArgs(o), "-D", "-1", "--control", "fd:3,4")
}

// A Recording is a running perf record.
type Recording struct {
	cmd     *exec.Cmd
	control *os.File
	acks    chan struct{}
	done    chan struct{} // closed when perf has ended
	err     error         // how, once done is closed
}

// ErrEnded is matched by errors that mean that perf has ended by itself.
var ErrEnded = errors.New("perf has ended")

// ackTimeout is how long perf may take to answer. Before the first answer it
// writes a record for every process and module of the machine.
const ackTimeout = 2 * time.Minute

// Start runs perf record on the CPUs of pin, which are not those it measures,
// and returns when it is ready to be enabled. What it prints goes to log.
func (t *Tool) Start(o Options, pin bundle.CPUSet, log *os.File) (*Recording, error) {
	argv := t.Argv(o)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), environment()...)
	cmd.Stdout, cmd.Stderr = log, log
	childControl, control, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting perf: %w", err)
	}
	defer childControl.Close()
	ack, childAck, err := os.Pipe()
	if err != nil {
		control.Close()
		return nil, fmt.Errorf("starting perf: %w", err)
	}
	defer childAck.Close()
	cmd.ExtraFiles = []*os.File{childControl, childAck}
	if err := sched.Start(cmd, pin); err != nil {
		control.Close()
		ack.Close()
		return nil, fmt.Errorf("starting perf: %w", err)
	}
	r := &Recording{cmd: cmd, control: control, acks: make(chan struct{}, 1), done: make(chan struct{})}
	go r.readAcks(ack)
	go func() {
		r.err = cmd.Wait()
		close(r.done)
	}()
	// Nothing is enabled yet, so this changes nothing: the answer says that
	// perf has opened its events.
	if err := r.Disable(); err != nil {
		r.Kill()
		return nil, err
	}
	return r, nil
}

// readAcks turns each "ack\n" into a token (tools/perf/util/evlist.c
// evlist__ctlfd_ack, 6.1).
func (r *Recording) readAcks(ack *os.File) {
	defer ack.Close()
	lines := bufio.NewScanner(ack)
	for lines.Scan() {
		select {
		case r.acks <- struct{}{}:
		default: // nobody waits for it any more
		}
	}
}

// Enable starts counting and sampling; when it returns all events run.
func (r *Recording) Enable() error { return r.tell("enable") }

// Disable stops counting and sampling.
func (r *Recording) Disable() error { return r.tell("disable") }

func (r *Recording) tell(word string) error {
	if _, err := r.control.WriteString(word + "\n"); err != nil {
		return fmt.Errorf("telling perf to %s: %w", word, errors.Join(ErrEnded, err))
	}
	timeout := time.NewTimer(ackTimeout)
	defer timeout.Stop()
	select {
	case <-r.acks:
		return nil
	case <-r.done:
		return fmt.Errorf("telling perf to %s: %w: %w", word, ErrEnded, r.status())
	case <-timeout.C:
		return fmt.Errorf("telling perf to %s: no answer in %s", word, ackTimeout)
	}
}

// Done is closed when perf has ended.
func (r *Recording) Done() <-chan struct{} { return r.done }

// status is how perf ended, as an error even if it ended well.
func (r *Recording) status() error {
	if r.err == nil {
		return errors.New("exit status 0")
	}
	return r.err
}

// Stop makes perf complete its file and end. It returns how perf ended.
func (r *Recording) Stop() error {
	if err := r.tell("stop"); err != nil && !errors.Is(err, ErrEnded) {
		r.Kill()
		return err
	}
	<-r.done
	r.control.Close()
	return r.err
}

// Kill ends perf without waiting for its file; a perf that has ended is left
// alone.
func (r *Recording) Kill() {
	select {
	case <-r.done:
		return
	default:
	}
	// It may end this very moment.
	_ = sched.Signal(r.cmd, unix.SIGKILL)
	<-r.done
	r.control.Close()
}

// ExitCode returns perf's exit code once Done is closed: 128 + n if signal n
// ended it.
func (r *Recording) ExitCode() int { return sched.ExitCode(r.cmd) }
