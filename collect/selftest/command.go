package selftest

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"xfrmscope/collect/sched"
)

const (
	startTime = 30 * time.Second        // a command may take this long to load its programs
	quiet     = 1500 * time.Millisecond // no new program for so long: all are loaded and attached
	endTime   = 10 * time.Second        // a command may take this long to end
)

func startCommand(ctx context.Context, command string) (end func(), err error) {
	cpus, err := sched.Affinity()
	if err != nil {
		return nil, err
	}
	before, err := programIDs()
	if err != nil {
		return nil, err
	}
	var said bytes.Buffer
	cmd := exec.Command("sh", "-c", command)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := sched.Start(cmd, cpus); err != nil {
		return nil, fmt.Errorf("starting %q: %w", command, err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	end = func() {
		_ = sched.Signal(cmd, unix.SIGINT)
		select {
		case <-ended:
		case <-time.After(endTime):
			_ = sched.Signal(cmd, unix.SIGKILL)
			<-ended
		}
	}
	if err := awaitPrograms(ctx, before, ended); err != nil {
		end()
		return nil, fmt.Errorf("%w: %s", err, firstLines(said.String()))
	}
	return end, nil
}

// awaitPrograms waits until there are programs that were not before, and no more
// come.
func awaitPrograms(ctx context.Context, before []ebpf.ProgramID, ended <-chan struct{}) error {
	last, since := 0, time.Now()
	for deadline := time.Now().Add(startTime); time.Now().Before(deadline); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ended:
			return fmt.Errorf("%w: it ended", errUnobserved)
		case <-time.After(50 * time.Millisecond):
		}
		more, err := programsSince(before)
		if err != nil {
			return err
		}
		if len(more) != last {
			last, since = len(more), time.Now()
		}
		if last > 0 && time.Since(since) >= quiet {
			return nil
		}
	}
	return fmt.Errorf("%w: it loaded no eBPF program within %v", errUnobserved, startTime)
}

// firstLines is what a command said that ended at once.
func firstLines(said string) string {
	var lines []string
	for line := range strings.Lines(said) {
		if line = strings.TrimSpace(line); line != "" && len(lines) < 2 {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}
