package doctor

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/ethtool"
	"xfrmscope/collect/placement"
)

// A layout is the facts of one moment, by what they are of, for the CPUs that
// send and the interfaces that carry the traffic.
type layout struct {
	cpus    bundle.CPUSet
	chosen  bool     // somebody said which CPUs send; else they are all online ones
	devices []string // subjects of interfaces: "eth0", "west/eth0"
	values  map[[3]string]string
	queues  map[string][]queue // receive queues by interface, in the order of their numbers
	sending map[string][]queue // transmit queues that interrupt apart from receive queues
}

// A queue is one queue of an interface and where it interrupts.
type queue struct {
	number   int
	irq      string
	affinity string
	at       bundle.CPUSet // CPUs it may interrupt; the effective one where that is known
}

// newLayout sorts the facts. cpus are the CPUs that send, nil if nobody said
// which; devices restricts it to interfaces of these names, in whichever namespace;
// none means all.
func newLayout(facts []bundle.Fact, cpus bundle.CPUSet, devices []string) *layout {
	l := &layout{cpus: cpus, chosen: len(cpus) > 0, values: map[[3]string]string{}, queues: map[string][]queue{},
		sending: map[string][]queue{}}
	found := map[string]bool{}
	for _, f := range facts {
		l.values[[3]string{f.Topic, f.Subject, f.Name}] = f.Value
		if f.Topic == bundle.TopicNIC && f.Name == "mtu" {
			_, name := splitSubject(f.Subject)
			found[f.Subject] = len(devices) == 0 || slices.Contains(devices, name) ||
				slices.Contains(devices, f.Subject)
		}
	}
	for subject, wanted := range found {
		if wanted {
			l.devices = append(l.devices, subject)
		}
	}
	slices.Sort(l.devices)
	if !l.chosen {
		l.cpus, _ = bundle.ParseCPUSet(l.value(bundle.TopicTopology, "kernel", "online")) // not known: none
	}
	for _, f := range facts {
		if f.Topic == bundle.TopicIRQ && f.Name == "queue" {
			l.addQueue(f)
		}
	}
	for _, of := range []map[string][]queue{l.queues, l.sending} {
		for _, queues := range of {
			slices.SortFunc(queues, func(a, b queue) int { return cmp.Compare(a.number, b.number) })
		}
	}
	return l
}

// splitSubject takes "west/eth0" apart.
func splitSubject(subject string) (netns, dev string) {
	netns, dev, found := strings.Cut(subject, "/")
	if !found {
		return "", subject
	}
	return netns, dev
}

// addQueue adds a receive queue, "rx-3", "rx-3 tx-3", or a transmit queue, "tx-3".
func (l *layout) addQueue(f bundle.Fact) {
	first, _, _ := strings.Cut(f.Value, " ")
	of := l.queues
	digits, receives := strings.CutPrefix(first, "rx-")
	if !receives {
		of, digits = l.sending, strings.TrimPrefix(first, "tx-")
	}
	number, err := strconv.Atoi(digits)
	dev, _, _ := strings.Cut(f.Subject, " ")
	if err != nil || !slices.Contains(l.devices, dev) {
		return
	}
	q := queue{number: number, irq: l.value(bundle.TopicIRQ, f.Subject, "irq"),
		affinity: l.value(bundle.TopicIRQ, f.Subject, "affinity")}
	// Where it cannot be parsed it is unknown, and on no CPU. One that was moved is
	// so from its next interrupt on, and effectively elsewhere until then
	// (kernel/irq/migration.c irq_move_masked_irq, 6.12).
	if q.at, _ = bundle.ParseCPUSet(q.affinity); len(q.at) != 1 {
		q.at, _ = bundle.ParseCPUSet(cmp.Or(l.value(bundle.TopicIRQ, f.Subject, "effective"), q.affinity))
	}
	of[dev] = append(of[dev], q)
}

func (l *layout) value(topic, subject, name string) string {
	return l.values[[3]string{topic, subject, name}]
}

// number returns a counter, 0 if there is none.
func (l *layout) number(topic, subject, name string) uint64 {
	n, err := strconv.ParseUint(l.value(topic, subject, name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// multiQueue are the interfaces with more than one receive queue.
func (l *layout) multiQueue() []string {
	return slices.DeleteFunc(slices.Clone(l.devices), func(dev string) bool { return len(l.queues[dev]) < 2 })
}

// A finding is what a look at the layout came to.
type finding struct {
	state    State
	evidence []string
	fix      string
}

func (f *finding) bad(format string, args ...any) {
	f.state = Degraded
	f.evidence = append(f.evidence, fmt.Sprintf(format, args...))
}

func (f *finding) note(format string, args ...any) {
	f.evidence = append(f.evidence, fmt.Sprintf(format, args...))
}

// nothing is a finding about something that is not here.
func nothing(why string) finding { return finding{state: NotHere, evidence: []string{why}} }

// or is the finding, or another one if it came to nothing.
func (f finding) or(state State, why string) finding {
	if len(f.evidence) == 0 {
		return finding{state: state, evidence: []string{why}}
	}
	return f
}

// check is the finding as a check has it: what is well needs no fix.
func (f finding) check(id, title string) Check {
	c := Check{id, title, cmp.Or(f.state, OK), strings.Join(f.evidence, "; "), f.fix}
	if c.State == OK || c.State == NotHere {
		c.Fix = ""
	}
	return c
}

// judgePlacement judges the layout: XS040, XS042 to XS054.
func judgePlacement(l *layout) []Check {
	checks := []struct {
		id, title string
		look      func(*layout) finding
	}{
		{"XS040", "irqbalance", irqbalance},
		{"XS042", "a queue for each sending CPU", queuePerCPU},
		{"XS043", "receive-side scaling", rss},
		{"XS044", "flow rules", flowRules},
		{"XS045", "pause frames", pauses},
		{"XS046", "packets dropped by interfaces", drops},
		{"XS047", "packet steering (XPS, RPS)", steering},
		{"XS048", "isolation of the sending CPUs", isolation},
		{"XS049", "clock of the sending CPUs", clock},
		{"XS050", "sending CPUs that share a core", smt},
		{"XS051", "sending CPUs and the last-level cache", lastLevelCache},
		{"XS052", "IOMMU", iommu},
		{"XS053", "queueing discipline", queueing},
		{"XS054", "listeners to AEVENTS", listeners},
		{"XS055", "ESP offload", offload},
	}
	var all []Check
	for _, c := range checks {
		f := c.look(l)
		all = append(all, f.check(c.id, c.title))
	}
	return all
}

func irqbalance(l *layout) finding {
	f := finding{fix: "systemctl stop irqbalance"}
	switch l.value(bundle.TopicIRQBalance, "irqbalance", "running") {
	case "no":
		f.note("not running")
	case "yes":
		f.bad("running: it moves interrupts between CPUs while one measures")
	default:
		return finding{state: Unknown, evidence: []string{"the processes could not be read"}}
	}
	return f
}

func queuePerCPU(l *layout) finding {
	devices := l.multiQueue()
	if len(devices) == 0 {
		return nothing("no interface with more than one receive queue: each packet is processed where its " +
			"sender ran, or on one CPU")
	}
	f := finding{fix: "the plan below places them: `xfrmscope doctor -C CPUS --dev DEV`"}
	for _, dev := range devices {
		at := map[int][]string{} // queues by CPU
		for _, q := range l.queues[dev] {
			if len(q.at) != 1 {
				f.bad("%s: queue %d may interrupt CPUs %s", dev, q.number,
					cmp.Or(q.at.String(), "unknown"))
				continue
			}
			at[q.at[0]] = append(at[q.at[0]], strconv.Itoa(q.number))
		}
		var without bundle.CPUSet
		for _, cpu := range l.cpus {
			switch n := len(at[cpu]); {
			case n == 0:
				without = append(without, cpu)
			case n > 1:
				f.bad("%s: CPU %d is interrupted by queues %s", dev, cpu, strings.Join(at[cpu], ", "))
			}
		}
		if len(without) > 0 {
			f.bad("%s: no queue interrupts CPUs %s", dev, without)
		}
		l.freedElsewhere(dev, &f)
	}
	if f.state == "" {
		f.note("each of CPUs %s has one of %s", l.cpus, strings.Join(devices, ", "))
	}
	return f
}

// freedElsewhere finds the transmit queues of one CPU whose interrupt, which
// frees what was sent, is on another.
func (l *layout) freedElsewhere(dev string, f *finding) {
	for _, q := range l.sending[dev] {
		user := l.value(bundle.TopicXPS, fmt.Sprintf("%s tx-%d", dev, q.number), "xps_cpus")
		if set, err := bundle.ParseCPUSet(user); err == nil && len(set) == 1 && l.cpus.Contains(set[0]) &&
			q.at.String() != user {
			f.bad("%s: CPU %s sends by queue %d, which is freed on CPUs %s", dev, user, q.number,
				cmp.Or(q.at.String(), "unknown"))
		}
	}
}

func (l *layout) takesRules(dev string) bool {
	return l.value(bundle.TopicFeature, dev, ntuple) != placement.OffFixed &&
		!strings.Contains(l.value(bundle.TopicNIC, dev, placement.NameLacks), ethtool.PartRules)
}

// ntuple is the feature that lets an interface have flow rules.
const ntuple = "rx-ntuple-filter"

func rss(l *layout) finding {
	f := finding{fix: "`ethtool -X DEV equal N`, and `ethtool -N DEV rx-flow-hash udp4 sdfn` for ESP in UDP"}
	for _, dev := range l.multiQueue() {
		table := strings.Fields(l.value(bundle.TopicRSS, dev, "table"))
		if len(table) == 0 {
			continue
		}
		queues, least, most := shares(table)
		f.note("%s: %d of %d queues in its table", dev, queues, len(l.queues[dev]))
		if most > least+1 {
			f.bad("%s: the queues' shares differ, %d to %d of %d entries", dev, least, most, len(table))
		}
		if hash := l.value(bundle.TopicRSS, dev, "hash udp4"); hash != "" && !strings.Contains(hash, "f") {
			f.bad("%s: UDP is hashed by %s, without ports: ESP in UDP of one peer goes to one queue", dev,
				hash)
		}
		if hash := l.value(bundle.TopicRSS, dev, "hash esp4"); hash == "none" || hash == "" {
			f.note("%s does not hash ESP's SPI: ESP without UDP of one peer goes to one queue, unless a "+
				"rule sends it elsewhere", dev)
		}
	}
	return f.or(NotHere, "no interface shows an indirection table")
}

// shares counts the queues of an indirection table, and the entries of the one
// with the fewest and of the one with the most.
func shares(table []string) (queues, least, most int) {
	share := map[string]int{}
	for _, queue := range table {
		share[queue]++
	}
	if len(share) == 0 {
		return 0, 0, 0
	}
	sizes := slices.Sorted(maps.Values(share))
	return len(share), sizes[0], sizes[len(sizes)-1]
}

func flowRules(l *layout) finding {
	var f finding
	for _, dev := range l.multiQueue() {
		rules := 0
		for k := range l.values {
			if k[0] == bundle.TopicRule && k[1] == dev {
				rules++
			}
		}
		switch filters := l.value(bundle.TopicFeature, dev, ntuple); {
		case rules > 0 && filters == placement.Off:
			f.bad("%s: %d rules, and ntuple filters are off", dev, rules)
			f.fix = "`ethtool -K DEV ntuple on`"
		case !l.takesRules(dev):
			f.note("%s: the driver takes none", dev)
		default:
			f.note("%s: %d rules, ntuple filters %s", dev, rules, cmp.Or(filters, "not known"))
		}
	}
	return f.or(NotHere, "no interface with more than one receive queue")
}

func pauses(l *layout) finding {
	f := finding{fix: "`ethtool -A DEV autoneg off rx off tx off` on both ends of the link: paused, a sender " +
		"measures the receiver"}
	for _, dev := range l.devices {
		rx, tx, counted := l.pauseFrames(dev)
		switch on := l.value(bundle.TopicPause, dev, "rx") == placement.On ||
			l.value(bundle.TopicPause, dev, "tx") == placement.On; {
		case l.value(bundle.TopicPause, dev, "rx") == "":
		case rx+tx > 0:
			f.bad("%s: received %d, sent %d since it came up", dev, rx, tx)
		case on && counted:
			f.bad("%s: allowed, none seen so far", dev)
		case on:
			f.bad("%s: allowed; the driver does not count them", dev)
		default:
			f.note("%s: off", dev)
		}
	}
	return f.or(NotHere, "no interface knows pause frames")
}

// pauseFrames returns how many an interface received and sent: as the kernel
// has them, else as the driver calls them.
func (l *layout) pauseFrames(dev string) (rx, tx uint64, counted bool) {
	for _, topic := range []string{bundle.TopicPause, bundle.TopicStat} {
		for k := range l.values {
			if k[0] != topic || k[1] != dev || !bundle.IsPause(k[2]) {
				continue
			}
			counted = true
			if strings.Contains(k[2], "tx") {
				tx += l.number(topic, dev, k[2])
			} else {
				rx += l.number(topic, dev, k[2])
			}
		}
		if counted {
			break
		}
	}
	return rx, tx, counted
}

func drops(l *layout) finding {
	f := finding{fix: "`ethtool -g DEV` shows the rings, `ethtool -G DEV rx N tx N` makes them longer; dropped " +
		"packets were paid for and are in no rate"}
	for _, dev := range l.devices {
		for _, c := range []struct{ topic, name string }{
			{bundle.TopicStat, "rx_out_of_buffer"}, {bundle.TopicStat, "rx_discards_phy"},
			{bundle.TopicStat, "rx_buf_alloc_err"},
			{bundle.TopicLink, "rx_missed_errors"}, {bundle.TopicLink, "rx_fifo_errors"},
			{bundle.TopicLink, "rx_dropped"}, {bundle.TopicLink, "tx_dropped"},
		} {
			if n := l.number(c.topic, dev, c.name); n > 0 {
				f.bad("%s: %s %d since it came up", dev, c.name, n)
			}
		}
	}
	if len(l.devices) == 0 {
		return nothing("no interface is up")
	}
	return f.or(OK, "none")
}

func steering(l *layout) finding {
	f := finding{fix: "the plan below sets XPS; `echo 0 > /sys/class/net/DEV/queues/rx-N/rps_cpus` turns RPS " +
		"off: it hands packets to another CPU"}
	users := map[string]map[int]int{} // tx queues by interface and CPU
	for k, v := range l.values {
		dev, q, _ := strings.Cut(k[1], " ")
		if !slices.Contains(l.devices, dev) {
			continue
		}
		if k[0] == bundle.TopicRPS && k[2] == "rps_cpus" && v != "none" {
			f.bad("%s %s: RPS hands packets to CPUs %s", dev, q, v)
		}
		if set, err := bundle.ParseCPUSet(v); k[0] == bundle.TopicXPS && k[2] == "xps_cpus" && err == nil {
			for _, cpu := range set {
				if users[dev] == nil {
					users[dev] = map[int]int{}
				}
				users[dev][cpu]++
			}
		}
	}
	for _, dev := range l.multiQueue() {
		switch one := !slices.ContainsFunc(l.cpus, func(cpu int) bool { return users[dev][cpu] != 1 }); {
		case len(users[dev]) == 0:
			f.note("%s: no XPS; the queue is chosen by hash", dev)
		case one:
			f.note("%s: XPS gives each of CPUs %s a queue", dev, l.cpus)
		default:
			f.bad("%s: XPS does not give each of CPUs %s one queue", dev, l.cpus)
		}
	}
	slices.Sort(f.evidence) // of a map
	return f.or(NotHere, "no interface with more than one receive queue, and no RPS")
}

// whichSend is what checks of the sending CPUs say when nobody named them.
const whichSend = "say which CPUs send: -C 1-4"

func isolation(l *layout) finding {
	if !l.chosen {
		return nothing(whichSend)
	}
	f := finding{fix: fmt.Sprintf("boot with isolcpus=%s nohz_full=%s rcu_nocbs=%s: other tasks and the tick "+
		"disturb them", l.cpus, l.cpus, l.cpus)}
	for _, name := range []string{"isolated", "nohz_full"} {
		value := l.value(bundle.TopicIsolation, "kernel", name)
		set, _ := bundle.ParseCPUSet(value) // "none" is no set
		if out := slices.DeleteFunc(slices.Clone(l.cpus), set.Contains); len(out) > 0 {
			f.bad("%s is %s, without CPUs %s", name, cmp.Or(value, "unknown"), out)
		} else {
			f.note("%s is %s", name, value)
		}
	}
	return f
}

func clock(l *layout) finding {
	f := finding{fix: "`cpupower frequency-set -g performance`; `echo 0 > /sys/devices/system/cpu/cpufreq/boost` " +
		"for equal clocks"}
	by := map[string]bundle.CPUSet{}
	for _, cpu := range l.cpus {
		if g := l.value(bundle.TopicGovernor, fmt.Sprintf("cpu %d", cpu), "governor"); g != "" {
			by[g] = append(by[g], cpu)
		}
	}
	for _, g := range slices.Sorted(maps.Keys(by)) {
		if g == "performance" {
			f.note("governor %s on CPUs %s", g, by[g])
		} else {
			f.bad("governor %s on CPUs %s", g, by[g])
		}
	}
	if boost := l.value(bundle.TopicGovernor, "kernel", "boost"); boost == "1" {
		f.note("boost is on: with fewer CPUs busy each runs faster, which looks like contention")
	}
	if turbo := l.value(bundle.TopicGovernor, "kernel", "no_turbo"); turbo == "0" {
		f.note("turbo is on: with fewer CPUs busy each runs faster, which looks like contention")
	}
	return f.or(NotHere, "no cpufreq: the clock is the host's or the firmware's")
}

// groups sorts the sending CPUs by a fact of theirs.
func (l *layout) groups(name string) map[string]bundle.CPUSet {
	by := map[string]bundle.CPUSet{}
	for _, cpu := range l.cpus {
		if v := l.value(bundle.TopicTopology, fmt.Sprintf("cpu %d", cpu), name); v != "" {
			by[v] = append(by[v], cpu)
		}
	}
	return by
}

func smt(l *layout) finding {
	if !l.chosen {
		return nothing(whichSend)
	}
	by := l.groups("smt siblings")
	if len(by) == 0 {
		return nothing("the topology is not known")
	}
	f := finding{fix: "choose one CPU of each core, or `echo off > /sys/devices/system/cpu/smt/control`"}
	for _, siblings := range slices.Sorted(maps.Keys(by)) {
		if cpus := by[siblings]; len(cpus) > 1 {
			f.bad("CPUs %s are one core", cpus)
		}
	}
	return f.or(OK, fmt.Sprintf("none of CPUs %s", l.cpus))
}

func lastLevelCache(l *layout) finding {
	if !l.chosen {
		return nothing(whichSend)
	}
	by := l.groups("shares L3 with")
	if len(by) == 0 {
		return nothing("the topology is not known")
	}
	f := finding{fix: "measure within one L3 first: lines that go between two cost several times as much"}
	for _, sharers := range slices.Sorted(maps.Keys(by)) {
		f.note("of the L3 of CPUs %s, %s send", sharers, by[sharers])
	}
	if len(by) > 1 {
		f.state = Degraded
	}
	return f
}

func iommu(l *layout) finding {
	f := finding{fix: "boot with iommu=pt where devices may be trusted: mapping takes locks of its own " +
		"(alloc_iova), which then look like XFRM's"}
	for _, dev := range l.devices {
		switch domain := l.value(bundle.TopicIOMMU, dev, "domain"); domain {
		case "":
		case "identity":
			f.note("%s: %s", dev, domain)
		default:
			f.bad("%s: %s, every DMA address is mapped", dev, domain)
		}
	}
	return f.or(NotHere, "no interface is behind one")
}

func queueing(l *layout) finding {
	f := finding{fix: "`tc qdisc replace dev DEV root mq`: one qdisc's lock is taken by all CPUs"}
	for _, dev := range l.devices {
		switch kind := l.value(bundle.TopicQdisc, dev, "root"); {
		case kind == "":
		case len(l.queues[dev]) > 1 && kind != "mq" && kind != "mqprio" && kind != "noqueue" &&
			kind != "taprio":
			f.bad("%s: %s for all of its queues", dev, kind)
		default:
			f.note("%s: %s", dev, kind)
		}
	}
	return f.or(NotHere, "none could be read")
}

func listeners(l *layout) finding {
	f := finding{fix: "end it (`ip xfrm monitor` is one), or raise net.core.xfrm_aevent_etime and " +
		"xfrm_aevent_rseqth: every packet runs xfrm_replay_notify under x->lock"}
	for k, v := range l.values {
		if k[0] == bundle.TopicListener && slices.Contains(strings.Fields(v), "aevents") {
			f.bad("%s in %s", k[2], k[1])
		}
	}
	slices.Sort(f.evidence) // of a map
	return f.or(OK, "none")
}

func offload(l *layout) finding {
	var f finding
	for _, dev := range l.devices {
		if v := l.value(bundle.TopicFeature, dev, "esp-hw-offload"); v != "" {
			f.note("%s: %s", dev, v)
		}
	}
	return f.or(NotHere, "no interface tells")
}
