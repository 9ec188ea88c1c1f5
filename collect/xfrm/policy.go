package xfrm

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
)

// Offsets in struct xfrm_selector, which struct xfrm_userpolicy_info begins
// with, and in the latter (include/uapi/linux/xfrm.h, 6.12).
const (
	offSelDaddr  = 0
	offSelSaddr  = 16
	offSelFamily = 40
	offSelDLen   = 42
	offSelSLen   = 43

	offPriority  = 152
	offIndex     = 156
	offPolDir    = 160
	offPolAction = 161
	offPolFlags  = 162

	sizeofUserPolicy = 168
)

// Offsets in struct xfrm_user_tmpl.
const (
	offTmplDaddr    = 0
	offTmplSPI      = 16
	offTmplProto    = 20
	offTmplFamily   = 24
	offTmplSaddr    = 28
	offTmplReqID    = 44
	offTmplMode     = 48
	offTmplOptional = 50

	sizeofUserTmpl = 64
)

// flagCPUAcquire is XFRM_POLICY_CPU_ACQUIRE (6.13): a packet on a CPU without an
// SA of its own asks the key daemon for one.
const flagCPUAcquire = 4

// decodePolicy reads the body of an XFRM_MSG_NEWPOLICY message.
func decodePolicy(body []byte) (bundle.Policy, error) {
	if len(body) < sizeofUserPolicy {
		return bundle.Policy{}, fmt.Errorf("a policy of %d bytes, want %d or more", len(body), sizeofUserPolicy)
	}
	family := binary.NativeEndian.Uint16(body[offSelFamily:])
	p := bundle.Policy{
		Dir:        policyDirection(body[offPolDir]),
		Index:      binary.NativeEndian.Uint32(body[offIndex:]),
		Priority:   binary.NativeEndian.Uint32(body[offPriority:]),
		Src:        prefix(family, body[offSelSaddr:], body[offSelSLen]),
		Dst:        prefix(family, body[offSelDaddr:], body[offSelDLen]),
		Action:     action(body[offPolAction]),
		CPUAcquire: body[offPolFlags]&flagCPUAcquire != 0,
	}
	dec, err := netlink.NewAttributeDecoder(body[sizeofUserPolicy:])
	if err != nil {
		return p, fmt.Errorf("policy %d: reading its attributes: %w", p.Index, err)
	}
	for dec.Next() {
		switch dec.Type() {
		case attrTmpl:
			dec.Do(func(b []byte) error { return templates(&p, b) })
		case attrIfID:
			p.IfID = dec.Uint32()
		}
	}
	if err := dec.Err(); err != nil {
		return p, fmt.Errorf("policy %d: reading its attributes: %w", p.Index, err)
	}
	return p, nil
}

// templates reads an array of struct xfrm_user_tmpl.
func templates(p *bundle.Policy, b []byte) error {
	if len(b)%sizeofUserTmpl != 0 {
		return fmt.Errorf("its templates have %d bytes, want a multiple of %d", len(b), sizeofUserTmpl)
	}
	for ; len(b) > 0; b = b[sizeofUserTmpl:] {
		family := binary.NativeEndian.Uint16(b[offTmplFamily:])
		sa := bundle.SA{
			Src: address(family, b[offTmplSaddr:]), Dst: address(family, b[offTmplDaddr:]),
			Proto: protocol(b[offTmplProto]), Mode: mode(b[offTmplMode]),
			ReqID: binary.NativeEndian.Uint32(b[offTmplReqID:]),
		}
		text := sa.Template()
		if spi := binary.BigEndian.Uint32(b[offTmplSPI:]); spi != 0 {
			text += fmt.Sprintf(" spi %#x", spi)
		}
		if b[offTmplOptional] != 0 {
			text += " optional"
		}
		p.Templates = append(p.Templates, text)
	}
	return nil
}

// prefix writes a selector's prefix: one of length 0 without a family is any.
func prefix(family uint16, addr []byte, bits byte) string {
	if family != unix.AF_INET && family != unix.AF_INET6 {
		return "any"
	}
	a := netip.AddrFrom16([16]byte(addr[:16]))
	if family == unix.AF_INET {
		a = netip.AddrFrom4([4]byte(addr[:4]))
	}
	return a.String() + "/" + strconv.Itoa(int(bits))
}

// policyDirection names XFRM_POLICY_*; those of sockets follow
// (include/net/xfrm.h XFRM_POLICY_MAX, 6.12).
func policyDirection(dir byte) string {
	switch dir {
	case 0:
		return "in"
	case 1:
		return "out"
	case 2:
		return "fwd"
	case 3:
		return "socket in"
	case 4:
		return "socket out"
	}
	return strconv.Itoa(int(dir))
}

func action(a byte) string {
	switch a {
	case 0:
		return "allow"
	case 1:
		return "block"
	}
	return strconv.Itoa(int(a))
}
