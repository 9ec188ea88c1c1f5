package lab

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// said begins each line by which the guest tells the host that it failed, and why.
const said = "xfrmscope lab: "

// GuestCommand is the command that is to call Guest, whatever arguments follow.
const GuestCommand = "lab-guest"

// An order is what the host asks of the guest; it is /order in the initramfs.
type order struct {
	Task    string   `json:"task"`    // "learn" or "send"
	Modules []string `json:"modules"` // to be loaded, in order
	Sender  Sender   `json:"sender"`
}

// Guest is the first program of the guest: it does what /order says, and ends the
// machine.
func Guest() error {
	if os.Getpid() != 1 {
		return errors.New("this is the first program of a simulated machine; `xfrmscope lab run` starts it")
	}
	if err := obey(); err != nil {
		fmt.Printf("%s%v\n", said, err)
	}
	unix.Sync()
	return unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART) // with -no-reboot QEMU ends
}

func obey() error {
	if err := stayAside(); err != nil {
		return err
	}
	for _, m := range []struct{ kind, at string }{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}} {
		_ = os.Mkdir(m.at, 0o755)
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", m.at, err)
		}
	}
	var o order
	data, err := os.ReadFile("/order")
	if err == nil {
		err = json.Unmarshal(data, &o)
	}
	if err != nil {
		return err
	}
	for _, name := range o.Modules {
		if err := load(filepath.Join("/modules", name)); err != nil {
			return fmt.Errorf("loading module %s: %w", name, err)
		}
	}
	switch o.Task {
	case "learn":
		return teach()
	case "send":
		if err := putAside(); err != nil {
			return err
		}
		return o.Sender.send()
	}
	return fmt.Errorf("task %q is not known", o.Task)
}

// stayAside keeps this program on the last CPU, which sends nothing: a thread
// inherits its CPUs, so that the program is started again.
func stayAside() error {
	const aside = "XFRMSCOPE_ASIDE=1"
	if os.Getenv("XFRMSCOPE_ASIDE") != "" {
		return nil
	}
	var last unix.CPUSet
	last.Set(runtime.NumCPU() - 1)
	runtime.LockOSThread()
	if err := unix.SchedSetaffinity(0, &last); err != nil {
		return err
	}
	// A signal ends the write that runs pktgen; Go's preemption sends some.
	return unix.Exec("/program", os.Args, append(os.Environ(), aside, "GODEBUG=asyncpreemptoff=1"))
}

// putAside has the kernel's threads where this program is, but those of one CPU, which
// refuse: RCU's grace periods would be work of this or that sender by chance.
func putAside() error {
	var here unix.CPUSet
	if err := unix.SchedGetaffinity(0, &here); err != nil {
		return err
	}
	entries, err := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			_ = unix.SchedSetaffinity(pid, &here)
		}
	}
	return err
}

func load(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	return os.Remove(file) // its memory
}

// teach leaves what the host wants to know of the kernel. What the kernel does not
// have is left out.
func teach() error {
	var files []file
	for _, name := range learned {
		if data, err := os.ReadFile(name); err == nil {
			files = append(files, file{name, data})
		}
	}
	return leaveFiles(files)
}

type file struct {
	name string
	data []byte
}

// leaveFiles leaves a tar archive.
func leaveFiles(files []file) error {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.data))}); err != nil {
			return err
		}
		if _, err := w.Write(f.data); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return leave(b.Bytes())
}

func addressOf(mem []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(mem))) }

// pack makes the initramfs: a static program, what it is to do, and modules.
func pack(program string, o order, mods []file) ([]byte, error) {
	binary, err := loaded(program)
	if err != nil {
		return nil, err
	}
	for _, m := range mods {
		o.Modules = append(o.Modules, m.name)
	}
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var a initramfs
	a.console()
	a.dir("modules")
	// What the kernel does not know of its command line, nokaslr say, is handed to the first program.
	a.file("init", []byte("#!/program "+GuestCommand+"\n"))
	a.file("program", binary)
	a.file("order", text)
	for _, m := range mods {
		a.file("modules/"+m.name, m.data)
	}
	return a.bytes(), nil
}

// failure is what the guest said on its console, nil if nothing.
func failure(console []string) error {
	for i, line := range console {
		if _, why, ok := strings.Cut(line, said); ok {
			return errors.New("in the guest: " + why)
		}
		if strings.Contains(line, "Kernel panic") {
			tail := console[:i+1] // what follows are registers
			return &BootError{Why: "the guest's kernel panicked", Console: tail}
		}
	}
	return nil
}
