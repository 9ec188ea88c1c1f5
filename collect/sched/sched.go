// Package sched says on which CPUs the collector's threads and its children
// run.
package sched

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
)

// Affinity returns the CPUs the calling process's main thread may run on.
func Affinity() (bundle.CPUSet, error) {
	mask := unix.NewCPUSet(bundle.MaxCPU + 1)
	if err := unix.SchedGetaffinityDynamic(os.Getpid(), mask); err != nil {
		return nil, fmt.Errorf("reading the CPU affinity: %w", err)
	}
	var set bundle.CPUSet
	for cpu := range bundle.MaxCPU + 1 {
		if mask.IsSet(cpu) {
			set = append(set, cpu)
		}
	}
	return set, nil
}

func pin(tid int, set bundle.CPUSet) error {
	mask := unix.NewCPUSet(bundle.MaxCPU + 1)
	for _, cpu := range set {
		mask.Set(cpu)
	}
	if err := unix.SchedSetaffinityDynamic(tid, mask); err != nil {
		return fmt.Errorf("pinning to CPUs %s: %w", set, err)
	}
	return nil
}

// PinProcess lets all threads of this process run on set only; threads made
// later inherit it from their makers.
func PinProcess(set bundle.CPUSet) error {
	// A thread may be made while the list is read: the second pass finds it.
	for range 2 {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("pinning to CPUs %s: %w", set, err)
		}
		for _, task := range tasks {
			tid, err := strconv.Atoi(task.Name())
			if err != nil {
				continue
			}
			if err := pin(tid, set); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
		}
	}
	return nil
}

// Start starts cmd on the CPUs of set, wherever this process runs, in a session
// of its own: a terminal's Ctrl-C does not reach it, and Signal finds all of its
// children. Should this process be killed, cmd is sent SIGTERM.
func Start(cmd *exec.Cmd, set bundle.CPUSet) error {
	own, err := Affinity()
	if err != nil {
		return err
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &unix.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid = true
	cmd.SysProcAttr.Pdeathsig = unix.SIGTERM
	// A child inherits the mask of the thread that forks it, and to the kernel
	// that thread's death is its parent's (kernel/exit.c reparent_leader, 6.12).
	// Threads that entered a network namespace are let die: the child has one of
	// its own, that waits for it.
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := startOn(cmd, set, own)
		started <- err
		if err == nil {
			AwaitEnd(cmd)
		}
	}()
	return <-started
}

// startOn starts cmd from this thread, which it lets run on own afterwards.
func startOn(cmd *exec.Cmd, set, own bundle.CPUSet) error {
	if err := pin(0, set); err != nil {
		return err
	}
	err := cmd.Start()
	return cmp.Or(err, pin(0, own))
}

// Signal sends a signal to every process of the session Start made for cmd.
// The group's number alone would miss what made a group of its own, as
// timeout(1) and the jobs of an interactive shell do.
func Signal(cmd *exec.Cmd, sig unix.Signal) error {
	err := unix.Kill(-cmd.Process.Pid, sig)
	if errors.Is(err, unix.ESRCH) {
		err = nil // the group has ended
	}
	for _, pid := range sessionOf(cmd.Process.Pid) {
		_ = unix.Kill(pid, sig) // gone in between, or another user's: as above
	}
	return err
}

// sessionOf returns the processes of a session that are outside its leader's
// group.
func sessionOf(leader int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		sid, serr := unix.Getsid(pid)
		group, gerr := unix.Getpgid(pid)
		if serr == nil && gerr == nil && sid == leader && group != leader {
			pids = append(pids, pid)
		}
	}
	return pids
}

// AwaitEnd returns when a started command has ended, and leaves it to be waited
// for: until cmd.Wait its process id, and its group's, are not given to others.
func AwaitEnd(cmd *exec.Cmd) {
	for {
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// ExitCode returns the exit code of a command that has been waited for as a
// shell gives it: 128 + n if signal n ended it, -1 if it has not ended.
func ExitCode(cmd *exec.Cmd) int {
	if cmd.ProcessState == nil {
		return -1
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return cmd.ProcessState.ExitCode()
}

// PinThread lets the calling thread, which the caller has locked to its
// goroutine, run on set only.
func PinThread(set bundle.CPUSet) error { return pin(0, set) }
