package placement

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/ethtool"
	"xfrmscope/collect/procfs"
)

const classNet = "/sys/class/net/"

// interfaces reads those of the calling thread's namespace.
func (r *reader) interfaces(ns string) {
	entries, err := os.ReadDir(r.root.Path(classNet))
	if err != nil {
		r.gap("network interfaces", err)
		return
	}
	for _, entry := range entries {
		if dev := entry.Name(); dev != "lo" && r.isUp(dev) {
			r.device(dev, subject(ns, dev))
		}
	}
	if r.qdiscs == nil {
		return
	}
	found, err := r.qdiscs()
	if err != nil {
		r.gap("queueing disciplines", err)
	}
	for _, q := range found {
		if q.dev != "lo" && r.isUp(q.dev) {
			r.qdisc(subject(ns, q.dev), q)
		}
	}
}

func (r *reader) isUp(dev string) bool {
	flags, err := strconv.ParseUint(r.root.ReadTrimmed(classNet+dev+"/flags"), 0, 32)
	return err == nil && flags&1 != 0
}

// device reads one interface, called subject in the facts.
func (r *reader) device(dev, subject string) {
	dir := classNet + dev + "/"
	for _, name := range []string{"mtu", "speed", "threaded", "napi_defer_hard_irqs", "gro_flush_timeout"} {
		r.addFile(bundle.TopicNIC, subject, name, dir+name)
	}
	for _, name := range []string{"current_link_speed", "current_link_width", "numa_node", "local_cpulist"} {
		r.addFile(bundle.TopicNIC, subject, name, dir+"device/"+name)
	}
	r.addFile(bundle.TopicIOMMU, subject, "domain", dir+"device/iommu_group/type")
	r.deviceIRQs(dev, subject)
	r.steering(dir, subject)
	r.linkStats(dir, subject)
	if r.nic == nil {
		return
	}
	nic, err := r.nic(dev)
	if err != nil {
		r.gap("ethtool's view of "+subject, err)
	}
	r.ethtool(subject, nic)
}

// queueName finds the queue in the name of an interrupt's handler.
var queueName = regexp.MustCompile(`(?i)^(.*?)[-_.@]?(TxRx|Tx-Rx|rx|tx|input|output|comp|q)[-_.]?(\d+)(@.*)?$`)

// queueOf names the queues that a handler serves, "" if it says none: mlx5
// "mlx5_comp3@pci:...", ixgbe, i40e, ice and bnxt "eth0-TxRx-3", ena
// "eth0-Tx-Rx-3", virtio "virtio2-input.3".
func queueOf(handler string) string {
	m := queueName.FindStringSubmatch(handler)
	if m == nil {
		return ""
	}
	switch kind := strings.ToLower(m[2]); kind {
	case "input", "rx":
		return "rx-" + m[3]
	case "output", "tx":
		return "tx-" + m[3]
	}
	return "rx-" + m[3] + " tx-" + m[3]
}

// deviceIRQs reads the interrupts of an interface: those of its PCI device, or
// whose handler is named after it.
func (r *reader) deviceIRQs(dev, subject string) {
	own := map[int]bool{}
	for _, up := range []string{"", "../"} { // virtio's belong to the parent
		files, _ := os.ReadDir(r.root.Path(classNet + dev + "/device/" + up + "msi_irqs"))
		for _, f := range files {
			if n, err := strconv.Atoi(f.Name()); err == nil {
				own[n] = true
			}
		}
	}
	for _, irq := range r.irqs {
		if own[irq.Number] || strings.HasPrefix(irq.Name, dev+"-") || irq.Name == dev {
			r.irq(subject, irq)
		}
	}
}

func (r *reader) irq(subject string, irq procfs.Interrupt) {
	name := subject + " " + cmp.Or(irq.Name, "irq")
	r.add(bundle.TopicIRQ, name, "irq", strconv.Itoa(irq.Number))
	if queue := queueOf(irq.Name); queue != "" {
		r.add(bundle.TopicIRQ, name, "queue", queue)
	}
	r.add(bundle.TopicIRQ, name, "affinity", cmp.Or(irq.Affinity, "unknown"))
	if irq.Effective != "" {
		r.add(bundle.TopicIRQ, name, "effective", irq.Effective)
	}
	for _, c := range irq.Counts {
		r.count(bundle.TopicIRQ, name, fmt.Sprintf("cpu %d", c.CPU), c.Count)
	}
}

// steering reads XPS, which CPUs send by a queue, and RPS, to which CPUs a
// queue's packets are handed on.
func (r *reader) steering(dir, subject string) {
	queues, _ := os.ReadDir(r.root.Path(dir + "queues"))
	for _, q := range queues {
		of := dir + "queues/" + q.Name() + "/"
		name := subject + " " + q.Name()
		for _, file := range []struct{ topic, name string }{{bundle.TopicXPS, "xps_cpus"},
			{bundle.TopicXPS, "xps_rxqs"}, {bundle.TopicRPS, "rps_cpus"}} {
			if set, err := r.root.ReadMask(of + file.name); err == nil {
				r.add(file.topic, name, file.name, cmp.Or(set.String(), "none"))
			}
		}
		if flows := r.root.ReadTrimmed(of + "rps_flow_cnt"); flows != "" && flows != "0" {
			r.add(bundle.TopicRPS, name, "rps_flow_cnt", flows)
		}
	}
}

// linkStats reads the counters every interface has (net/core/net-sysfs.c).
func (r *reader) linkStats(dir, subject string) {
	files, _ := filepath.Glob(r.root.Path(dir + "statistics/*")) // the pattern is a good one
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64); err == nil {
			r.count(bundle.TopicLink, subject, filepath.Base(file), n)
		}
	}
}

// ethtool adds what the driver says.
func (r *reader) ethtool(subject string, n ethtool.NIC) {
	if n.Driver != "" {
		r.add(bundle.TopicNIC, subject, "driver", n.Driver)
		r.add(bundle.TopicNIC, subject, "bus", cmp.Or(n.Bus, "none"))
	}
	if c := n.Channels; c != (ethtool.Channels{}) {
		r.add(bundle.TopicNIC, subject, "channels", fmt.Sprintf("combined %d of %d, rx %d of %d, tx %d",
			c.Combined, c.MaxCombined, c.RX, c.MaxRX, c.TX))
	}
	if q := n.Ring; q.MaxRX+q.MaxTX > 0 {
		r.add(bundle.TopicRing, subject, "rx", fmt.Sprintf("%d of %d", q.RX, q.MaxRX))
		r.add(bundle.TopicRing, subject, "tx", fmt.Sprintf("%d of %d", q.TX, q.MaxTX))
	}
	for _, name := range slices.Sorted(maps.Keys(n.Features)) {
		value := onOff(n.Features[name].On)
		if n.Features[name].Fixed {
			value += fixed
		}
		r.add(bundle.TopicFeature, subject, name, value)
	}
	r.pause(subject, n)
	r.rss(subject, n)
	for _, rule := range n.Rules {
		to := fmt.Sprintf("queue %d", rule.Queue)
		if rule.Queue < 0 {
			to = "dropped"
		}
		r.add(bundle.TopicRule, subject, fmt.Sprintf("rule %d", rule.Location), rule.Match+": "+to)
	}
	for _, s := range n.Stats {
		r.count(bundle.TopicStat, subject, s.Name, s.Value)
	}
	if len(n.Lacks) > 0 {
		r.add(bundle.TopicNIC, subject, NameLacks, strings.Join(n.Lacks, ", "))
	}
}

func (r *reader) pause(subject string, n ethtool.NIC) {
	if n.Pause == (ethtool.Pause{}) && slices.Contains(n.Lacks, ethtool.PartPause) {
		return
	}
	r.add(bundle.TopicPause, subject, "rx", onOff(n.Pause.RX))
	r.add(bundle.TopicPause, subject, "tx", onOff(n.Pause.TX))
	r.add(bundle.TopicPause, subject, "autoneg", onOff(n.Pause.Auto))
	if n.Pause.Counted {
		r.count(bundle.TopicPause, subject, "rx_pause_frames", n.Pause.RXFrames)
		r.count(bundle.TopicPause, subject, "tx_pause_frames", n.Pause.TXFrames)
	}
}

func (r *reader) rss(subject string, n ethtool.NIC) {
	if len(n.RSS.Table) > 0 {
		table := make([]string, len(n.RSS.Table))
		for i, queue := range n.RSS.Table {
			table[i] = strconv.Itoa(int(queue))
		}
		r.add(bundle.TopicRSS, subject, "table", strings.Join(table, " "))
		r.add(bundle.TopicRSS, subject, "symmetric-xor", onOff(n.RSS.XOR))
	}
	if len(n.RSS.Key) > 0 {
		r.add(bundle.TopicRSS, subject, "key", hex.EncodeToString(n.RSS.Key))
	}
	for _, flow := range slices.Sorted(maps.Keys(n.Hash)) {
		r.add(bundle.TopicRSS, subject, "hash "+flow, cmp.Or(n.Hash[flow], "none"))
	}
}
