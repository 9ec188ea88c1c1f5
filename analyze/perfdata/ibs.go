package perfdata

// An IBS is the raw part of a sample of AMD's instruction-based sampling: the capabilities word and the MSRs that the
// kernel read (arch/x86/events/amd/ibs.c perf_ibs_handle_irq, 6.12).
type IBS struct {
	Fetch bool   // ibs_fetch; else ibs_op
	Caps  uint32 // CPUID 8000001B EAX: IBS_CAPS_*

	// Regs are, for ibs_op: OP_CTL, OP_RIP, OP_DATA, OP_DATA2, OP_DATA3, DC_LINADDR, DC_PHYSADDR, then BRTARGET and
	// OP_DATA4 if Caps has them; for ibs_fetch: FETCH_CTL, FETCH_LINADDR, FETCH_PHYSADDR, then FETCH_CTL_EXTD.
	Regs [9]uint64
	N    int // registers recorded
}

// Indexes into IBS.Regs of an ibs_op sample.
const (
	ibsOpData  = 2
	ibsOpData2 = 3
	ibsOpData3 = 4
)

// IBS returns the instruction-based sampling data of a sample; ok is false if the event is of another PMU or carries no
// raw data.
func (s *Sample) IBS(m *Meta) (ibs IBS, ok bool) {
	pmu := m.pmus[s.owner.attr.Type]
	raw := s.Raw()
	if pmu != "ibs_op" && pmu != "ibs_fetch" || len(raw) < 4 {
		return IBS{}, false
	}
	ibs = IBS{Fetch: pmu == "ibs_fetch", Caps: s.o.u32(raw)}
	for raw = raw[4:]; len(raw) >= 8 && ibs.N < len(ibs.Regs); raw = raw[8:] {
		ibs.Regs[ibs.N] = s.o.u64(raw)
		ibs.N++
	}
	return ibs, true
}

func (b *IBS) bits(reg int, off, width uint) uint64 {
	if b.Fetch || reg >= b.N {
		return 0
	}
	return b.Regs[reg] >> off & (1<<width - 1)
}

// Load reports whether the sampled op read memory (IBS_OP_DATA3 bit 0).
func (b *IBS) Load() bool { return b.bits(ibsOpData3, 0, 1) != 0 }

// Store reports whether the sampled op wrote memory (bit 1).
func (b *IBS) Store() bool { return b.bits(ibsOpData3, 1, 1) != 0 }

// Locked reports whether the op was a locked one (bit 15).
func (b *IBS) Locked() bool { return b.bits(ibsOpData3, 15, 1) != 0 }

// DCMiss reports whether the access missed the L1 data cache (bit 7).
func (b *IBS) DCMiss() bool { return b.bits(ibsOpData3, 7, 1) != 0 }

// L2Miss reports whether it missed the L2 too (bit 20).
func (b *IBS) L2Miss() bool { return b.bits(ibsOpData3, 20, 1) != 0 }

// DCMissLatencyCycles returns from miss to data, 0 without a miss.
func (b *IBS) DCMissLatencyCycles() uint64 { return b.bits(ibsOpData3, 32, 16) }

// TagToRetireCycles returns how long the op took (IBS_OP_DATA).
func (b *IBS) TagToRetireCycles() uint64 { return b.bits(ibsOpData, 16, 16) }

// Northbridge returns where the data came from (IBS_OP_DATA2), as the Processor Programming Reference numbers it: 1 a
// cache of the same CCX, 2 one of another CCX, 3 DRAM, ...; 0 is invalid.
func (b *IBS) Northbridge() uint64 {
	return b.bits(ibsOpData2, 0, 3) | b.bits(ibsOpData2, 6, 2)<<3
}

// RemoteNode reports whether the data came from another node.
func (b *IBS) RemoteNode() bool { return b.bits(ibsOpData2, 4, 1) != 0 }
