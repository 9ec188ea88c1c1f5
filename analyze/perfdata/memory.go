package perfdata

import "strings"

// A Weight is what an access cost. With `perf mem` on CPUs that split it
// (Split), Latency is the memory latency, Instruction the latency of the whole
// instruction and Stage the pipeline stall, all in cycles; else Full is one
// number of the CPU's choosing, cycles of latency as a rule.
type Weight struct {
	Full        uint64
	Split       bool
	Latency     uint32
	Instruction uint16
	Stage       uint16
}

// Weight returns the sample's WEIGHT or WEIGHT_STRUCT; zero if it has none.
func (s *Sample) Weight() Weight {
	w := Weight{Full: s.word(s.tail.weight)}
	if s.owner.Attr.SampleType&SampleWeightStruct != 0 {
		w.Split = true
		w.Latency, w.Instruction, w.Stage = uint32(w.Full), uint16(w.Full>>32), uint16(w.Full>>48)
	}
	return w
}

// A DataSrc says where the data of a memory access came from (union
// perf_mem_data_src, include/uapi/linux/perf_event.h, 7.2; the same value on
// either byte order).
type DataSrc uint64

// DataSrc returns the sample's DATA_SRC, 0 if it has none.
func (s *Sample) DataSrc() DataSrc { return DataSrc(s.word(s.tail.dataSrc)) }

func (d DataSrc) field(off, width uint) uint64 { return uint64(d) >> off & (1<<width - 1) }

// Load reports whether the access read.
func (d DataSrc) Load() bool { return d.field(0, 5)&2 != 0 }

// Store reports whether the access wrote.
func (d DataSrc) Store() bool { return d.field(0, 5)&4 != 0 }

// Locked reports whether the instruction was locked.
func (d DataSrc) Locked() bool { return d.field(24, 2)&2 != 0 }

// Hit reports whether the access was answered by the level that Level names.
func (d DataSrc) Hit() bool { return d.field(5, 14)&2 != 0 }

// Miss reports whether the access missed the level that Level names.
func (d DataSrc) Miss() bool { return d.field(5, 14)&4 != 0 }

// SnoopHitModified reports whether another core held the line modified: the
// mark of a bouncing cache line.
func (d DataSrc) SnoopHitModified() bool { return d.field(19, 5)&16 != 0 }

// Remote reports whether the data came from another node or package.
func (d DataSrc) Remote() bool { return d.field(37, 1) != 0 }

// Level returns where the access was answered, in perf's words: "L1", "LFB",
// "L3", "Remote RAM (1 hop)", "N/A".
func (d DataSrc) Level() string {
	num := [...]string{
		1: "L1", 2: "L2", 3: "L3", 4: "L4", 5: "L2 MHB", 6: "Memory-side Cache", 7: "L0", 8: "Uncached", 9: "CXL", 10: "I/O",
		11: "Any cache", 12: "LFB", 13: "RAM", 14: "PMEM", 15: "N/A",
	}
	if n := d.field(33, 4); n != 0 && n != 15 {
		if d.Remote() {
			return "Remote " + num[n]
		}
		return num[n]
	}
	var found []string
	for i, name := range [...]string{
		"L1", "LFB", "L2", "L3", "RAM", "Remote RAM (1 hop)", "Remote RAM (2 hops)", "Remote Cache (1 hop)",
		"Remote Cache (2 hops)", "I/O", "Uncached",
	} {
		if d.field(5, 14)>>(i+3)&1 != 0 {
			found = append(found, name)
		}
	}
	if found == nil {
		return "N/A"
	}
	return strings.Join(found, " or ")
}

// Regs are registers of the moment of the sample.
type Regs struct {
	ABI  uint64 // 0: none, 1: 32-bit, 2: 64-bit
	Mask uint64 // which registers, by arch/*/include/uapi/asm/perf_regs.h

	b []byte
	o order
}

// UserRegs returns the user registers (REGS_USER); ABI 0 if there are none.
func (s *Sample) UserRegs() Regs { return s.regs(s.tail.regsUser, s.owner.Attr.SampleRegsUser) }

// IntrRegs returns the registers at the interrupt (REGS_INTR).
func (s *Sample) IntrRegs() Regs { return s.regs(s.tail.regsIntr, s.owner.Attr.SampleRegsIntr) }

func (s *Sample) regs(at int32, mask uint64) Regs {
	abi := s.word(at)
	if abi == 0 {
		return Regs{}
	}
	return Regs{ABI: abi, Mask: mask, b: s.rec[at+8:], o: s.o}
}

// Value returns register n; ok is false if it was not recorded.
func (r Regs) Value(n int) (v uint64, ok bool) {
	if r.ABI == 0 || n < 0 || n > 63 || r.Mask>>n&1 == 0 {
		return 0, false
	}
	at := 0
	for i := range n {
		if r.Mask>>i&1 != 0 {
			at += 8
		}
	}
	return r.o.u64(r.b[at:]), true
}

// UserStack returns what was copied of the user stack (STACK_USER), from the
// stack pointer up; nil if nothing was. This package does not unwind it.
func (s *Sample) UserStack() []byte {
	n := s.word(s.tail.stackUser)
	if n == 0 {
		return nil
	}
	b := s.rec[s.tail.stackUser+8:]
	used := s.o.u64(b[n:])
	return b[:min(used, n)]
}
