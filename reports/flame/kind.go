package flame

import (
	"slices"

	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/stage"
)

// A kind is what a flame graph's colour says of a frame.
type kind uint8

const (
	kindKernel kind = iota // kernel code that is none of the following
	kindXFRM
	kindESP
	kindCrypto
	kindSpin     // a lock's slow path: the CPU waits
	kindLockWord // a lock's acquire fast path
	kindUser
	kinds int = iota
)

// kindInfo is how a kind is drawn. Colours are those of Okabe and Ito ("Color
// universal design", 2008), which readers with a colour-vision deficiency tell
// apart; both lock kinds are hatched and outlined as well.
type kindInfo struct {
	class, label string
	fill, ink    string // colours of the rectangle and of the text on it
}

func KindTable() [kinds]kindInfo {
	return [kinds]kindInfo{
		kindKernel:   {"o", "other kernel", "#dcdcdc", "#111"},
		kindXFRM:     {"x", "XFRM", "#56b4e9", "#111"},
		kindESP:      {"e", "ESP", "#0072b2", "#fff"},
		kindCrypto:   {"c", "crypto", "#009e73", "#111"},
		kindSpin:     {"s", "lock slow path: waits", "#d55e00", "#111"},
		kindLockWord: {"w", "lock fast path: takes", "#e69f00", "#111"},
		kindUser:     {"u", "user space", "#f0e442", "#111"},
	}
}

// xfrmStages are the keys of analyze/stage rows that are XFRM code.
var xfrmStages = []string{"spd", "sa", "bundle", "bundle-free", "refcount", "replay", "output", "input"}

// A classifier tells the kind of each function of a profile; what it says of
// stages and idle time is the figures' own rule.
type classifier struct {
	p      *profile.Profile
	stages *stage.Classifier
	table  *stage.Table
	kinds  []kind // by function
	rows   []int  // by function: row of the table
}

func newClassifier(p *profile.Profile) *classifier {
	stages := stage.NewClassifier(stage.Default(), p)
	c := &classifier{p: p, stages: stages, table: stages.Table, kinds: make([]kind, len(p.Functions)),
		rows: stages.Rows}
	for i, f := range p.Functions {
		c.kinds[i] = kindUser
		if c.stages.IsKernel(f.Mapping) {
			c.kinds[i] = kernelKind(c.table, c.rows[i], c.stages.Locks[i])
		}
	}
	return c
}

func kernelKind(table *stage.Table, row int, lock stage.LockKind) kind {
	switch {
	case lock == stage.Spin:
		return kindSpin
	case lock == stage.LockWord:
		return kindLockWord
	case row == stage.None:
		return kindKernel
	case table.Rows[row].Key == "esp":
		return kindESP
	case table.Rows[row].Key == "crypto":
		return kindCrypto
	case slices.Contains(xfrmStages, table.Rows[row].Key):
		return kindXFRM
	}
	return kindKernel
}

func (c *classifier) ofLocation(loc int32) kind {
	l := &c.p.Locations[loc]
	if l.Function >= 0 {
		return c.kinds[l.Function]
	}
	if c.stages.IsKernel(l.Mapping) {
		return kindKernel
	}
	return kindUser
}

func (c *classifier) isIdle(s profile.Stack) bool { return c.stages.Idle(c.stages.Of(s)) }
