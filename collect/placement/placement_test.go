package placement

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/ethtool"
	"xfrmscope/collect/procfs"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// gateway is a machine of two CPUs with a two-queue NIC, eth0, whose queue 1
// interrupts CPU 0, and an interface that is down.
var gateway = map[string]string{
	"proc/interrupts": `           CPU0       CPU1
  61:       100          0   PCI-MSI 1-edge      mlx5_async@pci:0000:01:00.0
  62:      7000          0   PCI-MSI 2-edge      mlx5_comp0@pci:0000:01:00.0
  63:      8000         10   PCI-MSI 3-edge      mlx5_comp1@pci:0000:01:00.0
  70:         5          6   PCI-MSI 3-edge      nvme0q1
`,
	"proc/irq/62/smp_affinity_list":           "0-1",
	"proc/irq/62/effective_affinity_list":     "0",
	"proc/irq/63/smp_affinity_list":           "0",
	"proc/irq/default_smp_affinity":           "3",
	"proc/cmdline":                            "BOOT_IMAGE=/vmlinuz isolcpus=1 iommu=pt quiet",
	"proc/7/comm":                             "irqbalance",
	"proc/sys/net/core/rps_sock_flow_entries": "0",
	"proc/sys/net/core/xfrm_larval_drop":      "1",
	"proc/sys/net/core/xfrm_aevent_rseqth":    "2",
	"proc/thread-self/net/netlink": "sk Eth Pid Groups Rmem Wmem Dump Locks Drops " +
		"Inode\n0 6 99 00000010 0 0 0 2 0 5\n",
	"sys/devices/system/cpu/online":                             "0-1",
	"sys/devices/system/cpu/isolated":                           "1",
	"sys/devices/system/cpu/nohz_full":                          "(null)",
	"sys/devices/system/cpu/smt/control":                        "off",
	"sys/devices/system/cpu/cpufreq/boost":                      "1",
	"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor":      "performance",
	"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor":      "schedutil",
	"sys/devices/system/cpu/cpu0/topology/physical_package_id":  "0",
	"sys/devices/system/cpu/cpu0/topology/core_id":              "0",
	"sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0",
	"sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list":  "0-1",
	"sys/devices/system/cpu/cpu0/node0/x":                       "",
	"sys/kernel/iommu_groups/0/type":                            "DMA-FQ",
	"sys/class/net/lo/flags":                                    "0x9",
	"sys/class/net/eth1/flags":                                  "0x1002",
	"sys/class/net/eth0/flags":                                  "0x1003",
	"sys/class/net/eth0/mtu":                                    "1500",
	"sys/class/net/eth0/speed":                                  "100000",
	"sys/class/net/eth0/device/msi_irqs/61":                     "msix",
	"sys/class/net/eth0/device/msi_irqs/62":                     "msix",
	"sys/class/net/eth0/device/msi_irqs/63":                     "msix",
	"sys/class/net/eth0/device/current_link_width":              "16",
	"sys/class/net/eth0/device/iommu_group/type":                "DMA-FQ",
	"sys/class/net/eth0/queues/rx-0/rps_cpus":                   "0",
	"sys/class/net/eth0/queues/rx-1/rps_cpus":                   "3",
	"sys/class/net/eth0/queues/rx-1/rps_flow_cnt":               "4096",
	"sys/class/net/eth0/queues/tx-0/xps_cpus":                   "1",
	"sys/class/net/eth0/queues/tx-1/xps_cpus":                   "2",
	"sys/class/net/eth0/statistics/rx_dropped":                  "12",
}

func tree(t *testing.T, files map[string]string) procfs.Root {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		full := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755),
			os.WriteFile(full, []byte(text+"\n"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return procfs.Root(dir)
}

// TestGateway reads the tree and the drivers' answers, and compares all facts.
func TestGateway(t *testing.T) {
	r := &reader{root: tree(t, gateway)}
	r.nic = func(dev string) (ethtool.NIC, error) {
		return ethtool.NIC{
			Driver: "mlx5_core", Bus: "0000:01:00.0",
			Channels: ethtool.Channels{Combined: 2, MaxCombined: 16},
			Ring:     ethtool.Ring{RX: 1024, MaxRX: 8192, TX: 1024, MaxTX: 8192},
			Pause:    ethtool.Pause{RX: true, TX: true, Counted: true, RXFrames: 10542401},
			Features: map[string]ethtool.Feature{"rx-gro": {On: true}, "rx-ntuple-filter": {},
				"esp-hw-offload": {Fixed: true}},
			RSS:  ethtool.RSS{Table: []uint32{0, 1, 0, 1}, Key: []byte{0x6d, 0x5a}},
			Hash: map[string]string{"udp4": "sd", "esp4": ""},
			Rules: []ethtool.Rule{{Location: 0, Match: "udp4 src-port 4500", Queue: 0},
				{Location: 1, Match: "ip4", Queue: -1}},
			Stats: []ethtool.Stat{{Name: "rx_out_of_buffer", Value: 3}},
			Lacks: []string{"a part"},
		}, errors.New("eth0: reading its moods: broken")
	}
	r.qdiscs = func() ([]qdisc, error) {
		return []qdisc{{dev: "eth0", kind: "mq", parent: rootParent}, {dev: "eth0", kind: "fq_codel", parent: 1,
			drops: 2}, {dev: "lo", kind: "noqueue", parent: rootParent}}, nil
	}
	r.machine()
	r.interfaces("")
	r.sysctls("")
	r.listeners("")
	var b strings.Builder
	for _, f := range r.facts {
		mark := ""
		if f.Counter {
			mark = " (counter)"
		}
		fmt.Fprintf(&b, "%-10s %-40s %-22s %s%s\n", f.Topic, f.Subject, f.Name, f.Value, mark)
	}
	for _, g := range r.gaps {
		fmt.Fprintf(&b, "gap        %s: %s\n", g.What, g.Why)
	}
	const golden = "testdata/gateway.facts"
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755),
			os.WriteFile(golden, []byte(b.String()), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || b.String() != string(want) {
		t.Errorf("%v: %s differs (-update rewrites it):\n%s", err, golden, b.String())
	}
}

// An empty tree has gaps and few facts; a namespace that is gone costs itself.
func TestNothing(t *testing.T) {
	facts, gaps := Read(tree(t, nil), []string{"", "gone"})
	var what []string
	for _, g := range gaps {
		what = append(what, g.What)
	}
	want := []string{"CPU topology", "interrupts", "network interfaces", "listeners to XFRM's events",
		"placement of network namespace gone"}
	if !slices.Equal(what, want) {
		t.Errorf("gaps %q", what)
	}
	for _, f := range facts {
		if f.Topic == bundle.TopicIRQ {
			t.Errorf("fact %+v", f)
		}
	}
}

func TestQueueOf(t *testing.T) {
	for handler, want := range map[string]string{
		"mlx5_comp3@pci:0000:01:00.0": "rx-3 tx-3", "mlx5_async@pci:0000:01:00.0": "",
		"eth0-TxRx-12": "rx-12 tx-12", "i40e-eth0-TxRx-1": "rx-1 tx-1", "eth0-Tx-Rx-2": "rx-2 tx-2",
		"virtio2-input.0": "rx-0", "virtio2-output.10": "tx-10", "virtio2-config": "",
		"eth0-rx-4": "rx-4", "eth0-tx-4": "tx-4", "eth0": "", "": "",
	} {
		if got := queueOf(handler); got != want {
			t.Errorf("%q: %q, want %q", handler, got, want)
		}
	}
}

func TestDecodeQdisc(t *testing.T) {
	body := make([]byte, sizeofTCMsg)
	binary.NativeEndian.PutUint32(body[4:], 3)
	binary.NativeEndian.PutUint32(body[12:], 0x10002)
	enc := netlink.NewAttributeEncoder()
	enc.String(unix.TCA_KIND, "fq_codel")
	enc.Nested(unix.TCA_STATS2, func(e *netlink.AttributeEncoder) error {
		stats := make([]byte, 20)
		binary.NativeEndian.PutUint32(stats[8:], 7)
		e.Bytes(1, make([]byte, 16))
		e.Bytes(3, stats)
		return nil
	})
	attrs, err := enc.Encode()
	if err != nil {
		t.Fatal(err)
	}
	q, index, err := decodeQdisc(append(body, attrs...))
	if err != nil || index != 3 || q.kind != "fq_codel" || q.drops != 7 || q.name() != "parent 1:2" {
		t.Errorf("%+v of %d, %v", q, index, err)
	}
}

func FuzzDecodeQdisc(f *testing.F) {
	f.Add(make([]byte, sizeofTCMsg))
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, _, err := decodeQdisc(body); err == nil && len(body) < sizeofTCMsg {
			t.Error("a short message was taken")
		}
	})
}

// TestNamespace reads a namespace with one end of a veth pair, which has
// neither channels nor rules nor pause frames.
func TestNamespace(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	const ns = "xfrmscope-place"
	ip := func(args ...string) error {
		out, err := exec.Command("ip", args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ip %s: %s%w", strings.Join(args, " "), out, err)
		}
		return nil
	}
	t.Cleanup(func() { _ = ip("netns", "del", ns) })
	if err := errors.Join(ip("netns", "add", ns), ip("-n", ns, "link", "add", "west0", "type", "veth", "peer",
		"name", "east0"), ip("-n", ns, "link", "set", "west0", "up")); err != nil {
		t.Skip("this machine makes no such namespace: ", err)
	}
	facts, gaps := Read("", []string{ns})
	find := func(topic, subject, name string) string {
		for _, f := range facts {
			if f.Topic == topic && f.Subject == subject && f.Name == name {
				return f.Value
			}
		}
		return "none"
	}
	for _, want := range []bundle.Fact{
		{Topic: bundle.TopicNIC, Subject: ns + "/west0", Name: "driver", Value: "veth"},
		{Topic: bundle.TopicQdisc, Subject: ns + "/west0", Name: "root", Value: "noqueue"},
		{Topic: bundle.TopicRPS, Subject: ns + "/west0 rx-0", Name: "rps_cpus", Value: "none"},
		{Topic: bundle.TopicLink, Subject: ns + "/west0", Name: "rx_dropped", Value: "0"},
		{Topic: bundle.TopicNIC, Subject: ns + "/east0", Name: "driver", Value: "none"}, // it is down
	} {
		if got := find(want.Topic, want.Subject, want.Name); got != want.Value {
			t.Errorf("%s of %s is %q, want %q", want.Name, want.Subject, got, want.Value)
		}
	}
	if here := find(bundle.TopicSysctl, "xfrm", "net.core.xfrm_acq_expires"); here != "none" {
		t.Errorf("a sysctl of the own namespace: %s", here)
	}
	if _, err := os.Stat("/proc/sys/net/core/xfrm_acq_expires"); err == nil { // the kernel has XFRM
		if err := exec.Command("ip", "netns", "exec", ns, "sysctl", "-q",
			"net.core.xfrm_acq_expires=77").Run(); err != nil {
			t.Log("sysctl: ", err)
		} else if facts, _ = Read("", []string{ns}); find(bundle.TopicSysctl, ns+"/xfrm",
			"net.core.xfrm_acq_expires") != "77" {
			t.Errorf("net.core.xfrm_acq_expires of the namespace: %q, want 77",
				find(bundle.TopicSysctl, ns+"/xfrm", "net.core.xfrm_acq_expires"))
		}
	}
	if lacks := find(bundle.TopicNIC, ns+"/west0", "not supported by the driver"); !strings.Contains(lacks,
		"flow rules") {
		t.Errorf("what veth does not support: %q; gaps %+v", lacks, gaps)
	}
}
