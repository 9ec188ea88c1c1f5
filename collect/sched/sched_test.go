package sched

import (
	"bytes"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
)

func TestStart(t *testing.T) {
	own, err := Affinity()
	if err != nil || len(own) == 0 {
		t.Fatalf("%v, %v", own, err)
	}
	for _, cpu := range []int{own[0], own[len(own)-1]} {
		var out bytes.Buffer
		cmd := exec.Command("cat", "/proc/self/status")
		cmd.Stdout = &out
		if err := Start(cmd, bundle.CPUSet{cpu}); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		want := "Cpus_allowed_list:\t" + bundle.CPUSet{cpu}.String() + "\n"
		if !strings.Contains(out.String(), want) {
			t.Errorf("started on CPU %d, found\n%s", cpu, out.String())
		}
	}
	if after, err := Affinity(); err != nil || !reflect.DeepEqual(after, own) {
		t.Errorf("afterwards %v, %v; before %v", after, err, own)
	}
}

func TestPinProcess(t *testing.T) {
	own, err := Affinity()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := PinProcess(own); err != nil {
			t.Error(err)
		}
	}()
	want := own[:1]
	if err := PinProcess(want); err != nil {
		t.Fatal(err)
	}
	if got, err := Affinity(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestStartOfNoProgram(t *testing.T) {
	own, err := Affinity()
	if err != nil {
		t.Fatal(err)
	}
	if err := Start(exec.Command("/nonexistent"), own); err == nil {
		t.Error("started a program that does not exist")
	}
}

// timeout(1) puts what it runs into a process group of its own.
func TestSignalReachesEveryGroup(t *testing.T) {
	if _, err := exec.LookPath("timeout"); err != nil {
		t.Skip("timeout(1) is not installed")
	}
	own, err := Affinity()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "timeout 60 sleep 60 & wait")
	if err := Start(cmd, own); err != nil {
		t.Fatal(err)
	}
	for len(sessionOf(cmd.Process.Pid)) < 2 { // timeout and sleep are there
		time.Sleep(time.Millisecond)
	}
	if err := Signal(cmd, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	left := func() bool { return len(sessionOf(cmd.Process.Pid)) > 0 }
	for i := 0; left() && i < 5000; i++ {
		time.Sleep(time.Millisecond)
	}
	if left() {
		t.Errorf("processes %v outlived the signal", sessionOf(cmd.Process.Pid))
	}
	AwaitEnd(cmd)
	_ = cmd.Wait()
}

// A child outlives the thread of whoever started it: goroutines that entered a
// network namespace end with their thread.
func TestStartOutlivesThread(t *testing.T) {
	own, err := Affinity()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sleep", "60")
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		started <- Start(cmd, own)
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	time.Sleep(200 * time.Millisecond)
	var status unix.WaitStatus
	if pid, _ := unix.Wait4(cmd.Process.Pid, &status, unix.WNOHANG, nil); pid != 0 {
		t.Errorf("the child has ended: signal %v", status.Signal())
	}
}
