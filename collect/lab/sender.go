package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

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
// red -> forwarding -> ESP -> black. Both are dummies: black drops what it gets.
type Sender struct {
	Mode string `json:"mode"`
	CPUs int    `json:"cpus"` // 0..CPUs-1 send
	Size int    `json:"size"` // bytes of a packet with its Ethernet header, as pktgen counts
}

// What the addresses are of: a packet goes from host to peer, its tunnel from
// near to far.
var (
	hostNet, peerNet = [4]byte{192, 0, 1, 0}, [4]byte{192, 0, 3, 0}
	near, far        = [4]byte{192, 0, 2, 2}, [4]byte{192, 0, 2, 3}
	redMAC           = []byte{2, 0, 0, 0, 0, 1}
	blackMAC         = []byte{2, 0, 0, 0, 0, 2}
	farMAC           = []byte{2, 0, 0, 0, 0, 3}
)

const (
	fallbackSPI = 0x1000 // that of CPU i is 0x1001+i
	reqID       = 1
	fileSAs     = "sas.json"
)

// send sets the sender up, leaves what it is, and sends until the machine is ended.
func (s Sender) send() error {
	for _, setting := range []struct{ file, value string }{
		{"/proc/sys/net/ipv4/ip_forward", "1"},
		{"/proc/sys/net/ipv4/conf/all/rp_filter", "0"},
		{"/proc/sys/net/ipv4/conf/default/rp_filter", "0"},
	} {
		if err := os.WriteFile(setting.file, []byte(setting.value), 0); err != nil {
			return err
		}
	}
	if err := layLinks(); err != nil {
		return err
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
	if err := leaveFiles([]file{{fileModules, mods}, {fileSAs, text}}); err != nil {
		return err
	}
	_, err = fmt.Println(readyLine)
	return err
}

func perCPU(sas []bundle.SA) bool {
	for _, sa := range sas {
		if sa.PCPU != nil {
			return true
		}
	}
	return false
}

// configure gives each CPU's thread of pktgen a flow of its own.
func (s Sender) configure() error {
	for cpu := range s.CPUs {
		device := fmt.Sprintf("red@%d", cpu)
		if err := pktgen(fmt.Sprintf("kpktgend_%d", cpu), "add_device "+device); err != nil {
			return err
		}
		for _, line := range []string{
			"xmit_mode netif_receive", "count 0", "clone_skb 0", "delay 0",
			fmt.Sprintf("pkt_size %d", s.Size),
			"dst_mac 02:00:00:00:00:01", "src_min 192.0.1.1", "src_max 192.0.1.1",
			fmt.Sprintf("dst_min 192.0.3.%d", 10+cpu), fmt.Sprintf("dst_max 192.0.3.%d", 10+cpu),
			fmt.Sprintf("udp_src_min %d", 5000+cpu), fmt.Sprintf("udp_src_max %d", 5000+cpu),
			"udp_dst_min 9", "udp_dst_max 9",
		} {
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
