package procfs

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
)

// Host returns what is known of the machine and its kernel. What cannot be
// read stays empty.
func (r Root) Host() bundle.Host {
	h := bundle.Host{
		Name:    r.ReadTrimmed("/proc/sys/kernel/hostname"),
		Kernel:  r.ReadTrimmed("/proc/sys/kernel/osrelease"),
		Version: r.ReadTrimmed("/proc/sys/kernel/version"),
		CmdLine: r.ReadTrimmed("/proc/cmdline"),
		BootID:  r.BootID(),
		Arch:    machine(),
	}
	h.Online, _ = r.Online()
	h.CPUModel, h.Hypervisor = r.cpuInfo()
	if ids, err := r.BuildIDs(); err == nil && len(ids) > 0 && ids[0].Name == KernelName {
		h.BuildID = ids[0].ID
	}
	return h
}

// BootID names the boot of the machine (drivers/char/random.c, 6.12).
func (r Root) BootID() string { return r.ReadTrimmed("/proc/sys/kernel/random/boot_id") }

func machine() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Machine[:])
}

// cpuInfo returns the first CPU's model and whether it says that it runs
// under a hypervisor (x86, arch/x86/kernel/cpu/proc.c).
func (r Root) cpuInfo() (model string, hypervisor bool) {
	data, err := r.Read("/proc/cpuinfo")
	if err != nil {
		return "", false
	}
	for line := range bytes.Lines(data) {
		name, value, ok := strings.Cut(string(line), ":")
		switch name = strings.TrimSpace(name); {
		case !ok && len(bytes.TrimSpace(line)) == 0:
			return model, hypervisor
		case name == "model name":
			model = strings.TrimSpace(value)
		case name == "flags":
			hypervisor = slices.Contains(strings.Fields(value), "hypervisor")
		}
	}
	return model, hypervisor
}

// Running reports whether a process of that name (comm, at most 15 bytes)
// exists.
func (r Root) Running(name string) bool {
	files, err := filepath.Glob(r.Path("/proc/[0-9]*/comm"))
	if err != nil {
		return false
	}
	return slices.ContainsFunc(files, func(file string) bool {
		comm, err := os.ReadFile(file)
		return err == nil && strings.TrimSpace(string(comm)) == name
	})
}
