package profile

import (
	"math"
	"math/bits"

	"xfrmscope/analyze/perfdata"
)

// A counter counts the samples of the blocks one worker was given.
type counter struct {
	shared *shared
	split  splitter
	tasks  *taskTable
	kernel segments // kernel addresses
	user   segments // user words, see userWord
	raw    rawUser
	events []cells // by Event.Index
}

// shared is what all workers read.
type shared struct {
	digester *digester
	tasks    *tasks
	spaces   *spaces // nil: user frames are left out
	words    *userWords
}

func newCounter(s *shared, events int) *counter {
	return &counter{shared: s, tasks: newTaskTable(s.tasks), events: make([]cells, events)}
}

// none is the number of the segment of a stack that has no frame of its kind.
const none = math.MaxUint32

// add counts one sample. position orders the samples of the recording.
func (c *counter) add(s *perfdata.Sample, position uint64) {
	ch := c.split.split(s)
	task := c.tasks.number(s)
	d := c.shared.digester
	kernel := d.words(digest{}, ch.kernel)
	user, userWords := c.userDigest(s, &ch)
	id := d.pair(d.pair(kernel, user.a, user.b), uint64(task), uint64(uint32(s.CPU)))

	t := &c.events[s.Event.Index]
	n, place, ok := t.index.find(id, t.digests)
	if !ok {
		n = t.add(id, place, cellKey{
			kernel: c.internKernel(kernel, ch.kernel, position),
			user:   c.internUser(user, userWords, ch.user, s, position),
			task:   task,
			cpu:    s.CPU,
		})
	}
	t.count(n, s.Period)
}

func (c *counter) internKernel(g digest, frames []uint64, position uint64) uint32 {
	if len(frames) == 0 {
		return none
	}
	return c.kernel.intern(g, frames, position)
}

// A cellKey says which samples a cell counts.
type cellKey struct {
	kernel, user uint32 // segments, or none
	task         uint32
	cpu          int32
}

// cells counts the samples of one event by cellKey.
type cells struct {
	index   index
	digests []digest
	keys    []cellKey
	counts  []uint64

	// While all samples have one period, only that is kept.
	samples  uint64
	fixed    uint64
	variable bool
	periods  []uint64
	squares  []uint128
}

// add enters a cell.
func (t *cells) add(g digest, place int, k cellKey) uint32 {
	n := uint32(len(t.keys))
	t.digests = append(t.digests, g)
	t.keys = append(t.keys, k)
	t.counts = append(t.counts, 0)
	if t.variable {
		t.periods = append(t.periods, 0)
		t.squares = append(t.squares, uint128{})
	}
	t.index.enter(g, place, n, t.digests)
	return n
}

// count adds a sample to a cell.
func (t *cells) count(n uint32, period uint64) {
	if period != t.fixed {
		t.differs(period)
	}
	t.samples++
	t.counts[n]++
	if t.variable {
		t.periods[n] += period
		t.squares[n] = t.squares[n].plus(square(period))
	}
}

// differs notes a period that is not the one of the samples before.
func (t *cells) differs(period uint64) {
	if t.samples == 0 {
		t.fixed = period
		return
	}
	if t.variable {
		return
	}
	t.spread()
}

// spread keeps periods cell by cell from now on.
func (t *cells) spread() {
	t.variable = true
	t.periods = make([]uint64, len(t.counts))
	t.squares = make([]uint128, len(t.counts))
	for i, n := range t.counts {
		t.periods[i], t.squares[i] = t.weight(n)
	}
}

// weight returns the sums of the periods and of their squares of n samples of
// the fixed period.
func (t *cells) weight(n uint64) (period uint64, sq uint128) {
	return n * t.fixed, square(t.fixed).times(n)
}

// at returns the sums of cell i.
func (t *cells) at(i int) (count, period uint64, sq uint128) {
	count = t.counts[i]
	if t.variable {
		return count, t.periods[i], t.squares[i]
	}
	period, sq = t.weight(count)
	return count, period, sq
}

// A uint128 sums squares exactly: floating point would depend on the order, and
// that on the workers. It wraps beyond 2^128.
type uint128 struct{ hi, lo uint64 }

func square(x uint64) uint128 {
	hi, lo := bits.Mul64(x, x)
	return uint128{hi, lo}
}

func (x uint128) plus(y uint128) uint128 {
	lo, carry := bits.Add64(x.lo, y.lo, 0)
	hi, _ := bits.Add64(x.hi, y.hi, carry)
	return uint128{hi, lo}
}

func (x uint128) times(n uint64) uint128 {
	hi, lo := bits.Mul64(x.lo, n)
	return uint128{hi + x.hi*n, lo}
}

func (x uint128) float() float64 {
	return float64(x.hi)*0x1p64 + float64(x.lo)
}
