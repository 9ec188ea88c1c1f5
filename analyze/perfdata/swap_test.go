package perfdata

import (
	"encoding/binary"
	"math/bits"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A swapper turns a little-endian recording into what a big-endian machine
// would have written, in place. It knows the structures by itself; from the
// reader it only takes which event a record belongs to.
type swapper struct {
	t *testing.T
	f *File // of the little-endian bytes
	b []byte
}

var little = binary.LittleEndian

func (s *swapper) reverse(at, n int) int {
	if at+n <= len(s.b) {
		slices.Reverse(s.b[at : at+n])
	}
	return at + n
}

// words swaps u64s from at to end.
func (s *swapper) words(at, end int) int {
	for at+8 <= end {
		at = s.reverse(at, 8)
	}
	return at
}

// shape swaps fields by a format: 2, 4, 8 bytes, x one byte left alone, * u64s
// to the end. What is left is text.
func (s *swapper) shape(at, end int, format string) int {
	for _, c := range format {
		switch c {
		case '2', '4', '8':
			if at+int(c-'0') > end {
				return end
			}
			at = s.reverse(at, int(c-'0'))
		case 'x':
			at++
		case '*':
			at = s.words(at, end)
		}
	}
	return at
}

// count reads the number at at before it is swapped.
func (s *swapper) count32(at int) int { return int(little.Uint32(s.b[at:])) }
func (s *swapper) count64(at int) int { return int(little.Uint64(s.b[at:])) }

// bitfields rewrites a u64 of bit fields of the widths, in order from bit 0,
// and one-bit fields after them.
func (s *swapper) bitfields(at int, widths ...uint) {
	v := little.Uint64(s.b[at:])
	var out uint64
	for off, i := uint(0), 0; off < 64; i++ {
		width := uint(1)
		if i < len(widths) {
			width = widths[i]
		}
		out |= (v >> off & (1<<width - 1)) << (64 - off - width)
		off += width
	}
	binary.BigEndian.PutUint64(s.b[at:], out)
}

func (s *swapper) attr(at, size int) {
	flags := at + 40
	s.bitfields(flags, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2)
	s.shape(at, flags, "448888")
	s.shape(flags+8, at+size, "4488"+"88"+"44"+"8"+"422"+"44"+"888")
}

// file swaps a file-mode recording.
func (s *swapper) file() {
	features := featureBits(s.b[72:104], order{})
	attrSize, attrs, attrsLen := s.count64(16), s.count64(24), s.count64(32)
	data, dataLen := s.count64(40), s.count64(48)
	types, typesLen := s.count64(56), s.count64(64)
	for at := attrs; at+attrSize <= attrs+attrsLen; at += attrSize {
		ids, n := s.count64(at+attrSize-16), s.count64(at+attrSize-8)
		s.words(ids, ids+n)
		s.attr(at, attrSize-16)
		s.words(at+attrSize-16, at+attrSize)
	}
	for at := types; at+72 <= types+typesLen; at += 72 {
		s.reverse(at, 8)
	}
	s.records(data, data+dataLen)
	table := data + dataLen
	for i, id := range features {
		at, n := s.count64(table+16*i), s.count64(table+16*i+8)
		s.feature(id, at, at+n)
		s.words(table+16*i, table+16*i+16)
	}
	s.words(8, fileHeaderSize)
	copy(s.b, "2ELIFREP")
}

func (s *swapper) pipe() {
	s.records(pipeHeaderSize, len(s.b))
	s.reverse(8, 8)
	copy(s.b, "2ELIFREP")
}

// records swaps whole records and leaves a torn one alone.
func (s *swapper) records(at, end int) {
	for at+headerSize <= end {
		size := int(little.Uint16(s.b[at+6:]))
		if size < headerSize || at+size > end {
			return
		}
		rec := s.b[at : at+size]
		payload := int(payloadSize(rec, order{}))
		s.record(at, at+size)
		s.shape(at, at+8, "422")
		at += size + payload
	}
}

// shapes are the fields behind the header of records of fixed form; the reader has names for those it reads.
func shapes(typ recordType, misc uint16) string {
	switch typ {
	case recordMmap:
		return "44888"
	case recordMmap2:
		if misc&miscMmapBuildID != 0 {
			return "44888" + strings.Repeat("x", 24) + "44"
		}
		return "44888" + "4488" + "44"
	case recordComm, 12, 15:
		return "44"
	case recordFork, 4:
		return "44448"
	case 16:
		return "44*"
	case recordKsymbol:
		return "8422"
	case 18:
		return "224"
	case recordLost, recordThrottle, 6, recordAux, recordLostSamples, recordIDIndex, 79, recordCallchainDeferred:
		return "*"
	case 19, recordHeaderEventType:
		return "8"
	case recordHeaderTracingData:
		return "4"
	case recordHeaderBuildID:
		return "4"
	case recordAuxtrace:
		return "88844"
	case recordEventUpdate:
		return "88"
	}
	return ""
}

func (s *swapper) record(at, end int) {
	typ, misc := recordType(little.Uint32(s.b[at:])), little.Uint16(s.b[at+4:])
	body := at + headerSize
	switch {
	case typ == recordSample:
		s.sample(at, end)
	case typ == recordHeaderAttr:
		size := s.count32(body + 4)
		s.attr(body, size)
		s.words(body+size, end)
	case typ == recordHeaderFeature:
		id := feature(s.count64(body))
		s.reverse(body, 8)
		s.feature(id, body+8, end)
	case !typ.ofPerf():
		if e := s.f.ids.ofOther(s.b[at:end], order{}); e != nil {
			end = s.trailer(&e.attr, end)
		}
		s.shape(body, end, shapes(typ, misc))
	default:
		s.shape(body, end, shapes(typ, misc))
	}
}

// trailer swaps the sample_id at the end and returns where it begins.
func (s *swapper) trailer(a *attr, end int) int {
	if a.Flags&flagSampleIDAll == 0 {
		return end
	}
	format := ""
	for _, field := range []struct {
		bit   uint64
		shape string
	}{{sampleTID, "44"}, {sampleTime, "8"}, {sampleIDBit, "8"}, {sampleStreamID, "8"}, {sampleCPU, "44"},
		{sampleIdentifier, "8"}} {
		if a.SampleType&field.bit != 0 {
			format += field.shape
		}
	}
	const idFields = sampleTID | sampleTime | sampleIDBit | sampleStreamID | sampleCPU | sampleIdentifier
	start := end - 8*bits.OnesCount64(a.SampleType&idFields)
	s.shape(start, end, format)
	return start
}

func (s *swapper) sample(at, end int) {
	e := s.f.ids.ofSample(s.b[at:end], order{})
	if e == nil {
		s.t.Fatal("a sample of no event in a fixture")
	}
	a := &e.attr
	at += headerSize
	for _, field := range []struct {
		bit   uint64
		shape string
	}{{sampleIdentifier, "8"}, {sampleIP, "8"}, {sampleTID, "44"}, {sampleTime, "8"}, {sampleAddr, "8"},
		{sampleIDBit, "8"}, {sampleStreamID, "8"}, {sampleCPU, "44"}, {samplePeriodBit, "8"}} {
		if a.SampleType&field.bit != 0 {
			at = s.shape(at, end, field.shape)
		}
	}
	if a.has(sampleRead) {
		n := 1 + bits.OnesCount64(a.ReadFormat&15&^8) + bits.OnesCount64(a.ReadFormat&16)
		if a.ReadFormat&formatGroup != 0 {
			n = 1 + bits.OnesCount64(a.ReadFormat&3) +
				s.count64(at)*(1+bits.OnesCount64(a.ReadFormat&(4|16)))
		}
		at = s.words(at, at+8*n)
	}
	if a.has(sampleCallchain) {
		at = s.words(at, at+8+8*s.count64(at))
	}
	if a.has(sampleRaw) {
		n := s.count32(at)
		at = s.reverse(at, 4) + n
	}
	if a.has(sampleBranchStack) {
		at = s.branches(at, a)
	}
	if a.has(sampleRegsUser) {
		at = s.words(at, at+8+8*bits.OnesCount64(a.SampleRegsUser)*min(1, s.count64(at)))
	}
	if a.has(sampleStackUser) {
		n := s.count64(at)
		at = s.reverse(at, 8) + n
		if n > 0 {
			at = s.reverse(at, 8)
		}
	}
	s.words(at, end) // one word each, but for REGS_INTR, which is words too
}

func (s *swapper) branches(at int, a *attr) int {
	n := s.count64(at)
	at = s.reverse(at, 8)
	if a.BranchSampleType&branchHWIndex != 0 {
		at = s.reverse(at, 8)
	}
	for range n {
		s.words(at, at+16)
		s.bitfields(at+16, 1, 1, 1, 1, 16, 4, 2, 4, 3)
		at += 24
	}
	return at
}

// texts swaps u32 n and n header strings.
func (s *swapper) texts(at int) int {
	n := s.count32(at)
	at = s.reverse(at, 4)
	for range n {
		at = s.text(at)
	}
	return at
}

func (s *swapper) text(at int) int {
	n := s.count32(at)
	return s.reverse(at, 4) + n
}

// list swaps u32 n and n entries: 4, 8 and t for a string.
func (s *swapper) list(at int, entry string) int {
	n := s.count32(at)
	at = s.reverse(at, 4)
	for range n {
		for _, c := range entry {
			if c == 't' {
				at = s.text(at)
			} else {
				at = s.reverse(at, int(c-'0'))
			}
		}
	}
	return at
}

func (s *swapper) feature(id feature, at, end int) {
	if at == end {
		return
	}
	switch id {
	case featureHostname, featureOSRelease, featureArch, featureCPUDesc, featureCPUID:
		s.text(at)
	case featureClockData:
		s.shape(at, end, "4488")
	case featureCmdLine:
		s.texts(at)
	case featureEventDesc:
		s.eventDesc(at)
	case featurePMUMappings:
		s.list(at, "4t")
	case featureBuildID:
		for at+headerSize <= end {
			size := int(little.Uint16(s.b[at+6:]))
			s.shape(at, end, "4224")
			at += size
		}
	}
}

func (s *swapper) eventDesc(at int) {
	n, size := s.count32(at), s.count32(at+4)
	at = s.shape(at, at+8, "44")
	for range n {
		ids := s.count32(at + size)
		s.attr(at, size)
		at = s.text(s.reverse(at+size, 4))
		at = s.words(at, at+8*ids)
	}
}

// flatten returns the recording with its data section decompressed.
func flatten(t testing.TB, b []byte, f *File) []byte {
	t.Helper()
	var records []byte
	f.eachRecord(t, func(rec []byte) { records = append(records, rec...) })
	if f.pipe != nil {
		return append(slices.Clone(b[:pipeHeaderSize]), records...)
	}
	data, size := int(little.Uint64(b[40:])), int(little.Uint64(b[48:]))
	out := append(slices.Clone(b[:data]), records...)
	little.PutUint64(out[48:], uint64(len(records)))
	out = append(out, b[data+size:]...)
	table := data + len(records)
	for i := range featureBits(b[72:104], order{}) {
		at := table + 16*i
		little.PutUint64(out[at:], little.Uint64(out[at:])+uint64(len(records)-size))
	}
	return out
}

// firstDamage returns the place of the first byte that is no record, 0 if there
// is none.
func (f *File) firstDamage(t *testing.T) int64 {
	lost, err := f.walk(f.streams[0], func(rawRecord) error { return nil })
	if err != nil || len(lost.damaged) == 0 {
		return 0
	}
	return lost.damaged[0].off
}

// Every fixture and its big-endian twin must read the same.
func TestByteSwapped(t *testing.T) {
	for _, fixture := range fixtures(t) {
		t.Run(filepath.Base(fixture.name), func(t *testing.T) {
			b := fixture.data
			f := openBytes(t, b)
			if _, err := f.Sideband(); err != nil {
				t.Fatal(err)
			}
			if f.streams[0].compressed {
				b = flatten(t, b, f)
				f = openBytes(t, b)
			}
			if damage := f.firstDamage(t); damage > 0 {
				b = b[:damage]
				f = openBytes(t, b)
			}
			s := &swapper{t: t, f: f, b: slices.Clone(b)}
			if f.pipe != nil {
				s.pipe()
			} else {
				s.file()
			}
			twin := openBytes(t, s.b)
			if !twin.o.big {
				t.Fatal("the twin is not big endian")
			}
			diffLines(t, "side-band", dumpSide(t, f), dumpSide(t, twin))
			diffLines(t, "samples", dumpSamples(t, f), dumpSamples(t, twin))
		})
	}
}
