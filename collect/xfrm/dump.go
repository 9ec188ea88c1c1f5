// Package xfrm reads the kernel's SAs and policies over netlink. Keys, which
// the kernel sends along, are passed over while decoding and wiped from the
// receive buffers: they are in no value this package returns.
//
// It never joins a multicast group: a listener of XFRMNLGRP_AEVENTS costs
// every packet work under x->lock, one of XFRMNLGRP_ACQUIRE makes the kernel
// believe that a key daemon is there (net/xfrm/xfrm_user.c, 6.12). Listeners
// says who has.
package xfrm

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
)

// Message types of NETLINK_XFRM (include/uapi/linux/xfrm.h).
const (
	msgNewSA     = 0x10
	msgGetSA     = 0x12
	msgNewPolicy = 0x13
	msgGetPolicy = 0x15
)

// ErrNotSupported is matched by errors that mean a kernel without XFRM's
// netlink interface (CONFIG_XFRM_USER).
var ErrNotSupported = errors.New("this kernel has no NETLINK_XFRM: load it with `modprobe xfrm_user`")

// SAs returns the SAs of a network namespace, named as procfs.Root.NetNSPath wants it,
// in the order of their keys. Phase and TimeNS are the caller's to set. What
// was read before an error is returned with it. Needs CAP_NET_ADMIN in the
// namespace. The kernel holds xfrm_state_lock while it fills each buffer
// (xfrm_state_walk), which others wait for: call it at the ends of what is
// measured, where a read within it is told (bundle.Phase.SAReads), and in a loop
// never more than once a second.
func SAs(root procfs.Root, ns string) ([]bundle.SA, error) {
	sas, err := dumpIn(root, ns, msgGetSA, msgNewSA, func(body []byte) (bundle.SA, error) {
		sa, err := decodeSA(body)
		nameDevice(&sa)
		return sa, err
	})
	for i := range sas {
		sas[i].NetNS = ns
	}
	slices.SortStableFunc(sas, compare)
	if err != nil {
		return sas, fmt.Errorf("reading the SAs: %w", err)
	}
	return sas, nil
}

// Policies returns the policies of a network namespace, in the kernel's order,
// as SAs does. The kernel holds xfrm_policy_lock meanwhile (xfrm_policy_walk).
func Policies(root procfs.Root, ns string) ([]bundle.Policy, error) {
	policies, err := dumpIn(root, ns, msgGetPolicy, msgNewPolicy, decodePolicy)
	for i := range policies {
		policies[i].NetNS = ns
	}
	if err != nil {
		return policies, fmt.Errorf("reading the policies: %w", err)
	}
	return policies, nil
}

func compare(a, b bundle.SA) int {
	return cmp.Or(cmp.Compare(a.Src, b.Src), cmp.Compare(a.Dst, b.Dst), cmp.Compare(a.Proto, b.Proto),
		cmp.Compare(a.SPI, b.SPI))
}

// dumpIn asks the kernel for all of one kind, inside the namespace.
func dumpIn[T any](root procfs.Root, ns string, request, answer netlink.HeaderType,
	decode func([]byte) (T, error)) (all []T, err error) {
	err = root.InNetNS(ns, func() error {
		conn, err := netlink.Dial(unix.NETLINK_XFRM, nil)
		if errors.Is(err, unix.EPROTONOSUPPORT) {
			return fmt.Errorf("%w (%w)", ErrNotSupported, err)
		}
		if err != nil {
			return err
		}
		defer conn.Close()
		all, err = exchange(conn, request, answer, decode)
		return err
	})
	return all, err
}

func exchange[T any](conn *netlink.Conn, request, answer netlink.HeaderType, decode func([]byte) (T, error)) ([]T,
	error) {
	messages, err := conn.Execute(netlink.Message{
		Header: netlink.Header{Type: request, Flags: netlink.Request | netlink.Dump},
	})
	defer wipe(messages)
	if err != nil {
		return nil, err
	}
	var all []T
	var errs []error
	for _, m := range messages {
		if m.Header.Type != answer {
			continue
		}
		one, err := decode(m.Data)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, one)
	}
	return all, errors.Join(errs...)
}

// wipe overwrites what the kernel sent, keys among it.
func wipe(messages []netlink.Message) {
	for _, m := range messages {
		clear(m.Data)
	}
}

// nameDevice puts the name of the offloading device, as the calling thread's
// namespace knows it, in place of its number.
func nameDevice(sa *bundle.SA) {
	kind, number, _ := strings.Cut(sa.Offload, " ")
	if index, err := strconv.Atoi(number); err == nil {
		if dev, err := net.InterfaceByIndex(index); err == nil {
			sa.Offload = kind + " " + dev.Name
		}
	}
}
