package perfdata

import (
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
)

// An eventType names a tracepoint in recordings of perf before 3.5: u64
// config, char name[64].
type eventType struct {
	config uint64
	name   string
}

// A describedEvent is an entry of EVENT_DESC.
type describedEvent struct {
	attr Attr
	name string
	ids  []uint64
}

// featureBits returns the features of the header's bitmap. It is an array of
// unsigned long: u64 on 64-bit recorders, u32 on 32-bit ones, which only
// matters for big-endian recordings. As perf does, HOSTNAME, which every
// recording has, tells which it was (tools/perf/util/header.c
// perf_file_header__read, 6.1).
func featureBits(bitmap []byte, o order) []Feature {
	test := func(long int, i Feature) bool {
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
	if o.big && !test(64, FeatureHostname) {
		long = 32
	}
	var set []Feature
	for i := range Feature(featureBitCount) {
		if test(long, i) {
			set = append(set, i)
		}
	}
	return set
}

// plausibleTable reports whether the feature table stands at byte at: with
// data.size 0 that tells a finished recording without records from one that
// perf record did not finish.
func (f *File) plausibleTable(r io.ReaderAt, at int64, set []Feature) bool {
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

// featureTable reads the sections of the features: they follow the data, one
// for each bit set, ascending.
func (f *File) featureTable(r io.ReaderAt, at int64, set []Feature) ([]section, error) {
	buf := make([]byte, 16*len(set))
	if _, err := io.ReadFull(io.NewSectionReader(r, at, int64(len(buf))), buf); err != nil {
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
func (f *File) readFeatures(r io.ReaderAt, at int64, set []Feature) {
	sections, err := f.featureTable(r, at, set)
	if err != nil {
		f.note(lossNote{what: "header features", count: uint64(len(set)), effect: err.Error()})
		return
	}
	budget := 2 * f.size // overlapping sections must not cost more than the file
	for i, s := range sections {
		if budget -= s.size; !s.within(f.size) || budget < 0 {
			f.note(lossNote{what: "header features", count: 1, effect: fmt.Sprintf("section %d+%d of feature %d is outside the file", s.off, s.size, set[i])})
			budget += s.size
			continue
		}
		buf := make([]byte, s.size)
		if _, err := io.ReadFull(io.NewSectionReader(r, s.off, s.size), buf); err != nil {
			f.note(lossNote{what: "header features", count: 1, effect: fmt.Sprintf("reading feature %d at byte %d: %v", set[i], s.off, err)})
			continue
		}
		f.Meta.feature(set[i], buf, f.o)
	}
}

// feature decodes one feature (tools/perf/util/header.c process_*, 6.16). What
// is cut off keeps the fields it has.
func (m *Meta) feature(id Feature, b []byte, o order) {
	if i, found := slices.BinarySearch(m.Features, id); !found {
		m.Features = slices.Insert(m.Features, i, id)
	}
	f := &fields{o: o, b: b}
	switch id {
	case FeatureTracingData:
		m.TracingData = b
	case FeatureBuildID:
		m.buildIDs(b, o)
	case FeatureHostname:
		m.Hostname = f.text()
	case FeatureOSRelease:
		m.OSRelease = f.text()
	case FeatureVersion:
		m.PerfVersion = f.text()
	case FeatureArch:
		m.Arch = f.text()
	case FeatureNRCPUs: // available first, whatever perf.data-file-format.txt says
		m.CPUsAvailable, m.CPUsOnline = f.u32(), f.u32()
	case FeatureCPUDesc:
		m.CPUDesc = f.text()
	case FeatureCPUID:
		m.CPUID = f.text()
	case FeatureTotalMem:
		m.TotalMemKB = f.u64()
	case FeatureCmdLine:
		m.CommandLine = f.texts()
	case FeatureEventDesc:
		m.eventDesc(f)
	case FeatureSampleTime:
		m.FirstSampleNS, m.LastSampleNS = f.u64(), f.u64()
	case FeatureClockID:
		m.ClockResolutionNS = f.u64()
	case FeatureClockData:
		_ = f.u32() // version
		m.Clock = &ClockData{ClockID: f.u32(), WallNS: f.u64(), ClockNS: f.u64()}
	case FeatureDirFormat:
		m.DirVersion = f.u64()
	case FeatureCompressed:
		m.Compression = &Compression{f.u32(), f.u32(), f.u32(), f.u32(), f.u32()}
	default:
		if !m.machineFeature(id, f) {
			m.keep(id, b)
		}
	}
}

func (m *Meta) keep(id Feature, b []byte) {
	if m.raw == nil {
		m.raw = map[Feature][]byte{}
	}
	m.raw[id] = b
}

// buildIDs reads a run of struct perf_record_header_build_id: header, s32
// pid, 20 bytes, their number (valid with MiscBuildIDSize), 3 bytes, file.
func (m *Meta) buildIDs(b []byte, o order) {
	const fixed = headerSize + 4 + 24
	for len(b) >= fixed {
		size := int(o.u16(b[6:]))
		if size < fixed || size > len(b) {
			return
		}
		misc, n := o.u16(b[4:]), 20
		if misc&MiscBuildIDSize != 0 {
			n = min(int(b[headerSize+4+20]), 20)
		}
		m.BuildIDs = append(m.BuildIDs, BuildID{
			PID:    int32(o.u32(b[headerSize:])),
			Kernel: misc&MiscCPUModeMask == MiscKernel || misc&MiscCPUModeMask == MiscGuestKernel,
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
		var d describedEvent
		attr := f.take(int(min(size, 1<<16)))
		if f.short || len(attr) < attrSizeVer0 {
			return
		}
		d.attr = parseAttr(attr, f.o)
		ids := f.u32()
		d.name = f.text()
		for ; ids > 0 && !f.short; ids-- {
			if id := f.u64(); !f.short {
				d.ids = append(d.ids, id)
			}
		}
		m.described = append(m.described, d)
	}
}

// nameEvents gives events their names from EVENT_DESC, else from the event
// types section. EVENT_DESC lists the events in their order.
func (m *Meta) nameEvents(events []*Event) {
	for i, e := range events {
		if e.Name == "" && i < len(m.described) && m.described[i].attr.Config == e.Attr.Config && m.described[i].attr.Type == e.Attr.Type {
			e.Name = m.described[i].name
			if len(e.IDs) == 0 {
				e.IDs = m.described[i].ids
			}
		}
		for _, t := range m.eventTypes {
			if e.Name == "" && e.Attr.Type == TypeTracepoint && t.config == e.Attr.Config {
				e.Name = t.name
			}
		}
	}
}

// groupEvents sets leaders and members from GROUP_DESC.
func (m *Meta) groupEvents(events []*Event) {
	for _, g := range m.Groups {
		if uint64(g.Leader)+uint64(g.Members) > uint64(len(events)) || g.Members == 0 {
			continue
		}
		leader := events[g.Leader]
		leader.Members = events[g.Leader : g.Leader+g.Members : g.Leader+g.Members]
		for _, e := range leader.Members {
			e.Leader = leader
		}
	}
}

// readEventTypes reads the event_types section of recordings before perf 3.5.
func (f *File) readEventTypes(r io.ReaderAt, s section) {
	const entry = 8 + 64
	if s.size < entry || !s.within(f.size) {
		return
	}
	buf := make([]byte, s.size)
	if _, err := io.ReadFull(io.NewSectionReader(r, s.off, s.size), buf); err != nil {
		return
	}
	for ; len(buf) >= entry; buf = buf[entry:] {
		f.Meta.eventTypes = append(f.Meta.eventTypes, eventType{f.o.u64(buf), cstring(buf[8:entry])})
	}
}

// FeatureNames returns the features present by perf's names, comma separated.
func (m *Meta) FeatureNames() string {
	names := make([]string, len(m.Features))
	for i, id := range m.Features {
		names[i] = id.String()
	}
	return strings.Join(names, ",")
}

// String returns perf's name of the feature, or "feature N".
func (id Feature) String() string {
	names := [...]string{
		1: "TRACING_DATA", "BUILD_ID", "HOSTNAME", "OSRELEASE", "VERSION", "ARCH", "NRCPUS", "CPUDESC", "CPUID",
		"TOTAL_MEM", "CMDLINE", "EVENT_DESC", "CPU_TOPOLOGY", "NUMA_TOPOLOGY", "BRANCH_STACK", "PMU_MAPPINGS",
		"GROUP_DESC", "AUXTRACE", "STAT", "CACHE", "SAMPLE_TIME", "MEM_TOPOLOGY", "CLOCKID", "DIR_FORMAT",
		"BPF_PROG_INFO", "BPF_BTF", "COMPRESSED", "CPU_PMU_CAPS", "CLOCK_DATA", "HYBRID_TOPOLOGY", "PMU_CAPS",
		"CPU_DOMAIN_INFO",
	}
	if id > 0 && int(id) < len(names) {
		return names[id]
	}
	return fmt.Sprintf("feature %d", uint32(id))
}
