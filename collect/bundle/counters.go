package bundle

import (
	"slices"
	"strings"
)

// IsPause matches names of counters of pause frames, by which a receiver holds
// the sender back. That none was sent must be provable: they are kept at 0 too.
func IsPause(name string) bool {
	// Intel's: rx_flow_control_xoff (igb, ixgbe), link_xoff_rx (i40e, ice)
	return strings.Contains(name, "pause") || strings.Contains(name, "xoff")
}

// IsDrop matches names of counters of packets that were thrown away by the
// receiving machine or its card. They are kept at 0 too.
func IsDrop(name string) bool {
	drops := []string{"drop", "discard", "out_of_buffer", "missed", "no_buffer", "nobuf", "overrun"}
	return slices.ContainsFunc(drops, func(part string) bool { return strings.Contains(name, part) })
}
