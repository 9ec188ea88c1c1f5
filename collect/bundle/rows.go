package bundle

// An SA is one xfrm_state as read over netlink (XFRM_MSG_GETSA,
// net/xfrm/xfrm_user.c copy_to_user_state_extra, 6.12). No field for a key
// exists, and none is ever copied.
type SA struct {
	Phase  string  `json:"phase"` // "start" or "end" of the window; "probe-start", "probe-end" of the probes'
	TimeNS int64   `json:"time_ns"`
	NetNS  string  `json:"netns,omitempty"`
	Src    string  `json:"src"`
	Dst    string  `json:"dst"`
	Proto  string  `json:"proto"` // "esp", "ah", "comp" or the number
	SPI    uint32  `json:"spi"`
	Mode   string  `json:"mode"`          // "tunnel", "transport", ...
	Dir    string  `json:"dir,omitempty"` // "in", "out"; "" before 6.10 or when not set
	ReqID  uint32  `json:"reqid"`
	PCPU   *uint32 `json:"pcpu,omitempty"` // nil: any CPU, the fallback SA

	Packets uint64 `json:"packets"` // curlft: counted before ESP framing
	Bytes   uint64 `json:"bytes"`   // inner length
	OSeq    uint64 `json:"oseq"`    // last sequence number sent, ESN high half included
	Replay  uint32 `json:"replay_window,omitempty"`
	Drops   SADrop `json:"drops"`
}

// SADrop is xfrm_stats of an SA (include/uapi/linux/xfrm.h).
type SADrop struct {
	ReplayWindow uint32 `json:"replay_window"`
	Replay       uint32 `json:"replay"`
	Integrity    uint32 `json:"integrity"`
}

// Key tells the SA from every other one of its host.
func (s *SA) Key() SAKey {
	return SAKey{s.NetNS, s.Src, s.Dst, s.Proto, s.SPI}
}

// An SAKey is what identifies an SA: RFC 4301 section 4.1, and the namespace.
type SAKey struct {
	NetNS, Src, Dst, Proto string
	SPI                    uint32
}

// A Counter is one value of /proc, /sys or ethtool. Names are kept as they are
// read, unknown ones too.
type Counter struct {
	Phase  string `json:"phase"` // "start" or "end"
	TimeNS int64  `json:"time_ns"`
	Source string `json:"source"` // "/proc/net/xfrm_stat"
	NetNS  string `json:"netns,omitempty"`
	CPU    *int   `json:"cpu,omitempty"`
	Name   string `json:"name"`
	Unit   string `json:"unit"` // "count", "ns"
	Value  uint64 `json:"value"`
}

// A LockRow is what a wait probe counted for one lock on one CPU.
type LockRow struct {
	CPU    int      `json:"cpu"`
	Lock   string   `json:"lock"`           // address, hex: "0xffff8881..."
	Name   string   `json:"name,omitempty"` // if the collector could tell: "x->lock SPI 0x1001"
	Flags  uint32   `json:"flags"`          // LCB_F_* of include/trace/events/lock.h
	Count  uint64   `json:"count"`          // waits ended
	WaitNS uint64   `json:"wait_ns"`
	MaxNS  uint64   `json:"max_ns"`
	Hist   []uint64 `json:"hist,omitempty"` // Hist[i]: waits of [2^i, 2^(i+1)) ns; Hist[0] also 0 ns, Hist[31] all from 2^31
}

// A LockAccount is what the wait probe of one CPU saw and missed. Begun is
// Ended + Mismatched + what was still waiting when the probe was read.
type LockAccount struct {
	CPU        int    `json:"cpu"`
	Begun      uint64 `json:"begun"`
	Ended      uint64 `json:"ended"`
	Mismatched uint64 `json:"mismatched"` // begun and given up: the end was not seen
	Nested     uint64 `json:"nested"`     // times the probe's four contexts were all taken; they were given up
	Late       uint64 `json:"late"`       // ended, but the begin was not seen: attached in between
	Overflow   uint64 `json:"overflow"`   // ended, but the lock had no slot: in no LockRow
	OverflowNS uint64 `json:"overflow_ns"`
}

// LockLine is one line of locks.jsonl: exactly one field is set.
type LockLine struct {
	Row     *LockRow     `json:"row,omitempty"`
	Account *LockAccount `json:"account,omitempty"`
}

// Traffic is traffic.json: packets that the load itself counted.
type Traffic struct {
	Source  string       `json:"source"`            // where the numbers come from
	Window  Window       `json:"window"`            // between the two reads; zero: the run's own window
	Packets uint64       `json:"packets"`           // in that window
	PerCPU  []CPUPackets `json:"per_cpu,omitempty"` // if the source tells CPUs apart
}

// CPUPackets is the packets one CPU sent in the window.
type CPUPackets struct {
	CPU     int    `json:"cpu"`
	Packets uint64 `json:"packets"`
}
