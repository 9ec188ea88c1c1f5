// Package procfs reads what the kernel says of itself in /proc, /sys and /run:
// counters, symbols, modules, build ids, the host. Every path is taken below a
// Root, so that a recorded tree can stand for a machine in a test.
package procfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"xfrmscope/collect/bundle"
)

// A Root is the directory /proc, /sys, /run and /lib are read below. Its zero
// value is the live system.
type Root string

// Path returns where the absolute path name lies below the root.
func (r Root) Path(name string) string {
	if r == "" {
		return name
	}
	return filepath.Join(string(r), name)
}

// Read returns a file below the root. Files of /proc have no size: they are
// read to their end.
func (r Root) Read(name string) ([]byte, error) { return os.ReadFile(r.Path(name)) }

// ReadTrimmed returns a file below the root as a string without white space
// at its ends, "" if it cannot be read.
func (r Root) ReadTrimmed(name string) string {
	data, err := r.Read(name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// ReadInt returns the one number a file of /proc/sys holds.
func (r Root) ReadInt(name string) (int, error) {
	data, err := r.Read(name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return n, nil
}

// Online returns the CPUs that are online, from
// /sys/devices/system/cpu/online (drivers/base/cpu.c, 6.12).
func (r Root) Online() (bundle.CPUSet, error) {
	const name = "/sys/devices/system/cpu/online"
	data, err := r.Read(name)
	if err != nil {
		return nil, fmt.Errorf("reading the online CPUs: %w", err)
	}
	set, err := bundle.ParseCPUSet(string(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return set, nil
}
