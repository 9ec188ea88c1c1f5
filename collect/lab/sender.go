package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
	"xfrmscope/collect/xfrm"
)

// Modes of a sender, as in the labels of a run.
const (
	ModeShared = "shared" // one SA for all CPUs
	ModePCPU   = "pcpu"   // one for each CPU, and the shared one to fall back on
	ModePlain  = "plain"  // no IPsec
)

// MaxSenders is how many CPUs can send: one more does the rest.
const MaxSenders = 63

// A Sender is a gateway that forwards what pktgen hands it on each of its CPUs:
// red -> forwarding -> ESP -> black. Both are dummies: black drops what it gets, unless
// there is a receiver.
type Sender struct {
	Mode string `json:"mode"`
	CPUs int    `json:"cpus"` // 0..CPUs-1 send
	Traffic
}

// Traffic is what a sender forwards, and what there is beside.
type Traffic struct {
	Size     int    `json:"size"`               // bytes of a packet with its Ethernet header, as pktgen counts
	Cipher   string `json:"cipher"`             // CipherGCM or CipherNull
	IPv6     bool   `json:"ipv6,omitempty"`     // packets and tunnel
	SAs      int    `json:"sas,omitempty"`      // of other tunnels between the same gateways, which carry nothing
	Policies int    `json:"policies,omitempty"` // of other peers, looked at before the one that matches
	Receiver bool   `json:"receiver,omitempty"` // the far gateway is there: see layReceiver
}

// Ciphers of a sender.
const (
	CipherGCM  = "gcm"  // rfc4106(gcm(aes)), 128 bits
	CipherNull = "null" // neither encrypted nor authenticated: what is left is the path
)

// A family is the addresses of IPv4 or IPv6: a packet goes from host to peer, its
// tunnel from near to far.
type family struct {
	af, prefix               uint8 // the prefix of the networks
	red, host, hostNet, peer []byte
	near, far, sink          []byte // sink: of the receiver, in the peers' network
	others                   []byte // of peers that get nothing, numbered in the last two bytes
}

func (s Sender) family() family {
	if s.IPv6 {
		v6 := func(network, host byte) []byte { // fd00:NETWORK::HOST
			return []byte{0xfd, 0, 0, network, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host}
		}
		return family{af: unix.AF_INET6, prefix: 64, red: v6(1, 2), host: v6(1, 1), hostNet: v6(1, 0),
			near: v6(2, 2), far: v6(2, 3), sink: v6(3, 1), peer: v6(3, 0), others: v6(4, 0)}
	}
	v4 := func(network, host byte) []byte { return []byte{192, 0, network, host} }
	return family{af: unix.AF_INET, prefix: 24, red: v4(1, 2), host: v4(1, 1), hostNet: v4(1, 0),
		near: v4(2, 2), far: v4(2, 3), sink: v4(3, 1), peer: v4(3, 0), others: []byte{198, 18, 0, 0}}
}

func redMAC() []byte   { return []byte{2, 0, 0, 0, 0, 1} }
func blackMAC() []byte { return []byte{2, 0, 0, 0, 0, 2} }
func farMAC() []byte   { return []byte{2, 0, 0, 0, 0, 3} }

const (
	fallbackSPI = 0x1000 // that of CPU i is 0x1001+i
	otherSPI    = 0x2000 // and on, of those that carry nothing
	reqID       = 1
	fileSAs     = "sas.json"
)

// adjust makes a gateway of a network namespace.
func (s Sender) adjust() error {
	settings := []struct{ file, value string }{
		{"/proc/sys/net/ipv4/ip_forward", "1"},
		{"/proc/sys/net/ipv4/conf/all/rp_filter", "0"},
		{"/proc/sys/net/ipv4/conf/default/rp_filter", "0"},
	}
	if s.IPv6 {
		settings = append(settings, struct{ file, value string }{"/proc/sys/net/ipv6/conf/all/forwarding", "1"})
	}
	for _, setting := range settings {
		if err := os.WriteFile(setting.file, []byte(setting.value), 0); err != nil {
			return err
		}
	}
	return nil
}

// send sets the sender up, leaves what it is, and sends until the machine is ended.
func (s Sender) send() error {
	if err := s.adjust(); err != nil {
		return err
	}
	var receiver *os.File
	if s.Receiver {
		var err error
		if receiver, err = newNamespace(); err != nil {
			return err
		}
	}
	if err := layLinks(s.family(), receiver); err != nil {
		return err
	}
	if s.Receiver {
		if err := within(receiver, s.layReceiver); err != nil {
			return fmt.Errorf("the receiver: %w", err)
		}
	}
	if s.Mode != ModePlain {
		if err := s.laySAs(); err != nil {
			return err
		}
	}
	if err := s.leaveState(); err != nil {
		return err
	}
	if err := s.configure(); err != nil {
		return err
	}
	// It returns when all have ended, which they do not.
	if err := pktgen("pgctrl", "start"); err != nil {
		return err
	}
	return fmt.Errorf("pktgen ended: %s", pktgenResult())
}

// leaveState leaves where the modules lie and the SAs as the kernel tells them.
func (s Sender) leaveState() error {
	sas, err := xfrm.SAs(procfs.Root("/"), "")
	if err != nil && s.Mode != ModePlain {
		return err
	}
	if s.Mode == ModePCPU && !perCPU(sas) {
		return fmt.Errorf("this kernel knows no per-CPU SAs (XFRMA_SA_PCPU, Linux 6.13 on)")
	}
	text, err := json.Marshal(sas)
	if err != nil {
		return err
	}
	mods, err := os.ReadFile(fileModules)
	if err != nil {
		return err
	}
	return leaveFiles([]file{{fileModules, mods}, {fileSAs, text}})
}

// lacking says what the kernel was built without.
func lacking(what, option string, err error) error {
	return fmt.Errorf("the kernel has no %s: build it with %s; its modules are named by --modules (%w)",
		what, option, err)
}

func perCPU(sas []bundle.SA) bool {
	return slices.ContainsFunc(sas, func(sa bundle.SA) bool { return sa.PCPU != nil })
}

// configure gives each CPU's thread of pktgen a flow of its own.
func (s Sender) configure() error {
	if _, err := os.Stat("/proc/net/pktgen"); err != nil {
		return lacking("pktgen", "CONFIG_NET_PKTGEN", err)
	}
	f := s.family()
	for cpu := range s.CPUs {
		device := fmt.Sprintf("red@%d", cpu)
		from, to := net.IP(f.host), net.IP(slices.Clone(f.peer))
		to[len(to)-1] = byte(10 + cpu)
		addresses := []string{
			fmt.Sprintf("src_min %s", from), fmt.Sprintf("src_max %s", from),
			fmt.Sprintf("dst_min %s", to), fmt.Sprintf("dst_max %s", to),
		}
		if s.IPv6 {
			addresses = []string{fmt.Sprintf("src6 %s", from), fmt.Sprintf("dst6 %s", to)}
		}
		if err := pktgen(fmt.Sprintf("kpktgend_%d", cpu), "add_device "+device); err != nil {
			return err
		}
		for _, line := range append(addresses,
			"xmit_mode netif_receive", "count 0", "clone_skb 0", "delay 0",
			fmt.Sprintf("pkt_size %d", s.Size),
			"dst_mac 02:00:00:00:00:01",
			fmt.Sprintf("udp_src_min %d", 5000+cpu), fmt.Sprintf("udp_src_max %d", 5000+cpu),
			"udp_dst_min 9", "udp_dst_max 9",
		) {
			if err := pktgen(device, line); err != nil {
				return err
			}
		}
	}
	return nil
}

// pktgen writes a command to one of its files. Up to 6.12 it takes the last byte for
// the end of the line.
func pktgen(file, command string) error {
	if err := os.WriteFile("/proc/net/pktgen/"+file, []byte(command+"\n"), 0); err != nil {
		return fmt.Errorf("pktgen: %s: %w", command, err)
	}
	return nil
}

func pktgenResult() string {
	files, _ := filepath.Glob("/proc/net/pktgen/red@*")
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil {
			return string(bytes.Join(bytes.Fields(text), []byte(" ")))
		}
	}
	return "it has no device"
}
