package bundle

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A decoder decodes the lines of a .jsonl file. Rows of counters, SAs, facts and
// locks come by the thousand in every run, and encoding/json takes ten times as long
// as the rest of reading them: lines as this package writes them are decoded here, by
// the same tags. All others, damaged ones too, are left to encoding/json.
type decoder struct {
	texts  map[string]string // each text once: rows repeat the same few
	recent [64]string        // of those, by length and last byte: found without a map
	rows   []rowType         // structs that were met, a few
	last   []reflect.Value   // a pointer of each type to a number, of the row before, as the next
}

// maxTexts bounds what is kept of rows whose texts are all different.
const maxTexts = 4096

func (d *decoder) decode(line []byte, row any) error {
	switch row.(type) {
	case *Counter, *SA, *Fact, *LockLine:
		if d.decodePlain(line, row) {
			return nil
		}
	}
	return json.Unmarshal(line, row)
}

// decodePlain decodes an object of known names with plain values into a zero
// row. If it returns false, the row is still zero.
func (d *decoder) decodePlain(line []byte, row any) bool {
	to := reflect.ValueOf(row).Elem()
	ok := d.object(line, to)
	if !ok {
		to.SetZero()
	}
	return ok
}

// A rowType is a struct and what its fields are called, in their order.
type rowType struct {
	of    reflect.Type
	names []string
}

func (d *decoder) fields(of reflect.Type) []string {
	for i := range d.rows {
		if d.rows[i].of == of {
			return d.rows[i].names
		}
	}
	t := rowType{of: of}
	for f := range of.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		t.names = append(t.names, name)
	}
	d.rows = append(d.rows, t)
	return t.names
}

// object sets the fields of a struct. Those of a line have the order of the struct's
// as a rule.
func (d *decoder) object(text []byte, to reflect.Value) bool {
	names := d.fields(to.Type())
	s, next := scan{text: text}, 0
	ok := s.object(func(name []byte, v value) bool {
		for range names {
			at := next
			if next++; next == len(names) {
				next = 0
			}
			if names[at] == string(name) {
				return d.set(to.Field(at), v)
			}
		}
		return false
	})
	return ok && s.ended()
}

// set sets a field. What does not fit, has a sign or is there twice in two objects is
// not taken.
func (d *decoder) set(to reflect.Value, v value) bool {
	switch kind := to.Kind(); {
	case kind == reflect.String && v.kind == '"':
		to.SetString(d.text(v.text))
	case kind == reflect.Bool && (v.kind == 't' || v.kind == 'f'):
		to.SetBool(v.kind == 't')
	case (kind == reflect.Int || kind == reflect.Int64) && v.kind == '0':
		to.SetInt(int64(v.number))
		return v.number <= math.MaxInt64
	case (kind == reflect.Uint32 || kind == reflect.Uint64) && v.kind == '0':
		to.SetUint(v.number)
		return !to.OverflowUint(v.number)
	case kind == reflect.Struct && v.kind == '{':
		return d.object(v.text, to)
	case kind == reflect.Pointer && v.kind == '{' && to.IsNil() && to.Type().Elem().Kind() == reflect.Struct:
		to.Set(reflect.New(to.Type().Elem()))
		return d.object(v.text, to.Elem())
	case kind == reflect.Pointer && v.kind == '0':
		return d.shared(to, v)
	case kind == reflect.Slice && v.kind == '[':
		switch list := to.Addr().Interface().(type) {
		case *[]uint64:
			return counts(v, list)
		case *[]string:
			return d.strings(v, list)
		}
		return false
	default:
		return false
	}
	return true
}

// shared sets a number that need not be there. Rows share it with the row before if
// it is the same.
func (d *decoder) shared(to reflect.Value, v value) bool {
	at := slices.IndexFunc(d.last, func(last reflect.Value) bool { return last.Type() == to.Type() })
	if at < 0 {
		at, d.last = len(d.last), append(d.last, reflect.New(to.Type().Elem()))
	}
	if !holds(d.last[at].Elem(), v.number) {
		d.last[at] = reflect.New(to.Type().Elem())
	}
	to.Set(d.last[at])
	return d.set(to.Elem(), v)
}

func holds(number reflect.Value, n uint64) bool {
	if number.CanInt() {
		return uint64(number.Int()) == n
	}
	return number.Uint() == n
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

// A value is one of an object: '"' text, '0' number, '{' text of an object, '['
// text of an array behind its bracket, 't' and 'f'.
type value struct {
	kind   byte
	text   []byte
	number uint64
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
