package importer

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"xfrmscope/collect/bundle"
)

// Traffic is what a traffic generator measured: a sweep, or one run of it.
type Traffic struct {
	// Mode is "pcpu", "shared" or "plain", bundle.Plan's label "mode", if the
	// file's name says so, else "".
	Mode string `json:"mode,omitempty"`

	// Points is in the order of the file.
	Points []Point `json:"points"`
}

// A Point is one run at one setting, in one direction. What the format does
// not tell is nil or unknown.
type Point struct {
	Line int `json:"line"` // in the file

	Factor    string `json:"factor"`        // what N counts: "flows", "streams", "threads"
	N         int    `json:"n"`             // the setting
	Run       int    `json:"run,omitempty"` // from 1; 0 if the format has one run
	Direction string `json:"direction,omitempty"`
	Device    string `json:"device,omitempty"` // pktgen's: "eth0@3"
	CPU       int    `json:"cpu"`              // that sent, -1 if not told

	Tx Side `json:"tx"`
	Rx Side `json:"rx"`

	LostPackets *int64   `json:"lost_packets,omitempty"` // below 0 if more came than were sent
	LossShare   *float64 `json:"loss_share,omitempty"`   // of the packets sent, 0..1
	Errors      uint64   `json:"errors,omitempty"`       // the generator's own

	FrameBytes   int     `json:"frame_bytes,omitempty"` // Ethernet frame without FCS
	RequestedPPS float64 `json:"requested_pps,omitempty"`
	Seconds      float64 `json:"seconds,omitempty"`
}

// A Side is what was sent, or what came.
type Side struct {
	Packets *uint64  `json:"packets,omitempty"`
	Bytes   *uint64  `json:"bytes,omitempty"`
	PPS     *float64 `json:"pps,omitempty"`
	Rate    Rate     `json:"rate,omitzero"`
}

// Bundle sums the packets sent into what a run stores, over a window as long as
// the longest point; false if a point does not tell packets or its time, or the
// points are not parts of one run.
func (t *Traffic) Bundle(source string) (bundle.Traffic, bool) {
	out := bundle.Traffic{Source: source}
	for _, p := range t.Points {
		sameRun := p.Run == t.Points[0].Run && p.N == t.Points[0].N && p.Direction == t.Points[0].Direction
		if p.Tx.Packets == nil || p.Seconds <= 0 || !sameRun {
			return bundle.Traffic{}, false
		}
		out.Packets += *p.Tx.Packets
		out.Window.EndNS = max(out.Window.EndNS, int64(p.Seconds*1e9))
		if p.CPU >= 0 {
			out.PerCPU = append(out.PerCPU, bundle.CPUPackets{CPU: p.CPU, Packets: *p.Tx.Packets})
		}
	}
	if len(out.PerCPU) < len(t.Points) {
		out.PerCPU = nil
	}
	return out, len(t.Points) > 0
}

// modeOf guesses the mode from a file's name, as
// trex_results-16-3.3g-1440-one-sa.csv has it.
func modeOf(name string) string {
	words := strings.FieldsFunc(strings.ToLower(path.Base(name)), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	has := func(sequence ...string) bool {
		for i := range words {
			if i+len(sequence) <= len(words) && slices.Equal(words[i:i+len(sequence)], sequence) {
				return true
			}
		}
		return false
	}
	switch {
	case has("no", "ipsec"), has("plain"), has("plaintext"):
		return "plain"
	case has("one", "sa"), has("single", "sa"), has("shared"):
		return "shared"
	case has("pcpu"), has("percpu"), has("per", "cpu"):
		return "pcpu"
	}
	return ""
}

// trafficWarning weakens the traffic's numbers.
func trafficWarning(format string, args ...any) bundle.Warning {
	return bundle.Warning{Weakens: "traffic", Text: fmt.Sprintf(format, args...)}
}
