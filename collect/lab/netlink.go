package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

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

// number is the value of an attribute.
func number(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }

// addLink makes an interface and turns it on.
func addLink(c *netlink.Conn, name string, mac []byte, kind string, data []byte) error {
	info := (&request{}).attr(unix.IFLA_INFO_KIND, []byte(kind))
	if data != nil {
		info.attr(unix.IFLA_INFO_DATA, data)
	}
	r := structure(unix.SizeofIfInfomsg)
	r.u32(8, unix.IFF_UP)  // flags
	r.u32(12, unix.IFF_UP) // those to change
	r.attr(unix.IFLA_IFNAME, append([]byte(name), 0))
	r.attr(unix.IFLA_ADDRESS, mac).attr(unix.IFLA_LINKINFO, info.b)
	err := ask(c, "making the "+kind+" interface "+name, unix.RTM_NEWLINK, netlink.Create|netlink.Excl, r)
	if errors.Is(err, unix.EOPNOTSUPP) {
		err = lacking(kind+" interface", "CONFIG_"+strings.ToUpper(kind), err)
	}
	return err
}

func addAddress(c *netlink.Conn, f family, name string, addr []byte) error {
	device, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	r := structure(unix.SizeofIfAddrmsg)
	r.u8(0, f.af)
	r.u8(1, f.prefix)
	r.u8(2, unix.IFA_F_NODAD)
	r.u32(4, uint32(device.Index))
	r.attr(unix.IFA_LOCAL, addr).attr(unix.IFA_ADDRESS, addr)
	return ask(c, "giving "+name+" its address", unix.RTM_NEWADDR, netlink.Create|netlink.Excl, r)
}

// layLinks makes the two interfaces, with their addresses, the route to the peers
// and the far gateway's entry in the neighbour table. Without a receiver both are dummies.
func layLinks(f family, receiver *os.File) error {
	c, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return fmt.Errorf("rtnetlink: %w", err)
	}
	defer c.Close()
	if err := addLink(c, "red", redMAC(), "dummy", nil); err != nil {
		return err
	}
	if receiver == nil {
		err = addLink(c, "black", blackMAC(), "dummy", nil)
	} else {
		err = addLink(c, "black", blackMAC(), "veth", peer("black", farMAC(), receiver))
	}
	if err != nil {
		return err
	}
	if err := addAddress(c, f, "red", f.red); err != nil {
		return err
	}
	if err := addAddress(c, f, "black", f.near); err != nil {
		return err
	}
	const create = netlink.Create | netlink.Excl
	r := structure(unix.SizeofRtMsg)
	r.u8(0, f.af)
	r.u8(1, f.prefix) // of the destination
	r.u8(4, unix.RT_TABLE_MAIN)
	r.u8(5, unix.RTPROT_STATIC)
	r.u8(7, unix.RTN_UNICAST)
	r.attr(unix.RTA_DST, f.peer).attr(unix.RTA_GATEWAY, f.far)
	if err := ask(c, "adding the route", unix.RTM_NEWROUTE, create, r); err != nil {
		return err
	}
	black, err := net.InterfaceByName("black")
	if err != nil {
		return err
	}
	r = structure(unix.SizeofNdMsg)
	r.u8(0, f.af)
	r.u32(4, uint32(black.Index))
	r.u16(8, unix.NUD_PERMANENT)
	r.attr(unix.NDA_DST, f.far).attr(unix.NDA_LLADDR, farMAC())
	return ask(c, "adding the neighbour", unix.RTM_NEWNEIGH, create, r)
}

// Of include/uapi/linux/xfrm.h, 7.3: sizes and offsets of its structures, where u64
// is aligned to 8 bytes.
const (
	msgNewSA     = 0x10
	msgNewPolicy = 0x13
	attrCrypt    = 2
	attrTemplate = 5
	attrAEAD     = 18
	attrSADir    = 33
	attrSAPCPU   = 35

	sizeofSelector = 56
	sizeofSA       = 224
	sizeofPolicy   = 168
	sizeofTemplate = 64
	tunnel         = 1
	replayWindow   = 32
	outbound       = 1 // XFRM_POLICY_OUT
	forwarded      = 2 // XFRM_POLICY_FWD
	inboundSA      = 1 // XFRM_SA_DIR_IN
	outboundSA     = 2 // XFRM_SA_DIR_OUT
)

// laySAs adds the SAs and the policies.
func (s Sender) laySAs() error {
	c, err := netlink.Dial(unix.NETLINK_XFRM, nil)
	if err != nil {
		return lacking("netlink interface of XFRM", "CONFIG_XFRM_USER", err)
	}
	defer c.Close()
	if err := s.addTunnel(c, outboundSA); err != nil {
		return err
	}
	for i := range uint32(s.SAs) {
		if err := s.addSA(c, outboundSA, otherSPI+i, reqID+1+i, nil); err != nil {
			return err
		}
	}
	f := s.family()
	if err := s.addPolicy(c, outbound, f.peer, f.prefix, 1); err != nil {
		return err
	}
	for i := range s.Policies {
		to := slices.Clone(f.others)
		binary.BigEndian.PutUint16(to[len(to)-2:], uint16(i))
		if err := s.addPolicy(c, outbound, to, uint8(8*len(to)), 0); err != nil {
			return err
		}
	}
	return nil
}

// addTunnel adds the SAs that carry the packets.
func (s Sender) addTunnel(c *netlink.Conn, direction byte) error {
	if err := s.addSA(c, direction, fallbackSPI, reqID, nil); err != nil {
		return err
	}
	for cpu := range uint32(s.CPUs) {
		if s.Mode != ModePCPU {
			break
		}
		if err := s.addSA(c, direction, fallbackSPI+1+cpu, reqID, &cpu); err != nil {
			return err
		}
	}
	return nil
}

// addPolicy adds a policy for packets to a network, which names the SAs.
func (s Sender) addPolicy(c *netlink.Conn, direction uint8, peer []byte, prefix uint8, priority uint32) error {
	f := s.family()
	r := structure(sizeofPolicy)
	copy(r.b, selector(f.af, peer, f.hostNet, prefix, f.prefix))
	unlimited(r.b[sizeofSelector:])
	r.u32(152, priority)
	r.u8(160, direction)
	t := structure(sizeofTemplate)
	copy(t.b, f.far)
	t.u8(20, unix.IPPROTO_ESP)
	t.u16(24, uint16(f.af))
	copy(t.b[28:], f.near)
	t.u32(44, reqID)
	t.u8(48, tunnel)
	for _, algorithms := range []int{52, 56, 60} {
		t.u32(algorithms, ^uint32(0))
	}
	return ask(c, "adding a policy", msgNewPolicy, netlink.Create|netlink.Excl, r.attr(attrTemplate, t.b))
}

// addSA adds an SA, for a CPU or, with nil, for all.
func (s Sender) addSA(c *netlink.Conn, direction byte, spi, reqid uint32, cpu *uint32) error {
	f := s.family()
	r := structure(sizeofSA)
	copy(r.b, selector(f.af, nil, nil, 0, 0))
	copy(r.b[56:], f.far)
	binary.BigEndian.PutUint32(r.b[72:], spi)
	r.u8(76, unix.IPPROTO_ESP)
	copy(r.b[80:], f.near)
	unlimited(r.b[96:])
	r.u32(208, reqid)
	r.u16(212, uint16(f.af))
	r.u8(214, tunnel)
	if direction == inboundSA {
		r.u8(215, replayWindow)
	}
	name := s.cipher(r)
	r.attr(attrSADir, []byte{direction})
	if cpu != nil {
		r.attr(attrSAPCPU, number(*cpu))
	}
	err := ask(c, "adding an SA with "+name, msgNewSA, netlink.Create|netlink.Excl, r)
	switch {
	case errors.Is(err, unix.EPROTONOSUPPORT) && s.IPv6:
		return lacking("ESP for IPv6", "CONFIG_INET6_ESP", err)
	case errors.Is(err, unix.EPROTONOSUPPORT):
		return lacking("ESP", "CONFIG_INET_ESP", err)
	case errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOENT):
		return lacking(name, "CONFIG_CRYPTO_GCM, CRYPTO_SEQIV, CRYPTO_AUTHENC and CRYPTO_NULL", err)
	}
	return err
}

// cipher adds the attributes of the cipher and returns its name.
func (s Sender) cipher(r *request) string {
	const nameBytes = 64 // in struct xfrm_algo and its like
	if s.Cipher == CipherNull {
		const name = "ecb(cipher_null)"
		algo := make([]byte, nameBytes+4) // and the key's length, 0
		copy(algo, name)
		r.attr(attrCrypt, algo)
		return name
	}
	// struct xfrm_algo_aead: name, lengths in bits, key and salt.
	const name = "rfc4106(gcm(aes))"
	aead := make([]byte, nameBytes, nameBytes+8+20)
	copy(aead, name)
	aead = binary.NativeEndian.AppendUint32(aead, 160)
	aead = binary.NativeEndian.AppendUint32(aead, 128)
	aead = append(aead, "a test pattern, 1234"...)
	r.attr(attrAEAD, aead)
	return name
}

func selector(af uint8, dst, src []byte, dstPrefix, srcPrefix uint8) []byte {
	b := make([]byte, sizeofSelector)
	copy(b, dst)
	copy(b[16:], src)
	binary.NativeEndian.PutUint16(b[40:], uint16(af))
	b[42], b[43] = dstPrefix, srcPrefix
	return b
}

// unlimited fills the four limits that begin struct xfrm_lifetime_cfg.
func unlimited(b []byte) {
	for i := range 4 {
		binary.NativeEndian.PutUint64(b[8*i:], ^uint64(0))
	}
}
