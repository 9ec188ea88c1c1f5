package procfs

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// NetNSPath returns the file of a network namespace: /run/netns/NAME as `ip netns`
// makes it, or /proc/PID/ns/net if name is a process id and no namespace has
// that name. "" is the caller's own.
func (r Root) NetNSPath(name string) (string, error) {
	if name == "" {
		return r.Path("/proc/self/ns/net"), nil
	}
	if !fs.ValidPath(name) || name == "." {
		return "", fmt.Errorf("%q is no name of a namespace", name)
	}
	named := r.Path("/run/netns/" + name)
	if _, err := os.Stat(named); err == nil {
		return named, nil
	}
	if pid, err := strconv.Atoi(name); err == nil && pid > 0 {
		ofPID := r.Path("/proc/" + strconv.Itoa(pid) + "/ns/net")
		if _, err := os.Stat(ofPID); err == nil {
			return ofPID, nil
		}
		return "", fmt.Errorf("there is neither /run/netns/%s nor a process %s", name, name)
	}
	return "", fmt.Errorf("there is no /run/netns/%s", name)
}

// NetNSName names a network namespace for a reader.
func NetNSName(name string) string {
	if name == "" {
		return "the own network namespace"
	}
	return "network namespace " + name
}

// InNetNS calls fn on a thread inside the network namespace, which ends with it. Below
// /proc/thread-self/net, and in sockets it opens, fn sees that namespace; in
// goroutines it starts it does not. Needs CAP_SYS_ADMIN unless name is "".
func (r Root) InNetNS(name string, fn func() error) error {
	if name == "" {
		return fn()
	}
	path, err := r.NetNSPath(name)
	if err != nil {
		return err
	}
	return onThrowaway(func() error {
		target, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("entering network namespace: %w", err)
		}
		defer target.Close()
		if err := unix.Setns(int(target.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("entering network namespace %s: %w", path, err)
		}
		return fn()
	})
}

// InNetNSWithSys is InNetNS where /sys/class/net, too, shows the namespace's interfaces:
// sysfs shows those of the namespace it was mounted in. It mounts one that nobody but
// the thread sees.
func (r Root) InNetNSWithSys(name string, fn func() error) error {
	if name == "" {
		return fn()
	}
	return r.InNetNS(name, func() error {
		err := unix.Unshare(unix.CLONE_NEWNS)
		if err == nil {
			err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		if err == nil {
			err = unix.Mount("sysfs", "/sys", "sysfs",
				unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
		}
		if err != nil {
			return fmt.Errorf("mounting the /sys of %s: %w", NetNSName(name), err)
		}
		return fn()
	})
}

// onThrowaway calls fn on a thread that ends with it. The process's first thread
// cannot end, and /proc/self is what it sees: that one is only held meanwhile.
func onThrowaway(fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			defer runtime.UnlockOSThread()
			done <- onThrowaway(fn)
			return
		}
		done <- fn() // never unlocked
	}()
	return <-done
}
