package bundle

import (
	"slices"
	"strings"
)

// IsPause matches names of counters of pause frames, by which a receiver holds
// the sender back. That none was sent must be provable: they are kept at 0 too.
func IsPause(name string) bool {
	return strings.Contains(name, "pause") || strings.Contains(name, "xoff") // Intel's: rx_flow_control_xoff (igb, ixgbe), link_xoff_rx (i40e, ice)
}

// IsDrop matches names of counters of packets that were thrown away by the
// receiving machine or its card. They are kept at 0 too.
func IsDrop(name string) bool {
	return slices.ContainsFunc([]string{"drop", "discard", "out_of_buffer", "missed", "no_buffer", "nobuf", "overrun"}, func(part string) bool {
		return strings.Contains(name, part)
	})
}
