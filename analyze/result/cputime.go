package result

// CPUTimes is what the kernel accounted to the measured CPUs, of /proc/stat: in
// ticks of 10 ms, which is what its shares are sure to.
type CPUTimes struct {
	CPUs  []CPUTime  `json:"cpus"`            // of the window, by CPU
	Steps []TimeStep `json:"steps,omitempty"` // of all of them together, once a second of the window
}

// A CPUTime is one CPU in the window.
type CPUTime struct {
	CPU int `json:"cpu"`
	// how often each kind ran in the window, of /proc/softirqs: "NET_RX"; none that did not
	Softirqs map[string]uint64 `json:"softirqs,omitempty"`
	TimeShares
}

// A TimeStep is the time from one read to the next. The first read is just
// before the window opened, the last just after it was shut.
type TimeStep struct {
	StartS float64 `json:"start_s"` // since the window opened
	EndS   float64 `json:"end_s"`
	TimeShares
}

// TimeShares is what a time was spent on, as ratios of what was accounted.
type TimeShares struct {
	Seconds float64 `json:"seconds"` // accounted, of all CPUs meant
	User    float64 `json:"user"`    // nice included
	System  float64 `json:"system"`
	Softirq float64 `json:"softirq"`
	IRQ     float64 `json:"irq"`
	Idle    float64 `json:"idle"` // iowait included
	Steal   float64 `json:"steal"`
}
