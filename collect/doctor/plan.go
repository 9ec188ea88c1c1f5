package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/placement"
)

// A step is one command of the plan that puts each queue of an interface on a
// CPU of its own. Nobody runs it but the reader.
type step struct {
	Why     string `json:"why"`
	Command string `json:"command"`
}

// firstPort is the source port of the first flow where no SA says which flows
// there are: the flows are then numbered from it, as ESP in UDP's are from 4500.
const firstPort = 4500

// makePlan returns the commands that give each of the layout's CPUs a queue of each
// interface, and each flow a queue, of those that are not so already; none if nobody said
// which CPUs send. sas tell the flows that come in.
func makePlan(l *layout, sas []bundle.SA) []step {
	p := &plan{l: l}
	if !l.chosen {
		return nil
	}
	if l.value(bundle.TopicIRQBalance, "irqbalance", "running") == "yes" {
		p.step("it would move the interrupts again", "systemctl stop irqbalance")
	}
	for _, dev := range l.devices {
		if len(l.queues[dev]) > 0 {
			p.device(dev, sas)
		}
	}
	return p.steps
}

type plan struct {
	l     *layout
	steps []step
}

func (p *plan) step(why, format string, args ...any) {
	p.steps = append(p.steps, step{why, fmt.Sprintf(format, args...)})
}

// word is a name as a shell takes it: a device may be called almost anything.
func word(name string) string { return bundle.ShellLine([]string{name}) }

// inside prefixes a command with the namespace it must run in.
func inside(netns, command string) string {
	if netns == "" {
		return command
	}
	return "ip netns exec " + word(netns) + " " + command
}

func write(netns, value, file string) string {
	command := "echo " + value + " > " + word(file)
	if netns == "" {
		return command
	}
	return "ip netns exec " + word(netns) + " sh -c " + word(command)
}

func (p *plan) device(subject string, sas []bundle.SA) {
	l, netns, dev := p.l, "", ""
	netns, dev = splitSubject(subject)
	queues := l.queues[subject]
	if l.value(bundle.TopicPause, subject, "rx") == placement.On ||
		l.value(bundle.TopicPause, subject, "tx") == placement.On {
		p.step("a paused sender measures the receiver", "%s",
			inside(netns, "ethtool -A "+word(dev)+" autoneg off rx off tx off"))
	}
	if n := len(l.cpus); n != len(queues) &&
		strings.HasPrefix(l.value(bundle.TopicNIC, subject, "channels"), "combined ") {
		p.step(fmt.Sprintf("%d queues for %d CPUs; the interrupts are new after it: run doctor again",
			len(queues), n), "%s", inside(netns, fmt.Sprintf("ethtool -L %s combined %d", word(dev), n)))
	}
	n := min(len(queues), len(l.cpus))
	for i, q := range queues[:n] {
		if cpu := l.cpus[i]; q.affinity != strconv.Itoa(cpu) {
			p.step(fmt.Sprintf("queue %d of %s interrupts CPU %d", q.number, subject, cpu),
				"echo %d > /proc/irq/%s/smp_affinity_list", cpu, q.irq)
		}
	}
	for i, q := range l.sending[subject][:min(len(l.sending[subject]), n)] {
		if cpu := l.cpus[i]; q.affinity != strconv.Itoa(cpu) {
			p.step(fmt.Sprintf("transmit queue %d of %s interrupts CPU %d", q.number, subject, cpu),
				"echo %d > /proc/irq/%s/smp_affinity_list", cpu, q.irq)
		}
	}
	for i, q := range queues[:n] {
		p.steer(subject, q.number, l.cpus[i])
	}
	if used, least, most := shares(strings.Fields(l.value(bundle.TopicRSS, subject, "table"))); used > 0 &&
		(used != n || most > least+1) {
		p.step(fmt.Sprintf("spread what no rule takes over queues 0 to %d", n-1), "%s",
			inside(netns, fmt.Sprintf("ethtool -X %s equal %d", word(dev), n)))
	}
	p.flows(subject, sas, queues[:n])
}

// steer lets the CPU that a queue interrupts send by the same queue, so that a
// packet is freed where it was made, and hands nothing to others.
func (p *plan) steer(subject string, queue, cpu int) {
	netns, dev := splitSubject(subject)
	dir := fmt.Sprintf("/sys/class/net/%s/queues/", dev)
	tx, rx := fmt.Sprintf("%s tx-%d", subject, queue), fmt.Sprintf("%s rx-%d", subject, queue)
	if now := p.l.value(bundle.TopicXPS, tx, "xps_cpus"); now != "" && now != strconv.Itoa(cpu) {
		p.step(fmt.Sprintf("CPU %d sends by queue %d of %s", cpu, queue, subject), "%s",
			write(netns, mask(cpu), fmt.Sprintf("%stx-%d/xps_cpus", dir, queue)))
	}
	if now := p.l.value(bundle.TopicRPS, rx, "rps_cpus"); now != "" && now != "none" {
		p.step(fmt.Sprintf("queue %d of %s hands its packets to no other CPU", queue, subject), "%s",
			write(netns, "0", fmt.Sprintf("%srx-%d/rps_cpus", dir, queue)))
	}
}

// mask writes a set of one CPU as the kernel reads bitmaps: words of 32 bits,
// the highest first.
func mask(cpu int) string {
	return strconv.FormatUint(1<<(cpu%32), 16) + strings.Repeat(",00000000", cpu/32)
}

// flows sends each inbound SA to the queue of its CPU, or, where no SA tells,
// each flow by its source port.
func (p *plan) flows(subject string, sas []bundle.SA, queues []queue) {
	netns, dev := splitSubject(subject)
	if len(queues) < 2 {
		return
	}
	if !p.l.takesRules(subject) {
		p.hash(subject)
		return
	}
	var rules []string
	for _, sa := range sas {
		i := slices.IndexFunc(p.l.cpus[:len(queues)],
			func(cpu int) bool { return sa.PCPU != nil && int(*sa.PCPU) == cpu })
		if sa.Dir != "in" || sa.NetNS != netns || sa.Larval || i < 0 {
			continue
		}
		match := fmt.Sprintf("flow-type esp4 spi %#x", sa.SPI)
		if strings.Contains(sa.Src, ":") {
			match = fmt.Sprintf("flow-type esp6 spi %#x", sa.SPI)
		}
		if port, ok := strings.CutPrefix(sa.Encap, "udp "); ok {
			port, _, _ = strings.Cut(port, " ")
			match = "flow-type udp4 src-port " + port
			if strings.Contains(sa.Src, ":") {
				match = "flow-type udp6 src-port " + port
			}
		}
		rules = append(rules, fmt.Sprintf("%s action %d", match, queues[i].number))
	}
	why := "an inbound SA is received on its CPU"
	if len(rules) == 0 {
		why = fmt.Sprintf("a flow is received on one CPU; no inbound SA of a CPU is here, so flows of UDP "+
			"ports from %d on are assumed: put yours", firstPort)
		for i, q := range queues {
			rules = append(rules, fmt.Sprintf("flow-type udp4 src-port %d action %d", firstPort+i,
				q.number))
		}
	}
	if p.l.value(bundle.TopicFeature, subject, ntuple) == placement.Off {
		p.step("the rules below need it", "%s", inside(netns, "ethtool -K "+word(dev)+" ntuple on"))
	}
	for i, rule := range rules {
		p.step(why, "%s", inside(netns, fmt.Sprintf("ethtool -N %s %s loc %d", word(dev), rule, i)))
	}
}

// hash spreads flows of ESP in UDP by their ports too, where no rule can.
func (p *plan) hash(subject string) {
	netns, dev := splitSubject(subject)
	for _, flow := range []string{"udp4", "udp6"} {
		if fields := p.l.value(bundle.TopicRSS, subject, "hash "+flow); fields != "" &&
			!strings.Contains(fields, "f") {
			p.step("the driver takes no flow rules: ESP in UDP is spread by its ports, ESP alone of one "+
				"peer is not", "%s", inside(netns,
				"ethtool -N "+word(dev)+" rx-flow-hash "+flow+" sdfn"))
		}
	}
}
