package profile

import (
	"math"
	"math/bits"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/symbols"
)

// A counter counts the samples of the blocks one worker was given.
type counter struct {
	shared *shared
	split  splitter
	tasks  *taskTable
	kernel segments // kernel addresses
	user   segments // user words, see userWord
	raw    rawUser
	stacks index[stackKey]
	events []cells // by Event.Index

	held    [maxHeld]held
	holds   int    // how many are held
	fetched uint64 // keeps the compiler from dropping the fetches of flush
}

// maxHeld is about how many cache misses a core has under way.
const maxHeld = 32

// shared is what all workers read.
type shared struct {
	digester *digester
	tasks    *tasks
	spaces   *spaces // nil: user frames are left out
	store    *symbols.Store
	asPerf   bool
}

func newCounter(s *shared, events int) *counter {
	return &counter{shared: s, split: splitter{asPerf: s.asPerf}, tasks: newTaskTable(s.tasks), events: make([]cells, events)}
}

// A stackKey is a stack: numbers of segments, or none.
type stackKey struct{ kernel, user uint32 }

func (d *digester) stack(k stackKey) digest {
	return d.pair(digest{}, uint64(k.kernel), uint64(k.user))
}

// add counts one sample. position orders the samples of the recording.
//
// Most samples are of a stack, task and CPU seen before; of them, only one slot
// and one cell are looked at, but both are far from the cache. So samples are
// held until there are enough for the memory to fetch many of those at a time.
func (c *counter) add(s *perfdata.Sample, position uint64) {
	ch := c.split.split(s)
	d := c.shared.digester
	h := &c.held[c.holds]
	h.event, h.cpu, h.period, h.position = s.Event.Index, s.CPU, s.Period, position
	h.task = c.tasks.number(s)
	h.kernelID = d.words(digest{}, ch.kernel)
	h.kernel = append(h.kernel[:0], ch.kernel...)
	c.holdUser(h, s, &ch)
	if c.holds++; c.holds == len(c.held) {
		c.flush()
	}
}

// A held sample is one not counted yet.
type held struct {
	id       digest // of stack, task and CPU
	kernelID digest
	userID   digest // of user addresses and layout
	kernel   []uint64
	user     []uint64
	standIn  uint64 // word instead of user addresses, 0 for none
	layout   *layout
	userSeg  uint32
	event    int
	task     uint32
	cpu      int32
	period   uint64
	position uint64
}

// flush counts the samples held.
func (c *counter) flush() {
	batch := c.held[:c.holds]
	var next [maxHeld]uint32
	if c.shared.spaces != nil {
		for i := range batch {
			next[i] = c.raw.index.peek(batch[i].userID)
		}
		for i := range batch {
			c.fetched += c.raw.index.fetch(next[i])
		}
	}
	d := c.shared.digester
	for i := range batch {
		h := &batch[i]
		h.userSeg = c.internUser(h)
		h.id = d.pair(d.pair(h.kernelID, uint64(h.userSeg), uint64(h.task)), uint64(uint32(h.cpu)), 0)
		next[i] = c.events[h.event].index.peek(h.id)
	}
	for i := range batch {
		c.fetched += c.events[batch[i].event].index.fetch(next[i])
	}
	for i := range batch {
		c.countHeld(&batch[i])
	}
	c.holds = 0
}

func (c *counter) countHeld(h *held) {
	t := &c.events[h.event]
	n, v, isNew := t.index.intern(h.id)
	if isNew {
		k := stackKey{none, h.userSeg}
		if len(h.kernel) > 0 {
			k.kernel = c.kernel.intern(h.kernelID, h.kernel, h.position)
		}
		*v = cell{stack: c.internStack(k), task: h.task, cpu: h.cpu}
	}
	t.count(n, v, h.period)
}

func (c *counter) internStack(k stackKey) uint32 {
	n, v, _ := c.stacks.intern(c.shared.digester.stack(k))
	*v = k
	return n
}

// A cell counts the samples of one event that share stack, task and CPU.
type cell struct {
	stack uint32
	task  uint32
	cpu   int32
	count uint32 // modulo 2^32, see cells.wraps
}

// cells are those of one event, by a digest of stack, task and CPU.
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
