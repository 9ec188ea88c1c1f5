package bundle

import (
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

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

// A Warning is a sentence that weakens a number. Warn makes it: warnings of one form say the same of several
// runs, in other figures.
type Warning struct {
	Weakens string   `json:"weakens"` // the number: a metric id, an event, a section, EveryNumber
	Text    string   `json:"text"`
	Form    string   `json:"form,omitempty"`   // the text with FigureMark for each figure, "" if it has none
	Figures []Figure `json:"figures,omitzero"` // nil: written before there were any

	Kind WarningKind `json:"kind,omitempty"` // "" where nobody asks for it
}

// A Figure is a number within a sentence, kept as the sentence prints it: "+46".
type Figure struct {
	Text  string
	Value float64 // of the text; NaN: it is no decimal number
}

func newFigure(text string) Figure {
	value, err := strconv.ParseFloat(text, 64)
	_, decimals, _ := strings.Cut(text, ".")
	printed := fmt.Sprintf("%+.*f", len(decimals), value)
	if err != nil || math.IsInf(value, 0) || text != printed && "+"+text != printed {
		value = math.NaN()
	}
	return Figure{text, value}
}

func (f Figure) valid() bool { return !math.IsNaN(f.Value) }

func (f Figure) MarshalText() ([]byte, error) { return []byte(f.Text), nil }

// UnmarshalText is the reverse of MarshalText.
func (f *Figure) UnmarshalText(text []byte) error {
	*f = newFigure(string(text))
	return nil
}

// FigureMark stands in a form for each of its figures.
const FigureMark = "{}"

// Warn makes a warning. The numbers among args are its figures; one that tells things apart, as the line of a
// file does, is given as text.
func Warn(weakens, format string, args ...any) Warning {
	w := Warning{Weakens: weakens, Text: fmt.Sprintf(format, args...), Figures: []Figure{}}
	marked := make([]any, len(args))
	for i, arg := range args {
		marked[i] = marker{arg, &w.Figures}
	}
	w.Form = fmt.Sprintf(format, marked...)
	w.settle()
	return w
}

// A marker prints its value as it is, or as FigureMark if that is a figure, which it keeps.
type marker struct {
	value   any
	figures *[]Figure
}

func (m marker) Format(to fmt.State, verb rune) {
	text := fmt.Sprintf(fmt.FormatString(to, verb), m.value)
	v := reflect.ValueOf(m.value)
	if f := newFigure(text); f.valid() && (v.CanInt() || v.CanUint() || v.CanFloat()) {
		*m.figures = append(*m.figures, f)
		text = FigureMark
	}
	_, _ = io.WriteString(to, text) // into memory
}

// settle drops figures that do not give the text.
func (w *Warning) settle() {
	texts := make([]string, len(w.Figures))
	for i, f := range w.Figures {
		texts[i] = f.Text
	}
	wrong := func(f Figure) bool { return !f.valid() }
	if len(texts) == 0 || slices.ContainsFunc(w.Figures, wrong) || w.With(texts) != w.Text {
		w.Form, w.Figures = "", []Figure{}
	}
}

// With puts texts in the place of the figures.
func (w Warning) With(texts []string) string {
	var b strings.Builder
	rest := w.Form
	for _, text := range texts {
		before, after, _ := strings.Cut(rest, FigureMark)
		b.WriteString(before)
		b.WriteString(text)
		rest = after
	}
	b.WriteString(rest)
	return b.String()
}

// Behind puts words before the text.
func (w Warning) Behind(words string) Warning {
	w.Text, w.Form = words+w.Text, words+w.Form
	w.settle()
	return w
}

// Of is the warning with a kind.
func (w Warning) Of(kind WarningKind) Warning {
	w.Kind = kind
	return w
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
