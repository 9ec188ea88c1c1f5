package xfrm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xfrmscope/collect/procfs"
)

// What /proc/net/netlink shows while `ip xfrm monitor` runs: a kernel socket,
// the monitor, a key daemon's, a route socket.
const netlinkText = `sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
000000006fe9ac93 6   0          00000000 0        0        0     2        0        566     
00000000d1e0f9a2 6   4411       000001ff 0        0        0     2        0        77001   
00000000d1e0f9a3 6   4294963200 00000001 0        0        0     2        0        77002   
00000000574a48fa 0   17         00000551 0        0        0     2        0        77003   
`

func TestListeners(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755),
			os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	write("proc/thread-self/net/netlink", netlinkText)
	write("proc/812/comm", "ip\n")
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "proc/812/fd"), 0o755),
		os.Symlink("socket:[77001]", filepath.Join(dir, "proc/812/fd/3"))); err != nil {
		t.Fatal(err)
	}
	got, err := Listeners(procfs.Root(dir), "")
	want := []Listener{
		{Groups: []string{"acquire", "expire", "sa", "policy", "aevents", "report", "migrate", "mapping",
			"0x100"}, PortID: 4411, Inode: 77001, PID: 812, Comm: "ip"},
		{Groups: []string{"acquire"}, PortID: 4294963200, Inode: 77002},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v, %v\nwant %+v", got, err, want)
	}
	if !got[0].AEvents() || got[1].AEvents() {
		t.Error("who listens to AEVENTS is not told")
	}
	if got[0].Owner() != "ip (pid 812)" || got[1].Owner() != "an unknown process (netlink port 4294963200)" {
		t.Errorf("owners %q, %q", got[0].Owner(), got[1].Owner())
	}
	write("proc/thread-self/net/netlink", "header\nsk 6 1 what 0 0 0 2 0 5\n")
	if _, err := Listeners(procfs.Root(dir), ""); err == nil {
		t.Error("a damaged line was taken")
	}
}

func FuzzParseListeners(f *testing.F) {
	f.Add([]byte(netlinkText))
	f.Fuzz(func(t *testing.T, data []byte) {
		listeners, _ := parseListeners(data)
		for _, l := range listeners {
			if len(l.Groups) == 0 {
				t.Error("a listener to nothing")
			}
		}
	})
}

// TestKernelListener joins AEVENTS, as `ip xfrm monitor` does, in a namespace
// of its own, and finds itself.
func TestKernelListener(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	err := inNewNamespace(func() error {
		conn, err := netlink.Dial(unix.NETLINK_XFRM, nil)
		if err != nil {
			return err
		}
		defer conn.Close()
		const aevents = 5
		if err := conn.JoinGroup(aevents); err != nil {
			return err
		}
		listeners, err := Listeners("", "")
		if err != nil || len(listeners) != 1 || !listeners[0].AEvents() || listeners[0].PID != os.Getpid() {
			return fmt.Errorf("got %+v, %w; want this process, %d", listeners, err, os.Getpid())
		}
		return nil
	})
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EPROTONOSUPPORT) {
		t.Skip("this kernel or container cannot: ", err)
	}
	if err != nil {
		t.Error(err)
	}
}
