package procfs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNetNSPath(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"run/netns/west", "run/netns/8", "proc/7/ns/net", "proc/8/ns/net"} {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ name, want, wrong string }{
		{"", "proc/self/ns/net", ""},
		{"west", "run/netns/west", ""},
		{"7", "proc/7/ns/net", ""},
		{"8", "run/netns/8", ""}, // a name before a process id
		{"east", "", "there is no /run/netns/east"},
		{"9", "", "there is neither /run/netns/9 nor a process 9"},
		{"-1", "", "there is no /run/netns/-1"},
		{".", "", "no name of a namespace"},
		{"../west", "", "no name of a namespace"},
		{"/run/netns/west", "", "no name of a namespace"},
	}
	for _, test := range tests {
		got, err := Root(dir).NetNSPath(test.name)
		if test.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%q: %v, want %q", test.name, err, test.wrong)
			}
			continue
		}
		if want := filepath.Join(dir, test.want); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", test.name, got, err, want)
		}
	}
}

// links returns the names of the calling thread's network interfaces.
func links() (string, error) {
	data, err := os.ReadFile("/proc/thread-self/net/dev")
	if err != nil {
		return "", err
	}
	var names []string
	for line := range strings.Lines(string(data)) {
		if name, _, ok := strings.Cut(line, ":"); ok {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return strings.Join(names, " "), nil
}

// A process in a namespace of its own, which has lo alone, stands for one.
func TestInNetNS(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	runtime.LockOSThread() // the child ends with the thread that began it
	defer runtime.UnlockOSThread()
	child := exec.Command("sleep", "1000")
	child.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
	if err := child.Start(); err != nil {
		t.Skip("this machine makes no network namespace: ", err)
	}
	defer func() {
		child.Process.Kill()
		child.Wait()
	}()
	before, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	pid := strconv.Itoa(child.Process.Pid)
	want, err := os.Readlink("/proc/" + pid + "/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	err = Root("").InNetNS(pid, func() error {
		got, err := os.Readlink("/proc/thread-self/ns/net")
		if err != nil || got != want {
			return fmt.Errorf("inside %s, %v, want %s", got, err, want)
		}
		if names, err := links(); err != nil || names != "lo" {
			return fmt.Errorf("interfaces %q, %v", names, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	err = Root("").InNetNSWithSys(pid, func() error {
		devices, err := os.ReadDir("/sys/class/net")
		if err != nil || len(devices) != 1 || devices[0].Name() != "lo" {
			return fmt.Errorf("/sys/class/net holds %v, %w, want lo alone", devices, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if names, err := links(); err != nil || names == "lo" {
		t.Errorf("afterwards this process sees %q, %v", names, err)
	}
	for range 20 { // whichever thread this runs on
		if after, err := os.Readlink("/proc/thread-self/ns/net"); err != nil || after != before {
			t.Fatalf("afterwards in %s, %v; before in %s", after, err, before)
		}
	}
}

func TestInNetNSErrors(t *testing.T) {
	if err := Root("").InNetNS("no-such-namespace", func() error { return nil }); err == nil {
		t.Error("entered a namespace that does not exist")
	}
	if err := Root("").InNetNSWithSys("no-such-namespace", func() error { return nil }); err == nil {
		t.Error("entered a namespace that does not exist")
	}
	mine := errors.New("mine")
	if err := Root("").InNetNS("", func() error { return mine }); err != mine {
		t.Errorf("got %v", err)
	}
}

// The process's first thread is left as it is, for /proc/self shows what it sees.
func TestThrowaway(t *testing.T) {
	var errs []error
	for range 50 {
		errs = append(errs, onThrowaway(func() error {
			if unix.Gettid() == os.Getpid() {
				return errors.New("on the first thread")
			}
			return nil
		}))
	}
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}
