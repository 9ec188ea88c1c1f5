package record

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
)

// What a load started ends when this process is no more, however that ended.
func TestGuard(t *testing.T) {
	cmd := exec.Command("sh", "-c", "sleep 1000 & sleep 1000 & trap '' TERM; wait; wait; sleep 1000")
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	g := startGuard(cmd.Process.Pid)
	if g == nil {
		t.Fatal("no guard")
	}
	g.alive.Close() // as the kernel does
	_ = cmd.Wait()
	_ = g.cmd.Wait()
	for range 100 {
		if err := unix.Kill(-cmd.Process.Pid, 0); errors.Is(err, unix.ESRCH) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
	t.Error("the load goes on")
}

// A guard whose load has ended leaves no process.
func TestGuardStops(t *testing.T) {
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := startLoad(&bundle.Load{Argv: []string{"true"}}, bundle.CPUSet{0}, log, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.stop(time.Second)
	if l.guard == nil || l.guard.cmd.ProcessState == nil {
		t.Errorf("guard %+v", l.guard)
	}
}
