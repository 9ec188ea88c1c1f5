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

// ibsOpData3 is the index into IBS.Regs of an ibs_op sample.
const ibsOpData3 = 4

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
