package lab

import (
	"fmt"
	"net"
	"os"
	"runtime"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A receiver is the far gateway, in a network namespace of its own: black is then a
// veth, whose other end is black there too. What comes is decrypted on the CPU that
// sent it, which is the only one a veth wakes, and forwarded to red, a dummy that drops
// it. A packet's cost is that of both gateways; that of sending is known without. An
// inbound SA has the SPI of the outbound one: which of them is meant, functions tell.
//
// To replay packets that were encrypted once would leave sending out. But pktgen sends no
// ESP, and with an anti-replay window each packet is taken once.

func newNamespace() (namespace *os.File, err error) {
	err = onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return lacking("network namespaces", "CONFIG_NET_NS", err)
		}
		var err error
		namespace, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	return namespace, err
}

// within does what is to be done in a network namespace.
func within(namespace *os.File, do func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("the receiver's network namespace: %w", err)
		}
		return do()
	})
}

// onThread does something on a thread that ends with it.
func onThread(do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and not unlocked
		done <- do()
	}()
	return <-done
}

// layReceiver makes the far gateway in its namespace, where its end of black is.
func (s Sender) layReceiver() error {
	if err := s.adjust(); err != nil {
		return err
	}
	c, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return fmt.Errorf("rtnetlink: %w", err)
	}
	defer c.Close()
	f := s.family()
	if err := addLink(c, "red", redMAC(), "dummy", nil); err != nil {
		return err
	}
	if err := addAddress(c, f, "red", f.sink); err != nil {
		return err
	}
	if err := turnOn(c, "black"); err != nil {
		return err
	}
	if err := addAddress(c, f, "black", f.far); err != nil {
		return err
	}
	if s.Mode == ModePlain {
		return nil
	}
	x, err := netlink.Dial(unix.NETLINK_XFRM, nil)
	if err != nil {
		return lacking("netlink interface of XFRM", "CONFIG_XFRM_USER", err)
	}
	defer x.Close()
	if err := s.addTunnel(x, inboundSA); err != nil {
		return err
	}
	return s.addPolicy(x, forwarded, f.peer, f.prefix, 1)
}

// turnOn turns an interface on: a veth's other end cannot be made so.
func turnOn(c *netlink.Conn, name string) error {
	device, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	r := structure(unix.SizeofIfInfomsg)
	r.u32(4, uint32(device.Index))
	r.u32(8, unix.IFF_UP)  // flags
	r.u32(12, unix.IFF_UP) // those to change
	return ask(c, "turning "+name+" on", unix.RTM_NEWLINK, 0, r)
}

// peer is the attribute of a new veth that says what its other end is, and where.
func peer(name string, mac []byte, namespace *os.File) []byte {
	const vethInfoPeer = 1
	r := structure(unix.SizeofIfInfomsg)
	r.attr(unix.IFLA_IFNAME, append([]byte(name), 0)).attr(unix.IFLA_ADDRESS, mac)
	r.attr(unix.IFLA_NET_NS_FD, number(uint32(namespace.Fd())))
	return (&request{}).attr(vethInfoPeer, r.b).b
}
