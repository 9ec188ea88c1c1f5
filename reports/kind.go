package reports

import (
	"slices"

	"xfrmscope/analyze"
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

func kindTable() [kinds]kindInfo {
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

// A classifier tells the kind of each function of a profile and which stacks
// are idle, by the stage table that the figures use too.
type classifier struct {
	p     *profile.Profile
	table *stage.Table
	kinds []kind // by function
	rows  []int  // by function: row of the stage table
}

func newClassifier(p *profile.Profile) *classifier {
	table := stage.Default()
	c := &classifier{p: p, table: table, kinds: make([]kind, len(p.Functions)), rows: make([]int, len(p.Functions))}
	for i, f := range p.Functions {
		c.rows[i] = stage.None
		if !kernelMapping(p, f.Mapping) {
			c.kinds[i] = kindUser
			continue
		}
		c.rows[i] = table.Of(f.Name)
		c.kinds[i] = kernelKind(table, c.rows[i], stage.LockKindOf(f.Name))
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

// kernelMapping reports whether code without a mapping counts as kernel code,
// as it does in the figures.
func kernelMapping(p *profile.Profile, mapping int) bool {
	return mapping < 0 || p.Mappings[mapping].Kernel
}

// ofLocation returns the kind of a frame.
func (c *classifier) ofLocation(loc int32) kind {
	l := &c.p.Locations[loc]
	if l.Function >= 0 {
		return c.kinds[l.Function]
	}
	if kernelMapping(c.p, l.Mapping) {
		return kindKernel
	}
	return kindUser
}

// rowOf returns the stage of a stack, the one of the deepest frame that a
// stage claims, or stage.None.
func (c *classifier) rowOf(s profile.Stack) int {
	for _, loc := range s {
		if f := c.p.Locations[loc].Function; f >= 0 && c.rows[f] != stage.None {
			return c.rows[f]
		}
	}
	return stage.None
}

func (c *classifier) isIdle(s profile.Stack) bool {
	row := c.rowOf(s)
	return row != stage.None && c.table.Rows[row].Key == stage.Idle
}

// stageName names the stage of a stack as the figures do.
func (c *classifier) stageName(s profile.Stack) string {
	if row := c.rowOf(s); row != stage.None {
		return c.table.Rows[row].Name
	}
	for _, loc := range s {
		if kernelMapping(c.p, c.p.Locations[loc].Mapping) {
			return analyze.NoStage
		}
	}
	return analyze.UserStage
}
