package ethtool

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// A Rule sends the packets that match to one queue: what `ethtool -n DEV` lists.
type Rule struct {
	Location uint32 // in the table; a lower one wins
	Match    string // "udp4 src-port 4500", as `ethtool -N DEV flow-type` takes it
	Queue    int    // -1: dropped
}

// Offsets in struct ethtool_rxnfc: cmd, flow_type, data u64, then struct
// ethtool_rx_flow_spec: flow_type, header [52], extension [20], the masks of both,
// ring_cookie u64, location; then rule_cnt and the locations.
const (
	offFlowType  = 4
	offData      = 8
	offSpec      = 16
	offHeader    = offSpec + 4
	offMask      = offSpec + 76
	offCookie    = offSpec + 152
	offLocation  = offSpec + 160
	offRuleCount = 184
	offLocations = 188

	headerSize  = 52
	sizeofRXNFC = 192
)

func (n *NIC) readRules(d device) error {
	ask := newRequest(cmdRuleCount, sizeofRXNFC)
	if err := d.do(ask); err != nil {
		return err
	}
	count := int(ask.u32(offRuleCount))
	if count == 0 {
		return nil
	}
	if count > maxEntries {
		return fmt.Errorf("the driver claims %d rules", count)
	}
	all := newRequest(cmdRules, offLocations+max(4*count, sizeofRXNFC-offLocations))
	all.put(offRuleCount, uint32(count))
	if err := d.do(all); err != nil {
		return err
	}
	for i := range min(int(all.u32(offRuleCount)), count) { // some were deleted meanwhile
		rule := newRequest(cmdRule, sizeofRXNFC)
		rule.put(offLocation, all.u32(offLocations+4*i))
		if err := d.do(rule); err != nil {
			return err
		}
		n.Rules = append(n.Rules, decodeRule(rule))
	}
	return nil
}

// flowName names *_FLOW (include/uapi/linux/ethtool.h).
func flowName(flow uint32) string {
	names := []string{1: "tcp4", 2: "udp4", 3: "sctp4", 4: "ah-esp4", 5: "tcp6", 6: "udp6", 7: "sctp6",
		8: "ah-esp6", 9: "ah4", 10: "esp4", 11: "ah6", 12: "esp6", 13: "ip4", 14: "ip6", 18: "ether"}
	if int(flow) < len(names) && names[flow] != "" {
		return names[flow]
	}
	return fmt.Sprintf("flow type %d", flow)
}

// decodeRule writes a rule as ethtool's command line would make it, of the
// fields that IPsec is sorted by. Others are shown as bytes.
func decodeRule(rule request) Rule {
	const extended = 0x80000000 | 0x40000000 | 0x20000000 // FLOW_EXT, FLOW_MAC_EXT, FLOW_RSS
	const discard = ^uint64(0)                            // RX_CLS_FLOW_DISC
	flow := rule.u32(offSpec) &^ extended
	r := Rule{Location: rule.u32(offLocation), Match: flowName(flow), Queue: -1}
	if cookie := rule.u64(offCookie); cookie != discard {
		r.Queue = int(uint32(cookie)) // ETHTOOL_RX_FLOW_SPEC_RING
	}
	header, mask := rule[offHeader:offHeader+headerSize], rule[offMask:offMask+headerSize]
	var fields []string
	add := func(name string, off, size int, text func([]byte) string) {
		ignored := make([]byte, size) // ethtool's masks are the bits to ignore
		for i := range ignored {
			ignored[i] = ^mask[off+i]
		}
		switch {
		case !slices.ContainsFunc(ignored, func(b byte) bool { return b != 0xff }): // all of it
		case !slices.ContainsFunc(ignored, func(b byte) bool { return b != 0 }):
			fields = append(fields, name+" "+text(header[off:off+size]))
		default:
			fields = append(fields, name+" "+text(header[off:off+size])+" m "+text(ignored))
		}
	}
	number := func(b []byte) string { return fmt.Sprint(be(b)) }
	hex := func(b []byte) string { return fmt.Sprintf("%#x", be(b)) }
	mac := func(b []byte) string { return net.HardwareAddr(b).String() }
	ip := func(b []byte) string { a, _ := netip.AddrFromSlice(b); return a.String() }
	addresses := func(size int) {
		add("src-ip", 0, size, ip)
		add("dst-ip", size, size, ip)
	}
	ports := func(at int) {
		add("src-port", at, 2, number)
		add("dst-port", at+2, 2, number)
	}
	switch flow {
	case 1, 2, 3:
		addresses(4)
		ports(8)
	case 5, 6, 7:
		addresses(16)
		ports(32)
	case 9, 10:
		addresses(4)
		add("spi", 8, 4, hex)
	case 11, 12:
		addresses(16)
		add("spi", 32, 4, hex)
	case 13:
		addresses(4)
		add("l4data", 8, 4, hex)
	case 18:
		add("dst", 0, 6, mac)
		add("src", 6, 6, mac)
		add("proto", 12, 2, hex)
	default:
		fields = append(fields, fmt.Sprintf("%x mask %x", []byte(header), []byte(mask)))
	}
	r.Match = strings.Join(append([]string{r.Match}, fields...), " ")
	return r
}

// be reads up to 8 bytes in network order.
func be(b []byte) uint64 {
	var v uint64
	for _, c := range b[:min(len(b), 8)] {
		v = v<<8 | uint64(c)
	}
	return v
}

// readHash reads which fields the hash takes of the flows IPsec makes: ESP in
// UDP, and ESP, where it may take the SPI.
func (n *NIC) readHash(d device) error {
	var first error
	for _, flow := range []uint32{2, 6, 10, 12} { // UDP_V4, UDP_V6, ESP_V4, ESP_V6
		r := newRequest(cmdHash, sizeofRXNFC)
		r.put(offFlowType, flow)
		err := d.do(r)
		switch {
		case err == nil && n.Hash == nil:
			n.Hash = map[string]string{}
			fallthrough
		case err == nil:
			n.Hash[flowName(flow)] = hashFields(r.u64(offData))
		case first == nil:
			first = err
		}
	}
	if n.Hash != nil {
		return nil // many hash none by ESP
	}
	return first
}

// hashFields names RXH_* bits by the letters of `ethtool -N DEV rx-flow-hash`.
func hashFields(bits uint64) string {
	var b strings.Builder
	for _, f := range []struct {
		bit    uint64
		letter byte
	}{{1 << 1, 'm'}, {1 << 2, 'v'}, {1 << 3, 't'}, {1 << 4, 's'}, {1 << 5, 'd'}, {1 << 6, 'f'}, {1 << 7, 'n'},
		{1 << 31, 'r'}} {
		if bits&f.bit != 0 {
			b.WriteByte(f.letter)
		}
	}
	return b.String()
}
