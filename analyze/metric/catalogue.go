package metric

// A Formula defines one metric, in one place.
type Formula struct {
	ID     string
	Name   string // as printed in a table head
	Unit   string // "" if it depends on the event: then Value.Unit says it
	Better string // "lower", "higher" or "" if neither is better as such
	Text   string // the formula
	Source string // what it is read from
}

// Ids of the catalogue.
const (
	PacketsID    = "packets"
	RateID       = "packet_rate"
	ThroughputID = "throughput"
	LossID       = "loss"
	CostID       = "cost_per_packet"
	SpinID       = "spin_share"
	LockWordID   = "lockword_share"
	ShareID      = "self_share"
	StageID      = "stage_share"
	MPKCID       = "mpkc"
	MPKIID       = "mpki"
	WaitsID      = "lock_waits"
	WaitID       = "lock_wait_ns"
	WaitPacketID = "lock_wait_ns_per_packet"
	EffectID     = "probe_effect"
)

// Catalogue lists every metric a report prints, in the order of a report.
func Catalogue() []Formula {
	return []Formula{
		{PacketsID, "packets", "packets", "higher", "sum over outbound SAs of packets(end) - packets(start)", "SA counters (curlft.packets) or traffic.json"},
		{RateID, "packets/s", "packets/s", "higher", "packets / time between the two reads of their counters", "as packets; CLOCK_MONOTONIC"},
		{ThroughputID, "throughput", "bit/s", "higher", "as the traffic generator published it, of what was received, else of what was sent; the layer is told beside it", "TRex, iperf3, pktgen"},
		{LossID, "loss", "ratio", "lower", "packets lost / packets sent", "TRex, iperf3"},
		{CostID, "cost/packet", "", "lower", "(busy weight / window) / packet rate; busy weight = sum of periods of samples that are not idle", "perf samples, packets"},
		{SpinID, "spin share", "ratio", "lower", "weight with the leaf in a spin-lock slow path / busy weight", "perf samples"},
		{LockWordID, "lock-word share", "ratio", "lower", "weight with the leaf in a lock's acquire fast path / busy weight", "perf samples"},
		{StageID, "stage share", "ratio", "", "weight charged to the stage / busy weight; the deepest frame a stage claims is charged", "perf samples, analyze/stage/stages.txt"},
		{ShareID, "self share", "ratio", "", "weight with the function as leaf / busy weight", "perf samples"},
		{MPKCID, "misses/1000 cycles", "1/1000 cycles", "lower", "1000 x weight of the miss event / weight of the cycles event, same CPUs", "perf samples of two events"},
		{MPKIID, "misses/1000 instructions", "1/1000 instructions", "lower", "1000 x weight of the miss event / weight of the instructions event, same CPUs", "perf samples of two events"},
		{WaitsID, "lock waits", "waits", "lower", "waits ended in the window", "wait probe"},
		{WaitID, "lock wait", "ns", "lower", "sum of the waits' lengths", "wait probe"},
		{WaitPacketID, "lock wait/packet", "ns/packet", "lower", "(sum of waits / probe window) / packet rate in it", "wait probe, SA counters"},
		{EffectID, "probe effect", "ratio", "", "packet rate in the probe's window / packet rate in the samples' window - 1", "SA counters"},
	}
}
