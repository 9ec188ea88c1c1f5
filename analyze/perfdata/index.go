package perfdata

import (
	"context"
	"encoding/hex"
	"fmt"

	"xfrmscope/collect/bundle"
)

// An index is what the first pass over the records finds: the side-band and
// the blocks, each with the counter values its group reads begin from.
type index struct {
	f      *File
	ctx    context.Context
	side   *Sideband
	blocks []*Block
	stream *stream
	late   *pipeHead // header records among the others, pipe mode only

	samples uint64
	onCPU   [][]uint64        // samples by event and CPU
	cpus    map[uint64]int32  // the CPU of an id, by ID_INDEX
	names   map[string]string // one copy of each file and task name
	losses  lossCounter
	reads   *counters
	joins   *joiner
	cur     *Block

	deferred bool // some chains are in CALLCHAIN_DEFERRED records
	scratch  []uint64
}

func buildIndex(ctx context.Context, f *File) (*index, error) {
	x := &index{f: f, ctx: ctx, names: map[string]string{}, cpus: map[uint64]int32{}, losses: newLossCounter(),
		side: &Sideband{Counts: map[RecordType]uint64{}, SampleRecords: make([]uint64, len(f.Events))}}
	x.late = f.pipe
	for _, e := range f.Events {
		if e.Attr.SampleType&^knownSampleType != 0 {
			x.losses.newer(e)
		}
	}
	x.reads, x.joins = newCounters(f.ids), newJoiner()
	for _, s := range f.streams {
		x.stream = s
		lost, err := walkStream(s, x.record)
		x.closeBlock()
		if err != nil {
			return nil, fmt.Errorf("reading records: %w", err)
		}
		if lost.readErr != nil {
			return nil, fmt.Errorf("reading records: %w", lost.readErr)
		}
		x.losses.walk(s, lost, f.Meta.Unfinished)
		for typ, n := range lost.compressed {
			x.side.Counts[typ] += n
		}
	}
	x.finish()
	return x, nil
}

// record takes one record of the stream.
func (x *index) record(rec rawRecord) error {
	if err := x.place(rec); err != nil {
		return err
	}
	typ := RecordType(x.f.o.u32(rec.data))
	if typ == RecordSample {
		x.samples++
		x.sample(rec.data)
		return nil
	}
	x.side.Counts[typ]++
	if typ >= userRecords {
		return x.userRecord(typ, rec)
	}
	x.kernelRecord(typ, rec.data)
	return nil
}

// place puts the record into the current block or begins the next. Where
// blocks end depends on the sizes of the records alone, so both passes and
// every worker see the same ones.
func (x *index) place(rec rawRecord) error {
	if x.cur != nil && !x.cur.takes(rec) {
		x.closeBlock()
		if err := x.ctx.Err(); err != nil {
			return err
		}
	}
	if x.cur == nil {
		x.cur = &Block{stream: x.stream, Offset: rec.off, seq: len(x.blocks)}
		x.reads.beginBlock()
	}
	x.cur.Size += int64(len(rec.data))
	return nil
}

func (x *index) closeBlock() {
	if x.cur == nil {
		return
	}
	x.cur.before = x.reads.endBlock()
	x.blocks = append(x.blocks, x.cur)
	x.joins.nextBlock()
	x.cur = nil
}

// sample notes what the second pass cannot know from inside one block.
func (x *index) sample(rec []byte) {
	e := x.f.ids.ofSample(rec, x.f.o)
	if e == nil {
		return // counted when decoded
	}
	for e.Index >= len(x.side.SampleRecords) {
		x.side.SampleRecords = append(x.side.SampleRecords, 0)
	}
	x.side.SampleRecords[e.Index]++
	x.countCPU(rec, e)
	l := &e.layout
	if l.time >= 0 && l.time+8 <= len(rec) {
		t := x.f.o.u64(rec[l.time:])
		x.side.LastNS = max(x.side.LastNS, t)
		if x.side.FirstNS == 0 || t < x.side.FirstNS {
			x.side.FirstNS = t
		}
	}
	if l.delta {
		x.reads.note(rec, l, x.f.o)
	}
	if l.deferred {
		x.deferredSample(rec, e)
	}
}

// countCPU counts a sample for its CPU.
func (x *index) countCPU(rec []byte, e *Event) {
	at := e.layout.cpu
	if at < 0 || at+4 > len(rec) {
		return
	}
	cpu := x.f.o.u32(rec[at:])
	if cpu > bundle.MaxCPU {
		return
	}
	for e.Index >= len(x.onCPU) {
		x.onCPU = append(x.onCPU, nil)
	}
	counts := x.onCPU[e.Index]
	if int(cpu) >= len(counts) {
		counts = append(counts, make([]uint64, int(cpu)+1-len(counts))...)
		x.onCPU[e.Index] = counts
	}
	counts[cpu]++
}

// taken returns how many samples of e were met, on one CPU or on all (-1).
func (x *index) taken(e *Event, cpu int32) uint64 {
	if e.Index >= len(x.side.SampleRecords) {
		return 0
	}
	if cpu < 0 {
		return x.side.SampleRecords[e.Index]
	}
	if e.Index < len(x.onCPU) && int(cpu) < len(x.onCPU[e.Index]) {
		return x.onCPU[e.Index][cpu]
	}
	return 0
}

// deferredSample notes a sample whose user chain is in another record.
func (x *index) deferredSample(rec []byte, e *Event) {
	s := Sample{Event: e, owner: e, rec: rec, o: x.f.o}
	if len(rec) < e.layout.fixedEnd || !s.walkTail(&e.layout, &x.scratch) {
		return
	}
	if cookie, ok := deferredCookie(s.Chain); ok {
		x.deferred = true
		x.joins.sample(chainKey{e.layout.taskOf(rec, x.f.o), cookie}, x.cur)
	}
}

// kernelRecord decodes a record of the kernel's
// (include/uapi/linux/perf_event.h enum perf_event_type, 7.2). What perf made
// up itself may lack the sample_id that the event's records have.
func (x *index) kernelRecord(typ RecordType, rec []byte) {
	id := sampleIDOf(rec, x.f.ids.ofOther(rec, x.f.o), x.f.o)
	if x.sideRecord(typ, rec, id) || id.size > 0 && x.sideRecord(typ, rec, sampleID{event: id.event, pid: -1, tid: -1, cpu: -1}) {
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
func (x *index) sideRecord(typ RecordType, rec []byte, id sampleID) bool {
	body := &fields{o: x.f.o, b: rec[headerSize : len(rec)-id.size]}
	misc := x.f.o.u16(rec[4:])
	switch typ {
	case RecordMmap, RecordMmap2:
		keep(&x.side.Mmaps, x.mmap(typ, misc, body, id), body)
	case RecordComm:
		c := Comm{TimeNS: id.timeNS, PID: int32(body.u32()), TID: int32(body.u32()), Exec: misc&MiscCommExec != 0}
		c.Name = x.name(body.rest())
		keep(&x.side.Comms, c, body)
	case RecordFork:
		keep(&x.side.Forks, task(body), body)
	case RecordExit:
		keep(&x.side.Exits, task(body), body)
	case RecordKsymbol:
		k := KSymbol{TimeNS: id.timeNS, Addr: body.u64(), Len: body.u32(), Type: body.u16(), Unregister: body.u16()&1 != 0}
		k.Name = x.name(body.rest())
		keep(&x.side.KSymbols, k, body)
	case RecordBPFEvent:
		b := BPFEvent{TimeNS: id.timeNS, Type: body.u16()}
		_ = body.u16() // flags
		b.ID, b.Tag = body.u32(), hex.EncodeToString(body.take(8))
		keep(&x.side.BPF, b, body)
	case RecordNamespaces:
		keep(&x.side.Namespaces, namespaces(body, id), body)
	case RecordCgroup:
		c := Cgroup{TimeNS: id.timeNS, ID: body.u64()}
		c.Path = x.name(body.rest())
		keep(&x.side.Cgroups, c, body)
	case RecordCallchainDeferred:
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

// lossRecord counts what the recording itself says is missing.
func (x *index) lossRecord(typ RecordType, misc uint16, body *fields, id sampleID) {
	switch typ {
	case RecordLost: // u64 id, u64 lost
		event := x.f.ids.event(body.u64())
		x.losses.add(lossKey{lossRing, event, id.cpu}, body.u64()) // 0 if it is not there
	case RecordLostSamples:
		kind := lossSamples
		if id.timeNS == 0 && id.event != nil && id.event.layout.trailer.time > 0 {
			kind = lossTotal // no kernel wrote this: it has no time, and no CPU either
			id.cpu = -1
			if cpu, ok := x.cpus[id.id]; ok {
				id.cpu = cpu
			}
		}
		if misc&MiscLostSamplesBPF != 0 {
			kind = lossFiltered
		}
		x.losses.add(lossKey{kind, id.event, id.cpu}, body.u64())
	case RecordThrottle, RecordUnthrottle: // u64 time, id, stream id
		t := Throttle{TimeNS: body.u64(), CPU: id.cpu, On: typ == RecordUnthrottle}
		if t.Event = x.f.ids.event(body.u64()); t.Event == nil {
			t.Event = id.event
		}
		keep(&x.side.Throttles, t, body)
		if !t.On && !body.short {
			x.losses.add(lossKey{lossThrottle, t.Event, t.CPU}, 1)
		}
	case RecordAux: // u64 offset, size, flags
		_, _ = body.u64(), body.u64()
		x.losses.aux(body.u64(), id)
	}
}

// userRecord takes a record perf itself wrote.
func (x *index) userRecord(typ RecordType, rec rawRecord) error {
	body := &fields{o: x.f.o, b: rec.data[headerSize:]}
	switch typ {
	case RecordFinishedRound:
		x.side.Rounds++
	case RecordIDIndex: // u64 n; each id, idx, cpu, tid
		for n := body.u64(); n > 0 && len(body.b) >= 32; n-- {
			e := IDIndex{ID: body.u64()}
			_ = body.u64()
			e.CPU, e.TID = int32(body.u64()), int32(body.u64())
			x.side.IDs = append(x.side.IDs, e)
			x.cpus[e.ID] = e.CPU
		}
	case RecordAuxtraceError:
		x.losses.add(lossKey{kind: lossAuxError, cpu: -1}, 1)
	case RecordHeaderAttr, RecordHeaderFeature, RecordHeaderBuildID, RecordHeaderTracingData, RecordEventUpdate:
		if x.late != nil {
			return x.late.lateRecord(rec, x)
		}
	}
	return nil
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

func task(body *fields) Task {
	t := Task{PID: int32(body.u32()), PPID: int32(body.u32()), TID: int32(body.u32()), PTID: int32(body.u32())}
	t.TimeNS = body.u64()
	return t
}

// mmap reads pid, tid, addr, len, pgoff, then for MMAP2 device and inode or a build
// id of at most 20 bytes, prot, flags; then the file.
func (x *index) mmap(typ RecordType, misc uint16, body *fields, id sampleID) Mmap {
	m := Mmap{TimeNS: id.timeNS, Misc: misc, PID: int32(body.u32()), TID: int32(body.u32())}
	m.Start, m.Len, m.PgOff = body.u64(), body.u64(), body.u64()
	if typ == RecordMmap2 {
		if misc&MiscMmapBuildID != 0 {
			if raw := body.take(24); raw != nil {
				m.BuildID = x.name([]byte(hex.EncodeToString(raw[4 : 4+min(int(raw[0]), 20)])))
			}
		} else {
			m.Major, m.Minor, m.Inode = body.u32(), body.u32(), body.u64()
			_ = body.u64() // inode generation
		}
		m.Prot, _ = body.u32(), body.u32()
	}
	m.File = x.name(body.rest())
	return m
}

// namespaces reads pid, tid, u64 count, {dev, inode}.
func namespaces(body *fields, id sampleID) Namespaces {
	n := Namespaces{TimeNS: id.timeNS, PID: int32(body.u32()), TID: int32(body.u32())}
	for count := body.u64(); count > 0 && len(body.b) >= 16; count-- {
		n.Links = append(n.Links, NamespaceLink{body.u64(), body.u64()})
	}
	return n
}

// A sampleID is the trailer of a record: when, where and for which event.
type sampleID struct {
	size     int
	event    *Event
	id       uint64 // 0 if not recorded
	pid, tid int32
	timeNS   uint64
	cpu      int32 // -1 if not recorded
}

// sampleIDOf reads the trailer of a record of event e.
func sampleIDOf(rec []byte, e *Event, o order) sampleID {
	id := sampleID{event: e, pid: -1, tid: -1, cpu: -1}
	if e == nil {
		return id
	}
	t := &e.layout.trailer
	if t.size == 0 || t.size+headerSize > len(rec) {
		return id
	}
	id.size = t.size
	at := func(fromEnd int) []byte { return rec[len(rec)-fromEnd:] }
	if t.tid > 0 {
		id.pid, id.tid = int32(o.u32(at(t.tid))), int32(o.u32(at(t.tid)[4:]))
	}
	if t.time > 0 {
		id.timeNS = o.u64(at(t.time))
	}
	if t.id > 0 {
		id.id = o.u64(at(t.id))
	}
	if t.cpu > 0 {
		id.cpu = int32(o.u32(at(t.cpu)))
	}
	return id
}
