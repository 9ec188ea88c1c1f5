package profile

import (
	"math"
	"math/bits"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/symbols"
)

// A counter counts the samples of the blocks one worker was given, into the
// tables of all.
type counter struct {
	*shared
	split splitter
	names namer
	words []uint64 // scratch
	slots slots

	held    [maxHeld]held
	holds   int                  // how many are held
	byPlace [stripes + 1][]int32 // held samples by stripe
	fetched uint64               // keeps the compiler from dropping the fetches of countStripe
}

// maxHeld is so many that a stripe gets about as many as a core can have cache
// misses under way.
const maxHeld = 8 * stripes

// shared is what all workers have in common.
type shared struct {
	*tables
	digester *digester
	spaces   *spaces // nil: user frames are left out
	store    *symbols.Store
	asPerf   bool
	timeline *Timeline
}

// A stackKey is a stack: numbers of segments, or none.
type stackKey struct{ kernel, user uint32 }

// A held sample is one not counted yet.
type held struct {
	id       digest // of stack, task and CPU
	kernelID digest
	userID   digest // of user addresses and layout, or of the stand-in
	kernel   []uint64
	user     []uint64
	standIn  uint64 // word instead of user addresses, 0 for none
	layout   *layout
	userSeg  uint32
	event    int
	task     uint32
	cpu      int32
	slice    int32 // of the timeline, -1 for none
	period   uint64
}

// add counts one sample.
//
// Most samples are of a stack, task and CPU seen before; of them, only one slot
// and one cell are looked at, but both are far from the cache. So samples are
// held until there are enough of each stripe for the memory to fetch many of
// those at a time.
func (c *counter) add(s *perfdata.Sample) {
	ch := c.split.split(s)
	h := &c.held[c.holds]
	h.event, h.cpu, h.period = s.Event.Index, s.CPU, s.Period
	h.slice = c.timeline.slice(s)
	h.task = c.names.number(s, &c.tasks)
	h.kernelID = c.digester.words(digest{}, ch.kernel)
	h.kernel = append(h.kernel[:0], ch.kernel...)
	c.holdUser(h, s, &ch)
	if c.holds++; c.holds == len(c.held) {
		c.flush()
	}
}

// flush counts the samples held.
func (c *counter) flush() {
	for i := range c.byPlace {
		c.byPlace[i] = c.byPlace[i][:0]
	}
	d := c.digester
	for i := range c.holds {
		h := &c.held[i]
		h.userSeg = c.internUser(h)
		h.id = d.pair(d.pair(h.kernelID, uint64(h.userSeg), uint64(h.task)), uint64(uint32(h.cpu)),
			uint64(h.event))
		c.byPlace[h.id.stripe()] = append(c.byPlace[h.id.stripe()], int32(i))
	}
	for stripe := range stripes {
		c.countStripe(stripe, c.byPlace[stripe])
	}
	c.holds = 0
}

// countStripe counts held samples of one stripe, event by event.
func (c *counter) countStripe(stripe int, batch []int32) {
	for len(batch) > 0 {
		event, n := c.held[batch[0]].event, 1
		for n < len(batch) && c.held[batch[n]].event == event {
			n++
		}
		t := &c.cells(event)[stripe]
		t.Lock()
		c.countInto(&t.cells, batch[:n])
		t.Unlock()
		batch = batch[n:]
	}
}

func (c *counter) countInto(t *cells, batch []int32) {
	var next [maxHeld]uint32
	for i, b := range batch {
		next[i] = t.index.peek(c.held[b].id)
	}
	for i := range batch {
		c.fetched += t.index.fetch(next[i])
	}
	for _, b := range batch {
		h := &c.held[b]
		n, v, isNew := t.index.intern(h.id)
		if isNew {
			*v = cell{stack: c.internStack(h), task: h.task, cpu: h.cpu}
		}
		t.count(n, v, h.period)
		if h.slice >= 0 {
			c.slots.add(slotKey{v.stack, h.cpu, h.slice, int32(h.event)}, h.period)
		}
	}
}

func (c *counter) internStack(h *held) uint32 {
	k := stackKey{none, h.userSeg}
	if len(h.kernel) > 0 {
		k.kernel = c.kernel.intern(h.kernelID, h.kernel)
	}
	return c.stacks.intern(c.digester.pair(digest{}, uint64(k.kernel), uint64(k.user)), k)
}

// A cell counts the samples of one event that share stack, task and CPU. Stack
// and task are numbers in the tables.
type cell struct {
	stack uint32
	task  uint32
	cpu   int32
	count uint32 // modulo 2^32, see cells.wraps
}

// cells are those of one event in one stripe, by a digest of stack, task and
// CPU.
type cells struct {
	index index[cell]
	wraps map[uint32]uint64 // how often a count passed 2^32

	// While all samples have one period, no cell keeps its own.
	samples  uint64
	fixed    uint64
	variable bool
	sums     list[sums]
}

// sums are those of the periods of a cell and of their squares.
type sums struct {
	period  uint64
	squares uint128
}

func (s *sums) add(t sums) {
	s.period += t.period
	s.squares = s.squares.plus(t.squares)
}

// count adds a sample to cell n, which is v.
func (t *cells) count(n uint32, v *cell, period uint64) {
	if period != t.fixed || t.variable {
		t.vary(n, period)
	}
	t.samples++
	if v.count++; v.count == 0 {
		if t.wraps == nil {
			t.wraps = map[uint32]uint64{}
		}
		t.wraps[n]++
	}
}

// vary notes a period for cell n that the fixed one does not cover.
func (t *cells) vary(n uint32, period uint64) {
	if t.samples == 0 {
		t.fixed = period
		return
	}
	if !t.variable {
		t.variable = true
		for i := range uint32(t.index.len()) {
			t.sums.add(t.weight(t.number(i)))
		}
	}
	for t.sums.n < t.index.len() {
		t.sums.add(sums{})
	}
	t.sums.at(n).add(sums{period, square(period)})
}

// number returns the samples in cell i.
func (t *cells) number(i uint32) uint64 {
	return t.wraps[i]<<32 + uint64(t.index.at(i).count)
}

// weight returns the sums of n samples of the fixed period.
func (t *cells) weight(n uint64) sums {
	return sums{n * t.fixed, square(t.fixed).times(n)}
}

// at returns the samples and sums of cell i.
func (t *cells) at(i uint32) (uint64, sums) {
	n := t.number(i)
	if t.variable {
		return n, *t.sums.at(i)
	}
	return n, t.weight(n)
}

// A uint128 sums squares exactly: floating point would depend on the order, and
// that on the workers. It stays at its largest value beyond 2^128.
type uint128 struct{ hi, lo uint64 }

var maxUint128 = uint128{math.MaxUint64, math.MaxUint64}

func square(x uint64) uint128 {
	hi, lo := bits.Mul64(x, x)
	return uint128{hi, lo}
}

func (x uint128) plus(y uint128) uint128 {
	lo, carry := bits.Add64(x.lo, y.lo, 0)
	hi, over := bits.Add64(x.hi, y.hi, carry)
	if over != 0 {
		return maxUint128
	}
	return uint128{hi, lo}
}

func (x uint128) times(n uint64) uint128 {
	over, hi := bits.Mul64(x.hi, n)
	carry, lo := bits.Mul64(x.lo, n)
	hi, c := bits.Add64(hi, carry, 0)
	if over != 0 || c != 0 {
		return maxUint128
	}
	return uint128{hi, lo}
}

func (x uint128) float() float64 {
	return float64(x.hi)*0x1p64 + float64(x.lo)
}
