package bundle

import (
	"fmt"
	"strings"
)

// Topics of facts, of Fact.Topic.
const (
	TopicIRQ        = "irq"
	TopicNIC        = "nic"
	TopicRSS        = "rss"
	TopicRule       = "ntuple"
	TopicPause      = "pause"
	TopicRing       = "ring"
	TopicFeature    = "feature"
	TopicStat       = "stat" // `ethtool -S`
	TopicLink       = "link" // `ip -s link`
	TopicXPS        = "xps"
	TopicRPS        = "rps"
	TopicQdisc      = "qdisc"
	TopicIsolation  = "isolation"
	TopicGovernor   = "governor"
	TopicTopology   = "topology"
	TopicIRQBalance = "irqbalance"
	TopicIOMMU      = "iommu"
	TopicListener   = "listener"
	TopicSysctl     = "sysctl" // net.core.xfrm_*
)

const pidMark = " (pid "

// ListenerName names a process that listens: the name of a fact of TopicListener.
func ListenerName(program string, pid int) string {
	return fmt.Sprintf("%s%s%d)", program, pidMark, pid)
}

// Lasting returns the fact's name without what is another in each run.
func (f *Fact) Lasting() string {
	name, _, _ := strings.Cut(f.Name, pidMark)
	return name
}
