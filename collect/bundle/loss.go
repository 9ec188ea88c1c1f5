package bundle

// A Loss is something the measurement could not see. It travels with the
// numbers it weakens and is printed beside them.
type Loss struct {
	Source string `json:"source"` // who lost it: "perf", "probe wait", "importer"
	// what was lost, for people: "samples dropped in the ring (PERF_RECORD_LOST)"
	What   string `json:"what"`
	Count  uint64 `json:"count"`            // how many
	Of     uint64 `json:"of,omitempty"`     // out of how many, lost ones included; 0 if not known
	CPU    *int   `json:"cpu,omitempty"`    // on one CPU only
	Event  string `json:"event,omitempty"`  // of one event only
	Effect string `json:"effect,omitempty"` // what the reader must think of it, one clause

	Kind LossKind `json:"-"` // of a recording's own: made when it is read, each time
}

// A LossKind is what a loss means for the numbers of its event.
type LossKind string

const (
	LossSamples   LossKind = "samples"   // some of its samples are missing, nobody asked for it
	LossFiltered  LossKind = "filtered"  // the user asked to have them dropped
	LossThrottled LossKind = "throttled" // it was off for a while, because it took too many
	LossEnd       LossKind = "end"       // the recording is cut off, or was not finished
)

// A Warning is a sentence that weakens a number.
type Warning struct {
	Weakens string `json:"weakens"` // the number: a metric id, an event, a section, EveryNumber
	Text    string `json:"text"`

	Kind WarningKind `json:"kind,omitempty"` // "" where nobody asks for it
}

// EveryNumber is what a Warning weakens that weakens all of its run.
const EveryNumber = "every number"

// A WarningKind is what a warning is about.
type WarningKind string

const (
	WarnUnused   WarningKind = "unused"       // the event's samples hold something that nothing is made of
	WarnPerf     WarningKind = "perf-effect"  // perf changed packets/s
	WarnProbe    WarningKind = "probe-effect" // a probe, or the load's drift, changed packets/s in its window
	WarnDoubt    WarningKind = "doubt"        // two measurements of one thing differ
	WarnCoverage WarningKind = "coverage"     // samples do not make up the time
)

// A Gap is something that was not measured at all: a report prints it where
// the number would stand.
type Gap struct {
	Kind GapKind `json:"kind,omitempty"` // "" where nobody asks for it
	What string  `json:"what"`           // "cache misses"
	// Why without its details, which gaps of one cause have in common: "no hardware counters"
	Cause string `json:"cause,omitempty"`
	Why   string `json:"why"`           // "no hardware counters: event cycles does not open (ENOENT)"
	Fix   string `json:"fix,omitempty"` // a command or a sentence
}

// A GapKind is what a gap is asked for.
type GapKind string

// GapMisses is the gap of events that count cache misses.
const GapMisses GapKind = "cache-misses"

// Of returns the gap's kind, of older bundles, too.
func (g Gap) Of() GapKind {
	if g.Kind == "" {
		return legacyGapKind(g.What)
	}
	return g.Kind
}

// Reason returns the gap's cause; of gaps that do not tell it apart, Why.
func (g Gap) Reason() string {
	if g.Cause == "" {
		return legacyCause(g.Why)
	}
	return g.Cause
}
