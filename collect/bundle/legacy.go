package bundle

import (
	"regexp"
	"strconv"
	"strings"
)

// This file alone reads what was written for people: bundles before schema 3,
// and results.json, hold names and sentences where there are typed values now.

// LegacyLockID reads a lock's name: LockID.String made it, or a foreign program.
func LegacyLockID(name string) LockID {
	if name == "" {
		return LockID{}
	}
	if id, ok := legacySALock(name); ok {
		return id
	}
	if field, ok := strings.CutPrefix(name, "net->"); ok {
		id := LockID{Kind: LockOfNet}
		id.Name, id.NetNS, _ = strings.Cut(field, " of ")
		return id
	}
	if variable, number, ok := cutLast(name, " of CPU "); ok {
		if cpu, err := strconv.Atoi(number); err == nil {
			return LockID{Kind: LockPerCPU, Name: variable, CPU: &cpu}
		}
	}
	if caller, ok := strings.CutPrefix(name, "in "); ok {
		return LockID{Kind: LockOfCaller, Name: caller}
	}
	return LockID{Kind: LockSymbol, Name: name}
}

// typeNames puts a LockID in the place of a name.
func (l *LockLine) typeNames() {
	if row := l.Row; row != nil && row.ID.Kind == "" {
		row.ID, row.Name = LegacyLockID(row.Name), ""
	}
	if row := l.Acquire; row != nil && row.ID.Kind == "" {
		row.ID, row.Name = LegacyLockID(row.Name), ""
	}
}

func legacyGapKind(what string) GapKind {
	if strings.Contains(what, "cache misses") {
		return GapMisses
	}
	return ""
}

// legacyCause is the first clause of a reason: "no hardware counters: cycles:
// ENOENT" begins with it. A single word is an event or a file, not a reason.
func legacyCause(why string) string {
	clause, _, found := strings.Cut(why, ": ")
	if !found || !strings.Contains(clause, " ") {
		return why
	}
	return clause
}

// LegacySubject reads what SubjectKind.Text made.
func LegacySubject(text string) (SubjectKind, string) {
	for _, kind := range []SubjectKind{OfEvent, OfStage, OfLock, OfFunction, OfField} {
		if name, ok := strings.CutPrefix(text, string(kind)+" "); ok {
			return kind, name
		}
	}
	return SubjectKind(text), ""
}

// Reasons for which significance is taken in a result begin with one of these.
const (
	GateFailed = "gate failed: "
	InDoubt    = "in doubt: "
)

// LegacyBlank parts the figure, in which any text may be, from why its significance was
// taken.
func LegacyBlank(text string) (figure, why string) {
	at := len(text)
	for _, reason := range []string{GateFailed, InDoubt} {
		if i := strings.Index(text, ": "+reason); i >= 0 {
			at = min(at, i)
		}
	}
	if at == len(text) {
		return "", text
	}
	return text[:at], text[at+len(": "):]
}

// LegacyClaimant reads whom a claim is about: what is before its first ": ". A
// mode or the name of a run, with which it may begin, may hold one, too.
func LegacyClaimant(claim string, names []string) string {
	begins := 0
	for _, name := range names {
		if strings.HasPrefix(claim, name) {
			begins = max(begins, len(name))
		}
	}
	if i := strings.Index(claim[begins:], ": "); i >= 0 {
		return claim[:begins+i]
	}
	return ""
}

// LegacySACounters reads from the source of a run's packets whether they were
// counted by SA.
func LegacySACounters(source string) bool { return strings.HasPrefix(source, "SA counters") }

// LegacyHeldBack reads from the evidence of the pause gate whether the next
// machine held this one back.
func LegacyHeldBack(evidence string) bool {
	return strings.HasSuffix(evidence, "the next machine held this one back")
}

// LegacyWarnings takes the figures of warnings that have none yet from their texts, and from others what is
// not in theirs: whoever reads warnings calls it. A figure is a word, with a bracket before and punctuation
// after it; "L1" and "0-3" are none.
func LegacyWarnings(list []Warning) {
	for i := range list {
		w := &list[i]
		if w.Figures == nil {
			w.Form = words.ReplaceAllStringFunc(w.Text, func(word string) string {
				rest := strings.TrimLeft(word, "(")
				number := strings.TrimRight(rest, ").,:;%")
				f := newFigure(number)
				if !f.valid() {
					return word
				}
				w.Figures = append(w.Figures, f)
				return word[:len(word)-len(rest)] + FigureMark + rest[len(number):]
			})
		}
		w.settle()
	}
}

var words = regexp.MustCompile(`\S+`)

// legacySALock reads "x->lock SPI 0x1001 pcpu 3 inbound".
func legacySALock(name string) (id LockID, ok bool) {
	words := strings.Fields(name)
	if len(words) < 3 || words[1] != "SPI" {
		return LockID{}, false
	}
	field, isField := strings.CutPrefix(words[0], "x->")
	spi, err := strconv.ParseUint(words[2], 0, 32)
	if !isField || err != nil {
		return LockID{}, false
	}
	id = LockID{Kind: LockOfSA, Name: field, SPI: uint32(spi)}
	words = words[3:]
	if len(words) > 1 && words[0] == "pcpu" {
		pcpu, err := strconv.Atoi(words[1])
		if err != nil {
			return LockID{}, false
		}
		id.PCPU, words = &pcpu, words[2:]
	}
	id.Inbound = len(words) > 0 && words[0] == "inbound"
	return id, true
}

// cutLast is strings.Cut at the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
