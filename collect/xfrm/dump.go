// Package xfrm reads the kernel's SAs over netlink. Keys, which the kernel
// sends along, are passed over while decoding and wiped from the receive
// buffers: they are in no value this package returns.
//
// It never joins a multicast group: a listener of XFRMNLGRP_AEVENTS costs
// every packet work under x->lock, one of XFRMNLGRP_ACQUIRE makes the kernel
// believe that a key daemon is there (net/xfrm/xfrm_user.c, 6.12).
package xfrm

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/netns"
	"xfrmscope/collect/procfs"
)

// Message types of NETLINK_XFRM (include/uapi/linux/xfrm.h).
const (
	msgNewSA = 0x10
	msgGetSA = 0x12
)

// ErrNotSupported is matched by errors that mean a kernel without XFRM's
// netlink interface (CONFIG_XFRM_USER).
var ErrNotSupported = errors.New("this kernel has no NETLINK_XFRM: load it with `modprobe xfrm_user`")

// SAs returns the SAs of a network namespace, named as netns.Path wants it,
// in the order of their keys. Phase and TimeNS are the caller's to set. What
// was read before an error is returned with it. Needs CAP_NET_ADMIN in the
// namespace. The kernel holds xfrm_state_lock while it fills each buffer
// (xfrm_state_walk): call it once before and once after a measurement, never
// more than once a second.
func SAs(root procfs.Root, ns string) ([]bundle.SA, error) {
	var sas []bundle.SA
	err := netns.Do(root, ns, func() (err error) {
		sas, err = dump()
		return err
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

func compare(a, b bundle.SA) int {
	return cmp.Or(cmp.Compare(a.Src, b.Src), cmp.Compare(a.Dst, b.Dst), cmp.Compare(a.Proto, b.Proto), cmp.Compare(a.SPI, b.SPI))
}

func dump() ([]bundle.SA, error) {
	conn, err := netlink.Dial(unix.NETLINK_XFRM, nil)
	if errors.Is(err, unix.EPROTONOSUPPORT) {
		return nil, fmt.Errorf("%w (%w)", ErrNotSupported, err)
	}
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return exchange(conn)
}

func exchange(conn *netlink.Conn) ([]bundle.SA, error) {
	messages, err := conn.Execute(netlink.Message{
		Header: netlink.Header{Type: msgGetSA, Flags: netlink.Request | netlink.Dump},
	})
	defer wipe(messages)
	if err != nil {
		return nil, err
	}
	var sas []bundle.SA
	var errs []error
	for _, m := range messages {
		if m.Header.Type != msgNewSA {
			continue
		}
		sa, err := decodeSA(m.Data)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		sas = append(sas, sa)
	}
	return sas, errors.Join(errs...)
}

// wipe overwrites what the kernel sent, keys among it.
func wipe(messages []netlink.Message) {
	for _, m := range messages {
		clear(m.Data)
	}
}
