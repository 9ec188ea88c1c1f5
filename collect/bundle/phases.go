package bundle

import (
	"fmt"
	"strings"
)

// When a row was read: SA.Phase, Counter.Phase and Fact.Phase. The SAs are read
// at the ends of each Phase too, see Ends.
const (
	PhaseStart  = "start" // of the window
	PhaseEnd    = "end"
	PhaseSample = "sample" // once a second, within the window and the phases
)

// freePrefix begins the names of the phases without a probe.
const freePrefix = "none-"

// FreePhase names the phase without a probe that comes after i with one. Events
// are counted in the first.
func FreePhase(i int) string { return fmt.Sprint(freePrefix, i) }

// IsFreePhase reports whether a phase has no probe.
func IsFreePhase(name string) bool { return strings.HasPrefix(name, freePrefix) }

// Ends names the reads at the ends of a phase; those of the wait probe's are
// "probe-start" and "probe-end".
func Ends(phase string) (start, end string) {
	if phase == ProbeWait {
		phase = "probe"
	}
	return phase + "-" + PhaseStart, phase + "-" + PhaseEnd
}
