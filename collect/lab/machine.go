package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/record"
)

const (
	guestBytes = 512 << 20 // memory of a guest
	minQEMU    = 10        // the first of which the plugin's interface and its workarounds are known
	installTip = "apt-get install qemu-system-x86; on Debian 12 with -t bookworm-backports"
)

// A machine is one boot of the guest.
type machine struct {
	kernel string // bzImage
	initrd []byte
	cpus   int
	append string        // to the kernel's command line
	plugin string        // path and options; "": real time, no model
	table  string        // FIFO from which the plugin reads the table of functions; "": it reads none
	seed   int           // of what QEMU calls random
	limit  time.Duration // a boot that takes longer hangs

	tell func(*ram) ([]byte, error) // makes that table of what the guest has left in its memory
}

// boot runs the machine until it ends and returns its memory and the console's
// lines. The memory is the caller's to close.
func (m *machine) boot(ctx context.Context) (*ram, []string, error) {
	qemu, err := findQEMU(ctx)
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "xfrmscope-lab-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	initrd, console := filepath.Join(dir, "initrd"), filepath.Join(dir, "console")
	if err := os.WriteFile(initrd, m.initrd, 0o644); err != nil {
		return nil, nil, err
	}
	mem, err := newRAM(guestBytes)
	if err != nil {
		return nil, nil, err
	}
	limited, cancel := context.WithTimeout(ctx, m.limit)
	defer cancel()
	cmd := exec.CommandContext(limited, qemu, m.args(initrd, console)...)
	cmd.ExtraFiles = []*os.File{mem.file} // its descriptor there is 3
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		mem.close()
		return nil, nil, err
	}
	stopped := make(chan struct{})
	told := make(chan error, 1)
	go func() { told <- m.answer(stopped, mem) }()
	runErr := cmd.Wait()
	close(stopped)
	if err := <-told; err != nil {
		mem.close()
		return nil, nil, err
	}
	text, _ := os.ReadFile(console) // none if QEMU did not start
	lines := consoleLines(text)
	if runErr == nil {
		return mem, lines, nil
	}
	mem.close()
	switch {
	case ctx.Err() != nil:
		return nil, lines, ctx.Err()
	case limited.Err() != nil:
		why := fmt.Sprintf("the guest did not end within %v", m.limit)
		return nil, lines, &BootError{Why: why, Console: lines}
	}
	return nil, lines, fmt.Errorf("%s: %w: %s", qemu, runErr, bytes.TrimSpace(said.Bytes()))
}

// answer writes the table of functions when the plugin asks for it, which it does once
// all senders send: the guest has left its message by then. The console would not do: what
// the guest has said on it may not have come yet.
func (m *machine) answer(stopped <-chan struct{}, mem *ram) error {
	if m.table == "" {
		return nil
	}
	for {
		select {
		case <-stopped:
			return nil
		case <-time.After(50 * time.Millisecond):
		}
		f, err := os.OpenFile(m.table, os.O_WRONLY|unix.O_NONBLOCK, 0)
		if errors.Is(err, unix.ENXIO) { // nobody reads yet
			continue
		}
		if err != nil {
			return err
		}
		defer f.Close()
		table, err := m.tell(mem)
		if err != nil {
			return err
		}
		if _, err = f.Write(table); errors.Is(err, unix.EPIPE) { // the machine's end says why
			return nil
		}
		return err
	}
}

// bootLine is the command line of every kernel. nokaslr: symbols stay where they are
// learned; notests: no self-test of a cipher runs beside the senders; blimit: deferred
// frees are made when their grace period ends, and not put off until thousands wait;
// nohz: CPU 0 keeps the time at every boot, and hands that to no CPU that sends nothing.
const bootLine = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr noapic no_timer_check nowatchdog nohz=off " +
	"cryptomgr.notests=1 rcutree.blimit=10000 rcupdate.rcu_cpu_stall_suppress=1"

func (m *machine) args(initrd, console string) []string {
	accel := []string{"-accel", "tcg,thread=multi"}
	if m.plugin != "" {
		// One instruction of any CPU is a nanosecond, and time nobody uses is skipped.
		accel = []string{"-accel", "tcg,thread=single,tb-size=256", "-icount", "shift=0,sleep=off",
			"-rtc", "base=2026-01-01,clock=vm", "-seed", strconv.Itoa(m.seed), "-plugin", m.plugin}
	}
	size := strconv.Itoa(guestBytes)
	return append(accel, "-machine", "pc,hpet=off,usb=off,memory-backend=m", "-m", "size="+size+"B",
		"-object", "memory-backend-file,id=m,share=on,mem-path=/proc/self/fd/3,size="+size,
		// A guest that sees the hypervisor's bit takes test-and-set spin locks instead of queued ones.
		"-cpu", "max,-hypervisor", "-smp", fmt.Sprintf("%d,sockets=%[1]d,cores=1", m.cpus),
		"-kernel", m.kernel, "-initrd", initrd, "-append", bootLine+" "+m.append, "-no-reboot",
		"-nodefaults", "-nic", "none", "-display", "none", "-serial", "file:"+console, "-monitor", "none")
}

// A BootError is a guest that did not come to its end.
type BootError struct {
	Why     string
	Console []string // its lines, all of them
}

func (e *BootError) Error() string {
	tail := e.Console[max(0, len(e.Console)-5):]
	if len(tail) == 0 {
		return e.Why + "; its console is empty: is this a kernel for x86-64 with a serial console (8250)?"
	}
	return e.Why + "; the console ends with: " + strings.Join(tail, " | ")
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;?]*[a-zA-Z]|\x1bc|\r")

// consoleLines are the lines of a console, without the firmware's control sequences.
func consoleLines(text []byte) []string {
	var lines []string
	for line := range strings.Lines(escapes.ReplaceAllString(string(text), "")) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func findQEMU(ctx context.Context) (string, error) {
	qemu, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		why := "qemu-system-x86_64 is not on the PATH"
		return "", &record.Missing{What: "QEMU", Why: why, Fix: installTip, Err: err}
	}
	out, err := exec.CommandContext(ctx, qemu, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", qemu, errors.Join(err, ctx.Err()))
	}
	version := regexp.MustCompile(`version (\d+)\.[\d.]+`).FindSubmatch(out)
	if version == nil {
		return "", fmt.Errorf("%s --version says %q", qemu, out)
	}
	if major, _ := strconv.Atoi(string(version[1])); major < minQEMU {
		why := fmt.Sprintf("%s is %s, want %d or newer", qemu, version[0], minQEMU)
		return "", &record.Missing{What: "QEMU", Why: why, Fix: installTip}
	}
	return qemu, nil
}
