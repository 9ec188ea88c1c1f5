package spe

// Bits of union perf_mem_data_src (include/uapi/linux/perf_event.h, 7.2).
const (
	load, store = 1 << 1, 1 << 2

	locked   = 2 << 24
	remote   = 1 << 37
	peer     = 2 << 38
	clean    = 2 << 19 // SNOOP_NONE
	snooped  = 4 << 19
	modified = 16 << 19

	// A level, in both of the ways the value has of saying it.
	notKnown    = 1<<5 | 15<<33
	l1          = 0x0a<<5 | 1<<33
	l2          = 0x22<<5 | 2<<33
	l3          = 0x42<<5 | 3<<33
	otherL3     = 0x402<<5 | 3<<33
	memory      = 0x82<<5 | 13<<33
	otherMemory = 0x102<<5 | 13<<33 | remote
	device      = 0x1002<<5 | 10<<33
	otherCache  = 0x800<<5 | 11<<33 | remote
	far         = notKnown | remote
)

// Sources are what the numbers of a CPU's data sources mean, nil if that is not known.
type Sources []uint64

// SourcesOf returns those of the CPUs with a MIDR_EL1. The numbers are the CPU's own; the tables are of its manual, and
// of tools/perf/util/arm-spe.c (6.17).
func SourcesOf(midr uint64) Sources {
	switch midr & 0xff00fff0 { // implementer and part
	case 0x4100d0c0, 0x4100d490, 0x4100d400, 0x4100d4f0, 0x4100d830, 0x4100d840, // Neoverse N1 N2 V1 V2 V3AE V3
		0x4100d810, 0x4100d870, 0x4100d890, // Cortex-A720 A725 A720AE
		0x4100d4c0, 0x4100d4e0, 0x4100d850, // Cortex-X1C X3 X925
		0x4e000100, 0x6d00d490: // Olympus, Azure Cobalt 100
		// Of a line that another core had it is not said whether it was modified. 9 is a core beside, 10 this
		// cluster, 11 the system cache, 12 another cluster, 13 another socket.
		return Sources{0: l1 | clean, 8: l2 | clean, 9: l2 | peer, 10: l3 | peer, 11: l3 | snooped,
			12: l3 | peer, 13: far | peer, 14: memory | clean}
	case 0xc000ac40: // AmpereOne: 0 is a cache of this chip or a device, 5 a cache of another chip
		return Sources{0: l2 | peer, 3: l3 | snooped, 5: far | peer, 7: memory | clean, 8: l1 | clean,
			9: l2 | clean}
	case 0x4800d060: // HiSilicon HIP12: a core beside, L3, another cluster, another socket, each clean and modified
		return Sources{l2 | peer, l2 | peer | modified, l3 | snooped, l3 | modified, otherL3 | peer,
			otherL3 | peer | modified, otherCache | peer, otherCache | peer | modified, memory | clean,
			otherMemory, 13: device | clean, 16: l2 | clean, 17: l2 | modified, 18: l1 | clean}
	}
	return nil
}

// Of returns where the data of an access came from, as union perf_mem_data_src has it. Stores do not say where from.
// Where the number is not known, all there is to say is what events say: an access to another socket, its caches and
// its memory alike, counts as one of a cache.
func (s Sources) Of(r *Record) (src uint64, known bool) {
	const opStore, opAtomic, extendedMask, extended = 1, 4, 0xe2, 2
	const remoteAccess, dataModified, dataSnooped = 1 << 10, 1 << 21, 1 << 23 // the last two of FEAT_SPEv1p4
	op := uint64(load)
	if r.op&opStore != 0 {
		op = store
	}
	if r.op&extendedMask == extended && r.op&opAtomic != 0 {
		op |= locked
	}
	src, known = notKnown, s != nil
	if known && r.hasSource && op&load != 0 {
		if known = r.source < uint64(len(s)) && s[r.source] != 0; known {
			src = s[r.source]
		}
	}
	if r.events&remoteAccess != 0 {
		src |= remote
		if !known {
			src = otherCache
		}
	}
	if r.events&dataSnooped != 0 && r.events&dataModified != 0 {
		src |= modified
	}
	return op | src, known
}
