package result

import "xfrmscope/analyze/metric"

// Lookups is what xfrm_state_find was seen to do, all CPUs.
type Lookups struct {
	Calls     metric.Value `json:"calls"`      // count
	PerPacket metric.Value `json:"per_packet"` // calls per packet of the phase
	NoSA      uint64       `json:"no_sa"`      // calls that returned none
	// ratio of calls that returned an SA of any CPU although one of this CPU exists
	Fallback   metric.Value `json:"fallback"`
	WrongCPU   metric.Value `json:"wrong_cpu"`   // ratio of calls that returned an SA of another CPU
	CacheEmpty metric.Value `json:"cache_empty"` // ratio of calls that found pol->state_cache_list empty
	P50        metric.Value `json:"p50_ns"`      // latency of timed calls, upper ends of bins
	P99        metric.Value `json:"p99_ns"`
	Mean       metric.Value `json:"mean_ns"`
	Walk       metric.Value `json:"walk_length"`    // mean SAs in the bucket
	WalkMax    uint64       `json:"walk_max"`       // in the longest bucket walked
	Hist       []uint64     `json:"hist,omitempty"` // log2 ns
	Inbound    []Inbound    `json:"inbound,omitempty"`
}

// An Inbound is one inbound SA and the CPUs its packets came in on.
type Inbound struct {
	NetNS   string   `json:"netns,omitempty"`
	SPI     uint32   `json:"spi"`
	CPUs    []int    `json:"cpus"`
	Packets []uint64 `json:"packets"` // in the order of CPUs
}

// A Matrix is outbound packets, or calls of xfrm_state_find where SAs were not
// told apart by CPU otherwise, by SA and sending CPU.
type Matrix struct {
	Source string      `json:"source"` // "find probe"
	CPUs   []int       `json:"cpus"`
	Rows   []MatrixRow `json:"rows"` // per-CPU SAs by pcpu, then the fallback
}

// A MatrixRow is one SA.
type MatrixRow struct {
	NetNS string   `json:"netns,omitempty"`
	SPI   uint32   `json:"spi"`
	PCPU  *int     `json:"pcpu,omitempty"` // nil: the fallback SA
	Calls []uint64 `json:"calls"`          // in the order of Matrix.CPUs
}
