package importer

import (
	"bytes"
	"strings"

	"xfrmscope/collect/bundle"
)

// scriptMeta is what the comments in front of a perf script text say:
// perf script --header, tools/perf/util/header.c (6.12).
type scriptMeta struct {
	host    bundle.Host
	command []string
	events  []eventComment
}

// An eventComment is a line "# event : name = cycles:k, , id = ...".
type eventComment struct {
	name      string
	value     uint64 // of { sample_period, sample_freq }
	frequency bool   // value is a frequency
}

// comment reads one line; unknown ones say nothing.
func (m *scriptMeta) comment(line []byte) {
	key, value, ok := bytes.Cut(line[1:], []byte(" : "))
	if !ok {
		return
	}
	text := string(trimSpaces(value))
	switch string(trimSpaces(key)) {
	case "hostname":
		m.host.Name = text
	case "os release":
		m.host.Kernel = text
	case "arch":
		m.host.Arch = text
	case "cpudesc":
		m.host.CPUModel = text
	case "cmdline":
		m.command = strings.Fields(text)
	case "event":
		if e, ok := parseEventComment(text); ok {
			m.events = append(m.events, e)
		}
	}
}

// parseEventComment reads "name = cycles:k, , id = { 1, 2 }, ...,
// { sample_period, sample_freq } = 4000, ..., freq = 1, ...".
func parseEventComment(text string) (eventComment, bool) {
	name, ok := between(text, "name = ", ",")
	if !ok || name == "" {
		return eventComment{}, false
	}
	e := eventComment{name: name, frequency: strings.Contains(text, ", freq = 1")}
	value, _ := between(text+",", "{ sample_period, sample_freq } = ", ",")
	e.value, _ = parseUint([]byte(value))
	return e, true
}

// between returns what stands between the first after and the next before.
func between(text, after, before string) (string, bool) {
	_, rest, ok := strings.Cut(text, after)
	if !ok {
		return "", false
	}
	in, _, ok := strings.Cut(rest, before)
	return in, ok
}

// describe completes an event: the period all samples have, or the frequency
// they were taken at. Samples printed without a period get the fixed one.
func (m *scriptMeta) describe(s *samples) {
	for _, e := range m.events {
		switch {
		case e.name != s.event.Name || e.value == 0:
		case e.frequency:
			s.event.FrequencyHz = e.value
		default:
			s.event.PeriodFixed = e.value
		}
	}
	switch {
	case s.bare == 0:
		s.event.PeriodFixed = 0
		if s.minPeriod == s.maxPeriod {
			s.event.PeriodFixed = s.minPeriod
		}
	case s.event.PeriodFixed > 0 && s.minPeriod == 1 && s.maxPeriod == 1:
		s.weigh(s.event.PeriodFixed)
	default:
		s.event.Unit, s.event.PeriodFixed = "samples", 0
	}
}

// weigh gives every sample a period.
func (s *samples) weigh(period uint64) {
	for i := range s.cells {
		c := &s.cells[i]
		c.Period = c.Count * period
		c.PeriodSq = float64(c.Count) * float64(period) * float64(period)
	}
}
