package perfdata

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"xfrmscope/collect/bundle"
)

// An index is what the first pass over the records finds: the side-band and the blocks, each with the counter values
// its group reads begin from.
type index struct {
	f      *File
	ctx    context.Context
	side   *Sideband
	blocks []*Block
	stream *stream

	taken  []uint64          // samples by event
	onCPU  [][]uint64        // by event and CPU
	cpus   map[uint64]int32  // the CPU of an id, by ID_INDEX
	names  map[string]string // one copy of each file and task name
	losses lossCounter
	reads  *counters
	joins  *joiner
	trace  trace
	cur    *Block
	first  []byte // records of the first block of a compressed stream, nil if they are not kept

	deferred bool // some chains are in CALLCHAIN_DEFERRED records
	scratch  []uint64
}

func buildIndex(ctx context.Context, f *File) (*index, error) {
	x := &index{f: f, ctx: ctx, names: map[string]string{}, cpus: map[uint64]int32{}, losses: newLossCounter(),
		side: &Sideband{}, reads: newCounters(f.ids), joins: newJoiner()}
	for _, e := range f.Events {
		if e.attr.SampleType&^knownSampleType != 0 {
			x.losses.newer(e)
		}
	}
	for _, s := range f.streams {
		x.stream = s
		x.first = f.buffers.block(int(min(4*(s.end-s.start), blockSize)))
		first := len(x.blocks)
		lost, err := f.walk(s, x.record)
		x.closeBlock()
		if s.compressed && len(x.blocks) == first+1 {
			x.blocks[first].data = x.first
		} else {
			f.buffers.release(x.first)
		}
		if err == nil {
			err = lost.readErr
		}
		if err != nil {
			return nil, fmt.Errorf("reading records: %w", err)
		}
		x.losses.walk(s, lost, f.unfinished)
	}
	x.finish()
	return x, nil
}

// record takes one record of the stream.
func (x *index) record(rec rawRecord) error {
	if err := x.place(rec); err != nil {
		return err
	}
	typ := recordType(x.f.o.u32(rec.data))
	switch {
	case typ == recordSample:
		x.sample(rec.data)
	case typ.ofPerf():
		return x.userRecord(typ, rec)
	default:
		x.kernelRecord(typ, rec.data)
	}
	return nil
}

// place puts the record into the current block or begins the next. Where blocks end depends on the sizes of the records
// alone, so both passes and every worker see the same ones.
func (x *index) place(rec rawRecord) error {
	if x.cur != nil && !x.cur.takes(rec) {
		x.closeBlock()
		if err := x.ctx.Err(); err != nil {
			return err
		}
	}
	if x.cur == nil {
		x.cur = &Block{stream: x.stream, offset: rec.off, seq: len(x.blocks)}
		x.reads.beginBlock()
	}
	x.cur.size += int64(len(rec.data))
	x.keep(rec.data)
	return nil
}

// uncompressedHead is how many bytes of records may stand before the first compressed one; perf writes the tasks and
// mappings of the machine there.
const uncompressedHead = 1 << 20

// keep copies a record, for a compressed stream of one block need not be decompressed again.
func (x *index) keep(rec []byte) {
	switch {
	case x.first == nil:
	case x.cur.size != int64(len(x.first)+len(rec)), !x.stream.compressed && len(x.first) > uncompressedHead:
		x.f.buffers.release(x.first)
		x.first = nil // a second block, or a stream stored as it is
	default:
		x.first = append(x.first, rec...)
	}
}

func (x *index) closeBlock() {
	if x.cur == nil {
		return
	}
	x.cur.before = x.reads.begun
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
	for e.Index >= len(x.taken) {
		x.taken, x.onCPU = append(x.taken, 0), append(x.onCPU, nil)
	}
	x.taken[e.Index]++
	x.countCPU(rec, e)
	l := &e.layout
	if l.time >= 0 && l.time+8 <= len(rec) {
		x.span(x.f.o.u64(rec[l.time:]))
	}
	if l.delta {
		x.reads.note(rec, l, x.f.o)
	}
	if l.deferred {
		x.deferredSample(rec, e)
	}
}

// span notes a time at which samples were taken.
func (x *index) span(t uint64) {
	x.side.LastNS = max(x.side.LastNS, t)
	if x.side.FirstNS == 0 || t < x.side.FirstNS {
		x.side.FirstNS = t
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
	counts := x.onCPU[e.Index]
	if int(cpu) >= len(counts) {
		counts = append(counts, make([]uint64, int(cpu)+1-len(counts))...)
		x.onCPU[e.Index] = counts
	}
	counts[cpu]++
}

// samples returns how many samples of e were met, on one CPU or on all (-1).
func (x *index) samples(e *Event, cpu int32) uint64 {
	switch {
	case e.Index >= len(x.taken):
		return 0
	case cpu < 0:
		return x.taken[e.Index]
	case int(cpu) < len(x.onCPU[e.Index]):
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

// userRecord takes a record perf itself wrote.
func (x *index) userRecord(typ recordType, rec rawRecord) error {
	body := &fields{o: x.f.o, b: rec.data[headerSize:]}
	switch typ {
	case recordIDIndex: // u64 n; each id, idx, cpu, tid
		for n := body.u64(); n > 0 && len(body.b) >= 32; n-- {
			id, _ := body.u64(), body.u64()
			x.cpus[id] = int32(body.u64())
			_ = body.u64()
		}
	case recordAuxtraceInfo:
		x.trace.describe(body)
	case recordAuxtrace:
		x.auxtrace(rec, body)
	case recordTimeConv:
		x.trace.clock.set(body)
	case recordAuxtraceError:
		x.losses.add(lossKey{kind: lossAuxError, cpu: -1}, 1)
	case recordHeaderAttr, recordHeaderFeature, recordHeaderBuildID, recordHeaderTracingData, recordEventUpdate:
		if x.f.pipe != nil {
			return x.f.pipe.late(rec, x)
		}
	}
	return nil
}

// finish puts the lists in order and sums up.
func (x *index) finish() {
	s := x.side
	byTime(s.Mmaps, func(m *Mmap) uint64 { return m.TimeNS })
	byTime(s.Comms, func(c *Comm) uint64 { return c.TimeNS })
	byTime(s.Forks, func(t *Task) uint64 { return t.TimeNS })
	byTime(s.KSymbols, func(k *KSymbol) uint64 { return k.TimeNS })
	s.BuildIDs = x.buildIDs()
	x.nameTraced()
	s.Losses = x.losses.list(x.f.headLosses, x.samples)
}

// byTime sorts a list that is mostly in order already.
func byTime[T any](list []T, time func(*T) uint64) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(time(&a), time(&b)) })
}

// buildIDs joins those of the BUILD_ID feature with those of MMAP2: perf 7.2 writes only the latter.
func (x *index) buildIDs() []BuildID {
	out := slices.Clone(x.f.Meta.buildIDs)
	have := map[[2]string]bool{}
	for _, b := range out {
		have[[2]string{b.File, b.ID}] = true
	}
	for i := range x.side.Mmaps {
		m := &x.side.Mmaps[i]
		key := [2]string{m.File, m.BuildID}
		if m.BuildID == "" || have[key] {
			continue
		}
		have[key] = true
		out = append(out, BuildID{PID: m.PID, Kernel: m.mode.isKernel(), File: m.File, ID: m.BuildID})
	}
	return out
}
