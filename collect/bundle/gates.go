package bundle

// Gates of a run, in the order in which they are checked: ids that results keep
// and people refer to.
const (
	GatePause       = "pause"
	GateDrops       = "drops"
	GateLostSamples = "lost-samples"
	GateThrottled   = "throttled"
	GateMultiplexed = "multiplexed"
	GateIRQDrift    = "irq-drift"
	GateIdleCPUs    = "idle-cpus"
	GateGenerator   = "generator-limited"
	GateCoverage    = "coverage"
)

// Gates returns all of them.
func Gates() []string {
	return []string{
		GatePause, GateDrops, GateLostSamples, GateThrottled, GateMultiplexed,
		GateIRQDrift, GateIdleCPUs, GateGenerator, GateCoverage,
	}
}
