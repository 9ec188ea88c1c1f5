package remote

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// grace is how long ssh may take to end when it is asked to.
const grace = 10 * time.Second

// An SSH says how hosts are reached and what is copied to them.
type SSH struct {
	Command []string          // "ssh" and its options; empty: ssh
	Program string            // path of the program to copy; "": this one
	Other   map[string]string // by host name: a program built for another architecture
}

// Dial copies the program to the host, unless it is there, and starts its
// agent.
func (o *SSH) Dial(ctx context.Context, h Host) (*Session, error) {
	program, err := o.program(h)
	if err != nil {
		return nil, &Error{h.Name, "finding the program to copy", err}
	}
	there, err := o.deploy(ctx, h, program)
	if err != nil {
		return nil, &Error{h.Name, "copying the program", err}
	}
	// What was measured is fetched after an interrupt, too.
	cmd := o.command(context.WithoutCancel(ctx), h, "exec "+there+" agent")
	said := &tail{}
	cmd.Stderr = said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, &Error{h.Name, "starting ssh", err}
	}
	return newSession(ctx, h, out, in, sync.OnceValue(func() error {
		kill := time.AfterFunc(grace, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		return said.explain(cmd.Wait())
	}))
}

func (o *SSH) program(h Host) (string, error) {
	if p := o.Other[h.Name]; p != "" {
		return p, nil
	}
	if o.Program != "" {
		return o.Program, nil
	}
	return os.Executable()
}

// command is ssh with a shell command for the host. Its connection is asked to
// notice when the host is gone.
func (o *SSH) command(ctx context.Context, h Host, script string) *exec.Cmd {
	argv := o.Command
	if len(argv) == 0 {
		argv = []string{"ssh"}
	}
	argv = append(argv[:len(argv):len(argv)], "-o", "BatchMode=yes", "-o", "ServerAliveInterval=5", "-o",
		"ServerAliveCountMax=3", "--", h.Target, script)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt from the terminal is ours to answer
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	return cmd
}

// run runs a script on the host and returns what it printed.
func (o *SSH) run(ctx context.Context, h Host, script string, in io.Reader) (string, error) {
	cmd := o.command(ctx, h, script)
	said := &tail{}
	cmd.Stdin, cmd.Stderr = in, said
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), said.explain(err)
}

// A tail keeps the end of what a program says.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if over := len(t.text) - 2048; over > 0 {
		t.text = t.text[over:]
	}
	return len(p), nil
}

// explain adds what was said to an error.
func (t *tail) explain(err error) error {
	if said := oneLine(string(t.text)); err != nil && said != "" {
		return fmt.Errorf("%w: %s", err, said)
	}
	return err
}
