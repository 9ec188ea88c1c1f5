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

// Offsets in struct xfrm_usersa_info (include/uapi/linux/xfrm.h, 6.12) where
// u64 is aligned to 8 bytes, that is everywhere but on 32-bit x86.
const (
	offDaddr   = 56
	offSPI     = 72
	offProto   = 76
	offSaddr   = 80
	offBytes   = 160
	offPackets = 168
	offAdded   = 176
	offUsed    = 184
	offReplayW = 192
	offReplay  = 196
	offFailed  = 200
	offReqID   = 208
	offFamily  = 212
	offMode    = 214
	offWindow  = 215
	offFlags   = 216

	sizeofUserSA = 224
)

// Attributes of an SA or a policy (enum xfrm_attr_type_t, 6.12) that are read.
// All others are passed over.
const (
	attrEncap        = 4
	attrTmpl         = 5
	attrReplayVal    = 10
	attrLastUsed     = 15
	attrMark         = 21
	attrReplayESNVal = 23
	attrExtraFlags   = 24
	attrOffloadDev   = 28
	attrIfID         = 31
	attrSADir        = 33
	attrSAPCPU       = 35
)

// carriesKey reports whether an attribute is one of XFRMA_ALG_*, which carry the
// keys. That one is there is all that is ever looked at.
func carriesKey(attr uint16) bool {
	switch attr {
	case 1, 2, 3, 18, 20: // _AUTH, _CRYPT, _COMP, _AEAD, _AUTH_TRUNC
		return true
	}
	return false
}

// decodeSA reads the body of an XFRM_MSG_NEWSA message. It copies the fields
// of bundle.SA and nothing else.
func decodeSA(body []byte) (bundle.SA, error) {
	if len(body) < sizeofUserSA {
		return bundle.SA{}, fmt.Errorf("an SA of %d bytes, want %d or more", len(body), sizeofUserSA)
	}
	u32 := func(off int) uint32 { return binary.NativeEndian.Uint32(body[off:]) }
	u64 := func(off int) uint64 { return binary.NativeEndian.Uint64(body[off:]) }
	family := binary.NativeEndian.Uint16(body[offFamily:])
	sa := bundle.SA{
		Src:      address(family, body[offSaddr:]),
		Dst:      address(family, body[offDaddr:]),
		Proto:    protocol(body[offProto]),
		SPI:      binary.BigEndian.Uint32(body[offSPI:]),
		Mode:     mode(body[offMode]),
		ReqID:    u32(offReqID),
		Packets:  u64(offPackets),
		Bytes:    u64(offBytes),
		AddTimeS: u64(offAdded),
		UseTimeS: u64(offUsed),
		Replay:   uint32(body[offWindow]),
		Flags: flagNames(uint32(body[offFlags]), "noecn", "decap-dscp", "nopmtudisc", "wildrecv", "icmp",
			"af-unspec", "align4", "esn"),
		Drops:  bundle.SADrop{ReplayWindow: u32(offReplayW), Replay: u32(offReplay), Integrity: u32(offFailed)},
		Larval: true,
	}
	return sa, decodeAttributes(&sa, body[sizeofUserSA:])
}

// decodeAttributes reads what follows the structure. An SA stays larval unless
// an algorithm is there.
func decodeAttributes(sa *bundle.SA, attrs []byte) error {
	dec, err := netlink.NewAttributeDecoder(attrs)
	if err != nil {
		return fmt.Errorf("SA %#x: reading its attributes: %w", sa.SPI, err)
	}
	for dec.Next() {
		switch dec.Type() {
		case attrReplayVal:
			dec.Do(func(b []byte) error { return replay(sa, b) })
		case attrReplayESNVal:
			dec.Do(func(b []byte) error { return replayESN(sa, b) })
		case attrLastUsed:
			sa.LastUsedS = dec.Uint64()
		case attrEncap:
			dec.Do(func(b []byte) error { return encap(sa, b) })
		case attrExtraFlags:
			sa.Flags = append(sa.Flags, flagNames(dec.Uint32(), "dont-encap-dscp", "oseq-may-wrap")...)
		case attrOffloadDev:
			dec.Do(func(b []byte) error { return offload(sa, b) })
		case attrMark:
			dec.Do(func(b []byte) error { return mark(sa, b) })
		case attrIfID:
			sa.IfID = dec.Uint32()
		case attrSADir:
			sa.Dir = direction(dec.Uint8())
		case attrSAPCPU:
			cpu := dec.Uint32()
			sa.PCPU = &cpu
		default:
			sa.Larval = sa.Larval && !carriesKey(dec.Type())
		}
	}
	if err := dec.Err(); err != nil {
		return fmt.Errorf("SA %#x: reading its attributes: %w", sa.SPI, err)
	}
	return nil
}

// replay reads struct xfrm_replay_state: oseq, seq, bitmap.
func replay(sa *bundle.SA, b []byte) error {
	if err := atLeast("replay state", b, 12); err != nil {
		return err
	}
	sa.OSeq = uint64(binary.NativeEndian.Uint32(b))
	sa.Seq = uint64(binary.NativeEndian.Uint32(b[4:]))
	return nil
}

// replayESN reads struct xfrm_replay_state_esn: bmp_len, oseq, seq, oseq_hi,
// seq_hi, replay_window, bmp[].
func replayESN(sa *bundle.SA, b []byte) error {
	if err := atLeast("extended replay state", b, 24); err != nil {
		return err
	}
	u32 := func(i int) uint32 { return binary.NativeEndian.Uint32(b[4*i:]) }
	sa.OSeq = uint64(u32(3))<<32 | uint64(u32(1))
	sa.Seq = uint64(u32(4))<<32 | uint64(u32(2))
	sa.Replay = u32(5)
	return nil
}

// encap reads struct xfrm_encap_tmpl: type, and ports in network order; the
// types are UDP_ENCAP_* and TCP_ENCAP_* (include/uapi/linux/udp.h, 6.12).
func encap(sa *bundle.SA, b []byte) error {
	if err := atLeast("encapsulation", b, 6); err != nil {
		return err
	}
	kind := "udp"
	switch typ := binary.NativeEndian.Uint16(b); typ {
	case 2: // UDP_ENCAP_ESPINUDP
	case 7: // TCP_ENCAP_ESPINTCP
		kind = "tcp"
	default:
		kind = strconv.Itoa(int(typ))
	}
	sa.Encap = fmt.Sprintf("%s %d %d", kind, binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint16(b[4:]))
	return nil
}

// offload reads struct xfrm_user_offload: ifindex, flags. The device's number
// stands for its name until nameDevices looks it up.
func offload(sa *bundle.SA, b []byte) error {
	if err := atLeast("offload", b, 5); err != nil {
		return err
	}
	const packet = 4 // XFRM_OFFLOAD_PACKET
	kind := "crypto"
	if b[4]&packet != 0 {
		kind = "packet"
	}
	sa.Offload = fmt.Sprintf("%s %d", kind, binary.NativeEndian.Uint32(b))
	return nil
}

// mark reads struct xfrm_mark: value, mask.
func mark(sa *bundle.SA, b []byte) error {
	if err := atLeast("mark", b, 8); err != nil {
		return err
	}
	sa.Mark = binary.NativeEndian.Uint32(b)
	return nil
}

func atLeast(what string, b []byte, size int) error {
	if len(b) < size {
		return fmt.Errorf("its %s has %d bytes, want %d", what, len(b), size)
	}
	return nil
}

// flagNames names the bits that are set, from the lowest on; a bit without a
// name is its number.
func flagNames(bits uint32, names ...string) []string {
	var set []string
	for i := range 32 {
		switch {
		case bits&(1<<i) == 0:
		case i < len(names):
			set = append(set, names[i])
		default:
			set = append(set, fmt.Sprintf("%#x", uint32(1)<<i))
		}
	}
	return set
}

func address(family uint16, b []byte) string {
	if family == unix.AF_INET {
		return netip.AddrFrom4([4]byte(b[:4])).String()
	}
	return netip.AddrFrom16([16]byte(b[:16])).String()
}

func protocol(p byte) string {
	switch p {
	case unix.IPPROTO_ESP:
		return "esp"
	case unix.IPPROTO_AH:
		return "ah"
	case unix.IPPROTO_COMP:
		return "comp"
	}
	return strconv.Itoa(int(p))
}

// mode names XFRM_MODE_* (include/uapi/linux/xfrm.h, 6.14).
func mode(m byte) string {
	names := []string{"transport", "tunnel", "ro", "in_trigger", "beet", "iptfs"}
	if int(m) < len(names) {
		return names[m]
	}
	return strconv.Itoa(int(m))
}

// direction names XFRM_SA_DIR_*.
func direction(d uint8) string {
	switch d {
	case 1:
		return "in"
	case 2:
		return "out"
	}
	return strconv.Itoa(int(d))
}
