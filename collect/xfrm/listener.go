package xfrm

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
)

// A Listener is a NETLINK_XFRM socket that joined multicast groups.
type Listener struct {
	Groups []string // "acquire", "aevents", ...: XFRMNLGRP_* (include/uapi/linux/xfrm.h)
	PortID uint32   // often the process id
	Inode  uint64
	PID    int    // owner, 0 if it was not found: another user's or a pid namespace's
	Comm   string // of the owner
}

// AEvents reports whether the listener makes every packet of an SA run
// xfrm_replay_notify under x->lock (xfrm_aevent_is_on, include/net/xfrm.h, 6.12).
func (l Listener) AEvents() bool { return slices.Contains(l.Groups, "aevents") }

// Owner names the process for a reader.
func (l Listener) Owner() string {
	if l.PID == 0 {
		return fmt.Sprintf("an unknown process (netlink port %d)", l.PortID)
	}
	return bundle.ListenerName(l.Comm, l.PID)
}

// Listeners returns the sockets of the namespace that have joined a group of
// NETLINK_XFRM, from /proc/net/netlink (net/netlink/af_netlink.c
// netlink_native_seq_show, 6.12). It joins none itself.
func Listeners(root procfs.Root, ns string) ([]Listener, error) {
	var data []byte
	err := root.InNetNS(ns, func() (err error) {
		data, err = root.Read("/proc/thread-self/net/netlink")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the netlink sockets: %w", err)
	}
	listeners, err := parseListeners(data)
	if err != nil {
		return listeners, fmt.Errorf("reading the netlink sockets: %w", err)
	}
	findOwners(root, listeners)
	return listeners, nil
}

// parseListeners reads lines of sk, protocol, port, groups, five columns more,
// inode.
func parseListeners(data []byte) ([]Listener, error) {
	const colProtocol, colPort, colGroups, colInode, columns = 1, 2, 3, 9, 10
	var listeners []Listener
	line := 0
	for text := range bytes.Lines(data) {
		line++
		fields := strings.Fields(string(text))
		if line == 1 || len(fields) < columns || fields[colProtocol] != strconv.Itoa(unix.NETLINK_XFRM) {
			continue
		}
		groups, err := strconv.ParseUint(fields[colGroups], 16, 32)
		if err != nil {
			return listeners, fmt.Errorf("/proc/net/netlink:%d: groups: %w", line, err)
		}
		if groups == 0 {
			continue
		}
		port, err := strconv.ParseUint(fields[colPort], 10, 32)
		if err != nil {
			return listeners, fmt.Errorf("/proc/net/netlink:%d: port: %w", line, err)
		}
		inode, err := strconv.ParseUint(fields[colInode], 10, 64)
		if err != nil {
			return listeners, fmt.Errorf("/proc/net/netlink:%d: inode: %w", line, err)
		}
		names := flagNames(uint32(groups), "acquire", "expire", "sa", "policy", "aevents", "report", "migrate",
			"mapping")
		listeners = append(listeners, Listener{Groups: names, PortID: uint32(port), Inode: inode})
	}
	return listeners, nil
}

// findOwners looks for the sockets among the open files of all processes; those
// of other users stay unknown without CAP_SYS_PTRACE.
func findOwners(root procfs.Root, listeners []Listener) {
	if len(listeners) == 0 {
		return
	}
	files, _ := filepath.Glob(root.Path("/proc/[0-9]*/fd/*")) // the pattern is a good one
	for _, file := range files {
		target, err := os.Readlink(file)
		if err != nil {
			continue
		}
		for i := range listeners {
			l := &listeners[i]
			if l.PID == 0 && target == fmt.Sprintf("socket:[%d]", l.Inode) {
				process := filepath.Dir(filepath.Dir(file))
				l.PID, _ = strconv.Atoi(filepath.Base(process))
				comm, _ := os.ReadFile(filepath.Join(process, "comm"))
				l.Comm = strings.TrimSpace(string(comm))
			}
		}
	}
}
