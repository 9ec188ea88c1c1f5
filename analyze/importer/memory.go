package importer

import (
	"bytes"
	"io"
	"strings"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/collect/bundle"
)

// memoryExport prints all that a text can tell of memory accesses.
const memoryExport = "`perf script --header -F comm,pid,tid,cpu,time,period,event,addr,data_src,weight,ip,sym," +
	"symoff,dso`"

// samplesMemory reports whether the samples of an event are accesses, if a text says of
// them where the data was: never those of a clock, see perfdata.Event.Memory.
func samplesMemory(event string) bool {
	return strings.HasPrefix(event, "ibs_op/") || !bundle.SamplesTime(event)
}

// memoryEvent reports whether an event can sample nothing but accesses, by its name.
func memoryEvent(event string) bool {
	name := []byte(strings.ToLower(event))
	return !bundle.SamplesTime(event) &&
		containsAny(name, "mem-loads", "mem-stores", "mem_trans_retired", "ibs_op/", "arm_spe")
}

// cutAccess takes off the front of what follows an event what perf script prints of an
// access, as far as a line without its frame tells:
//
//	ADDR DATA_SRC |OP LOAD|LVL L3 hit|SNP HitM|TLB L1 hit|LCK No|BLK  N/A WEIGHT INS_LAT RETIRE_LAT
//
// The decoded source follows DATA_SRC always, and tells the columns on both sides of it
// (process_event and data_src__fprintf, tools/perf/builtin-script.c, 6.12). It is cut at
// 100 bytes. Without it, ok is false; addressed says that ADDR is printed.
func cutAccess(rest []byte) (a perfdata.Access, after []byte, addressed, ok bool) {
	at := bytes.Index(rest, []byte("|OP "))
	if at < 0 {
		return a, rest, false, false
	}
	before, word := lastWord(rest[:at])
	source, ok := parseHex(word)
	if !ok {
		return a, rest, false, false
	}
	a.Source = perfdata.DataSrc(source)
	a.Write = a.Source.Writes()
	_, word = lastWord(before)
	a.Addr, addressed = parseHex(word)
	after = rest[at:]
	for _, part := range []string{"|LVL ", "|SNP ", "|TLB ", "|LCK ", "|BLK "} {
		if i := bytes.Index(after, []byte(part)); i >= 0 {
			after = after[i:]
		}
	}
	for {
		word, next := firstWord(after)
		if len(word) == 0 || isHex(word) {
			return a, after, addressed, true
		}
		after = next
	}
}

// An openAccess is that of the sample that is open.
type openAccess struct {
	perfdata.Access
	is      bool
	numbers []byte // behind the source, as printed; without a frame on the line the last may be the code's address
}

// access reads the columns of an access behind an event and returns the frame that
// follows them, nil if none does.
func (p *scriptParser) access(rest []byte) []byte {
	a, after, addressed, ok := cutAccess(rest)
	if !ok {
		return frameIn(rest)
	}
	frame := frameIn(after)
	numbers := after[:len(after)-len(frame)]
	frame, a.Phys = cutPhys(frame)
	if _, name := firstWord(frame); len(name) == 0 {
		numbers, frame = after, nil
	}
	switch {
	case !samplesMemory(p.event.event.Name):
	case !addressed:
		p.event.unaddressed++
	default:
		p.mem = openAccess{a, true, append(p.mem.numbers[:0], numbers...)}
	}
	return frame
}

// settle parts the numbers of an access when all frames of its sample were read: the
// first is WEIGHT, the latency, and without a frame one of six digits or more is the
// address of the code, which -F without sym leaves bare.
func (p *scriptParser) settle() {
	rest, last := lastWord(p.mem.numbers)
	if p.stack.key.len() == 0 && len(last) >= 6 && p.stack.push(last) {
		p.mem.numbers = rest
	}
	first, _ := firstWord(p.mem.numbers)
	p.mem.Latency, _ = parseUint(first)
}

// keep adds the access of a sample, whose stack says where the code is.
func (p *scriptParser) keep(stack int32, empty bool) {
	a := p.mem.Access
	a.Event, a.CPU = p.event.event.Name, p.head.cpu
	if p.head.counted {
		a.Period = p.head.period
	}
	if !empty {
		a.IP, a.Function = p.b.leaf(stack)
	}
	p.event.event.Memory = true
	p.accesses = append(doubled(p.accesses, 1), a)
	p.mem.is = false
}

// leaf returns the address of a stack's first frame and the function there, that it was
// compiled into if it was inlined.
func (b *builder) leaf(stack int32) (address uint64, function string) {
	key := stackKey(b.stacks.at(stack))
	for i := range key.len() {
		l := b.tables.Locations[key.at(i)]
		if address = l.Address; l.Function >= 0 && !l.Inlined {
			return address, b.tables.Functions[l.Function].Name
		}
		if !l.Inlined {
			break
		}
	}
	return address, ""
}

// cutPhys takes off the end of a frame what -F phys_addr, data_page_size and
// code_page_size print there.
func cutPhys(frame []byte) (rest []byte, phys uint64) {
	for rest = frame; ; {
		before, word := lastWord(rest)
		_, name := lastWord(before)
		switch v, ok := parseHex(word); {
		case isPageSize(word):
			rest = before
		case ok && (bytes.HasSuffix(name, []byte(")")) || bytes.Contains(name, []byte("+0x"))):
			return before, v
		default:
			return rest, 0
		}
	}
}

// isPageSize matches "4K", "2M" and "N/A".
func isPageSize(word []byte) bool {
	n := len(word) - 1
	return string(word) == "N/A" ||
		n > 0 && bytes.IndexByte([]byte("BKMG"), word[n]) >= 0 && len(bytes.Trim(word[:n], "0123456789")) == 0
}

// data reads a line of what -F phys_addr and like it print behind a stack: numbers and
// sizes of pages alone.
func (p *scriptParser) data(line []byte) bool {
	phys, first := uint64(0), true
	for rest := line; ; {
		var word []byte
		if word, rest = firstWord(rest); len(word) == 0 {
			p.mem.Phys = phys
			return true
		}
		v, ok := parseHex(bytes.TrimPrefix(word, []byte("0x")))
		if !ok && !isPageSize(word) {
			return false
		}
		if ok && first {
			phys, first = v, false
		}
	}
}

// weakenAccesses says what a text lacks to tell where the data was.
func weakenAccesses(s *samples, weaken func(format string, args ...any)) {
	switch {
	case s.unaddressed > 0:
		weaken("%d accesses to memory are printed without the address of the data: make the text by %s",
			s.unaddressed, memoryExport)
	case !s.event.Memory && memoryEvent(s.event.Name):
		weaken("the text does not say which data was accessed, nor where it came from: make it by %s, of a "+
			"recording by perf mem record or perf c2c record", memoryExport)
	}
}

// memoryHead begins the line that names the columns of `perf mem report -D`.
const memoryHead = "# PID, TID, IP, ADDR, "

func looksMemory(head []byte) bool {
	for line := range bytes.Lines(head) {
		if bytes.HasPrefix(line, []byte(memoryHead)) {
			return true
		}
	}
	return false
}

// memorySamples stands for the event, which `perf mem report -D` does not print.
const memorySamples = "memory accesses"

// readMemory reads what `perf mem report -D` prints (dump_raw_samples,
// tools/perf/builtin-mem.c, 6.12): a sample a line, its columns as the first names them,
// apart by spaces or what -x asked for. It has neither CPUs nor periods.
func readMemory(r io.Reader, opt Options) (*Import, error) {
	m := &memoryReader{lines: newLines(r, opt.Name), b: newBuilder()}
	im := &Import{}
	for line := range m.lines.all {
		if names, ok := bytes.CutPrefix(line, []byte("# ")); ok {
			m.columns = strings.Split(string(names), ", ")
			continue
		}
		a, ok := m.sample(line)
		if !ok {
			m.odd++
			continue
		}
		im.Accesses = append(doubled(im.Accesses, 1), a)
	}
	if m.odd > 0 {
		im.lost("lines that are no sample of perf mem report -D", m.odd, uint64(m.lines.num),
			"they are left out")
	}
	for _, s := range m.b.events {
		s.event.Unit, s.event.Memory = "samples", true
	}
	im.Profiles = m.b.profiles()
	for _, l := range im.Losses {
		lose(im.Profiles, l)
	}
	im.warn(memorySamples, "the text names neither the event nor the CPU of a sample, nor its period: "+
		"what each CPU moves, and how much for a packet, is not told. To have them make it by %s", memoryExport)
	return im, m.lines.failure()
}

type memoryReader struct {
	lines   *lines
	b       *builder
	columns []string
	odd     uint64
}

// sample reads one line; false if it is none.
func (m *memoryReader) sample(line []byte) (a perfdata.Access, ok bool) {
	line = trimLeft(line)
	separator := bytes.TrimLeft(line, "-0123456789") // behind the PID
	if len(separator) == 0 {
		return a, false
	}
	separator = separator[:1]
	a = perfdata.Access{Event: memorySamples, CPU: -1}
	k := cellKey{cpu: -1, pid: -1, tid: -1, comm: -1}
	var symbol []byte // the last, which may hold any character
	for i, column := range m.columns {
		word, rest, more := bytes.Cut(trimLeft(line), separator)
		if ok = true; !more && i < len(m.columns)-1 {
			return a, false
		}
		switch column {
		case "PID":
			k.pid, ok = parseID(word)
		case "TID":
			k.tid, ok = parseID(word)
		case "IP":
			a.IP, ok = parse0x(word)
		case "ADDR":
			a.Addr, ok = parse0x(word)
		case "PHYS ADDR":
			a.Phys, ok = parse0x(word)
		case "LOCAL WEIGHT":
			a.Latency, ok = parseUint(word)
		case "DSRC":
			source, is := parse0x(word)
			a.Source, ok = perfdata.DataSrc(source), is
		case "SYMBOL":
			symbol = line
		}
		if !ok {
			return a, false
		}
		line = rest
	}
	file, name, ok := bytes.Cut(symbol, []byte(":"))
	if !ok {
		return a, false
	}
	if string(name) != "???" {
		a.Function = string(name)
	}
	mapping := m.b.mapping(file, kernelAddress(a.IP) || kernelFile(file))
	k.stack = m.b.stack(stackKey(nil).push(m.b.location(a.IP, []byte(a.Function), mapping)))
	m.b.event([]byte(memorySamples)).add(k, 1)
	a.Write = a.Source.Writes()
	return a, true
}

// parse0x reads 0x1f. Of the address in the first line perf makes 0x0161f: a slip in its format.
func parse0x(word []byte) (uint64, bool) {
	hex, ok := bytes.CutPrefix(word, []byte("0x"))
	if slip, is := bytes.CutPrefix(hex, []byte("016")); is {
		hex = slip
	}
	v, is := parseHex(hex)
	return v, ok && is
}
