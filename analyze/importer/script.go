package importer

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/profile"
	"xfrmscope/collect/bundle"
)

// readScript reads what perf script prints, with or without its header comment, with or without stacks. Each event
// becomes a profile of its own. Lines that are no part of a sample are counted as a loss; a text without a single
// sample but with such lines is a *SyntaxError.
func readScript(r io.Reader, opt Options) (*Import, error) {
	p := newScriptParser(r, opt.Name)
	for line := range p.lines.all {
		p.line(line)
	}
	p.close()
	if p.samples == 0 && p.odd > 0 {
		return nil, opt.bad(p.firstOdd, "no sample of perf script, and none in the whole text").
			fix("make the text by `perf script -i perf.data`")
	}
	return p.result(), p.lines.failure()
}

// A scriptParser goes through the text line by line. It is between samples, or
// in the sample whose header it read last.
type scriptParser struct {
	lines *lines
	b     *builder
	stack *stacker
	meta  scriptMeta

	inside bool // a sample is open
	tabs   bool // frames are led by a tab, as perf prints them: what is led by a space is none
	head   header
	event  *samples
	comm   int32
	mem    openAccess

	samples  uint64
	odd      uint64 // lines that are nothing known
	firstOdd int
	lost     lostCounts
	accesses []perfdata.Access
	first    uint64 // time of samples, ns
	last     uint64
}

func newScriptParser(r io.Reader, file string) *scriptParser {
	b := newBuilder()
	return &scriptParser{lines: newLines(r, file), b: b, stack: newStacker(b)}
}

func (p *scriptParser) line(line []byte) {
	switch {
	case len(line) == 0:
		p.close()
	case line[0] == '\t' && p.inside:
		p.tabs = true
		if !p.stack.push(line) {
			p.strange()
		}
	case line[0] == '#':
		p.meta.comment(line)
	default:
		p.other(line)
	}
}

// other reads a line that is neither blank nor led by a tab: mostly a header.
func (p *scriptParser) other(line []byte) {
	var h header
	isHeader := parseHeader(line, &h)
	indented := p.inside && line[0] == ' ' && !h.timed
	switch {
	case indented && isBranchLine(line):
		p.event.branches++
	case indented && (isSourceLine(line) || p.tabs && isData(line) || p.stack.push(line)):
	case isHeader && h.record != nil:
		p.close()
		p.lost.record(h.record)
	case isHeader:
		p.close()
		p.begin(&h)
	case p.lost.message(line):
	default:
		p.strange()
	}
}

func (p *scriptParser) strange() {
	if p.odd == 0 {
		p.firstOdd = p.lines.num
	}
	p.odd++
}

// begin opens the sample of a header, whose slices end with its line.
func (p *scriptParser) begin(h *header) {
	p.head = *h
	p.inside = true
	p.event = p.eventOf(h.event)
	p.comm = p.b.comm(h.comm)
	if h.timed {
		if p.first == 0 || h.timeNS < p.first {
			p.first = h.timeNS
		}
		p.last = max(p.last, h.timeNS)
	}
	if rest, cut := cutBranches(h.rest); len(rest) > 0 || cut {
		if cut {
			p.event.branches++
		}
		if at := p.access(rest); at != nil {
			p.stack.push(at)
		}
	}
}

// eventOf returns the samples of an event; most follow one of the same.
func (p *scriptParser) eventOf(name []byte) *samples {
	if p.event != nil && p.event.event.Name == string(name) {
		return p.event
	}
	if len(name) == 0 {
		name = []byte(bundle.UnnamedEvent)
	}
	return p.b.event(name)
}

// frameIn returns the frame that follows an event on its line, if there is no stack; nil for the fields of a
// tracepoint. In front of it may stand numbers: the address that was accessed, and what that cost.
func frameIn(rest []byte) []byte {
	if word, _ := firstWord(rest); !isHex(word) {
		return nil
	}
	for len(rest) > 0 {
		word, after := firstWord(rest)
		next, _ := firstWord(after)
		if isHex(word) && len(word) >= 3 && !isHex(next) && !bytes.HasPrefix(next, []byte("|")) {
			return rest
		}
		rest = after
	}
	return nil
}

func isHex(word []byte) bool {
	_, ok := parseHex(word)
	return ok
}

// isData matches numbers and sizes of pages alone: what -F +phys_addr and like it print behind a stack.
func isData(line []byte) bool {
	for rest := line; ; {
		var word []byte
		if word, rest = firstWord(rest); len(word) == 0 {
			return true
		}
		if !isHex(bytes.TrimPrefix(word, []byte("0x"))) && !isPageSize(word) {
			return false
		}
	}
}

// close counts the open sample.
func (p *scriptParser) close() {
	if !p.inside {
		return
	}
	p.inside = false
	p.samples++
	if p.mem.is {
		p.settle()
	}
	stack, empty := p.stack.finish()
	period := p.head.period
	if !p.head.counted {
		period = 1
		p.event.bare++
	}
	if empty {
		p.event.empty++
	}
	p.event.add(cellKey{stack, p.head.cpu, p.head.pid, p.head.tid, p.comm}, period)
}

// result gathers the profiles and what weakens them.
func (p *scriptParser) result() *Import {
	for _, s := range p.b.events {
		p.meta.describe(s)
	}
	im := &Import{Host: p.meta.host, Command: p.meta.command, Profiles: p.b.profiles(), Accesses: p.accesses,
		CPUID: p.meta.cpuid}
	if p.last > p.first {
		im.Window = bundle.Window{StartNS: int64(p.first), EndNS: int64(p.last)}
	}
	for i, s := range nonEmpty(p.b.events) {
		weaken := func(format string, args ...any) {
			warn(im.Profiles[i:i+1], bundle.Warn(s.event.Name, format, args...))
		}
		if s.empty > 0 {
			weaken("%d of %d samples have no stack; they count as %s",
				s.empty, total(im.Profiles[i]), profile.Unknown)
		}
		if s.branches > 0 {
			weaken("branch stacks of %d samples are in the text, and are not used", s.branches)
		}
		weakenAccesses(s, weaken)
		if s.bare > 0 && s.event.PeriodFixed == 0 {
			weaken("the text prints no periods: every sample weighs the same; " +
				"print them with `perf script -F +period`")
		}
	}
	im.Losses = p.losses()
	for _, l := range im.Losses {
		lose(im.Profiles, l)
	}
	if p.samples == 0 {
		im.warn("samples", "the text holds no sample")
	}
	if p.lines.cut {
		w := bundle.Warn("samples", "the text ends in the middle of line %d: "+
			"the last stack may be short, and later samples are missing", p.lines.num)
		im.Warnings = append(im.Warnings, w)
		warn(im.Profiles, w)
	}
	return im
}

func (p *scriptParser) losses() []bundle.Loss {
	losses := p.lost.losses()
	if p.odd > 0 {
		losses = append(losses, bundle.Loss{
			Source: "importer",
			What: fmt.Sprintf("lines of the perf script text not understood, the first at %s:%d",
				p.lines.file, p.firstOdd),
			Count:  p.odd,
			Of:     uint64(p.lines.num),
			Effect: "a stack that such a line stands in lacks a frame",
		})
	}
	return losses
}

// nonEmpty returns the events that became profiles.
func nonEmpty(events []*samples) []*samples {
	var out []*samples
	for _, s := range events {
		if len(s.cells) > 0 {
			out = append(out, s)
		}
	}
	return out
}

func total(p *profile.Profile) uint64 {
	n, _ := p.Total()
	return n
}

// lostCounts are what the text says was lost, by kind.
type lostCounts struct {
	records, samples, chunks, throttles uint64
}

// record reads a side-band record printed by --show-lost-events and the like.
// Of the others only the name is of interest: they are no sample.
func (l *lostCounts) record(text []byte) {
	name, rest := firstWord(text)
	word, rest := firstWord(rest)
	if string(word) == "lost" {
		word, _ = firstWord(rest)
	}
	n, _ := parseUint(word)
	switch string(name) {
	case "PERF_RECORD_LOST":
		l.records += n
	case "PERF_RECORD_LOST_SAMPLES":
		l.samples += n
	case "PERF_RECORD_THROTTLE":
		l.throttles++
	}
}

// message reads what perf prints to stderr, if both went to one file:
// "Processed 123 events and lost 4 chunks!". Its other lines are known too.
func (l *lostCounts) message(line []byte) bool {
	if after, ok := bytes.CutPrefix(line, []byte("Processed ")); ok {
		_, lost, ok := bytes.Cut(after, []byte(" and lost "))
		if word, unit := firstWord(lost); ok && bytes.HasPrefix(unit, []byte("chunks")) {
			n, _ := parseUint(word)
			l.chunks += n
		}
		return ok
	}
	return bytes.HasPrefix(line, []byte("Warning:")) || bytes.HasPrefix(line, []byte("Check IO/CPU overload"))
}

func (l *lostCounts) losses() []bundle.Loss {
	var out []bundle.Loss
	add := func(n uint64, kind bundle.LossKind, what, effect string) {
		if n > 0 {
			out = append(out, bundle.Loss{Kind: kind, Source: "perf", What: what, Count: n, Effect: effect})
		}
	}
	add(l.records, bundle.LossSamples, "records dropped in the ring buffer (PERF_RECORD_LOST)",
		"samples are among them, most from the busiest moments")
	add(l.samples, bundle.LossSamples, "samples dropped (PERF_RECORD_LOST_SAMPLES)",
		"the weight of the event is too low")
	add(l.chunks, "", "chunks of records lost", "how many samples that is cannot be told")
	add(l.throttles, bundle.LossThrottled,
		"times an event was stopped for sampling too often (PERF_RECORD_THROTTLE)",
		"the event was off in between")
	return out
}

// scriptMeta is what the comments in front of a perf script text say:
// perf script --header, tools/perf/util/header.c (6.12).
type scriptMeta struct {
	host    bundle.Host
	cpuid   string
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
	case "cpuid":
		m.cpuid = text
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
