package perfdata

import (
	"cmp"
	"container/heap"
	"context"
	"iter"
	"slices"
)

// orderWindow is how many bytes of records are held back at most to put them
// in order where no FINISHED_ROUND says that nothing older can come:
// recordings of perf before 3.13 and of simpleperf. A stream of a directory is
// one ring, in order but for what interrupted its writer.
const (
	orderWindow     = 256 << 20
	ringOrderWindow = 1 << 20
)

// A pendingSample is a record that waits for its turn.
type pendingSample struct {
	timeNS uint64
	seq    int // of arrival in its stream
	off    int64
	rec    []byte
	user   []uint64 // deferred user chain; nil if there is none
}

// before tells whose turn comes first.
func (p *pendingSample) before(q *pendingSample) bool {
	return p.timeNS < q.timeNS || p.timeNS == q.timeNS && p.seq < q.seq
}

// ordered delivers the samples of all streams in order of time. perf calls a
// pass over all rings a round; nothing in a round is older than the newest
// record of the round before the one before it
// (tools/perf/util/ordered-events.c, 6.1).
func (d *Decoder) ordered(ctx context.Context, fn func(*Sample) error) error {
	streams := d.f.blocksByStream()
	seqs := make([]iter.Seq2[pendingSample, error], len(streams))
	for i, blocks := range streams {
		window := int64(orderWindow)
		if d.f.Meta.Directory {
			window = ringOrderWindow
		}
		q := &orderQueue{d: d.fork(), window: window}
		seqs[i] = q.samples(ctx, blocks)
	}
	last := uint64(0)
	for p, err := range mergeOrdered(seqs) {
		if err != nil {
			return err
		}
		if p.timeNS < last {
			d.Stats.Late++
		}
		last = max(last, p.timeNS)
		if err := d.sample(p.rec, p.off, p.user, fn); err != nil {
			return err
		}
	}
	return nil
}

// fork returns a decoder that only finds samples for another.
func (d *Decoder) fork() *Decoder {
	c := *d
	c.buf, c.scratch, c.joined, c.chains = nil, nil, nil, map[chainKey][]uint64{}
	return &c
}

// An orderQueue puts the samples of one stream in order. They arrive ring by
// ring, each in order, so what waits is kept as runs and merged.
type orderQueue struct {
	d      *Decoder
	window int64
	runs   runHeap
	last   *sampleRun // the run that grows
	free   []*sampleRun
	bytes  int64 // of what waits
	seq    int
	arena  []byte
	newest uint64 // time met so far
	limit  uint64 // newest at the last round
}

// A sampleRun is samples in order of time.
type sampleRun struct {
	samples []pendingSample
	next    int
}

func (r *sampleRun) head() *pendingSample { return &r.samples[r.next] }

// samples yields the samples of the blocks in order of time.
func (q *orderQueue) samples(ctx context.Context, blocks iter.Seq2[*Block, error]) iter.Seq2[pendingSample, error] {
	return func(yield func(pendingSample, error) bool) {
		for b, err := range blocks {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(pendingSample{}, err)
				return
			}
			more, err := q.block(b, yield)
			if err != nil {
				yield(pendingSample{}, err)
			}
			if err != nil || !more {
				return
			}
		}
		q.flush(^uint64(0), yield)
	}
}

// block takes in the samples of a block.
func (q *orderQueue) block(b *Block, yield func(pendingSample, error) bool) (more bool, err error) {
	data, buf, err := b.load(q.d.buf)
	q.d.buf = buf
	if err != nil {
		return false, err
	}
	defer q.d.f.release(b)
	q.d.begin(b, data)
	for at, rec := range q.d.f.o.records(data) {
		switch RecordType(q.d.f.o.u32(rec)) {
		case RecordSample:
			q.add(rec, b.Offset+int64(at))
		case RecordFinishedRound:
			if !q.flush(q.limit, yield) {
				return false, nil
			}
			q.limit = q.newest
		}
		if q.bytes > q.window && !q.flush(q.midway(), yield) {
			return false, nil
		}
	}
	return true, nil
}

// add copies a sample into the queue, unless its event is not wanted.
func (q *orderQueue) add(rec []byte, off int64) {
	d := q.d
	p := pendingSample{seq: q.seq, off: off, timeNS: q.newest} // without a time of its own it stays where it is
	if e := d.f.ids.ofSample(rec, d.f.o); e != nil {
		if !e.layout.delta && (e.Index >= len(d.want) || !d.want[e.Index]) {
			return
		}
		if t := e.layout.time; t >= 0 && t+8 <= len(rec) {
			p.timeNS = d.f.o.u64(rec[t:])
		}
		p.user = d.deferredOf(rec, e)
	}
	q.seq++
	q.newest = max(q.newest, p.timeNS)
	if len(q.arena) < len(rec) {
		q.arena = alignedBuffer(max(len(rec), 1<<18))
	}
	p.rec = q.arena[:copy(q.arena, rec):len(rec)]
	q.arena = q.arena[min((len(rec)+7)&^7, len(q.arena)):]
	q.bytes += int64(len(rec))
	if q.last == nil || p.timeNS < q.last.samples[len(q.last.samples)-1].timeNS {
		q.last = q.newRun()
		q.runs = append(q.runs, q.last)
	}
	q.last.samples = append(q.last.samples, p)
}

func (q *orderQueue) newRun() *sampleRun {
	n := len(q.free)
	if n == 0 {
		return &sampleRun{}
	}
	r := q.free[n-1]
	q.free = q.free[:n-1]
	r.samples, r.next = r.samples[:0], 0
	return r
}

// midway returns a time in the middle of those that wait.
func (q *orderQueue) midway() uint64 {
	oldest := q.newest
	for _, r := range q.runs {
		oldest = min(oldest, r.head().timeNS)
	}
	return oldest + (q.newest-oldest)/2
}

// flush yields what is not younger than limit and reports whether to go on.
func (q *orderQueue) flush(limit uint64, yield func(pendingSample, error) bool) bool {
	heap.Init(&q.runs)
	q.last = nil
	for len(q.runs) > 0 && q.runs[0].head().timeNS <= limit {
		r := q.runs[0]
		p := *r.head()
		*r.head() = pendingSample{} // its record may go
		q.bytes -= int64(len(p.rec))
		if r.next++; r.next == len(r.samples) {
			heap.Pop(&q.runs)
			q.free = append(q.free, r)
		} else {
			heap.Fix(&q.runs, 0)
		}
		if !yield(p, nil) {
			return false
		}
	}
	return true
}

// A runHeap has the run whose head comes first on top.
type runHeap []*sampleRun

func (h runHeap) Len() int           { return len(h) }
func (h runHeap) Less(i, j int) bool { return h[i].head().before(h[j].head()) }
func (h runHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *runHeap) Push(x any)        { *h = append(*h, x.(*sampleRun)) }

func (h *runHeap) Pop() any {
	last := (*h)[len(*h)-1]
	(*h)[len(*h)-1] = nil
	*h = (*h)[:len(*h)-1]
	return last
}

// mergeOrdered merges ordered sequences; equal times go by sequence.
func mergeOrdered(seqs []iter.Seq2[pendingSample, error]) iter.Seq2[pendingSample, error] {
	if len(seqs) == 1 {
		return seqs[0]
	}
	return func(yield func(pendingSample, error) bool) {
		var heads headHeap
		for i, seq := range seqs {
			next, stop := iter.Pull2(seq)
			defer stop()
			heads = append(heads, &head{next: next, index: i})
		}
		for i := 0; i < len(heads); {
			if !heads[i].advance() {
				heads = slices.Delete(heads, i, i+1)
				continue
			}
			i++
		}
		heap.Init(&heads)
		for len(heads) > 0 {
			h := heads[0]
			if !yield(h.sample, h.err) || h.err != nil {
				return
			}
			if h.advance() {
				heap.Fix(&heads, 0)
			} else {
				heap.Pop(&heads)
			}
		}
	}
}

// A head is the next sample of one sequence.
type head struct {
	sample pendingSample
	err    error
	index  int
	next   func() (pendingSample, error, bool)
}

func (h *head) advance() (ok bool) {
	h.sample, h.err, ok = h.next()
	return ok
}

type headHeap []*head

func (h headHeap) Len() int { return len(h) }

func (h headHeap) Less(i, j int) bool {
	a, b := h[i], h[j]
	return cmp.Or(cmp.Compare(a.sample.timeNS, b.sample.timeNS), cmp.Compare(a.index, b.index)) < 0
}

func (h headHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *headHeap) Push(x any)   { *h = append(*h, x.(*head)) }

func (h *headHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
