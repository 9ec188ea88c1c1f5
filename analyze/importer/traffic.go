package importer

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
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

// A Point is one run at one setting, in one direction. What the format does not tell is nil or unknown.
type Point struct {
	Line int `json:"line"` // in the file

	Factor    string `json:"factor"`            // what N counts: "flows", "streams", "threads"; see SetFactor
	N         int    `json:"n"`                 // the setting
	Run       int    `json:"run,omitempty"`     // from 1; 0 if the format has one run
	Setting   string `json:"setting,omitempty"` // what else varies in the file: "200000 packets/s offered"
	Direction string `json:"direction,omitempty"`
	Device    string `json:"device,omitempty"` // pktgen's: "eth0@3"
	CPU       int    `json:"cpu"`              // that sent, -1 if not told

	Tx Side `json:"tx"`
	Rx Side `json:"rx"`

	LostPackets *int64   `json:"lost_packets,omitempty"` // below 0 if more came than were sent
	LossShare   *float64 `json:"loss_share,omitempty"`   // of the packets sent, 0..1

	// Warnings are about this point alone.
	Warnings []bundle.Warning `json:"warnings,omitempty"`

	FrameBytes   int     `json:"frame_bytes,omitempty"` // Ethernet frame without FCS
	RequestedPPS float64 `json:"requested_pps,omitempty"`
	Seconds      float64 `json:"seconds,omitempty"`

	settings []setting
}

// A Side is what was sent, or what came.
type Side struct {
	Packets *uint64  `json:"packets,omitempty"`
	Bytes   *uint64  `json:"bytes,omitempty"`
	PPS     *float64 `json:"pps,omitempty"`
	Rate    Rate     `json:"rate,omitzero"`
}

// A setting is what a generator was told, beside the flows.
type setting struct {
	key, text string // "tx_pps_req", "2000 packets/s offered"
	n         int    // 2000; 0 if it is no whole number
	factor    string // what n counts: "offered pps"
}

// numbered is a setting whose value is a number.
func numbered(key string, v float64, what, factor string) setting {
	s := setting{key: key, text: strconv.FormatFloat(v, 'f', -1, 64) + " " + what, factor: factor}
	if v > 0 && v <= 1<<53 && v == math.Trunc(v) {
		s.n = int(v)
	}
	return s
}

// setSettings names what varies between points of one N: without it they would
// pass for repeats.
func (t *Traffic) setSettings() {
	seen := map[string]map[int]setting{} // by key and N: the first
	varies := map[string]bool{}
	for _, p := range t.Points {
		for _, s := range p.settings {
			if seen[s.key] == nil {
				seen[s.key] = map[int]setting{}
			}
			first, known := seen[s.key][p.N]
			if !known {
				seen[s.key][p.N] = s
			} else if first != s {
				varies[s.key] = true
			}
		}
	}
	for i := range t.Points {
		var parts []string
		for _, s := range t.Points[i].settings {
			if varies[s.key] {
				parts = append(parts, s.text)
			}
		}
		t.Points[i].Setting = strings.Join(parts, ", ")
	}
}

// SetFactor makes N the setting that varies over the points of all runs of a report,
// where it is one, a number, and the flows do not vary: a curve is drawn over it.
func SetFactor(runs [][]Point) {
	var points []*Point
	for _, run := range runs {
		for i := range run {
			points = append(points, &run[i])
		}
	}
	varies := ""
	for _, p := range points {
		if p.N != points[0].N || len(p.settings) != len(points[0].settings) {
			return
		}
		for i, s := range p.settings {
			switch first := points[0].settings[i]; {
			case s == first:
			case s.key != first.key, s.n == 0, first.n == 0, varies != "" && varies != s.key:
				return
			default:
				varies = s.key
			}
		}
	}
	for _, p := range points {
		for _, s := range p.settings {
			if s.key == varies {
				p.N, p.Factor, p.Setting = s.n, s.factor, ""
			}
		}
	}
}

// numberRuns makes runs of several results of one setting that have no number.
func (t *Traffic) numberRuns() {
	type key struct {
		n       int
		setting string
	}
	runs := map[key]int{}
	results := t.Runs()
	number := make([]int, len(results))
	for i, points := range results {
		k := key{points[0].N, points[0].Setting}
		runs[k]++
		number[i] = runs[k]
	}
	var out []Point
	for i, points := range results {
		for _, p := range points {
			if runs[key{p.N, p.Setting}] > 1 {
				p.Run = number[i]
			}
			out = append(out, p)
		}
	}
	t.Points = out
}

// Counted returns the packets of the points of one run: those that came, or, if
// that is not told of each, those that were sent; "" if neither is told.
func Counted(points []Point) (counts string, packets []uint64) {
	for _, side := range []string{bundle.Received, bundle.Sent} {
		packets = packets[:0]
		for i := range points {
			if n := points[i].Side(side).Packets; n != nil {
				packets = append(packets, *n)
			}
		}
		if len(packets) == len(points) && len(points) > 0 {
			return side, packets
		}
	}
	return "", nil
}

// Side returns what came or what was sent.
func (p *Point) Side(counts string) *Side {
	if counts == bundle.Received {
		return &p.Rx
	}
	return &p.Tx
}

// SumPackets sums the packets of the points of one run into what a bundle stores, over a window as long as the longest
// point; false if the points do not tell packets or their time. In a run of several CPUs each point is a CPU's.
func SumPackets(points []Point, source string) (bundle.Traffic, bool) {
	counts, packets := Counted(points)
	out := bundle.Traffic{Source: source + ", " + counts}
	for i, p := range points {
		if counts == "" || p.Seconds <= 0 {
			return bundle.Traffic{}, false
		}
		out.Packets += packets[i]
		out.Window.EndNS = max(out.Window.EndNS, int64(p.Seconds*1e9))
		if p.CPU >= 0 {
			out.PerCPU = append(out.PerCPU, bundle.CPUPackets{CPU: p.CPU, Packets: packets[i]})
		}
	}
	if len(out.PerCPU) < len(points) {
		out.PerCPU = nil
	}
	return out, len(points) > 0
}

// warn tells what weakens the numbers of this point.
func (p *Point) warn(format string, args ...any) {
	p.Warnings = append(p.Warnings, bundle.Warn("traffic", format, args...))
}

// modeOf guesses the mode from a file's name, as trex_results-16-3.3g-1440-one-sa.csv has it.
func modeOf(name string) string {
	words := wordsOf(name)
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

// wordsOf parts a file's name.
func wordsOf(name string) []string {
	return strings.FieldsFunc(strings.ToLower(path.Base(name)), func(r rune) bool {
		return strings.ContainsRune("-_.= ", r)
	})
}

// A Unit is what a rate is counted in. Results of traffic generators mix decimal and binary multiples, and some call
// both "Gbps"; here they are never mixed: 1 Gibit/s is 1.074 Gbit/s.
type Unit string

const (
	bitPerSecond   Unit = "bit/s"
	mbitPerSecond  Unit = "Mbit/s"
	gibitPerSecond Unit = "Gibit/s"
)

// bits returns how many bits per second one unit is, 0 for no known unit.
func (u Unit) bits() float64 {
	switch u {
	case bitPerSecond:
		return 1
	case mbitPerSecond:
		return 1e6
	case gibitPerSecond:
		return 1 << 30
	}
	return 0
}

// A Layer says which bytes of a packet a rate counts.
type Layer string

// The layers, from the most bytes to the least.
const (
	onWire    Layer = "wire"    // frame, FCS, preamble and gap: 24 bytes more than inFrame
	inFrame   Layer = "frame"   // Ethernet header and what it carries
	inPayload Layer = "payload" // of TCP or UDP
)

// A Rate is a throughput in the unit and at the layer it was published in. The zero Rate is one that is not known.
type Rate struct {
	Value float64 `json:"value"`
	Unit  Unit    `json:"unit,omitempty"`
	Layer Layer   `json:"layer,omitempty"`
}

// Known reports whether r is a rate at all.
func (r Rate) Known() bool { return r.Unit.bits() > 0 }

// BPS returns r in bits per second, of its own layer.
func (r Rate) BPS() float64 { return r.Value * r.Unit.bits() }

// String prints "22.66 Gibit/s".
func (r Rate) String() string {
	if !r.Known() {
		return "not known"
	}
	return fmt.Sprintf("%.2f %s", r.Value, r.Unit)
}
