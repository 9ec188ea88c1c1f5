package analyze

import "xfrmscope/analyze/metric"

// Finds is what xfrm_state_find was seen to do, all CPUs.
type Finds struct {
	Calls      metric.Value `json:"calls"`       // count
	PerPacket  metric.Value `json:"per_packet"`  // calls per packet of the phase
	NoSA       uint64       `json:"no_sa"`       // calls that returned none
	Fallback   metric.Value `json:"fallback"`    // ratio of calls that returned an SA of any CPU although one of this CPU exists
	WrongCPU   metric.Value `json:"wrong_cpu"`   // ratio of calls that returned an SA of another CPU
	CacheEmpty metric.Value `json:"cache_empty"` // ratio of calls that found pol->state_cache_list empty
	P50        metric.Value `json:"p50_ns"`      // latency of timed calls, upper ends of bins
	P99        metric.Value `json:"p99_ns"`
	Mean       metric.Value `json:"mean_ns"`
	Walk       metric.Value `json:"walk_length"`    // mean SAs in the bucket
	Hist       []uint64     `json:"hist,omitempty"` // log2 ns
	Inbound    []Inbound    `json:"inbound,omitempty"`
}

// An Inbound is one inbound SPI and the CPUs its packets came in on.
type Inbound struct {
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
	SPI   uint32   `json:"spi"`
	PCPU  *int     `json:"pcpu,omitempty"` // nil: the fallback SA
	Calls []uint64 `json:"calls"`          // in the order of Matrix.CPUs
}

// A Heat is the main event by CPU and time: equal slices of the window.
type Heat struct {
	Event   string      `json:"event"`
	SliceNS int64       `json:"slice_ns"`
	CPUs    []int       `json:"cpus"`
	Busy    [][]float64 `json:"busy"` // [cpu][slice]: share of the samples that are not idle; -1 without samples
	Spin    [][]float64 `json:"spin"` // share of the busy weight in slow paths; -1 without
}

// A Layout is a structure of the running kernel, from its BTF: which of the
// fields the packet path touches share a cache line.
type Layout struct {
	Struct string        `json:"struct"` // "xfrm_state"
	Size   uint32        `json:"size"`
	Source string        `json:"source"` // "kernel BTF, as recorded"
	Fields []LayoutField `json:"fields"` // hot fields by offset
}

// A LayoutField is one field.
type LayoutField struct {
	Name   string `json:"name"`
	Offset uint32 `json:"offset"`
	Size   uint32 `json:"size"`
	Line   uint32 `json:"line"` // Offset / 64
	Use    string `json:"use"`  // "written by every packet (spin lock)", "read", ...
}
