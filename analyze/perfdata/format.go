package perfdata

import (
	"fmt"
	"strconv"
	"strings"
)

// Formats are the tracepoint formats of a recording: how the RAW payload of
// each tracepoint is laid out.
type Formats struct {
	byID map[uint16]*Format
	o    order
}

// A Format is one tracepoint's, as
// /sys/kernel/tracing/events/<system>/<name>/format has it.
type Format struct {
	System, Name string
	ID           uint16
	Fields       []Field
}

// A Field is one field of a tracepoint's payload.
type Field struct {
	Name    string // "lock_addr"
	Type    string // "void *", "unsigned int", "__data_loc char[]"
	Offset  int
	Size    int
	Signed  bool
	Dynamic bool // __data_loc: the field says where the data stand in the payload
	Rel     bool // __rel_loc: likewise, counted from the end of the field
}

// tracingMagic begins the TRACING_DATA feature
// (tools/perf/util/trace-event-read.c trace_report, 6.1).
const tracingMagic = "\x17\x08\x44tracing"

// Formats returns the formats the recording carries (feature TRACING_DATA). A
// recording without tracepoints has none: the result is empty, not an error.
func (f *File) Formats() (*Formats, error) {
	if len(f.Meta.TracingData) == 0 {
		return &Formats{o: f.o}, nil
	}
	return parseTracingData(f.Meta.TracingData)
}

// parseTracingData reads what trace-event-info.c wrote: magic, version, byte
// order, size of a long, page size; header_page and header_event; ftrace's own
// formats; systems with their events; kallsyms, printk formats, command lines.
// Only the events are taken.
func parseTracingData(b []byte) (*Formats, error) {
	total := len(b)
	f := &fields{b: b}
	bad := func(what string) error {
		return fmt.Errorf("reading tracepoint formats: %s at byte %d of TRACING_DATA; record again with -e of the tracepoint", what, total-len(f.b))
	}
	if string(f.take(len(tracingMagic))) != tracingMagic {
		return nil, bad("no magic")
	}
	f.line() // version
	f.o.big = f.u8() != 0
	_, _ = f.u8(), f.u32()
	out := &Formats{byID: map[uint16]*Format{}, o: f.o}
	for _, section := range []string{"header_page", "header_event"} {
		if f.line() != section {
			return nil, bad("no " + section)
		}
		f.blob()
	}
	for n := f.u32(); n > 0 && !f.short; n-- {
		out.add("ftrace", string(f.blob()))
	}
	for n := f.u32(); n > 0 && !f.short; n-- {
		system := f.line()
		for m := f.u32(); m > 0 && !f.short; m-- {
			out.add(system, string(f.blob()))
		}
	}
	if f.short {
		return out, bad("cut off")
	}
	return out, nil
}

// line reads a NUL-terminated string.
func (f *fields) line() string {
	s := cstring(f.b)
	f.take(min(len(s)+1, len(f.b)))
	return s
}

// blob reads u64 size and that many bytes.
func (f *fields) blob() []byte {
	n := f.u64()
	if n > uint64(len(f.b)) {
		f.short = true
		f.b = nil
		return nil
	}
	return f.take(int(n))
}

func (fs *Formats) add(system, text string) {
	if format := parseFormat(system, text); format != nil {
		if _, have := fs.byID[format.ID]; !have {
			fs.byID[format.ID] = format
		}
	}
}

// parseFormat reads the text of a format file, nil if it has no ID.
func parseFormat(system, text string) *Format {
	format := &Format{System: system}
	hasID := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "name:"):
			format.Name = strings.TrimSpace(line[5:])
		case strings.HasPrefix(line, "ID:"):
			id, err := strconv.ParseUint(strings.TrimSpace(line[3:]), 10, 16)
			format.ID, hasID = uint16(id), err == nil
		case strings.HasPrefix(line, "field:"):
			if field, ok := parseField(line); ok {
				format.Fields = append(format.Fields, field)
			}
		}
	}
	if !hasID {
		return nil
	}
	return format
}

// parseField reads "field:unsigned int flags;	offset:16;	size:4;	signed:0;".
func parseField(line string) (f Field, ok bool) {
	for part := range strings.SplitSeq(line, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), ":")
		n, err := strconv.Atoi(value)
		switch key {
		case "field":
			f.Type, f.Name = splitDeclaration(value)
			err = nil
		case "offset":
			f.Offset = n
		case "size":
			f.Size = n
		case "signed":
			f.Signed = n != 0
		default:
			err = nil
		}
		if err != nil {
			return f, false
		}
	}
	f.Dynamic = strings.HasPrefix(f.Type, "__data_loc")
	f.Rel = strings.HasPrefix(f.Type, "__rel_loc")
	return f, f.Name != "" && f.Offset >= 0 && f.Size >= 0
}

// splitDeclaration splits "char comm[16]" into type "char[16]" and name "comm".
func splitDeclaration(decl string) (typ, name string) {
	array := ""
	if at := strings.LastIndexByte(decl, '['); at > 0 && strings.HasSuffix(decl, "]") && !strings.HasPrefix(decl, "__") {
		decl, array = decl[:at], decl[at:]
	}
	at := strings.LastIndexAny(decl, " *")
	if at < 0 {
		return "", decl + array
	}
	return strings.TrimSpace(decl[:at+1]) + array, decl[at+1:]
}

// Len returns the number of formats.
func (fs *Formats) Len() int { return len(fs.byID) }

// Of returns the format of an event's samples, nil if it is no tracepoint or
// its format was not recorded.
func (fs *Formats) Of(e *Event) *Format {
	if !e.IsTracepoint() || e.Attr.Config > 1<<16-1 {
		return nil
	}
	return fs.byID[uint16(e.Attr.Config)]
}

// Field returns the field of that name; ok is false if there is none.
func (f *Format) Field(name string) (field Field, ok bool) {
	for _, field := range f.Fields {
		if field.Name == name {
			return field, true
		}
	}
	return Field{}, false
}

// Uint reads a field of 1, 2, 4 or 8 bytes from a payload (Sample.Raw); a
// signed field is extended, so that int64 of it is its value. ok is false if
// the payload is too short or the field of another size.
func (fs *Formats) Uint(raw []byte, f Field) (v uint64, ok bool) {
	if f.Offset > len(raw) || f.Size > len(raw)-f.Offset {
		return 0, false
	}
	b := raw[f.Offset:]
	switch f.Size {
	case 1:
		if v = uint64(b[0]); f.Signed {
			v = uint64(int64(int8(v)))
		}
	case 2:
		if v = uint64(fs.o.u16(b)); f.Signed {
			v = uint64(int64(int16(v)))
		}
	case 4:
		if v = uint64(fs.o.u32(b)); f.Signed {
			v = uint64(int64(int32(v)))
		}
	case 8:
		v = fs.o.u64(b)
	default:
		return 0, false
	}
	return v, true
}

// Text reads a field of characters, in place or dynamic, up to its NUL.
func (fs *Formats) Text(raw []byte, f Field) (s string, ok bool) {
	at, size := f.Offset, f.Size
	if f.Dynamic || f.Rel { // u16 offset, u16 size
		loc, ok := fs.Uint(raw, Field{Offset: f.Offset, Size: 4})
		if !ok {
			return "", false
		}
		at, size = int(loc&0xffff), int(loc>>16)
		if f.Rel {
			at += f.Offset + 4
		}
	}
	if at > len(raw) || size > len(raw)-at {
		return "", false
	}
	return cstring(raw[at : at+size]), true
}
