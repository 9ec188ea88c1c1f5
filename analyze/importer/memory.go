package importer

import (
	"bytes"
	"math"
	"strings"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/collect/bundle"
)

// memoryExport prints all that a text can tell of memory accesses.
const memoryExport = "`perf script --header -F comm,pid,tid,cpu,time,period,event,addr,data_src,weight,ip,sym," +
	"symoff,dso`"

// weakenAccesses says what a text lacks to tell where the data was.
func weakenAccesses(s *samples, weaken func(format string, args ...any)) {
	switch name := []byte(strings.ToLower(s.event.Name)); {
	case s.unaddressed > 0:
		weaken("%d accesses to memory are printed without the address of the data: make the text by %s",
			s.unaddressed, memoryExport)
	case !s.event.Memory && !bundle.SamplesTime(s.event.Name) &&
		containsAny(name, "mem-loads", "mem-stores", "mem_trans_retired", "ibs_op/", "arm_spe"):
		weaken("the text does not say which data was accessed, nor where it came from: make it by %s, of a "+
			"recording by perf mem record or perf c2c record", memoryExport)
	}
}

// An openAccess is that of the sample that is open.
type openAccess struct {
	perfdata.Access
	is      bool
	numbers []byte // behind the source, as printed; without a frame on the line the last may be the code's address
}

// access reads what perf script prints of an access between an event and the frame, and
// returns the frame, nil if there is none on this line:
//
//	ADDR DATA_SRC |OP LOAD|LVL L3 hit|SNP HitM|TLB L1 hit|LCK No|BLK  N/A WEIGHT INS_LAT RETIRE_LAT FRAME
//
// The source follows DATA_SRC in words, cut at 100 bytes, and so tells the columns on both
// sides of it (process_event and data_src__fprintf, tools/perf/builtin-script.c, 6.12).
func (p *scriptParser) access(rest []byte) (frame []byte) {
	at := bytes.Index(rest, []byte("|OP "))
	if at < 0 {
		return frameIn(rest)
	}
	before, word := lastWord(rest[:at])
	source, _ := parseHex(word)
	_, word = lastWord(before)
	addr, addressed := parseHex(word)
	rest = rest[at:]
	for _, part := range []string{"|LVL ", "|SNP ", "|TLB ", "|LCK ", "|BLK "} {
		rest = rest[max(0, bytes.Index(rest, []byte(part))):]
	}
	for word, next := firstWord(rest); len(word) > 0 && !isHex(word); word, next = firstWord(rest) {
		rest = next
	}
	frame = frameIn(rest)
	numbers := rest[:len(rest)-len(frame)]
	frame = cutPages(frame)
	if _, name := firstWord(frame); len(name) == 0 {
		numbers, frame = rest, nil
	}
	switch name := p.event.event.Name; {
	case bundle.SamplesTime(name) && !strings.HasPrefix(name, "ibs_op/"): // see perfdata.Event.Memory
	case !addressed:
		p.event.unaddressed++
	default:
		p.mem.Access = perfdata.Access{Event: name, CPU: p.head.cpu, Period: p.head.period, Addr: addr,
			Source: perfdata.DataSrc(source)}
		p.mem.is, p.mem.numbers = true, append(p.mem.numbers[:0], numbers...)
	}
	return frame
}

// settle keeps the access of a sample whose frames were read. Of the numbers the first is WEIGHT, the latency; without
// a frame one of six digits or more is the code's address, which -F without sym leaves bare.
func (p *scriptParser) settle() {
	rest, last := lastWord(p.mem.numbers)
	if p.stack.key.len() == 0 && len(last) >= 6 && p.stack.push(last) {
		p.mem.numbers = rest
	}
	a := p.mem.Access
	weight, _ := firstWord(p.mem.numbers)
	a.Latency, _ = parseUint(weight)
	for k := p.stack.key; len(k) > 0 && a.IP == 0; k = k[4:] { // the leaf that was not inlined
		n := k.at(0)
		if n == math.MaxInt32 || p.b.tables.Locations[n].Inlined {
			continue
		}
		a.IP = p.b.tables.Locations[n].Address
		if f := p.b.tables.Locations[n].Function; f >= 0 {
			a.Function = p.b.tables.Functions[f].Name
		}
	}
	a.Write = a.Source.Writes()
	p.event.event.Memory = true
	p.accesses = append(doubled(p.accesses, 1), a)
	p.mem.is = false
}

// cutPages takes off the end of a frame what -F phys_addr, data_page_size and code_page_size print there.
func cutPages(frame []byte) []byte {
	for rest := frame; ; {
		before, word := lastWord(rest)
		_, name := lastWord(before)
		switch {
		case isPageSize(word):
			rest = before
		case isHex(word) && (bytes.HasSuffix(name, []byte(")")) || bytes.Contains(name, []byte("+0x"))):
			return before
		default:
			return rest
		}
	}
}

// isPageSize matches "4K", "2M" and "N/A".
func isPageSize(word []byte) bool {
	n := len(word) - 1
	return string(word) == "N/A" || n > 0 && containsAny(word[n:], "K", "M", "G") && isHex(word[:n])
}
