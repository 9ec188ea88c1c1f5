package perf

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/sched"
)

// A child is a running perf that counts when it is told to.
type child struct {
	cmd     *exec.Cmd
	control *os.File
	acks    chan struct{}
	done    chan struct{} // closed when perf has ended
	err     error         // how, once done is closed
	limit   time.Duration // for each answer
}

// ErrEnded is matched by errors that mean that perf has ended by itself.
var ErrEnded = errors.New("perf has ended")

// ackTimeout is how long perf may take to answer, and to complete its file; one
// that takes longer is stuck. Before the first answer it writes a record for every
// process and module of the machine.
const ackTimeout = time.Minute

// startChild runs perf on the CPUs of pin, and returns when it has opened its
// events. They are disabled (-D -1) until it is told over file descriptors 3
// and 4. What it prints goes to log.
func startChild(ctx context.Context, argv []string, pin bundle.CPUSet, log *os.File) (*child, error) {
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
	c := &child{cmd: cmd, control: control, acks: make(chan struct{}, 1), done: make(chan struct{}),
		limit: ackTimeout}
	go c.readAcks(ack)
	go func() {
		c.err = cmd.Wait()
		close(c.done)
	}()
	// Nothing is enabled yet, so this changes nothing: the answer says that
	// perf has opened its events.
	if err := c.tell(ctx, "disable"); err != nil {
		c.Kill()
		return nil, err
	}
	return c, nil
}

// readAcks turns each "ack\n" into a token (tools/perf/util/evlist.c
// evlist__ctlfd_ack, 6.1).
func (c *child) readAcks(ack *os.File) {
	defer ack.Close()
	lines := bufio.NewScanner(ack)
	for lines.Scan() {
		select {
		case c.acks <- struct{}{}:
		default: // nobody waits for it any more
		}
	}
}

// Enable starts counting and sampling; when it returns all events run.
func (c *child) Enable(ctx context.Context) error { return c.tell(ctx, "enable") }

// Disable stops counting and sampling.
func (c *child) Disable() error { return c.tell(context.Background(), "disable") }

func (c *child) tell(ctx context.Context, word string) error {
	if _, err := c.control.WriteString(word + "\n"); err != nil {
		return fmt.Errorf("telling perf to %s: %w", word, errors.Join(ErrEnded, err))
	}
	timeout := time.NewTimer(c.limit)
	defer timeout.Stop()
	select {
	case <-c.acks:
		return nil
	case <-c.done:
		return fmt.Errorf("telling perf to %s: %w: %w", word, ErrEnded, c.status())
	case <-timeout.C:
		return fmt.Errorf("telling perf to %s: no answer in %s", word, c.limit)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Done is closed when perf has ended.
func (c *child) Done() <-chan struct{} { return c.done }

// status is how perf ended, as an error even if it ended well.
func (c *child) status() error {
	return cmp.Or(c.err, errors.New("exit status 0"))
}

// Kill ends perf without waiting for its file; a perf that has ended is left
// alone.
func (c *child) Kill() {
	select {
	case <-c.done:
		return
	default:
	}
	// It may end this very moment.
	_ = sched.Signal(c.cmd, unix.SIGKILL)
	<-c.done
	c.control.Close()
}

// ExitCode returns perf's exit code once Done is closed: 128 + n if signal n
// ended it.
func (c *child) ExitCode() int { return sched.ExitCode(c.cmd) }
