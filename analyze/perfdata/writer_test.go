package perfdata

import (
	"bytes"
	"encoding/binary"
	"maps"
	"math/bits"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// A testWriter writes the structures of a recording in either byte order. It
// shares no layout code with the reader.
type testWriter struct {
	order binary.AppendByteOrder
	big   bool
	b     []byte
}

func newTestWriter(big bool) *testWriter {
	if big {
		return &testWriter{order: binary.BigEndian, big: true}
	}
	return &testWriter{order: binary.LittleEndian}
}

func (w *testWriter) fork() *testWriter { return newTestWriter(w.big) }

func (w *testWriter) u16(v uint16) *testWriter { w.b = w.order.AppendUint16(w.b, v); return w }
func (w *testWriter) u32(v ...uint32) *testWriter {
	for _, v := range v {
		w.b = w.order.AppendUint32(w.b, v)
	}
	return w
}

func (w *testWriter) u64(v ...uint64) *testWriter {
	for _, v := range v {
		w.b = w.order.AppendUint64(w.b, v)
	}
	return w
}

func (w *testWriter) raw(b []byte) *testWriter { w.b = append(w.b, b...); return w }

// name writes a NUL-terminated string padded to 8 bytes.
func (w *testWriter) name(s string) *testWriter {
	w.b = append(w.b, s...)
	w.b = append(w.b, make([]byte, 8-len(s)%8)...)
	return w
}

// text writes a header string: length, bytes, NUL padding to 64.
func (w *testWriter) text(s string) *testWriter {
	n := (len(s) + 64) &^ 63
	w.u32(uint32(n)).raw([]byte(s)).raw(make([]byte, n-len(s)))
	return w
}

// record appends a record of the body that fill writes.
func (w *testWriter) record(typ recordType, misc uint16, fill func(*testWriter)) *testWriter {
	body := w.fork()
	if fill != nil {
		fill(body)
	}
	w.u32(uint32(typ)).u16(misc).u16(uint16(headerSize + len(body.b)))
	return w.raw(body.b)
}

// bitfield packs values into the C bit fields of a u64: pairs of width and
// value from bit 0 on, as each machine's compiler would.
func (w *testWriter) bitfield(widthValue ...uint64) uint64 {
	var v uint64
	at := uint64(0)
	for i := 0; i < len(widthValue); i += 2 {
		width, value := widthValue[i], widthValue[i+1]
		shift := at
		if w.big {
			shift = 64 - at - width
		}
		v |= value << shift
		at += width
	}
	return v
}

// attr writes a perf_event_attr of the size in a.Size, at least 64.
func (w *testWriter) attr(a attr) *testWriter {
	flags := a.Flags | uint64(a.PreciseIP)<<15
	if w.big {
		flags = bits.Reverse64(a.Flags) | uint64(a.PreciseIP)<<(64-15-2)
	}
	t := w.fork()
	t.u32(a.Type, a.Size).u64(a.Config, a.SamplePeriod, a.SampleType, a.ReadFormat, flags)
	t.u32(6, 7).u64(a.Config1, 9, a.BranchSampleType, a.SampleRegsUser) // wakeup_events, bp_type, config2
	t.u32(12, 1).u64(a.SampleRegsIntr)                                  // sample_stack_user, clockid
	for len(t.b) < int(a.Size) {
		t.b = append(t.b, 0xee) // fields newer than the reader
	}
	return w.raw(t.b[:a.Size])
}

// A testEvent is one event of a written recording.
type testEvent struct {
	attr attr
	ids  []uint64
	name string
}

// file returns a file-mode recording of the events, records and features.
func (w *testWriter) file(events []testEvent, records []byte, features map[feature][]byte) []byte {
	attrSize := int(events[0].attr.Size) + 16
	var attrs, ids []byte
	at := fileHeaderSize + attrSize*len(events)
	for _, e := range events {
		ids = append(ids, w.fork().u64(e.ids...).b...)
		attrs = append(attrs, w.fork().attr(e.attr).u64(uint64(at), uint64(8*len(e.ids))).b...)
		at += 8 * len(e.ids)
	}
	names := w.fork().u32(uint32(len(events)), events[0].attr.Size)
	for _, e := range events {
		names.attr(e.attr).u32(uint32(len(e.ids))).text(e.name).u64(e.ids...)
	}
	features = maps.Clone(features)
	if features == nil {
		features = map[feature][]byte{}
	}
	features[featureEventDesc] = names.b
	features[featureHostname] = w.fork().text("test").b
	out := w.fork()
	magic := "PERFILE2"
	if w.big {
		magic = "2ELIFREP"
	}
	out.raw([]byte(magic)).u64(fileHeaderSize, uint64(attrSize), fileHeaderSize, uint64(len(attrs)), uint64(at),
		uint64(len(records)), 0, 0)
	var bitmap [4]uint64
	list := slices.Sorted(maps.Keys(features))
	for _, id := range list {
		bitmap[id/64] |= 1 << (id % 64)
	}
	out.u64(bitmap[:]...).raw(attrs).raw(ids).raw(records)
	place := len(out.b) + 16*len(list)
	for _, id := range list {
		out.u64(uint64(place), uint64(len(features[id])))
		place += len(features[id])
	}
	for _, id := range list {
		out.raw(features[id])
	}
	return out.b
}

// compress makes one zstd stream of the pieces and returns what each flush
// put out, as perf record -z does.
func compress(t testing.TB, pieces ...[]byte) [][]byte {
	t.Helper()
	var sink bytes.Buffer
	enc, err := zstd.NewWriter(&sink, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for _, p := range pieces {
		if _, err := enc.Write(p); err != nil {
			t.Fatal(err)
		}
		if err := enc.Flush(); err != nil {
			t.Fatal(err)
		}
		out = append(out, slices.Clone(sink.Bytes()))
		sink.Reset()
	}
	return out
}

// openBytes opens a recording in memory.
func openBytes(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// tracingData writes the TRACING_DATA feature for formats of one system.
func tracingData(w *testWriter, system string, formats ...string) []byte {
	out := w.fork().raw([]byte(tracingMagic)).raw([]byte("0.6\x00"))
	order := byte(0)
	if w.big {
		order = 1
	}
	out.raw([]byte{order, 8}).u32(4096)
	for _, page := range []string{"header_page", "header_event"} {
		out.raw([]byte(page + "\x00")).u64(3).raw([]byte("abc"))
	}
	out.u32(1).u64(uint64(len("name: f\nID: 1\n"))).raw([]byte("name: f\nID: 1\n"))
	out.u32(1).raw([]byte(system + "\x00")).u32(uint32(len(formats)))
	for _, f := range formats {
		out.u64(uint64(len(f))).raw([]byte(f))
	}
	return out.u32(0, 0).u64(0).b
}
