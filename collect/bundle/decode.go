package bundle

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// A decoder decodes the lines of a .jsonl file. Rows of counters, SAs and facts
// come by the thousand in every run, and encoding/json takes ten times as long as
// the rest of reading them: lines as this package writes them are decoded here.
// All others, damaged ones too, are left to encoding/json.
type decoder struct {
	texts  map[string]string // each text once: rows repeat the same few
	recent [64]string        // of those, by length and last byte: found without a map
	cpu    *int              // of the row before, as the next
	pcpu   *uint32
}

// maxTexts bounds what is kept of rows whose texts are all different.
const maxTexts = 4096

func (d *decoder) decode(line []byte, row any) error {
	if d.decodePlain(line, row) {
		return nil
	}
	return json.Unmarshal(line, row)
}

// decodePlain decodes an object of known names with plain values into a zero
// row. If it returns false, the row is still zero.
func (d *decoder) decodePlain(line []byte, row any) bool {
	switch row := row.(type) {
	case *Counter:
		return plainRow(d, line, row, (*decoder).counter)
	case *SA:
		return plainRow(d, line, row, (*decoder).sa)
	case *Fact:
		return plainRow(d, line, row, (*decoder).fact)
	case *LockLine:
		return plainRow(d, line, row, (*decoder).lockLine)
	}
	return false
}

// plainRow sets a row by its fields; set returns false for what it cannot take.
func plainRow[T any](d *decoder, line []byte, row *T, set func(*decoder, *T, []byte, value) bool) bool {
	s := scan{text: line}
	ok := s.object(func(name []byte, v value) bool { return set(d, row, name, v) })
	if !ok || !s.ended() {
		*row = *new(T)
		return false
	}
	return true
}

func (d *decoder) counter(row *Counter, name []byte, v value) bool {
	switch string(name) {
	case "phase":
		return d.string(v, &row.Phase)
	case "time_ns":
		return number(v, &row.TimeNS)
	case "source":
		return d.string(v, &row.Source)
	case "netns":
		return d.string(v, &row.NetNS)
	case "cpu":
		return pointer(v, &row.CPU, &d.cpu)
	case "name":
		return d.string(v, &row.Name)
	case "unit":
		return d.string(v, &row.Unit)
	case "value":
		return number(v, &row.Value)
	}
	return false
}

func (d *decoder) sa(row *SA, name []byte, v value) bool {
	switch string(name) {
	case "phase":
		return d.string(v, &row.Phase)
	case "time_ns":
		return number(v, &row.TimeNS)
	case "netns":
		return d.string(v, &row.NetNS)
	case "src":
		return d.string(v, &row.Src)
	case "dst":
		return d.string(v, &row.Dst)
	case "proto":
		return d.string(v, &row.Proto)
	case "spi":
		return number(v, &row.SPI)
	case "mode":
		return d.string(v, &row.Mode)
	case "dir":
		return d.string(v, &row.Dir)
	case "reqid":
		return number(v, &row.ReqID)
	case "pcpu":
		return pointer(v, &row.PCPU, &d.pcpu)
	case "packets":
		return number(v, &row.Packets)
	case "bytes":
		return number(v, &row.Bytes)
	case "oseq":
		return number(v, &row.OSeq)
	case "seq":
		return number(v, &row.Seq)
	case "replay_window":
		return number(v, &row.Replay)
	case "drops":
		return v.kind == '{' && plainRow(d, v.text, &row.Drops, (*decoder).drop)
	case "add_time_s":
		return number(v, &row.AddTimeS)
	case "use_time_s":
		return number(v, &row.UseTimeS)
	case "last_used_s":
		return number(v, &row.LastUsedS)
	case "larval":
		return v.bool(&row.Larval)
	case "flags":
		return d.strings(v, &row.Flags)
	case "encap":
		return d.string(v, &row.Encap)
	case "offload":
		return d.string(v, &row.Offload)
	case "if_id":
		return number(v, &row.IfID)
	case "mark":
		return number(v, &row.Mark)
	}
	return false
}

func (d *decoder) drop(row *SADrop, name []byte, v value) bool {
	switch string(name) {
	case "replay_window":
		return number(v, &row.ReplayWindow)
	case "replay":
		return number(v, &row.Replay)
	case "integrity":
		return number(v, &row.Integrity)
	}
	return false
}

func (d *decoder) fact(row *Fact, name []byte, v value) bool {
	switch string(name) {
	case "phase":
		return d.string(v, &row.Phase)
	case "topic":
		return d.string(v, &row.Topic)
	case "subject":
		return d.string(v, &row.Subject)
	case "name":
		return d.string(v, &row.Name)
	case "value":
		return d.string(v, &row.Value)
	case "counter":
		return v.bool(&row.Counter)
	}
	return false
}

func (d *decoder) lockLine(line *LockLine, name []byte, v value) bool {
	switch string(name) {
	case "row":
		return nested(d, v, &line.Row, (*decoder).lockRow)
	case "account":
		return nested(d, v, &line.Account, (*decoder).lockAccount)
	case "acquire":
		return nested(d, v, &line.Acquire, (*decoder).acquireRow)
	case "acquire_account":
		return nested(d, v, &line.AcquireAccount, (*decoder).acquireAccount)
	}
	return false
}

// nested sets a row that need not be there; one that is there twice is not taken.
func nested[T any](d *decoder, v value, to **T, set func(*decoder, *T, []byte, value) bool) bool {
	if v.kind != '{' || *to != nil {
		return false
	}
	*to = new(T)
	return plainRow(d, v.text, *to, set)
}

func (d *decoder) lockRow(row *LockRow, name []byte, v value) bool {
	switch string(name) {
	case "cpu":
		return number(v, &row.CPU)
	case "lock":
		return d.string(v, &row.Lock)
	case "id":
		return v.kind == '{' && plainRow(d, v.text, &row.ID, (*decoder).lockID)
	case "name":
		return d.string(v, &row.Name)
	case "flags":
		return number(v, &row.Flags)
	case "count":
		return number(v, &row.Count)
	case "wait_ns":
		return number(v, &row.WaitNS)
	case "max_ns":
		return number(v, &row.MaxNS)
	case "hist":
		return counts(v, &row.Hist)
	}
	return false
}

func (d *decoder) lockAccount(row *LockAccount, name []byte, v value) bool {
	switch string(name) {
	case "cpu":
		return number(v, &row.CPU)
	case "begun":
		return number(v, &row.Begun)
	case "ended":
		return number(v, &row.Ended)
	case "mismatched":
		return number(v, &row.Mismatched)
	case "nested":
		return number(v, &row.Nested)
	case "late":
		return number(v, &row.Late)
	case "overflow":
		return number(v, &row.Overflow)
	case "overflow_ns":
		return number(v, &row.OverflowNS)
	}
	return false
}

func (d *decoder) acquireRow(row *AcquireRow, name []byte, v value) bool {
	switch string(name) {
	case "phase":
		return d.string(v, &row.Phase)
	case "cpu":
		return number(v, &row.CPU)
	case "lock":
		return d.string(v, &row.Lock)
	case "id":
		return v.kind == '{' && plainRow(d, v.text, &row.ID, (*decoder).lockID)
	case "name":
		return d.string(v, &row.Name)
	case "count":
		return number(v, &row.Count)
	case "fast":
		return number(v, &row.Fast)
	case "fast_ns":
		return number(v, &row.FastNS)
	case "fast_hist":
		return counts(v, &row.FastHist)
	case "slow":
		return number(v, &row.Slow)
	case "slow_ns":
		return number(v, &row.SlowNS)
	}
	return false
}

func (d *decoder) acquireAccount(row *AcquireAccount, name []byte, v value) bool {
	switch string(name) {
	case "phase":
		return d.string(v, &row.Phase)
	case "cpu":
		return number(v, &row.CPU)
	case "count":
		return number(v, &row.Count)
	case "other":
		return number(v, &row.Other)
	case "mismatched":
		return number(v, &row.Mismatched)
	case "nested":
		return number(v, &row.Nested)
	case "timed":
		return number(v, &row.Timed)
	}
	return false
}

func (d *decoder) lockID(id *LockID, name []byte, v value) bool {
	switch string(name) {
	case "kind":
		id.Kind = LockKind(d.text(v.text))
		return v.kind == '"'
	case "name":
		return d.string(v, &id.Name)
	case "spi":
		return number(v, &id.SPI)
	case "pcpu":
		return pointer(v, &id.PCPU, &d.cpu)
	case "inbound":
		return v.bool(&id.Inbound)
	case "netns":
		return d.string(v, &id.NetNS)
	case "cpu":
		return pointer(v, &id.CPU, &d.cpu)
	}
	return false
}

// counts sets an array of numbers.
func counts(v value, to *[]uint64) bool {
	s := scan{text: v.text}
	list := make([]uint64, 0, min(bytes.Count(v.text, []byte(","))+1, 64))
	for !s.take(']') {
		if len(list) > 0 && !s.take(',') {
			return false
		}
		s.space()
		from := s.at
		n, ok := s.digits()
		if !ok || s.at == from {
			return false
		}
		list = append(list, n)
	}
	*to = list
	return v.kind == '[' && s.at == len(s.text)
}

func (d *decoder) string(v value, to *string) bool {
	if v.kind == '"' {
		*to = d.text(v.text)
	}
	return v.kind == '"'
}

func (d *decoder) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	last := &d.recent[(len(b)*7+int(b[0])+int(b[len(b)-1]))%len(d.recent)]
	if *last != string(b) {
		*last = d.kept(b)
	}
	return *last
}

func (d *decoder) kept(b []byte) string {
	s, ok := d.texts[string(b)]
	if !ok {
		s = string(b)
		if d.texts == nil {
			d.texts = map[string]string{}
		}
		if len(d.texts) < maxTexts {
			d.texts[s] = s
		}
	}
	return s
}

// strings sets an array of text.
func (d *decoder) strings(v value, to *[]string) bool {
	s := scan{text: v.text}
	*to = []string{}
	for !s.take(']') {
		if len(*to) > 0 && !s.take(',') || !s.take('"') {
			return false
		}
		text, ok := s.string()
		if !ok {
			return false
		}
		*to = append(*to, d.text(text))
	}
	return v.kind == '['
}

// number sets an integer; what does not fit, or has a sign, is not taken.
func number[T int | int64 | uint32 | uint64](v value, to *T) bool {
	*to = T(v.number)
	return v.kind == '0' && *to >= 0 && uint64(*to) == v.number
}

// pointer sets a number that need not be there. Rows share it with the row
// before if it is the same.
func pointer[T int | uint32](v value, to, last **T) bool {
	var n T
	if !number(v, &n) {
		return false
	}
	if *last == nil || **last != n {
		*last = &n
	}
	*to = *last
	return true
}

// A value is one of an object: '"' text, '0' number, '{' text of an object, '['
// text of an array behind its bracket, 't' and 'f'.
type value struct {
	kind   byte
	text   []byte
	number uint64
}

func (v value) bool(to *bool) bool {
	*to = v.kind == 't'
	return v.kind == 't' || v.kind == 'f'
}

// A scan reads JSON in part: what it does not read, it refuses.
type scan struct {
	text []byte
	at   int
}

// ended reports whether only spaces are left.
func (s *scan) ended() bool {
	s.space()
	return s.at == len(s.text)
}

func (s *scan) space() {
	for s.at < len(s.text) {
		if c := s.text[s.at]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return
		}
		s.at++
	}
}

func (s *scan) take(c byte) bool {
	if s.at >= len(s.text) || s.text[s.at] != c {
		if s.space(); s.at >= len(s.text) || s.text[s.at] != c {
			return false
		}
	}
	s.at++
	return true
}

// object hands out the fields of an object in their order, until each is false.
func (s *scan) object(each func(name []byte, v value) bool) bool {
	if !s.take('{') {
		return false
	}
	for first := true; !s.take('}'); first = false {
		if !first && !s.take(',') || !s.take('"') {
			return false
		}
		name, ok := s.string()
		if !ok || !s.take(':') {
			return false
		}
		v, ok := s.value()
		if !ok || !each(name, v) {
			return false
		}
	}
	return true
}

func (s *scan) value() (v value, ok bool) {
	if s.ended() {
		return v, false
	}
	switch c := s.text[s.at]; {
	case c == '"':
		s.at++
		v.kind = '"'
		v.text, ok = s.string()
	case '0' <= c && c <= '9':
		v.kind = '0'
		v.number, ok = s.digits()
	case c == '{':
		v.kind = '{'
		v.text, ok = s.braces()
	case c == '[':
		s.at++
		v.kind = '['
		v.text, ok = s.upTo(']')
	case c == 't' || c == 'f':
		v.kind = c
		ok = s.word("true") || s.word("false")
	}
	return v, ok
}

// string reads ASCII up to the closing quote; escapes are refused.
func (s *scan) string() (text []byte, ok bool) {
	rest := s.text[s.at:]
	for i, c := range rest {
		switch {
		case c == '"':
			s.at += i + 1
			return rest[:i], true
		case c == '\\' || c < ' ' || c > '~':
			return nil, false
		}
	}
	return nil, false
}

func (s *scan) digits() (n uint64, ok bool) {
	i := s.at
	for i < len(s.text) && '0' <= s.text[i] && s.text[i] <= '9' {
		n = 10*n + uint64(s.text[i]-'0')
		i++
	}
	text := s.text[s.at:i]
	s.at = i
	switch {
	case len(text) > 1 && text[0] == '0':
		return 0, false
	case len(text) > 19: // may be more than 64 bits
		var err error
		n, err = strconv.ParseUint(string(text), 10, 64)
		return n, err == nil
	}
	return n, true // a fraction or exponent is no comma or brace: refused next
}

// braces returns the text of an object up to the brace that closes it, if its texts hold none. Whoever scans it next
// refuses what was cut wrongly.
func (s *scan) braces() (text []byte, ok bool) {
	for i, depth := s.at, 0; i < len(s.text); i++ {
		switch s.text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				text, s.at = s.text[s.at:i+1], i+1
				return text, true
			}
		}
	}
	return nil, false
}

// upTo returns the text up to the first closing bracket: that of an array whose texts hold none. Whoever scans it
// next refuses what was cut short.
func (s *scan) upTo(c byte) (text []byte, ok bool) {
	end := bytes.IndexByte(s.text[s.at:], c) + 1
	text = s.text[s.at : s.at+end]
	s.at += end
	return text, end > 0
}

func (s *scan) word(w string) bool {
	if !bytes.HasPrefix(s.text[s.at:], []byte(w)) {
		return false
	}
	s.at += len(w)
	return true
}
