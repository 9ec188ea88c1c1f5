package perfdata

import (
	"context"
	"fmt"

	"xfrmscope/collect/bundle"
)

// SampleOptions select samples. The zero value takes all but those of dummy
// events.
type SampleOptions struct {
	Events []*Event      // nil: every event that is no dummy
	CPUs   bundle.CPUSet // nil: every CPU; samples without a CPU are taken then only
	FromNS uint64        // samples at or after
	ToNS   uint64        // samples before; 0: no end
	// Ordered delivers samples in order of time (ties in order of the stream)
	// instead of the stream's. Only Samples knows it; blocks have no order.
	Ordered bool
}

// Stats count what a decoder met. They are sums: add those of several workers
// with Add, in any order.
type Stats struct {
	Records      uint64 // SAMPLE records seen
	Samples      uint64 // samples delivered: a group read makes one of each member that moved
	Filtered     uint64 // records left out by the options
	UnknownEvent uint64 // records with an id no event has
	Undecodable  uint64 // records shorter than their fields

	ChainsMissing uint64 // samples whose deferred user chain never came
	Late          uint64 // samples out of order although SampleOptions.Ordered
}

// Add adds u to s.
func (s *Stats) Add(u Stats) {
	s.Records += u.Records
	s.Samples += u.Samples
	s.Filtered += u.Filtered
	s.UnknownEvent += u.UnknownEvent
	s.Undecodable += u.Undecodable
	s.ChainsMissing += u.ChainsMissing
	s.Late += u.Late
}

// Losses returns what decoding could not read.
func (s *Stats) Losses() []bundle.Loss {
	var out []bundle.Loss
	for _, n := range []lossNote{
		{what: "samples of an unknown event", count: s.UnknownEvent, of: s.Records, effect: "they are in no event's total"},
		{what: "samples too short for their fields", count: s.Undecodable, of: s.Records, effect: "they are in no event's total"},
		{what: "deferred user call chains", count: s.ChainsMissing, of: s.Records, effect: "the stacks of those samples end at the kernel's entry"},
		{what: "samples out of order", count: s.Late, of: s.Records, effect: "begin and end of what they pair may not have met"},
	} {
		if n.count > 0 {
			out = append(out, n.loss())
		}
	}
	return out
}

// A Decoder turns the records of blocks into samples. Each worker has its own;
// it allocates its buffers once.
type Decoder struct {
	Stats Stats

	f        *File
	want     []bool // by Event.Index
	cpus     []bool // by CPU; nil: all
	from, to uint64
	buf      []byte
	scratch  []uint64 // chain in the byte order of the machine
	joined   []uint64 // chain joined of two parts
	chains   map[chainKey][]uint64
	block    *Block
	reads    *counters
	s        Sample
}

// NewDecoder returns a decoder for the blocks of f. It passes over the records
// if that was not done yet.
func (f *File) NewDecoder(opts SampleOptions) (*Decoder, error) {
	if _, err := f.index(context.Background()); err != nil {
		return nil, err
	}
	d := &Decoder{f: f, from: opts.FromNS, to: opts.ToNS, want: make([]bool, len(f.Events)),
		block: &Block{}, chains: map[chainKey][]uint64{}}
	for _, e := range f.Events {
		d.want[e.Index] = opts.Events == nil && !e.IsDummy()
	}
	for _, e := range opts.Events {
		if e.Index >= len(f.Events) || f.Events[e.Index] != e {
			return nil, fmt.Errorf("event %s is of another recording", e.Name)
		}
		d.want[e.Index] = true
	}
	if opts.CPUs != nil {
		d.cpus = make([]bool, bundle.MaxCPU+1)
		for _, c := range opts.CPUs {
			if c >= 0 && c <= bundle.MaxCPU {
				d.cpus[c] = true
			}
		}
	}
	d.reads = newCounters(f.ids)
	return d, nil
}

// Decode calls fn with every sample of the block that the options select, in
// order of the stream, and stops with fn's error. A record that cannot be
// decoded is counted in Stats and passed over.
func (d *Decoder) Decode(b *Block, fn func(*Sample) error) error {
	data, buf, err := b.load(d.buf)
	d.buf = buf
	if err != nil {
		return err
	}
	defer d.f.release(b)
	d.begin(b, data)
	d.reads.restore(b.before)
	o, at := d.f.o, 0
	for at+headerSize <= len(data) {
		size := int(o.u16(data[at+6:]))
		if size < headerSize || at+size > len(data) {
			break
		}
		if RecordType(o.u32(data[at:])) == RecordSample {
			if err := d.sample(data[at:at+size], b.Offset+int64(at), nil, fn); err != nil {
				return err
			}
		}
		at += size
	}
	if at != len(data) {
		return fmt.Errorf("no record at byte %d: the file changed while it was read", b.Offset+int64(at))
	}
	return nil
}

// sample decodes one SAMPLE record and delivers what it holds. user is its
// deferred user chain where that was looked up before.
func (d *Decoder) sample(rec []byte, off int64, user []uint64, fn func(*Sample) error) error {
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
	s := &d.s
	s.Event, s.owner, s.rec, s.o, s.Offset = e, e, rec, d.f.o, off
	s.setFixed(l)
	if !l.delta && !d.selected(s) {
		d.Stats.Filtered++
		return nil
	}
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
		d.joinDeferred(s, user)
	}
	if l.delta {
		return d.deliverReads(s, l, fn)
	}
	return d.deliver(s, fn)
}

func (d *Decoder) deliver(s *Sample, fn func(*Sample) error) error {
	d.Stats.Samples++
	return fn(s)
}

// deliverReads delivers one sample of each counter that moved since it was
// read last, Period being how far (tools/perf/util/session.c
// deliver_sample_group, 6.1).
func (d *Decoder) deliverReads(s *Sample, l *layout, fn func(*Sample) error) error {
	tid, filtered := l.counterTask(s.rec, s.o), true
	for v := range l.readValues(s.rec, s.o) {
		slot, delta, ok := d.reads.advance(v.ID, tid, l.perTask, v.Value)
		if !ok {
			d.Stats.UnknownEvent++
			continue
		}
		s.Event, s.Period = d.f.ids.slots[slot].event, delta
		if !d.selected(s) {
			continue
		}
		filtered = false
		if delta == 0 {
			continue
		}
		if err := d.deliver(s, fn); err != nil {
			return err
		}
	}
	if filtered {
		d.Stats.Filtered++
	}
	return nil
}

// setFixed reads the fields of fixed place.
func (s *Sample) setFixed(l *layout) {
	rec, o := s.rec, s.o
	s.Misc = o.u16(rec[4:])
	s.IP, s.TimeNS, s.PID, s.TID, s.CPU, s.Period = 0, 0, -1, -1, -1, l.fixedPeriod
	if l.ip >= 0 {
		s.IP = o.u64(rec[l.ip:])
	}
	if l.tid >= 0 {
		s.PID, s.TID = int32(o.u32(rec[l.tid:])), int32(o.u32(rec[l.tid+4:]))
	}
	if l.time >= 0 {
		s.TimeNS = o.u64(rec[l.time:])
	}
	if l.cpu >= 0 {
		s.CPU = int32(o.u32(rec[l.cpu:]))
	}
	if l.period >= 0 {
		s.Period = o.u64(rec[l.period:])
	}
}

// selected reports whether the options take the sample.
func (d *Decoder) selected(s *Sample) bool {
	if i := s.Event.Index; i >= len(d.want) || !d.want[i] {
		return false
	}
	if d.cpus != nil && (s.CPU < 0 || int(s.CPU) >= len(d.cpus) || !d.cpus[s.CPU]) {
		return false
	}
	return s.TimeNS >= d.from && (d.to == 0 || s.TimeNS < d.to)
}

// Samples calls fn with every sample that the options select, from one
// goroutine. For several, see Blocks and NewDecoder.
func (f *File) Samples(ctx context.Context, opts SampleOptions, fn func(*Sample) error) (Stats, error) {
	if _, err := f.index(ctx); err != nil {
		return Stats{}, err
	}
	d, err := f.NewDecoder(opts)
	if err != nil {
		return Stats{}, err
	}
	if opts.Ordered {
		err := d.ordered(ctx, fn)
		return d.Stats, err
	}
	for b, err := range f.Blocks(ctx) {
		if err != nil {
			return d.Stats, err
		}
		if err := d.Decode(b, fn); err != nil {
			return d.Stats, err
		}
	}
	return d.Stats, nil
}
