package ethtool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// spec makes the flow specification of a rule: bytes of the header and of its
// mask, and the queue.
func spec(flow uint32, header, mask []byte, cookie uint64) request {
	r := newRequest(cmdRule, sizeofRXNFC)
	r.put(offSpec, flow)
	copy(r[offHeader:], header)
	copy(r[offMask:], mask)
	binary.NativeEndian.PutUint64(r[offCookie:], cookie)
	r.put(offLocation, 7)
	return r
}

func TestDecodeRule(t *testing.T) {
	port := []byte{0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x94}
	all := func(from, to int) []byte {
		m := make([]byte, to)
		for i := from; i < to; i++ {
			m[i] = 0xff
		}
		return m
	}
	v6 := append(make([]byte, 32), 0, 0, 0x10, 0x01)
	for _, test := range []struct {
		rule request
		want Rule
	}{
		{spec(2, port, all(8, 10), 4), Rule{7, "udp4 src-port 4500", 4}},
		{spec(2|0x80000000, port, all(8, 10), 4), Rule{7, "udp4 src-port 4500", 4}},
		{spec(2, port, []byte{8: 0xff, 9: 0xf0}, 4), Rule{7, "udp4 src-port 4500 m 15", 4}},
		{spec(10, []byte{10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x01},
			append([]byte{255, 255, 255, 0, 0, 0, 0, 0}, 255, 255, 255, 255), 1),
			Rule{7, "esp4 src-ip 10.0.0.0 m 0.0.0.255 spi 0x1001", 1}},
		{spec(12, v6, all(32, 36), 2), Rule{7, "esp6 spi 0x1001", 2}},
		{spec(13, nil, nil, ^uint64(0)), Rule{7, "ip4", -1}},
		{spec(18, []byte{0x52, 0x54, 0, 0, 9, 1, 0, 0, 0, 0, 0, 0, 0x88, 0xf7}, []byte{255, 255, 255, 255, 255,
			255, 12: 255, 13: 255}, 1), Rule{7, "ether dst 52:54:00:00:09:01 proto 0x88f7", 1}},
		{spec(99, []byte{1}, nil, 0), Rule{7, "flow type 99 01" + string(bytes.Repeat([]byte("00"), 51)) +
			" mask " + string(bytes.Repeat([]byte("00"), 52)), 0}},
	} {
		if got := decodeRule(test.rule); got != test.want {
			t.Errorf("got  %+v\nwant %+v", got, test.want)
		}
	}
}

func FuzzDecodeRule(f *testing.F) {
	f.Add(make([]byte, sizeofRXNFC))
	f.Fuzz(func(t *testing.T, b []byte) {
		rule := newRequest(cmdRule, sizeofRXNFC)
		copy(rule, b)
		if r := decodeRule(rule); r.Match == "" || r.Queue < -1 {
			t.Errorf("rule %+v", r)
		}
	})
}

func TestHashFields(t *testing.T) {
	for bits, want := range map[uint64]string{0: "", 0x30: "sd", 0xf0: "sdfn"} {
		if got := hashFields(bits); got != want {
			t.Errorf("%#x: %q, want %q", bits, got, want)
		}
	}
}

func TestDecodeFeatures(t *testing.T) {
	r := newRequest(cmdFeatures, featuresHead+2*featuresBlock)
	for word, bits := range map[int]uint32{0: 0b0101, 2: 0b0011, 3: 0b0100} { // available, active, never changed
		r.put(featuresHead+4*word, bits)
	}
	r.put(featuresHead+featuresBlock, 1)
	names := make([]string, 33)
	copy(names, []string{"rx-gro", "highdma", "rx-lro", "rx-ntuple-filter"})
	names[32] = "esp-hw-offload"
	want := map[string]Feature{"rx-gro": {On: true}, "highdma": {On: true, Fixed: true}, "rx-lro": {Fixed: true},
		"rx-ntuple-filter": {Fixed: true}, "esp-hw-offload": {}}
	if got := decodeFeatures(names, r); !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func decoder(t *testing.T, attrs func(*netlink.AttributeEncoder)) *netlink.AttributeDecoder {
	t.Helper()
	enc := netlink.NewAttributeEncoder()
	attrs(enc)
	data, err := enc.Encode()
	if err != nil {
		t.Fatal(err)
	}
	dec, err := netlink.NewAttributeDecoder(data)
	if err != nil {
		t.Fatal(err)
	}
	return dec
}

func TestDecodePause(t *testing.T) {
	got, err := decodePause(decoder(t, func(e *netlink.AttributeEncoder) {
		e.Uint8(unix.ETHTOOL_A_PAUSE_RX, 1)
		e.Uint8(unix.ETHTOOL_A_PAUSE_AUTONEG, 0)
		e.Nested(unix.ETHTOOL_A_PAUSE_STATS, func(e *netlink.AttributeEncoder) error {
			e.Uint64(unix.ETHTOOL_A_PAUSE_STAT_TX_FRAMES, 0)
			e.Uint64(unix.ETHTOOL_A_PAUSE_STAT_RX_FRAMES, 10542401)
			return nil
		})
	}))
	if want := (Pause{RX: true, Counted: true, RXFrames: 10542401}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := decodePause(decoder(t,
		func(e *netlink.AttributeEncoder) { e.Uint64(unix.ETHTOOL_A_PAUSE_RX, 1) })); err == nil {
		t.Error("a setting of eight bytes was taken")
	}
}

// TestLoopback reads the interface that has nothing to say but its features.
func TestLoopback(t *testing.T) {
	n, err := Read("lo")
	if errors.Is(err, unix.EPERM) || os.IsPermission(err) {
		t.Skip(err)
	}
	if err != nil || len(n.Features) == 0 || len(n.Rules) != 0 || n.Pause.Counted {
		t.Errorf("%+v, %v", n, err)
	}
	if !slices.Contains(n.Lacks, "flow rules") {
		t.Errorf("lacks %q", n.Lacks)
	}
	if _, err := Read("no-such-dev"); !errors.Is(err, unix.ENODEV) {
		t.Errorf("a device that is not there: %v", err)
	}
}
