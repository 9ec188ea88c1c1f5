// Package spe decodes the trace of Arm's Statistical Profiling Extension, which perf records as AUX data: packets, a
// record of them for each operation that was sampled (Arm Architecture Reference Manual, "Statistical Profiling
// Extension sample record specification").
//
//	trace -> Decoder.Decode -> Record -> Sources.Of
package spe

// A Record is one access to memory; what the trace does not tell is 0. Addresses are as the kernel has them: the trace
// keeps 56 bits, and a tag or the exception level in the others.
type Record struct {
	PC         uint64
	Addr, Phys uint64 // of the data
	Timestamp  uint64 // ticks of the system counter
	Latency    uint64 // cycles from dispatch to completion
	Context    uint64 // CONTEXTIDR: the thread's id, on kernels that keep it there (CONFIG_PID_IN_CONTEXTIDR)

	hasPC, hasOp, hasSource bool
	class                   byte // of the operation
	op, events, source      uint64
}

// A Decoder reads the records of one trace, in order.
type Decoder struct {
	At   uint64 // where in the trace buffer the trace goes on: some paddings depend on it
	Lost int64  // bytes that belong to no whole record

	// resync: damage was met, so the next record must begin with where the processor was and say what it did.
	resync bool
}

// Decode calls fn with every access to memory of b, and stops with its error; other operations are passed over. What is
// left is the start of a record that goes on behind b, less than 2 KiB; if b ends the trace, it is lost. The record is
// valid until fn returns.
func (d *Decoder) Decode(b []byte, last bool, fn func(*Record) error) (rest []byte, err error) {
	var r Record
	for len(b) > 0 {
		size := damaged
		if !d.resync || b[0] == address {
			size = r.read(b, d.At)
		}
		switch {
		case size == cut && !last:
			return b, nil
		case size <= 0, d.resync && !(r.hasPC && r.hasOp):
			size, d.resync = 1, true
			d.Lost++
		case r.class == memoryClass:
			err = fn(&r)
			fallthrough
		default:
			d.resync = false
		}
		b, d.At = b[size:], d.At+uint64(size)
		if err != nil {
			return b, err
		}
	}
	return nil, nil
}

// What read may return.
const (
	cut     = 0  // the record does not end in b
	damaged = -1 // there is none

	maxRecord = 2048 // PMSIDR_EL1.MaxSize
)

// read reads the record, or the padding, at the start of b and returns its size.
func (r *Record) read(b []byte, at uint64) (size int) {
	*r = Record{}
	for {
		var kind, index byte
		var v uint64
		n := 0
		if size < len(b) {
			kind, index, v, n = next(b[size:], at+uint64(size))
		}
		switch {
		case n == 0 && len(b) < maxRecord:
			return cut
		case n == 0, size+n > maxRecord, kind == invalid, kind == address && index == addressPC && r.hasPC:
			return damaged // the last is of the next record: this one has lost its end
		case kind == padding && size == 0, kind == end:
			return size + n
		case kind == timestamp:
			r.Timestamp = v
			return size + n
		}
		size += n
		r.add(kind, index, v)
	}
}

// Kinds of packets, as their headers have them without what says how long they are.
const (
	padding   = 0x00
	end       = 0x01
	timestamp = 0x71
	events    = 0x42
	source    = 0x43
	context   = 0x64
	operation = 0x48
	counter   = 0x98
	address   = 0xb0 // that of addressPC, which a record begins with
	invalid   = 0xff

	addressPC, addressVirtual, addressPhysical = 0, 2, 3

	counterTotal = 0
	memoryClass  = 1 // of operations: load, store, atomic
)

// next returns the packet at the start of b, which is at a place in the trace, and its size: 0 if b ends before.
func next(b []byte, at uint64) (kind, index byte, v uint64, size int) {
	h, head := b[0], 1
	if h&0xfc == 0x20 { // an extended header has two more bits of the index, or pads up to an alignment
		if len(b) < 2 {
			return
		}
		if align := uint64(2) << (h & 3); b[1] == 0 {
			if size = int(align - at&(align-1)); size > len(b) {
				size = 0
			}
			return
		}
		index, h, head = h&3<<3, b[1], 2
	}
	switch {
	case h&0xf8 == address, h&0xf8 == counter:
		kind, index = h&0xf8, index|h&7
	case head == 2:
		return invalid, 0, 0, 2
	case h == padding, h == end:
		return h, 0, 0, 1
	case h == timestamp:
		kind = h
	case h&0xcf == events, h&0xcf == source:
		kind = h & 0xcf
	case h&0xfc == context, h&0xfc == operation:
		kind, index = h&0xfc, h&3
	default:
		return invalid, 0, 0, 1
	}
	if size = head + 1<<(h>>4&3); size > len(b) {
		return kind, index, 0, 0
	}
	for i := size - 1; i >= head; i-- {
		v = v<<8 | uint64(b[i])
	}
	return
}

func (r *Record) add(kind, index byte, v uint64) {
	switch {
	case kind == address && index == addressPC:
		// Bit 63: not of the secure world; bits 62 and 61: the exception level, 1 and 2 are the kernel's.
		level := v >> 61 & 3
		r.PC, r.hasPC = restored(v, v>>63 != 0 && (level == 1 || level == 2)), true
	case kind == address && index == addressVirtual:
		r.Addr = restored(v, v>>52&0xf == 0xf)
	case kind == address && index == addressPhysical:
		r.Phys = restored(v, false)
	case kind == counter && index == counterTotal:
		r.Latency = v
	case kind == context:
		r.Context = v
	case kind == operation:
		r.class, r.op, r.hasOp = index, v, true
	case kind == events:
		r.events = v
	case kind == source:
		r.source, r.hasSource = v, true
	}
}

// restored is an address with its top byte.
func restored(v uint64, kernel bool) uint64 {
	const kept = 1<<56 - 1
	if kernel {
		return v | ^uint64(kept)
	}
	return v & kept
}
