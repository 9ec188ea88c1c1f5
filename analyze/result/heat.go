package result

// A Heat is the main event by CPU and time: equal slices of the window.
type Heat struct {
	Event   string      `json:"event"`
	SliceNS int64       `json:"slice_ns"`
	CPUs    []int       `json:"cpus"`
	Busy    [][]float64 `json:"busy"` // [cpu][slice]: share of the samples that are not idle; -1 without samples
	Spin    [][]float64 `json:"spin"` // share of the busy weight in slow paths; -1 without
}
