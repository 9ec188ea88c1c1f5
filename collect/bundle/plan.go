package bundle

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Plan is what a run shall do. It is pure: nothing in it depends on what the
// running kernel can do. `record --dry-run` prints it; the manifest stores it.
type Plan struct {
	CPUs        CPUSet        `json:"cpus"`                   // measured: the sending CPUs
	DurationNS  time.Duration `json:"duration_ns"`            // length of the window
	WarmUpNS    time.Duration `json:"warm_up_ns,omitempty"`   // load runs, nothing is measured
	Events      []string      `json:"events,omitempty"`       // perf events asked for, in perf's own syntax
	FrequencyHz int           `json:"frequency_hz,omitempty"` // samples per second, CPU and event
	Lines       bool          `json:"lines,omitempty"`        // sample accesses to memory: which cache lines move
	Probes      []string      `json:"probes,omitempty"`       // eBPF probes asked for, see Probes
	// length of each probe's phase; 0: 2 s, at most DurationNS
	PhaseNS time.Duration `json:"phase_ns,omitempty"`
	// network namespaces whose SAs are read; "" is the caller's own
	NetNS []string `json:"netns,omitempty"`
	Load  *Load    `json:"load,omitempty"` // command that makes the traffic
	// file of running packet counts, read at both ends of the window
	PacketsFile string `json:"packets_file,omitempty"`

	// Scenario is the hash of the scenario the run belongs to, "" for none.
	Scenario string `json:"scenario,omitempty"`

	// Labels place the run among others: see LabelMode and those below it. Free
	// otherwise.
	Labels map[string]string `json:"labels,omitempty"`
	// the host measured, if it is not the first of the hosts of the run
	Beside string `json:"beside,omitempty"`
}

// A Load is a command that runs while the window is open.
type Load struct {
	Argv []string `json:"argv"`
	CPUs CPUSet   `json:"cpus,omitempty"` // pinned to these; empty: where the scheduler likes
}

// ShellLine writes a command line as a shell would read it. Control characters, which
// are no part of a text for a terminal, are spelled out ($'...', POSIX.1-2024).
func ShellLine(argv []string) string {
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = quoteWord(word)
	}
	return strings.Join(words, " ")
}

func quoteWord(word string) string {
	if strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsGraphic(r) }) || !utf8.ValidString(word) {
		var b strings.Builder
		for i := range len(word) {
			switch c := word[i]; {
			case c == '\'' || c == '\\':
				b.WriteString("\\" + string(c))
			case c < ' ' || c >= 0x7f:
				fmt.Fprintf(&b, "\\%03o", c)
			default:
				b.WriteByte(c)
			}
		}
		return "$'" + b.String() + "'"
	}
	plain := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_./:,+@%^=", r)
	}
	if word == "" || strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}
