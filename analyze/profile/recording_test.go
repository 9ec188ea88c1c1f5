package profile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"xfrmscope/analyze/perfdata"
)

// A recording is a perf.data file in the making: little endian, file mode.
type recording struct {
	attrs []testAttr
	data  bytes.Buffer
}

type testAttr struct {
	typ, config uint64
	sampleType  uint64
	period      uint64
	freq        bool
	id          uint64
	branch      uint64 // branch_sample_type
}

const (
	cpuClock   = 0 // PERF_COUNT_SW_CPU_CLOCK
	pageFaults = 2
	dummy      = 9

	// Record types (include/uapi/linux/perf_event.h).
	recordMmap, recordLost, recordComm, recordFork, recordSample, recordKsymbol = 1, 2, 3, 7, 9, 17

	// IDENTIFIER, IP, TID, TIME, CPU; then PERIOD, CALLCHAIN.
	dummySampleType = 1<<16 | 1<<0 | 1<<1 | 1<<2 | 1<<7
	testSampleType  = dummySampleType | 1<<8 | 1<<5
)

func newRecording(configs ...uint64) *recording {
	r := &recording{}
	for i, c := range configs {
		a := testAttr{typ: 1 /* software */, config: c, sampleType: testSampleType, period: 1000, freq: true,
			id: uint64(i + 1)}
		if c == dummy {
			a.sampleType = dummySampleType
		}
		r.attrs = append(r.attrs, a)
	}
	return r
}

// record appends one record: its body is the words, each as wide as its type.
func (r *recording) record(typ uint32, misc uint16, body ...any) {
	var b []byte
	for _, v := range body {
		switch v := v.(type) {
		case string:
			b = append(append(b, v...), make([]byte, 8-len(v)%8)...)
		case uint16:
			b = binary.LittleEndian.AppendUint16(b, v)
		case uint32:
			b = binary.LittleEndian.AppendUint32(b, v)
		case uint64:
			b = binary.LittleEndian.AppendUint64(b, v)
		case []uint64:
			for _, w := range v {
				b = binary.LittleEndian.AppendUint64(b, w)
			}
		default:
			panic(fmt.Sprintf("%T in a record", v))
		}
	}
	head := binary.LittleEndian.AppendUint32(nil, typ)
	head = binary.LittleEndian.AppendUint16(head, misc)
	r.data.Write(binary.LittleEndian.AppendUint16(head, uint16(8+len(b))))
	r.data.Write(b)
}

// trailer is the sample_id of records that are no samples.
func trailer(timeNS uint64) []any {
	return []any{uint32(0), uint32(0), timeNS, uint32(0), uint32(0), uint64(1)} // tid, time, cpu, identifier
}

func (r *recording) comm(timeNS uint64, pid, tid uint32, name string) {
	r.record(recordComm, 0, append([]any{pid, tid, name}, trailer(timeNS)...)...)
}

func (r *recording) fork(timeNS uint64, pid, tid, ppid, ptid uint32) {
	r.record(recordFork, 0, append([]any{pid, ppid, tid, ptid, timeNS}, trailer(timeNS)...)...)
}

func (r *recording) mmap(timeNS uint64, pid, tid uint32, start, size, pgoff uint64, file string) {
	r.record(recordMmap, 1, append([]any{pid, tid, start, size, pgoff, file}, trailer(timeNS)...)...)
}

func (r *recording) ksymbol(timeNS, addr uint64, size uint32, typ uint16, name string) {
	r.record(recordKsymbol, 0, append([]any{addr, size, typ, uint16(0), name}, trailer(timeNS)...)...)
}

func (r *recording) lost(n uint64) {
	r.record(recordLost, 0, append([]any{uint64(1), n}, trailer(1)...)...)
}

// A sample of the tests.
type testSample struct {
	event    int
	ip       uint64
	pid, tid uint32
	timeNS   uint64
	cpu      uint32
	period   uint64
	misc     uint16
	chain    []uint64
}

func (r *recording) sample(s testSample) {
	a := r.attrs[s.event]
	body := []any{a.id, s.ip, s.pid, s.tid, s.timeNS, s.cpu, uint32(0), s.period, uint64(len(s.chain)), s.chain}
	if s.misc == 0 {
		s.misc = uint16(perfdata.ModeKernel)
	}
	r.record(recordSample, s.misc, body...)
}

// bytes lays out header, attributes with their ids, and data.
func (r *recording) bytes() []byte {
	const headerSize, attrSize = 104, 128 + 16
	idsAt := headerSize
	attrsAt := idsAt + 8*len(r.attrs)
	dataAt := attrsAt + attrSize*len(r.attrs)
	var b bytes.Buffer
	w := func(vs ...uint64) { binary.Write(&b, binary.LittleEndian, vs) }
	b.WriteString("PERFILE2")
	w(headerSize, attrSize, uint64(attrsAt), uint64(attrSize*len(r.attrs)), uint64(dataAt), uint64(r.data.Len()), 0,
		0, 0, 0, 0, 0)
	for _, a := range r.attrs {
		w(a.id)
	}
	for i, a := range r.attrs {
		attr := make([]byte, 128)
		binary.LittleEndian.PutUint32(attr, uint32(a.typ))
		binary.LittleEndian.PutUint32(attr[4:], 128)
		binary.LittleEndian.PutUint64(attr[8:], a.config)
		binary.LittleEndian.PutUint64(attr[16:], a.period)
		binary.LittleEndian.PutUint64(attr[24:], a.sampleType)
		flags := uint64(1<<18 | 1<<9 | 1<<8 | 1<<13 | 1<<20) // sample_id_all, comm, mmap, task, exclude_guest
		if a.freq {
			flags |= 1 << 10
		}
		binary.LittleEndian.PutUint64(attr[40:], flags)
		binary.LittleEndian.PutUint64(attr[72:], a.branch)
		b.Write(attr)
		w(uint64(idsAt+8*i), 8)
	}
	b.Write(r.data.Bytes())
	return b.Bytes()
}

func (r *recording) open(t testing.TB) *perfdata.File {
	t.Helper()
	data := r.bytes()
	f, err := perfdata.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}
