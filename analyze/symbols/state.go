package symbols

import "fmt"

// A State says whether a table can name anything, and if not, why.
type State uint8

const (
	Ready      State = iota // it can
	Absent                  // no table was given
	Empty                   // the file has no text symbol
	Restricted              // every address is 0: kptr_restrict hid them
)

func (s State) String() string {
	return [...]string{"ready", "absent", "empty", "restricted"}[s]
}

// State says whether the table can name anything. A nil table is Absent.
func (t *Table) State() State {
	if t == nil {
		return Absent
	}
	if t.state == Ready && len(t.starts) == 0 {
		return Empty
	}
	return t.state
}

// An UnusableError says why a table names nothing, and what helps. It never
// stands in the way of the samples: they are kept, without names.
type UnusableError struct {
	State State
	Why   string // what was found
	Fix   string // a command or a sentence
}

func (e *UnusableError) Error() string { return e.Why + "; " + e.Fix }

// Usable returns nil if the table is Ready, else an *UnusableError. The
// sentences are about kernel symbols, the only ones a report can't do without.
func (t *Table) Usable() error {
	const again = "record again with /proc/kallsyms snapshotted, or give the kernel's vmlinux"
	switch s := t.State(); s {
	case Absent:
		return &UnusableError{s, "there are no kernel symbols", again}
	case Empty:
		return &UnusableError{s, "kallsyms has no text symbol (a kernel without CONFIG_KALLSYMS, or an empty snapshot)", again}
	case Restricted:
		return &UnusableError{s, fmt.Sprintf("all %d kallsyms addresses are 0 (kernel.kptr_restrict hides them)", t.hidden),
			"run as root: sysctl kernel.kptr_restrict=0, then record again"}
	}
	return nil
}
