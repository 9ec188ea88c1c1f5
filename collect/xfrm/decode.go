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
	offReplayW = 192
	offReplay  = 196
	offFailed  = 200
	offReqID   = 208
	offFamily  = 212
	offMode    = 214
	offWindow  = 215

	sizeofUserSA = 224
)

// Attributes of an SA (enum xfrm_attr_type_t, 6.12) that are read. All others
// are passed over: XFRMA_ALG_* carry the keys.
const (
	attrReplayVal    = 10
	attrReplayESNVal = 23
	attrSADir        = 33
	attrSAPCPU       = 35
)

// decodeSA reads the body of an XFRM_MSG_NEWSA message. It copies the fields
// of bundle.SA and nothing else.
func decodeSA(body []byte) (bundle.SA, error) {
	if len(body) < sizeofUserSA {
		return bundle.SA{}, fmt.Errorf("an SA of %d bytes, want %d or more", len(body), sizeofUserSA)
	}
	u32 := func(off int) uint32 { return binary.NativeEndian.Uint32(body[off:]) }
	family := binary.NativeEndian.Uint16(body[offFamily:])
	sa := bundle.SA{
		Src:     address(family, body[offSaddr:]),
		Dst:     address(family, body[offDaddr:]),
		Proto:   protocol(body[offProto]),
		SPI:     binary.BigEndian.Uint32(body[offSPI:]),
		Mode:    mode(body[offMode]),
		ReqID:   u32(offReqID),
		Packets: binary.NativeEndian.Uint64(body[offPackets:]),
		Bytes:   binary.NativeEndian.Uint64(body[offBytes:]),
		Replay:  uint32(body[offWindow]),
		Drops:   bundle.SADrop{ReplayWindow: u32(offReplayW), Replay: u32(offReplay), Integrity: u32(offFailed)},
	}
	return sa, decodeAttributes(&sa, body[sizeofUserSA:])
}

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
		case attrSADir:
			sa.Dir = direction(dec.Uint8())
		case attrSAPCPU:
			cpu := dec.Uint32()
			sa.PCPU = &cpu
		}
	}
	if err := dec.Err(); err != nil {
		return fmt.Errorf("SA %#x: reading its attributes: %w", sa.SPI, err)
	}
	return nil
}

// replay reads struct xfrm_replay_state: oseq, seq, bitmap.
func replay(sa *bundle.SA, b []byte) error {
	if len(b) < 12 {
		return fmt.Errorf("a replay state of %d bytes, want 12", len(b))
	}
	sa.OSeq = uint64(binary.NativeEndian.Uint32(b))
	return nil
}

// replayESN reads struct xfrm_replay_state_esn: bmp_len, oseq, seq, oseq_hi,
// seq_hi, replay_window, bmp[].
func replayESN(sa *bundle.SA, b []byte) error {
	if len(b) < 24 {
		return fmt.Errorf("an extended replay state of %d bytes, want 24 or more", len(b))
	}
	u32 := func(i int) uint32 { return binary.NativeEndian.Uint32(b[4*i:]) }
	sa.OSeq = uint64(u32(3))<<32 | uint64(u32(1))
	sa.Replay = u32(5)
	return nil
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
