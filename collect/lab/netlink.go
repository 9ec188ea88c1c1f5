package lab

import (
	"encoding/binary"
	"fmt"
	"net"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A request is the body of a netlink message: a structure, then attributes.
type request struct {
	b []byte
}

// structure begins a request with a zeroed structure of a size.
func structure(size int) *request { return &request{make([]byte, size)} }

func (r *request) u8(at int, v uint8)   { r.b[at] = v }
func (r *request) u16(at int, v uint16) { binary.NativeEndian.PutUint16(r.b[at:], v) }
func (r *request) u32(at int, v uint32) { binary.NativeEndian.PutUint32(r.b[at:], v) }

// attr adds an attribute, aligned to 4 bytes.
func (r *request) attr(kind uint16, value []byte) *request {
	r.b = binary.NativeEndian.AppendUint16(r.b, uint16(4+len(value)))
	r.b = binary.NativeEndian.AppendUint16(r.b, kind)
	r.b = append(r.b, value...)
	for len(r.b)%4 != 0 {
		r.b = append(r.b, 0)
	}
	return r
}

// ask sends a request and waits for the kernel to agree.
func ask(c *netlink.Conn, what string, kind netlink.HeaderType, flags netlink.HeaderFlags, r *request) error {
	h := netlink.Header{Type: kind, Flags: flags | netlink.Request | netlink.Acknowledge}
	if _, err := c.Execute(netlink.Message{Header: h, Data: r.b}); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// layLinks makes the two interfaces, with their addresses, the route to the peers
// and the far gateway's entry in the neighbour table.
func layLinks() error {
	c, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return fmt.Errorf("rtnetlink: %w", err)
	}
	defer c.Close()
	const create = netlink.Create | netlink.Excl
	for _, link := range []struct {
		name string
		mac  []byte
		addr [4]byte
	}{
		{"red", redMAC, [4]byte{192, 0, 1, 2}},
		{"black", blackMAC, near},
	} {
		kind := (&request{}).attr(unix.IFLA_INFO_KIND, []byte("dummy"))
		r := structure(unix.SizeofIfInfomsg)
		r.u32(8, unix.IFF_UP)  // flags
		r.u32(12, unix.IFF_UP) // those to change
		r.attr(unix.IFLA_IFNAME, append([]byte(link.name), 0))
		r.attr(unix.IFLA_ADDRESS, link.mac).attr(unix.IFLA_LINKINFO, kind.b)
		if err := ask(c, "making the dummy interface "+link.name, unix.RTM_NEWLINK, create, r); err != nil {
			return err
		}
		device, err := net.InterfaceByName(link.name)
		if err != nil {
			return err
		}
		r = structure(unix.SizeofIfAddrmsg)
		r.u8(0, unix.AF_INET)
		r.u8(1, 24)
		r.u32(4, uint32(device.Index))
		r.attr(unix.IFA_LOCAL, link.addr[:]).attr(unix.IFA_ADDRESS, link.addr[:])
		if err := ask(c, "giving "+link.name+" its address", unix.RTM_NEWADDR, create, r); err != nil {
			return err
		}
	}
	r := structure(unix.SizeofRtMsg)
	r.u8(0, unix.AF_INET)
	r.u8(1, 24) // of the destination
	r.u8(4, unix.RT_TABLE_MAIN)
	r.u8(5, unix.RTPROT_STATIC)
	r.u8(7, unix.RTN_UNICAST)
	r.attr(unix.RTA_DST, peerNet[:]).attr(unix.RTA_GATEWAY, far[:])
	if err := ask(c, "adding the route", unix.RTM_NEWROUTE, create, r); err != nil {
		return err
	}
	black, err := net.InterfaceByName("black")
	if err != nil {
		return err
	}
	r = structure(unix.SizeofNdMsg)
	r.u8(0, unix.AF_INET)
	r.u32(4, uint32(black.Index))
	r.u16(8, unix.NUD_PERMANENT)
	r.attr(unix.NDA_DST, far[:]).attr(unix.NDA_LLADDR, farMAC)
	return ask(c, "adding the neighbour", unix.RTM_NEWNEIGH, create, r)
}

// Of include/uapi/linux/xfrm.h, 7.3: sizes and offsets of its structures, where u64
// is aligned to 8 bytes.
const (
	msgNewSA     = 0x10
	msgNewPolicy = 0x13
	attrTemplate = 5
	attrAEAD     = 18
	attrSADir    = 33
	attrSAPCPU   = 35

	sizeofSelector = 56
	sizeofSA       = 224
	sizeofPolicy   = 168
	sizeofTemplate = 64
	tunnel         = 1
	outbound       = 1 // XFRM_POLICY_OUT
	outboundSA     = 2 // XFRM_SA_DIR_OUT
)

// laySAs adds the SAs and the policy that leads to them.
func (s Sender) laySAs() error {
	c, err := netlink.Dial(unix.NETLINK_XFRM, nil)
	if err != nil {
		return fmt.Errorf("NETLINK_XFRM: %w", err)
	}
	defer c.Close()
	if err := addSA(c, fallbackSPI, nil); err != nil {
		return err
	}
	for cpu := range uint32(s.CPUs) {
		if s.Mode != ModePCPU {
			break
		}
		if err := addSA(c, fallbackSPI+1+cpu, &cpu); err != nil {
			return err
		}
	}
	r := structure(sizeofPolicy)
	copy(r.b, selector(peerNet[:], hostNet[:], 24))
	unlimited(r.b[sizeofSelector:])
	r.u8(160, outbound)
	t := structure(sizeofTemplate)
	copy(t.b, far[:])
	t.u8(20, unix.IPPROTO_ESP)
	t.u16(24, unix.AF_INET)
	copy(t.b[28:], near[:])
	t.u32(44, reqID)
	t.u8(48, tunnel)
	for _, algorithms := range []int{52, 56, 60} {
		t.u32(algorithms, ^uint32(0))
	}
	return ask(c, "adding the policy", msgNewPolicy, netlink.Create|netlink.Excl, r.attr(attrTemplate, t.b))
}

// addSA adds an outbound SA with AES-GCM, for a CPU or, with nil, for all.
func addSA(c *netlink.Conn, spi uint32, cpu *uint32) error {
	r := structure(sizeofSA)
	copy(r.b, selector(nil, nil, 0))
	copy(r.b[56:], far[:])
	binary.BigEndian.PutUint32(r.b[72:], spi)
	r.u8(76, unix.IPPROTO_ESP)
	copy(r.b[80:], near[:])
	unlimited(r.b[96:])
	r.u32(208, reqID)
	r.u16(212, unix.AF_INET)
	r.u8(214, tunnel)
	// struct xfrm_algo_aead: name, lengths in bits, key and salt.
	aead := make([]byte, 64, 64+8+20)
	copy(aead, "rfc4106(gcm(aes))")
	aead = binary.NativeEndian.AppendUint32(aead, 160)
	aead = binary.NativeEndian.AppendUint32(aead, 128)
	aead = append(aead, "a test pattern, 1234"...)
	r.attr(attrAEAD, aead).attr(attrSADir, []byte{outboundSA})
	if cpu != nil {
		r.attr(attrSAPCPU, binary.NativeEndian.AppendUint32(nil, *cpu))
	}
	return ask(c, "adding an SA with rfc4106(gcm(aes))", msgNewSA, netlink.Create|netlink.Excl, r)
}

func selector(dst, src []byte, prefix byte) []byte {
	b := make([]byte, sizeofSelector)
	copy(b, dst)
	copy(b[16:], src)
	binary.NativeEndian.PutUint16(b[40:], unix.AF_INET)
	b[42], b[43] = prefix, prefix
	return b
}

// unlimited fills the four limits that begin struct xfrm_lifetime_cfg.
func unlimited(b []byte) {
	for i := range 4 {
		binary.NativeEndian.PutUint64(b[8*i:], ^uint64(0))
	}
}
