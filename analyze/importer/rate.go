package importer

import "fmt"

// A Unit is what a rate is counted in. Results of traffic generators mix
// decimal and binary multiples, and some call both "Gbps"; here they are never
// mixed: 1 Gibit/s is 1.074 Gbit/s.
type Unit string

// The units, decimal and binary.
const (
	BitPerSecond   Unit = "bit/s"
	KbitPerSecond  Unit = "kbit/s"
	MbitPerSecond  Unit = "Mbit/s"
	GbitPerSecond  Unit = "Gbit/s"
	KibitPerSecond Unit = "Kibit/s"
	MibitPerSecond Unit = "Mibit/s"
	GibitPerSecond Unit = "Gibit/s"
)

// Bits returns how many bits per second one unit is, 0 for no known unit.
func (u Unit) Bits() float64 {
	switch u {
	case BitPerSecond:
		return 1
	case KbitPerSecond:
		return 1e3
	case MbitPerSecond:
		return 1e6
	case GbitPerSecond:
		return 1e9
	case KibitPerSecond:
		return 1 << 10
	case MibitPerSecond:
		return 1 << 20
	case GibitPerSecond:
		return 1 << 30
	}
	return 0
}

// A Layer says which bytes of a packet a rate counts.
type Layer string

// The layers, from the most bytes to the least.
const (
	Wire    Layer = "wire"    // frame, FCS, preamble and gap: 24 bytes more than Frame
	FCS     Layer = "fcs"     // frame and its check sequence: 4 bytes more
	Frame   Layer = "frame"   // Ethernet header and what it carries
	Payload Layer = "payload" // of TCP or UDP
)

// overhead returns what a layer adds to the bytes of a frame (IEEE 802.3:
// preamble and start 8, FCS 4, gap 12).
func (l Layer) overhead() (bytes int, known bool) {
	switch l {
	case Wire:
		return 24, true
	case FCS:
		return 4, true
	case Frame:
		return 0, true
	}
	return 0, false
}

// A Rate is a throughput in the unit and at the layer it was published in. The
// zero Rate is one that is not known.
type Rate struct {
	Value float64 `json:"value"`
	Unit  Unit    `json:"unit,omitempty"`
	Layer Layer   `json:"layer,omitempty"`
}

// Known reports whether r is a rate at all.
func (r Rate) Known() bool { return r.Unit.Bits() > 0 }

// BPS returns r in bits per second, of its own layer.
func (r Rate) BPS() float64 { return r.Value * r.Unit.Bits() }

// In returns r in another unit, of the same layer.
func (r Rate) In(u Unit) Rate {
	return Rate{Value: r.BPS() / u.Bits(), Unit: u, Layer: r.Layer}
}

// At returns r as counted at another layer, for frames of frameBytes without
// FCS. What a payload is cannot be told from the frame's size.
func (r Rate) At(l Layer, frameBytes int) (Rate, error) {
	if l == r.Layer {
		return r, nil
	}
	from, ok1 := r.Layer.overhead()
	to, ok2 := l.overhead()
	if !ok1 || !ok2 || frameBytes <= 0 {
		return Rate{}, fmt.Errorf("converting %s of layer %q to layer %q for frames of %d bytes: not known how", r.Unit, r.Layer, l, frameBytes)
	}
	r.Value *= float64(frameBytes+to) / float64(frameBytes+from)
	r.Layer = l
	return r, nil
}

// String prints "22.66 Gibit/s".
func (r Rate) String() string {
	if !r.Known() {
		return "not known"
	}
	return fmt.Sprintf("%.2f %s", r.Value, r.Unit)
}
