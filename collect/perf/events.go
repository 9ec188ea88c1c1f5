package perf

import (
	"errors"
	"slices"
	"strings"

	"xfrmscope/collect/bundle"
)

// Resolve tries each event asked for and says what takes its place: itself; if
// it is a group that does not open, its members; for cycles the software clock;
// for all else nothing. try returns why an event does not open.
func Resolve(asked []string, try func(event string) error) []bundle.Event {
	r := resolver{try: try}
	for _, list := range asked {
		for _, event := range splitEvents(list) {
			r.add(event)
		}
	}
	return r.events
}

type resolver struct {
	try    func(string) error
	events []bundle.Event
}

func (r *resolver) add(event string) {
	err := r.try(event)
	if err == nil {
		r.events = append(r.events, bundle.Event{Asked: event, Opened: event})
		return
	}
	members, modifiers, ok := splitGroup(event)
	if !ok {
		r.substitute(event, event, err)
		return
	}
	for _, member := range members {
		alone := withModifiers(member, modifiers)
		aloneErr := r.try(alone)
		if aloneErr == nil {
			r.events = append(r.events, bundle.Event{Asked: member, Opened: alone,
				Why: "not in the group " + event + ": " + err.Error()})
			continue
		}
		r.substitute(member, alone, aloneErr)
	}
}

// clock takes the place of cycles. It has no modifiers: sampled in user and
// kernel mode and in idle, its samples must sum to the window, which the
// analysis checks.
const clock = "cpu-clock"

// substitute puts the clock in the place of cycles and nothing in that of
// others. alone is the event with its group's modifiers.
func (r *resolver) substitute(asked, alone string, why error) {
	e := bundle.Event{Asked: asked, Why: why.Error(), Unsupported: errors.Is(why, errors.ErrUnsupported)}
	name, _, _ := strings.Cut(alone, ":")
	if name == "cycles" || name == "cpu-cycles" {
		if !r.opened(clock) && r.try(clock) == nil {
			e.Opened = clock
		}
	}
	r.events = append(r.events, e)
}

func (r *resolver) opened(event string) bool {
	return slices.ContainsFunc(r.events, func(e bundle.Event) bool { return e.Opened == event })
}

// withModifiers adds the modifiers that an event has outside its group: user, kernel, hypervisor; not S, p and the
// like.
func withModifiers(event, modifiers string) string {
	keep := strings.Map(func(c rune) rune {
		if strings.ContainsRune("ukh", c) {
			return c
		}
		return -1
	}, modifiers)
	switch {
	case keep == "":
		return event
	case strings.Contains(event, ":"):
		return event // its own are the narrower ones
	}
	return event + ":" + keep
}

// splitGroup takes "{a,b}:S" apart; ok is false if event is no group.
func splitGroup(event string) (members []string, modifiers string, ok bool) {
	if !strings.HasPrefix(event, "{") {
		return nil, "", false
	}
	inner, modifiers, ok := strings.Cut(event[1:], "}")
	if !ok {
		return nil, "", false
	}
	return splitEvents(inner), strings.TrimPrefix(modifiers, ":"), true
}

// splitEvents splits at the commas that are outside of braces and slashes.
func splitEvents(list string) []string {
	var events []string
	start, braces, slash := 0, 0, false
	for i, c := range list {
		switch c {
		case '{':
			braces++
		case '}':
			braces--
		case '/':
			slash = !slash
		case ',':
			if braces <= 0 && !slash {
				events = append(events, list[start:i])
				start = i + 1
			}
		}
	}
	events = append(events, list[start:])
	return slices.DeleteFunc(events, func(e string) bool { return strings.TrimSpace(e) == "" })
}
