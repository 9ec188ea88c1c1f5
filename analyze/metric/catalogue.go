// Package metric holds what a number of a report is: its formula, its unit, its
// error and what weakens it.
//
//	bundle.Loss, bundle.Gap -> Value     a number, or why there is none
//	Estimate -> Share, Ratio             sums of periods with their sampling error
//	Catalogue                            every metric's formula, in one place
//
// Packages of analyze fill Values; reports print them.
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
	SampledID    = "packet_rate_sampled"
	PerfEffectID = "perf_effect"
	SentID       = "sent_share"
	ThroughputID = "throughput"
	LossID       = "loss"
	CostID       = "cost_per_packet"
	SpinID       = "spin_share"
	LockWordID   = "lockword_share"
	SpinCostID   = "spin_cost_per_packet"
	WordCostID   = "lockword_cost_per_packet"
	ShareID      = "self_share"
	StageID      = "stage_share"
	DirectionID  = "direction_share"
	MPKCID       = "mpkc"
	MPKIID       = "mpki"
	MissPacketID = "misses_per_packet"
	IntensityID  = "miss_intensity"
	CountRateID  = "counted_rate"
	CountedID    = "counted_per_packet"
	CountedKID   = "counted_mpkc"
	RunningID    = "running_share"
	WaitsID      = "lock_waits"
	WaitID       = "lock_wait_ns"
	WaitPacketID = "lock_wait_ns_per_packet"
	WaitP50ID    = "lock_wait_p50_ns"
	WaitP99ID    = "lock_wait_p99_ns"
	AcquireID    = "lock_acquisitions"
	ContentionID = "contention_ratio"
	BounceID     = "bounce_ns_per_packet"
	CallerID     = "lock_caller_share"
	FindID       = "find_calls"
	FindPacketID = "find_calls_per_packet"
	FindMeanID   = "find_mean_ns"
	FindP50ID    = "find_p50_ns"
	FindP99ID    = "find_p99_ns"
	WalkID       = "find_walk_length"
	FallbackID   = "fallback_share"
	WrongCPUID   = "wrong_cpu_share"
	CacheEmptyID = "cache_empty_share"
	SAPacketsID  = "sa_cpu_packets"
	JainID       = "jain"
	EffectID     = "probe_effect"
	SpeedupID    = "speedup"
	EfficiencyID = "efficiency"
	KneeID       = "knee"
	GammaID      = "usl_gamma"
	SigmaID      = "usl_sigma"
	KappaID      = "usl_kappa"
	PeakID       = "usl_peak"
	BreakdownID  = "bill"
	ExponentID   = "growth_exponent"
	WalkSlopeID  = "ns_per_sa"
	CeilingID    = "ceiling_ratio"
	TransferID   = "line_transfers_per_packet"
	LineShareID  = "line_share"
	LineCyclesID = "line_cycles_per_packet"
	ApartID      = "false_sharing_share"
	ForeignID    = "foreign_sa_transfers_per_packet"
	AsideID      = "aside_transfers_per_packet"
)

// Catalogue lists every metric a report prints, in the order of a report.
func Catalogue() []Formula {
	const samples, probe = "perf samples", "SA counters around the phase"
	return []Formula{
		{PacketsID, "packets", "packets", "higher", "sum over outbound SAs of packets(end) - packets(start)",
			"SA counters (curlft.packets) or traffic.json"},
		{RateID, "packets/s", "packets/s", "higher",
			"packets / time between the two reads of their counters: median of the phases without perf " +
				"and probes, else in the window of the samples", "as packets; CLOCK_MONOTONIC"},
		{SampledID, "packets/s while perf samples", "packets/s", "higher",
			"packets / time in the window of the samples; costs per packet are over it", "as packets/s"},
		{PerfEffectID, "effect of perf", "ratio", "",
			"packets/s while perf samples / packets/s - 1", "as packets/s"},
		{SentID, "packets of the CPUs measured", "ratio", "",
			"packets of the SAs of the CPUs measured / packets; of an SA without a CPU number by its " +
				"lookups on each CPU", "SA counters, find probe, /proc/net/softnet_stat"},
		{ThroughputID, "throughput", "bit/s", "higher",
			"as the traffic generator published it, of what was received, else of what was sent; the " +
				"layer is told beside it", "TRex, iperf3, pktgen"},
		{LossID, "loss", "ratio", "lower", "packets lost / packets sent", "TRex, iperf3"},
		{CostID, "cost/packet", "", "lower",
			"(busy weight / window) / packet rate of the same CPUs; busy weight = sum of periods of " +
				"samples that are not idle; where those of a clock cover less than 95 % of the time, " +
				"CPUs x busy of /proc/stat", "perf samples, packets, /proc/stat"},
		{SpinID, "spin share", "ratio", "lower",
			"weight with the leaf in a lock's slow path / busy weight", samples},
		{LockWordID, "fast-path share", "ratio", "lower",
			"weight with the leaf in a lock's acquire fast path / busy weight", samples},
		{SpinCostID, "spin cost/packet", "", "lower",
			"spin share x cost/packet: unlike the share it does not move when other parts do",
			"perf samples, packets"},
		{WordCostID, "fast-path cost/packet", "", "lower",
			"fast-path share x cost/packet", "perf samples, packets"},
		{StageID, "stage share", "ratio", "",
			"weight charged to the stage / busy weight; the deepest frame a stage claims is charged",
			"perf samples, analyze/stage/stages.txt"},
		{DirectionID, "receive share", "ratio", "",
			"weight with a frame of the XFRM input path on the stack / weight charged to XFRM, ESP and " +
				"crypto", "perf samples, analyze/stage"},
		{ShareID, "self share", "ratio", "", "weight with the function as leaf / busy weight", samples},
		{MPKCID, "misses/1000 cycles", "1/1000 cycles", "lower",
			"1000 x weight of the miss event / weight of the cycles event, same CPUs",
			"perf samples of two events"},
		{MPKIID, "misses/1000 instructions", "1/1000 instructions", "lower",
			"1000 x weight of the miss event / weight of the instructions event, same CPUs",
			"perf samples of two events"},
		{MissPacketID, "misses/packet", "events/packet", "lower",
			"(weight of the miss event / window) / packet rate of the same CPUs", "perf samples, packets"},
		{TransferID, "cache lines moved/packet", "transfers/packet", "lower",
			"accesses that got their line from the cache of another CPU / packets; of samples: their " +
				"share x the transfers counted",
			"lines.jsonl of a simulated machine; samples of memory accesses"},
		{LineShareID, "share of the lines moved", "ratio", "",
			"transfers of the field / transfers", "as cache lines moved/packet"},
		{LineCyclesID, "cycles of lines moved/packet", "cycles/packet", "lower",
			"cycles that the accesses waited for their lines / packets", "as cache lines moved/packet"},
		{ApartID, "false sharing", "ratio", "lower",
			"transfers that read no byte which the other CPU had written / transfers of the field",
			"lines.jsonl of a simulated machine"},
		{ForeignID, "lines of other CPUs' SAs/packet", "transfers/packet", "lower",
			"transfers to xfrm_state_find from SAs of another CPU / packets",
			"lines.jsonl of a simulated machine"},
		{AsideID, "lines of CPUs not measured/packet", "transfers/packet", "lower",
			"transfers of lines that only CPUs which are not measured wrote / packets",
			"lines.jsonl of a simulated machine"},
		{IntensityID, "miss intensity", "1", "lower",
			"the function's share of the misses / its share of the cycles, or of the time if no cycles " +
				"were sampled", "perf samples of two events"},
		{CountRateID, "counted/s", "1/s", "",
			"count / time the event was enabled, in the first phase without a probe, in which nothing is " +
				"sampled", "perf stat"},
		{CountedID, "counted/packet", "", "lower", "counted/s / packet rate of the same CPUs in its phase",
			"perf stat, SA counters around the phase"},
		{CountedKID, "counted/1000 cycles", "1/1000 cycles", "",
			"1000 x count of the event / count of the cycles, same CPUs", "perf stat"},
		{RunningID, "time on", "ratio", "higher",
			"time the event was on / time it was enabled: less than 1 if it shared a hardware counter",
			"perf stat"},
		{WaitsID, "lock waits", "waits", "lower", "waits ended in the window", "wait probe"},
		{WaitID, "lock wait", "ns", "lower", "sum of the waits' lengths", "wait probe"},
		{WaitPacketID, "lock wait/packet", "ns/packet", "lower",
			"(sum of waits / probe window) / packet rate of the same CPUs in it", "wait probe, " + probe},
		{WaitP50ID, "median wait", "ns", "lower",
			"upper end of the bin of the histogram that holds the median wait", "wait probe"},
		{WaitP99ID, "99 % wait", "ns", "lower",
			"upper end of the bin of the histogram that holds the 99th of 100 waits", "wait probe"},
		{AcquireID, "acquisitions", "count", "", "acquisitions in the phase, waited for or not", "count probe"},
		{ContentionID, "contention ratio", "ratio", "lower",
			"(waits / wait phase) / (acquisitions / count phase), both on the CPUs measured",
			"wait probe, count probe"},
		{BounceID, "lock-line bounce/packet", "ns/packet", "lower",
			"(mean fast acquisition - mean of the lock's class at one CPU) x fast acquisitions / packets " +
				"of the phase; its error holds the spread of the runs of one CPU if there are several",
			"time probe, runs of one CPU, " + probe},
		{CallerID, "caller share", "ratio", "",
			"stacks in which the caller entered the slow path of the lock / stacks of the lock",
			"stacks probe"},
		{FindID, "SA lookups", "count", "", "calls of xfrm_state_find in the phase", "find probe"},
		{FindPacketID, "SA lookups/packet", "calls/packet", "",
			"calls of xfrm_state_find / packets of the phase", "find probe, " + probe},
		{FindMeanID, "mean SA lookup", "ns", "lower",
			"time in timed calls of xfrm_state_find / timed calls", "find probe"},
		{FindP50ID, "median SA lookup", "ns", "lower",
			"upper end of the bin of the histogram that holds the median call", "find probe"},
		{FindP99ID, "99 % SA lookup", "ns", "lower",
			"upper end of the bin of the histogram that holds the 99th of 100 calls", "find probe"},
		{WalkID, "SAs in the bucket", "SAs", "lower",
			"SAs in the buckets walked / buckets walked", "find probe"},
		{FallbackID, "fallback share", "ratio", "lower",
			"calls that returned an SA of any CPU on a CPU that has one of its own / calls that returned " +
				"an SA", "find probe, SAs"},
		{WrongCPUID, "wrong-CPU share", "ratio", "lower",
			"calls that returned an SA of another CPU / calls that returned an SA", "find probe"},
		{CacheEmptyID, "empty cache lists", "ratio", "lower",
			"calls that found the policy's list of cached SAs empty / calls", "find probe"},
		{SAPacketsID, "lookups by SA and CPU", "count", "",
			"calls of xfrm_state_find on the CPU that returned the SA", "find probe"},
		{JainID, "evenness", "ratio", "higher",
			"(sum x)^2 / (n sum x^2) of packets/s of the n CPUs measured: 1 if all send alike, 1/n if " +
				"one sends all", "packets by CPU"},
		{EffectID, "probe effect", "ratio", "",
			"packet rate in the probe's phase / mean of the phases without probe before and after it - 1",
			"SA counters"},
		{SpeedupID, "speed-up", "CPUs", "higher",
			"base x median rate at N / median rate at the base", "packets over runs"},
		{EfficiencyID, "efficiency", "ratio", "higher", "speed-up / N", "packets over runs"},
		{KneeID, "knee", "CPUs", "higher",
			"first N with efficiency under 0.90 or traffic loss over 0.1 %", "packets over runs"},
		{GammaID, "USL gamma", "packets/s", "higher",
			"X(N) = gamma N / (1 + sigma (N-1) + kappa N (N-1)), weighted least squares",
			"packets over runs"},
		{SigmaID, "USL sigma", "ratio", "lower",
			"as gamma: the share that does not run in parallel", "packets over runs"},
		{KappaID, "USL kappa", "ratio", "lower", "as gamma: what each pair of CPUs costs", "packets over runs"},
		{PeakID, "USL peak", "CPUs", "higher", "sqrt((1 - sigma) / kappa)", "packets over runs"},
		{BreakdownID, "scaling bill", "", "lower",
			"mean cost per packet at N - mean at the base, by stage, lock or function",
			"cost per packet over runs"},
		{ExponentID, "growth exponent", "1", "lower",
			"slope of log(cost per packet) on log(N); 0 if it scales", "cost per packet over runs"},
		{WalkSlopeID, "ns per SA", "ns", "lower",
			"slope of the mean time of xfrm_state_find on the number of SAs in the bucket",
			"find probe over runs"},
		{CeilingID, "share of the ceiling", "ratio", "higher",
			"rate / rate of the same path without IPsec, over the N both plateaus have",
			"packets over runs"},
	}
}

// FormulaOf returns the catalogue's entry of an id.
func FormulaOf(id string) Formula {
	for _, f := range Catalogue() {
		if f.ID == id {
			return f
		}
	}
	return Formula{ID: id, Name: id}
}
