package bundle

import "fmt"

// A LockKind says by what a lock is known.
type LockKind string

const (
	LockOfSA     LockKind = "sa"     // a field of an xfrm_state
	LockOfNet    LockKind = "net"    // a field of a struct net
	LockPerCPU   LockKind = "percpu" // in a per-CPU variable
	LockSymbol   LockKind = "symbol" // in another variable, or what else a name says
	LockOfCaller LockKind = "caller" // only who waits for it is known
)

// A LockID says which lock it is, as far as the recorder could tell.
type LockID struct {
	Kind LockKind `json:"kind,omitempty"` // "" if nothing is known
	// of the field, "lock", "mtimer+0x10"; of the variable; of the function that waits
	Name    string `json:"name,omitempty"`
	SPI     uint32 `json:"spi,omitempty"` // of the SA
	PCPU    *int   `json:"pcpu,omitempty"`
	Inbound bool   `json:"inbound,omitempty"` // the SA was given out by the lookup of inbound packets
	NetNS   string `json:"netns,omitempty"`   // that holds the field
	CPU     *int   `json:"cpu,omitempty"`     // whose copy of the variable it is
}

// String names the lock for a reader: "x->lock SPI 0x1001 pcpu 3", "" if nothing
// is known.
func (id LockID) String() string {
	name := id.Class()
	if id.Kind == LockOfSA {
		name = fmt.Sprintf("x->%s SPI %#x", id.Name, id.SPI)
		if id.PCPU != nil {
			name += fmt.Sprintf(" pcpu %d", *id.PCPU)
		}
		if id.Inbound {
			name += " inbound"
		}
	}
	if id.CPU != nil {
		name += fmt.Sprintf(" of CPU %d", *id.CPU)
	}
	return name
}

// Class names what the lock is one of, in whatever run: "x->lock" of any SA, a
// per-CPU lock without its CPU.
func (id LockID) Class() string {
	switch {
	case id.Kind == LockOfSA:
		return "x->" + id.Name
	case id.Kind == LockOfNet && id.NetNS != "":
		return "net->" + id.Name + " of " + id.NetNS
	case id.Kind == LockOfNet:
		return "net->" + id.Name
	case id.Kind == LockOfCaller:
		return "in " + id.Name
	}
	return id.Name
}
