package bundle

// Names of the probes: of Probe.Name, Phase.Probe and Plan.Probes.
const (
	ProbeWait   = "wait"   // waits for spin locks
	ProbeCount  = "count"  // acquisitions
	ProbeTime   = "time"   // acquisitions, one in so many timed
	ProbeFind   = "find"   // calls of xfrm_state_find
	ProbeStacks = "stacks" // who waits

	ProbeInbound = "inbound" // inbound SAs, attached with ProbeFind: no plan names it
)

// Probes returns the probes that a plan may name, in the order of their phases:
// what costs the traffic least is first.
func Probes() []string {
	return []string{ProbeWait, ProbeCount, ProbeTime, ProbeFind, ProbeStacks}
}
