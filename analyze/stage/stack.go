package stage

import (
	"strings"

	"xfrmscope/analyze/profile"
)

// A Direction is the side of the XFRM path that a stack is on.
type Direction uint8

const (
	NoDirection Direction = iota
	Transmit              // below a frame of the output path
	Receive               // below a frame of the input path
)

// What a stack is charged to if no stage claims it: Unmatched if it has a kernel
// frame, User if it has none.
const (
	Unmatched = "unmatched"
	User      = "user space"
)

// A Place is what one stack says, whatever CPU it was seen on.
type Place struct {
	Row       int  // that the deepest frame claimed by a stage belongs to, None if no frame is
	Kernel    bool // there is a kernel frame from that one down, or anywhere if Row is None
	Direction Direction
	Leaf      int32    // function, -1 not known
	Lock      LockKind // of the leaf, or of the slow path that the leaf waits in
	Caller    int32    // of the lock primitives, the first above them, if Lock is not NoLock; -1 not known
}

// A Classifier tells the places of the stacks of one profile. It is the one
// rule by which figures, pictures and profiles name a stage.
type Classifier struct {
	Table *Table
	Rows  []int      // by function; None for user functions too
	Locks []LockKind // by function

	p          *profile.Profile
	directions []Direction // by function
	traced     []bool      // by function: part of tracing, no caller of a lock
	waiting    []bool      // by function: what a slow path calls while it waits
	sleeping   []bool      // by function: part of taking a lock whose waiters sleep
}

// NewClassifier looks each function of the profile up once.
func NewClassifier(t *Table, p *profile.Profile) *Classifier {
	n := len(p.Functions)
	c := &Classifier{Table: t, p: p, Rows: make([]int, n), Locks: make([]LockKind, n),
		directions: make([]Direction, n), traced: make([]bool, n), waiting: make([]bool, n),
		sleeping: make([]bool, n)}
	for i, f := range p.Functions {
		c.Rows[i] = None
		if c.IsKernel(f.Mapping) {
			c.Rows[i] = t.Of(f.Name)
			c.Locks[i] = LockKindOf(f.Name)
			c.directions[i] = t.direction(c.Rows[i], f.Name)
			c.traced[i] = IsTracing(f.Name)
			c.waiting[i] = isWaiting(Strip(f.Name))
			c.sleeping[i] = SpinsForOwner(f.Name) || takesSleeping(Strip(f.Name))
		}
	}
	return c
}

// IsKernel reports whether code of a mapping counts as the kernel's; code
// without one does.
func (c *Classifier) IsKernel(mapping int) bool { return mapping < 0 || c.p.Mappings[mapping].Kernel }

// Of returns the place of a stack: it is walked from the leaf, and the first
// frame that a row claims decides.
func (c *Classifier) Of(s profile.Stack) Place {
	place := Place{Row: None, Leaf: -1, Caller: -1}
	for depth, loc := range s {
		l := &c.p.Locations[loc]
		if place.Row == None && c.IsKernel(l.Mapping) {
			place.Kernel = true
		}
		if l.Function < 0 {
			continue
		}
		if depth == 0 {
			place.Leaf = int32(l.Function)
		}
		if place.Row == None {
			place.Row = c.Rows[l.Function]
		}
		if place.Direction == NoDirection {
			place.Direction = c.directions[l.Function]
		}
		if place.Row != None && place.Direction != NoDirection {
			break
		}
	}
	if at := c.lock(s); at >= 0 {
		place.Lock = c.Locks[c.p.Locations[s[at]].Function]
		place.Caller = c.caller(s[at:])
	}
	return place
}

// lock returns the depth of the lock primitive that a stack runs in, or -1:
// above it stands only what it has inlined or waits with. An interrupt, for one,
// has taken the CPU away from it.
func (c *Classifier) lock(s profile.Stack) int {
	for depth, loc := range s {
		l := &c.p.Locations[loc]
		switch {
		case l.Function < 0:
			return -1
		case c.Locks[l.Function] != NoLock:
			return depth
		case !l.Inlined && !c.waiting[l.Function]:
			return -1
		}
	}
	return -1
}

// Name returns the name of the stage a place is charged to.
func (c *Classifier) Name(p Place) string {
	switch {
	case p.Row != None:
		return c.Table.Rows[p.Row].Name
	case p.Kernel:
		return Unmatched
	}
	return User
}

// Idle reports whether a place is not work.
func (c *Classifier) Idle(p Place) bool { return p.Row != None && c.Table.Rows[p.Row].Key == Idle }

// caller is who entered the slow path that a stack begins with. What takes a mutex is
// passed over where the mutex is waited for, and is who spins for its inner spin lock.
func (c *Classifier) caller(s profile.Stack) int32 {
	sleeps := c.sleeping[c.p.Locations[s[0]].Function]
	for _, loc := range s {
		fn := c.p.Locations[loc].Function
		if fn >= 0 && c.Locks[fn] == NoLock && !c.traced[fn] && !c.waiting[fn] && !(sleeps && c.sleeping[fn]) {
			return int32(fn)
		}
	}
	return -1
}

// IsTracing reports whether a function belongs to whoever traces the kernel: a
// BPF program attached to a lock, or its trampoline.
func IsTracing(function string) bool {
	return strings.HasPrefix(function, "bpf_trampoline_") || strings.HasPrefix(function, "bpf_prog_") ||
		strings.HasPrefix(function, "__bpf_prog_")
}

// direction is the side of the path that a frame alone tells: output and input
// of XFRM and of ESP. What both use (crypto, lookups of the SPD, lookups of an SA
// by its SPI) tells none: a frame further up does.
func (t *Table) direction(row int, function string) Direction {
	if row == None {
		return NoDirection
	}
	name := Strip(function)
	switch t.Rows[row].Key {
	case "output", "bundle":
		return Transmit
	case "input":
		return Receive
	case "sa":
		switch {
		case strings.Contains(name, "input"):
			return Receive
		case strings.Contains(name, "state_lookup"):
			// xfrm_input called xfrm_state_lookup up to 6.12.12, its successor
			// calls __xfrm_state_lookup; xfrm_state_find looks up by SPI, too.
			return NoDirection
		}
		return Transmit
	case "esp":
		switch {
		case strings.Contains(name, "input") || strings.Contains(name, "gro_receive") ||
			strings.Contains(name, "remove"):
			return Receive
		case strings.Contains(name, "output") || strings.Contains(name, "xmit") ||
			strings.Contains(name, "gso"):
			return Transmit
		}
	}
	return NoDirection
}
