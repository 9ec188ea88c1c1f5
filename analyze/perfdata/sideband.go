package perfdata

import (
	"encoding/hex"

	"xfrmscope/collect/bundle"
)

// A Sideband is what of a recording is no sample and names samples. Lists are in time order (records without a time,
// which perf made before sampling began, come first with TimeNS 0), ties in order of the stream.
type Sideband struct {
	Mmaps    []Mmap
	Comms    []Comm
	Forks    []Task
	KSymbols []KSymbol
	BuildIDs []BuildID // of the BUILD_ID feature and of MMAP2 records, each file once

	// Losses is what the recording or this reader could not see, in a fixed order. Damage inside samples is found
	// only by decoding: see Stats.
	Losses []bundle.Loss

	// FirstNS and LastNS span the times of the samples; 0 without samples.
	FirstNS, LastNS uint64
}

// An Mmap is a mapping that appeared (MMAP, MMAP2). The kernel is file "[kernel.kallsyms]_text" (or _stext) with PID -1
// and PgOff the address of that symbol when recording; modules follow, PID -1, as their .ko path or "[name]".
type Mmap struct {
	TimeNS     uint64
	PID        int32
	Start, Len uint64
	PgOff      uint64
	File       string
	BuildID    string // hex, "" if the record has none
	Prot       uint32 // PROT_EXEC is 4; 0 for MMAP
	Data       bool   // MMAP: not executable

	mode Mode
}

// A Comm is a task taking a name.
type Comm struct {
	TimeNS uint64
	TID    int32
	Name   string
}

// A Task is a FORK: the new task inherits name and mappings of the parent.
type Task struct {
	TimeNS     uint64
	PID, TID   int32
	PPID, PTID int32
}

// A KSymbol is kernel code that came or went while recording: a BPF program (Type 1, "bpf_prog_<tag>_<name>") or an
// out-of-line trampoline (Type 2).
type KSymbol struct {
	TimeNS     uint64
	Addr       uint64
	Len        uint32
	Type       uint16
	Unregister bool
	Name       string
}

// A BuildID is the build of a file.
type BuildID struct {
	PID    int32 // -1 for the host kernel
	Kernel bool
	File   string // "[kernel.kallsyms]", "/usr/lib/libc.so.6"
	ID     string // hex
}

// kernelRecord decodes a record of the kernel's (include/uapi/linux/perf_event.h enum perf_event_type, 7.2). What perf
// made up itself may lack the sample_id that the event's records have.
func (x *index) kernelRecord(typ recordType, rec []byte) {
	id := sampleIDOf(rec, x.f.ids.ofOther(rec, x.f.o), x.f.o)
	if (typ == recordAux || typ == recordItraceStart) && id.timeNS > 0 && x.trace.spe {
		x.span(id.timeNS)
	}
	if x.sideRecord(typ, rec, id) || id.size > 0 && x.sideRecord(typ, rec,
		sampleID{event: id.event, tid: -1, cpu: -1}) {
		return
	}
	x.losses.undecodable[typ]++
}

// keep appends v unless the record was too short for it.
func keep[T any](list *[]T, v T, body *fields) {
	if !body.short {
		*list = append(*list, v)
	}
}

// sideRecord keeps what a record says and reports whether it was all there.
func (x *index) sideRecord(typ recordType, rec []byte, id sampleID) bool {
	body := &fields{o: x.f.o, b: rec[headerSize : len(rec)-id.size]}
	misc := x.f.o.u16(rec[4:])
	switch typ {
	case recordMmap, recordMmap2:
		keep(&x.side.Mmaps, x.mmap(typ, misc, body, id), body)
	case recordComm: // u32 pid, tid, name
		_ = body.u32()
		c := Comm{TimeNS: id.timeNS, TID: int32(body.u32())}
		c.Name = x.name(body.rest())
		keep(&x.side.Comms, c, body)
	case recordFork:
		t := Task{PID: int32(body.u32()), PPID: int32(body.u32()), TID: int32(body.u32()),
			PTID: int32(body.u32())}
		t.TimeNS = body.u64()
		keep(&x.side.Forks, t, body)
	case recordKsymbol:
		k := KSymbol{TimeNS: id.timeNS, Addr: body.u64(), Len: body.u32(), Type: body.u16(),
			Unregister: body.u16()&1 != 0}
		k.Name = x.name(body.rest())
		keep(&x.side.KSymbols, k, body)
	case recordCallchainDeferred:
		k, ips, ok := deferredChain(rec, id, x.f.o, &x.scratch)
		if body.short = !ok; ok {
			x.deferred = true
			x.joins.chain(k, ips, x.blocks)
		}
	default:
		x.lossRecord(typ, misc, body, id)
	}
	return !body.short
}

// mmap reads pid, tid, addr, len, pgoff, then for MMAP2 device and inode or a build id of at most 20 bytes, prot,
// flags; then the file.
func (x *index) mmap(typ recordType, misc uint16, body *fields, id sampleID) Mmap {
	m := Mmap{TimeNS: id.timeNS, PID: int32(body.u32()), mode: Mode(misc & modeMask), Data: misc&miscMmapData != 0}
	_ = body.u32() // tid
	m.Start, m.Len, m.PgOff = body.u64(), body.u64(), body.u64()
	if typ == recordMmap2 {
		raw := body.take(24) // or device, inode and its generation
		if misc&miscMmapBuildID != 0 && raw != nil {
			m.BuildID = x.name([]byte(hex.EncodeToString(raw[4 : 4+min(int(raw[0]), 20)])))
		}
		m.Prot, _ = body.u32(), body.u32()
	}
	m.File = x.name(body.rest())
	return m
}

// name returns b up to its NUL, one copy for all records that repeat it.
func (x *index) name(b []byte) string {
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	if s, ok := x.names[string(b)]; ok {
		return s
	}
	s := string(b)
	x.names[s] = s
	return s
}
