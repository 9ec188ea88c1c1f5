package bundle

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
