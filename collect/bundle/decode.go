package bundle

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

// A decoder decodes the lines of a .jsonl file. Rows of counters, SAs, facts and
// locks come by the thousand in every run, and encoding/json takes twenty times as long
// as the rest of reading them: lines as this package writes them are decoded here, by
// the same tags. All others, damaged ones too, are left to encoding/json.
type decoder struct {
	texts  map[string]string // each text once: rows repeat the same few
	recent [64]string        // of those, by length and ends: found without a map
	row    *rowType
	last   []reflect.Value // a pointer of each type to a number, of the row before, as the next
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
	to := reflect.ValueOf(row)
	if of := to.Type().Elem(); d.row == nil || d.row.of != of {
		d.row = newRowType(of)
	}
	s := scan{text: line}
	ok := d.object(&s, d.row, to.UnsafePointer()) && s.at == len(line)
	if !ok {
		to.Elem().SetZero()
	}
	return ok
}

// A rowType is a struct: its fields in their order.
type rowType struct {
	of     reflect.Type
	fields []field
}

type field struct {
	name   string // as lines have it, "name":
	offset uintptr
	kind   reflect.Kind
	of     reflect.Type
	row    *rowType // of a struct, or of one that it points to, once it was met
}

func newRowType(of reflect.Type) *rowType {
	t := &rowType{of, make([]field, 0, of.NumField())}
	for f := range of.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		row := field{`"` + name + `":`, f.Offset, f.Type.Kind(), f.Type, nil}
		if row.kind == reflect.Pointer {
			row.of = f.Type.Elem()
		}
		t.fields = append(t.fields, row)
	}
	return t
}

// to is the struct that a field is or points to, nil if it does not.
func (f *field) to() *rowType {
	if f.row == nil && f.of.Kind() == reflect.Struct {
		f.row = newRowType(f.of)
	}
	return f.row
}

// object sets the fields of the struct at a place. Those of a line have the order of
// the struct's as a rule.
func (d *decoder) object(s *scan, t *rowType, to unsafe.Pointer) bool {
	if !s.take('{') {
		return false
	}
	next := 0
	for first := true; !s.take('}'); first = false {
		if !first && !s.take(',') {
			return false
		}
		f := s.field(t.fields, &next)
		if f == nil || !d.set(s, f, unsafe.Add(to, f.offset)) {
			return false
		}
	}
	return true
}

// field passes over the name of a field, which is likely to be the next.
func (s *scan) field(fields []field, next *int) *field {
	for range fields {
		f := &fields[*next]
		if *next++; *next == len(fields) {
			*next = 0
		}
		if s.word(f.name) {
			return f
		}
	}
	return nil
}

// set sets a field. What does not fit, has a sign or is there twice in two objects is
// not taken.
func (d *decoder) set(s *scan, f *field, to unsafe.Pointer) bool {
	switch f.kind {
	case reflect.String:
		text, ok := s.string()
		*(*string)(to) = d.text(text)
		return ok
	case reflect.Bool:
		*(*bool)(to) = s.word("true")
		return *(*bool)(to) || s.word("false")
	case reflect.Struct:
		return d.object(s, f.to(), to)
	case reflect.Pointer:
		if f.to() == nil {
			return d.shared(s, f, (*unsafe.Pointer)(to))
		}
		if *(*unsafe.Pointer)(to) != nil {
			return false
		}
		*(*unsafe.Pointer)(to) = reflect.New(f.of).UnsafePointer()
		return d.object(s, f.row, *(*unsafe.Pointer)(to))
	case reflect.Slice:
		switch f.of.Elem().Kind() {
		case reflect.Uint64:
			return s.counts((*[]uint64)(to))
		case reflect.String:
			return d.strings(s, (*[]string)(to))
		}
		return false
	}
	n, ok := s.digits()
	return ok && setNumber(f.kind, to, n)
}

// setNumber sets a number that fits.
func setNumber(kind reflect.Kind, to unsafe.Pointer, n uint64) bool {
	switch kind {
	case reflect.Int:
		*(*int)(to) = int(n)
		return n <= math.MaxInt
	case reflect.Int64:
		*(*int64)(to) = int64(n)
		return n <= math.MaxInt64
	case reflect.Uint32:
		*(*uint32)(to) = uint32(n)
		return n <= math.MaxUint32
	case reflect.Uint64:
		*(*uint64)(to) = n
		return true
	}
	return false
}

// shared sets a number that need not be there. Rows share it with the row before if
// it is the same.
func (d *decoder) shared(s *scan, f *field, to *unsafe.Pointer) bool {
	n, ok := s.digits()
	if !ok {
		return false
	}
	at := slices.IndexFunc(d.last, func(last reflect.Value) bool { return last.Type().Elem() == f.of })
	if at < 0 {
		at, d.last = len(d.last), append(d.last, reflect.New(f.of))
	}
	if !holds(d.last[at].Elem(), n) {
		d.last[at] = reflect.New(f.of)
	}
	*to = d.last[at].UnsafePointer()
	return setNumber(f.of.Kind(), *to, n)
}

func holds(number reflect.Value, n uint64) bool {
	if number.CanInt() {
		return uint64(number.Int()) == n
	}
	return number.CanUint() && number.Uint() == n
}

// counts reads an array of numbers.
func (s *scan) counts(to *[]uint64) bool {
	if !s.take('[') {
		return false
	}
	end := max(bytes.IndexByte(s.text[s.at:], ']'), 0)
	list := make([]uint64, 0, min(bytes.Count(s.text[s.at:s.at+end], []byte(","))+1, 64))
	for !s.take(']') {
		if len(list) > 0 && !s.take(',') {
			return false
		}
		n, ok := s.digits()
		if !ok {
			return false
		}
		list = append(list, n)
	}
	*to = list
	return true
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

// strings reads an array of text.
func (d *decoder) strings(s *scan, to *[]string) bool {
	if !s.take('[') {
		return false
	}
	*to = []string{}
	for !s.take(']') {
		if len(*to) > 0 && !s.take(',') {
			return false
		}
		text, ok := s.string()
		if !ok {
			return false
		}
		*to = append(*to, d.text(text))
	}
	return true
}

// A scan reads JSON as it is written here, without spaces: what it does not read, it
// refuses.
type scan struct {
	text []byte
	at   int
}

func (s *scan) take(c byte) bool {
	if s.at >= len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

func (s *scan) word(w string) bool {
	if end := s.at + len(w); end <= len(s.text) && string(s.text[s.at:end]) == w {
		s.at = end
		return true
	}
	return false
}

// string reads ASCII in quotes; escapes are refused.
func (s *scan) string() (text []byte, ok bool) {
	if !s.take('"') {
		return nil, false
	}
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

// digits reads a number without a sign. A fraction or exponent is no comma or brace:
// refused next.
func (s *scan) digits() (n uint64, ok bool) {
	i := s.at
	for i < len(s.text) && '0' <= s.text[i] && s.text[i] <= '9' {
		n = 10*n + uint64(s.text[i]-'0')
		i++
	}
	text := s.text[s.at:i]
	s.at = i
	switch {
	case len(text) == 0 || len(text) > 1 && text[0] == '0':
		return 0, false
	case len(text) > 19: // may be more than 64 bits
		var err error
		n, err = strconv.ParseUint(string(text), 10, 64)
		return n, err == nil
	}
	return n, true
}
