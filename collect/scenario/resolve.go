package scenario

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"xfrmscope/collect/bundle"
)

// What a scenario has if it says nothing. Five repeats a side can tell a
// difference (two-sided p of the exact U test down to .008); ten do better.
const (
	defaultWarmUp    = 2 * time.Second
	defaultWindow    = 20 * time.Second
	defaultRepeats   = 5
	defaultTolerance = 0.05
	defaultInterval  = 500 * time.Millisecond
	defaultWithin    = 10 * time.Second
)

// DefaultHeadline returns the ids of the metrics that are tested plainly if a
// scenario names none: how much went through, and what a packet cost.
func DefaultHeadline() []string { return []string{"packet_rate", "cost_per_packet"} }

// Resolve returns the scenario with every default filled in and every set of
// CPUs spelled out. The error is an *Error.
func (s *Scenario) Resolve(m Machine, d Defaults) (*Scenario, error) {
	r := *s
	if err := r.resolveCPUs(m); err != nil {
		return nil, err
	}
	if len(r.Modes) == 0 {
		r.Modes = []Factor{{Name: bundle.DefaultMode}}
	}
	if r.Ceiling != nil {
		c := *r.Ceiling
		c.Name = r.ceilingName()
		r.Ceiling = &c
	}
	r.Packets.From = cmp.Or(r.Packets.From, FromSA)
	if r.WarmUp == nil {
		r.WarmUp = new(defaultWarmUp)
	}
	r.Window = orElse(r.Window, defaultWindow)
	r.Repeats = orElse(r.Repeats, defaultRepeats)
	r.Order = orElse(r.Order, Interleaved)
	r.Frequency = orElse(r.Frequency, d.FrequencyHz)
	r.Steady = r.steady()
	if len(r.Events) == 0 {
		r.Events = d.Events
	}
	if len(r.Probes) == 0 {
		r.Probes = d.Probes
	}
	if len(r.Headline) == 0 {
		r.Headline = DefaultHeadline()
	}
	return &r, nil
}

func orElse[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}

func (s *Scenario) steady() *Steady {
	if s.Steady == nil {
		return &Steady{Tolerance: defaultTolerance, Interval: defaultInterval, Within: defaultWithin}
	}
	if s.Steady.Within == 0 {
		return &Steady{}
	}
	return &Steady{orElse(s.Steady.Tolerance, defaultTolerance), orElse(s.Steady.Interval, defaultInterval),
		s.Steady.Within}
}

func (s *Scenario) resolveCPUs(m Machine) error {
	c := s.CPUs
	if len(c.Sets) > 0 {
		return nil
	}
	from := c.From
	if len(from) == 0 {
		from = m.online()
	}
	order := m.ordered(from, orElse(c.Order, ByNumber))
	var sets []bundle.CPUSet
	for _, n := range c.Counts {
		if n > len(order) {
			return &Error{File: s.Name, What: fmt.Sprintf("%d CPUs are asked for, and there are %d: %s", n,
				len(order), from), Fix: "ask for fewer in cpus.counts"}
		}
		set := bundle.CPUSet(slices.Clone(order[:n]))
		slices.Sort(set)
		sets = append(sets, set)
	}
	s.CPUs = CPUs{Sets: sets}
	return nil
}

// Text returns the scenario as YAML. Of a resolved one this is the canonical
// form.
func (s *Scenario) Text() ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(s); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}

// Hash returns the SHA-256 of the resolved scenario's text, hex.
func Hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
