package perfdata

import (
	"context"
	"fmt"

	"xfrmscope/collect/bundle"
)

// Stats count what a decoder met. They are sums: add those of several workers with Add, in any order.
type Stats struct {
	Records       uint64 // SAMPLE records seen
	Samples       uint64 // samples delivered: a group read makes one of each member that moved
	UnknownEvent  uint64 // records with an id no event has
	Undecodable   uint64 // records shorter than their fields
	ChainsMissing uint64 // samples whose deferred user chain never came
	TraceBytes    uint64 // of hardware traces
	TraceLost     uint64 // those that belong to no whole record of the trace
}

// Add adds u to s.
func (s *Stats) Add(u Stats) {
	s.Records += u.Records
	s.Samples += u.Samples
	s.UnknownEvent += u.UnknownEvent
	s.Undecodable += u.Undecodable
	s.ChainsMissing += u.ChainsMissing
	s.TraceBytes += u.TraceBytes
	s.TraceLost += u.TraceLost
}

// Losses returns what decoding could not read.
func (s *Stats) Losses() []bundle.Loss {
	var out []bundle.Loss
	for _, l := range []bundle.Loss{
		lossOf("samples of an unknown event", s.UnknownEvent, "they are in no event's total"),
		lossOf("samples too short for their fields", s.Undecodable, "they are in no event's total"),
		lossOf("deferred user call chains", s.ChainsMissing,
			"the stacks of those samples end at the kernel's entry"),
	} {
		if l.Of = s.Records; l.Count > 0 {
			out = append(out, l)
		}
	}
	if s.TraceLost > 0 {
		l := lossOf("bytes of the SPE trace that are no whole record", s.TraceLost,
			"the accesses in them are in no total")
		l.Of = s.TraceBytes
		out = append(out, l)
	}
	return out
}

// A Decoder turns the records of blocks into samples. Each worker has its own; it allocates its buffers once.
type Decoder struct {
	Stats Stats

	f       *File
	buf     []byte
	scratch []uint64 // chain in the byte order of the machine
	joined  []uint64 // chain joined of two parts
	chains  map[chainKey][]uint64
	block   *Block
	reads   *counters
	s       Sample
	access  Access // that s is of, in a trace
}

// NewDecoder returns a decoder for the blocks of f. It passes over the records if that was not done yet.
func (f *File) NewDecoder() (*Decoder, error) {
	if _, err := f.index(context.Background()); err != nil {
		return nil, err
	}
	return &Decoder{f: f, block: &Block{}, chains: map[chainKey][]uint64{}, reads: newCounters(f.ids)}, nil
}

// Decode calls fn with every sample of the block, in order of the stream, and stops with fn's error. Events that perf
// adds for bookkeeping (Event.IsDummy) are left out. A record that cannot be decoded is counted in Stats and passed
// over.
func (d *Decoder) Decode(b *Block, fn func(*Sample) error) error {
	if b.aux != nil {
		return d.trace(b.aux, fn)
	}
	data, buf, err := b.load(d.buf)
	d.buf = buf
	if err != nil {
		return err
	}
	defer func() {
		d.f.buffers.release(b.data)
		b.data = nil
	}()
	d.begin(b, data)
	d.reads.restore(b.before)
	o, at := d.f.o, 0
	for at+headerSize <= len(data) {
		size := int(o.u16(data[at+6:]))
		if size < headerSize || at+size > len(data) {
			break
		}
		if recordType(o.u32(data[at:])) == recordSample {
			if err := d.sample(data[at:at+size], fn); err != nil {
				return err
			}
		}
		at += size
	}
	if at != len(data) {
		return fmt.Errorf("no record at byte %d: the file changed while it was read", b.offset+int64(at))
	}
	return nil
}

// sample decodes one SAMPLE record and delivers what it holds.
func (d *Decoder) sample(rec []byte, fn func(*Sample) error) error {
	d.Stats.Records++
	e := d.f.ids.ofSample(rec, d.f.o)
	if e == nil {
		d.Stats.UnknownEvent++
		return nil
	}
	l := &e.layout
	if len(rec) < l.fixedEnd {
		d.Stats.Undecodable++
		return nil
	}
	if l.dummy && !l.delta { // as a leader it reads the counters of others
		return nil
	}
	s := &d.s
	s.Event, s.owner, s.rec, s.o, s.traced = e, e, rec, d.f.o, nil
	s.setFixed(l)
	s.tail = tailOffsets{}
	if !s.walkTail(l, &d.scratch) {
		d.Stats.Undecodable++
		if l.delta { // as the first pass did
			d.reads.pass(s.rec, l, d.f.o)
		}
		return nil
	}
	if l.callStack {
		s.joinCallStack(&d.joined)
	}
	if l.deferred {
		d.joinDeferred(s)
	}
	if l.delta {
		return d.deliverReads(s, l, fn)
	}
	d.Stats.Samples++
	return fn(s)
}

// deliverReads delivers one sample of each counter that moved since it was read last, Period being how far
// (tools/perf/util/session.c deliver_sample_group, 6.1).
func (d *Decoder) deliverReads(s *Sample, l *layout, fn func(*Sample) error) error {
	tid := l.counterTask(s.rec, s.o)
	for v := range l.readValues(s.rec, s.o) {
		slot, delta, ok := d.reads.advance(v.id, tid, l.perTask, v.value)
		if !ok {
			d.Stats.UnknownEvent++
			continue
		}
		s.Event, s.Period = d.f.ids.slots[slot].event, delta
		if delta == 0 || s.Event.layout.dummy {
			continue
		}
		d.Stats.Samples++
		if err := fn(s); err != nil {
			return err
		}
	}
	return nil
}
