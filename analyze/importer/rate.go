package importer

import "fmt"

// A Unit is what a rate is counted in. Results of traffic generators mix
// decimal and binary multiples, and some call both "Gbps"; here they are never
// mixed: 1 Gibit/s is 1.074 Gbit/s.
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

// A Rate is a throughput in the unit and at the layer it was published in. The
// zero Rate is one that is not known.
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
