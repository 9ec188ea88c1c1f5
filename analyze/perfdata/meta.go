package perfdata

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"xfrmscope/collect/bundle"
)

// Meta is what the recording says about itself: what is read of perf's header features. A field the recording does not
// carry is zero.
type Meta struct {
	Hostname    string
	OSRelease   string // uname -r
	Arch        string // uname -m
	CPUDesc     string // "AMD EPYC 7B13"
	CPUID       string // "AuthenticAMD,25,1,1": vendor, family, model, stepping
	CommandLine []string

	// WallOffsetNS is what to add to a time of the recording for the wall clock (perf record -k); 0 if not
	// recorded.
	WallOffsetNS int64

	pmus        map[uint32]string // attr.Type of dynamic PMUs to their names
	buildIDs    []BuildID         // of the feature; see Sideband.BuildIDs for those of MMAP2
	tracepoints map[uint64]string // names by attr.Config
	eventTypes  []eventType
	described   []describedEvent
}

// An eventType names a tracepoint in recordings of perf before 3.5: u64 config, char name[64].
type eventType struct {
	config uint64
	name   string
}

// A describedEvent is an entry of EVENT_DESC.
type describedEvent struct {
	attr attr
	name string
	ids  []uint64
}

// A feature is a bit of perf's feature bitmap (tools/perf/util/header.h, 6.16).
type feature uint32

// The features that are read.
const (
	featureTracingData feature = 1
	featureBuildID     feature = 2
	featureHostname    feature = 3
	featureOSRelease   feature = 4
	featureArch        feature = 6
	featureCPUDesc     feature = 8
	featureCPUID       feature = 9
	featureCmdLine     feature = 11
	featureEventDesc   feature = 12
	featurePMUMappings feature = 16
	featureClockData   feature = 29

	featureBitCount = 256
)

// featureBits returns the features of the header's bitmap. It is an array of unsigned long: u64 on 64-bit recorders,
// u32 on 32-bit ones, which only matters for big-endian recordings. As perf does, HOSTNAME, which every recording has,
// tells which it was (tools/perf/util/header.c perf_file_header__read, 6.1).
func featureBits(bitmap []byte, o order) []feature {
	test := func(long int, i feature) bool {
		word := uint64(0)
		switch at := int(i) / long * long / 8; long {
		case 64:
			word = o.u64(bitmap[at:])
		default:
			word = uint64(o.u32(bitmap[at:]))
		}
		return word>>(int(i)%long)&1 != 0
	}
	long := 64
	if o.big && !test(64, featureHostname) {
		long = 32
	}
	var set []feature
	for i := range feature(featureBitCount) {
		if test(long, i) {
			set = append(set, i)
		}
	}
	return set
}

// plausibleTable reports whether the feature table stands at byte at: with data.size 0 that tells a finished recording
// without records from one that perf record did not finish.
func (f *File) plausibleTable(r io.ReaderAt, at int64, set []feature) bool {
	sections, err := f.featureTable(r, at, set)
	if err != nil || len(set) == 0 {
		return false
	}
	for _, s := range sections {
		if s.off < at || !s.within(f.size) {
			return false
		}
	}
	return true
}

// featureTable reads the sections of the features: they follow the data, one for each bit set, ascending.
func (f *File) featureTable(r io.ReaderAt, at int64, set []feature) ([]section, error) {
	buf, err := readAt(r, at, 16*int64(len(set)))
	if err != nil {
		return nil, fmt.Errorf("reading the feature table at byte %d: %w", at, err)
	}
	h := fields{o: f.o, b: buf}
	sections := make([]section, len(set))
	for i := range sections {
		sections[i] = h.section()
	}
	return sections, nil
}

// readFeatures reads every feature section. Damaged ones are noted as losses.
func (f *File) readFeatures(r io.ReaderAt, at int64, set []feature) {
	sections, err := f.featureTable(r, at, set)
	if err != nil {
		f.note("header features", uint64(len(set)), err.Error()).Kind = bundle.LossEnd
		return
	}
	budget := 2 * f.size // overlapping sections must not cost more than the file
	for i, s := range sections {
		if budget -= s.size; !s.within(f.size) || budget < 0 {
			l := f.note("header features", 1, fmt.Sprintf("section %d+%d of feature %d is outside the file",
				s.off, s.size, set[i]))
			if !s.within(f.size) {
				l.Kind = bundle.LossEnd
			}
			budget += s.size
			continue
		}
		buf, err := readAt(r, s.off, s.size)
		if err != nil {
			f.note("header features", 1, fmt.Sprintf("reading feature %d at byte %d: %v", set[i], s.off,
				err))
			continue
		}
		f.Meta.feature(set[i], buf, f.o)
	}
}

// feature decodes one feature (tools/perf/util/header.c process_*, 6.16). What is cut off keeps the fields it has.
// Nothing of b is kept.
func (m *Meta) feature(id feature, b []byte, o order) {
	f := &fields{o: o, b: b}
	switch id {
	case featureTracingData:
		m.tracepoints = tracepointNames(b)
	case featureBuildID:
		m.addBuildIDs(b, o)
	case featureHostname:
		m.Hostname = f.text()
	case featureOSRelease:
		m.OSRelease = f.text()
	case featureArch:
		m.Arch = f.text()
	case featureCPUDesc:
		m.CPUDesc = f.text()
	case featureCPUID:
		m.CPUID = f.text()
	case featureCmdLine:
		m.CommandLine = f.texts()
	case featureEventDesc:
		m.eventDesc(f)
	case featurePMUMappings:
		m.pmus = map[uint32]string{}
		for n := f.u32(); n > 0 && !f.short; n-- {
			typ := f.u32()
			m.pmus[typ] = f.text()
		}
	case featureClockData: // u32 version, clock id; u64 wall clock, the recording's clock at the same moment
		_ = f.u64()
		wall, clock := f.u64(), f.u64()
		m.WallOffsetNS = int64(wall - clock)
	}
}

// addBuildIDs reads a run of struct perf_record_header_build_id: header, s32 pid, 20 bytes, their number (valid with
// miscBuildIDSize), 3 bytes, file.
func (m *Meta) addBuildIDs(b []byte, o order) {
	const fixed = headerSize + 4 + 24
	for len(b) >= fixed {
		size := int(o.u16(b[6:]))
		if size < fixed || size > len(b) {
			return
		}
		misc, n := o.u16(b[4:]), 20
		if misc&miscBuildIDSize != 0 {
			n = min(int(b[headerSize+4+20]), 20)
		}
		m.buildIDs = append(m.buildIDs, BuildID{
			PID:    int32(o.u32(b[headerSize:])),
			Kernel: Mode(misc & modeMask).isKernel(),
			File:   cstring(b[fixed:size]),
			ID:     hex.EncodeToString(b[headerSize+4 : headerSize+4+n]),
		})
		b = b[size:]
	}
}

// eventDesc: u32 count, u32 attr size; each an attr, u32 ids, name, ids.
func (m *Meta) eventDesc(f *fields) {
	m.described = nil
	n, size := f.u32(), f.u32()
	for ; n > 0 && !f.short; n-- {
		head := f.take(int(min(size, 1<<16)))
		if f.short || len(head) < attrSizeVer0 {
			return
		}
		ids := f.u32()
		d := describedEvent{attr: parseAttr(head, f.o), name: f.text()}
		d.ids = f.o.u64s(f.take(min(8*int(ids), len(f.b))))
		f.short = f.short || len(d.ids) < int(ids)
		m.described = append(m.described, d)
	}
}

// nameEvents gives events their names from EVENT_DESC, else from the event types section. EVENT_DESC lists the events
// in their order.
func (m *Meta) nameEvents(events []*Event) {
	for i, e := range events {
		if e.Name == "" && i < len(m.described) {
			d := &m.described[i]
			if d.attr.Config == e.attr.Config && d.attr.Type == e.attr.Type {
				e.Name = d.name
				if len(e.ids) == 0 {
					e.ids = d.ids
				}
			}
		}
		for _, t := range m.eventTypes {
			if e.Name == "" && e.attr.Type == typeTracepoint && t.config == e.attr.Config {
				e.Name = t.name
			}
		}
	}
}

// readEventTypes reads the event_types section of recordings before perf 3.5.
func (f *File) readEventTypes(r io.ReaderAt, s section) {
	const entry = 8 + 64
	if s.size < entry || !s.within(f.size) {
		return
	}
	buf, err := readAt(r, s.off, s.size)
	if err != nil {
		return
	}
	for ; len(buf) >= entry; buf = buf[entry:] {
		f.Meta.eventTypes = append(f.Meta.eventTypes, eventType{f.o.u64(buf), cstring(buf[8:entry])})
	}
}

// tracingMagic begins the TRACING_DATA feature (tools/perf/util/trace-event-read.c trace_report, 6.1).
const tracingMagic = "\x17\x08\x44tracing"

// tracepointNames reads the names of tracepoints, "lock:contention_begin", by the config of their events. It takes them
// from what trace-event-info.c wrote: magic, version, byte order, size of a long, page size; header_page and
// header_event; ftrace's own formats; systems with their events, each as
// /sys/kernel/tracing/events/<system>/<name>/format has it. Of what is cut off or is something else there are none.
func tracepointNames(b []byte) map[uint64]string {
	f := &fields{b: b}
	if string(f.take(len(tracingMagic))) != tracingMagic {
		return nil
	}
	f.line() // version
	f.o.big = f.u8() != 0
	_, _ = f.u8(), f.u32()
	for _, section := range []string{"header_page", "header_event"} {
		if f.line() != section {
			return nil
		}
		f.blob()
	}
	names := map[uint64]string{}
	add := func(system, format string) {
		id, name := formatHead(format)
		if _, have := names[id]; !have && name != "" {
			names[id] = system + ":" + name
		}
	}
	for n := f.u32(); n > 0 && !f.short; n-- {
		add("ftrace", string(f.blob()))
	}
	for n := f.u32(); n > 0 && !f.short; n-- {
		system := f.line()
		for m := f.u32(); m > 0 && !f.short; m-- {
			add(system, string(f.blob()))
		}
	}
	if f.short {
		return nil
	}
	return names
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
		n = uint64(len(f.b)) + 1 // sets short
	}
	return f.take(int(n))
}

// formatHead returns the ID and the name of a format file, name "" if it has no ID.
func formatHead(text string) (id uint64, name string) {
	hasID := false
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch key {
		case "name":
			name = strings.TrimSpace(value)
		case "ID":
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 16)
			id, hasID = n, err == nil
		}
		if hasID && name != "" {
			return id, name // what follows are the fields
		}
	}
	return 0, ""
}
