package result

import "xfrmscope/collect/bundle"

// A SubjectKind is what a number is one of, where a run has several.
type SubjectKind = bundle.SubjectKind

// A Subject is what a number is of: "function native_queued_spin_lock_slowpath".
// The zero Subject is the run as a whole.
type Subject struct {
	Kind SubjectKind
	Name string
}

func (s Subject) String() string { return s.Kind.Text(s.Name) }

// MarshalText and UnmarshalText keep a subject as a result has it.
func (s Subject) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is the reverse of MarshalText.
func (s *Subject) UnmarshalText(text []byte) error {
	s.Kind, s.Name = bundle.LegacySubject(string(text))
	return nil
}

// A Blank is a significance that a failed gate or a doubt took.
type Blank struct {
	Figure string // "pcpu N=4, packets/s"
	Why    string // "gate failed: pause (1 of 12 runs)"
}

func (b Blank) String() string { return b.Figure + ": " + b.Why }

// MarshalText keeps a blank as a result has it: one clause.
func (b Blank) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText is the reverse of MarshalText.
func (b *Blank) UnmarshalText(text []byte) error {
	b.Figure, b.Why = bundle.LegacyBlank(string(text))
	return nil
}
