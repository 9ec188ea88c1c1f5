package digest

import (
	"fmt"
	"strings"

	"xfrmscope/reports/format"
)

// A block is consecutive items of the digest, each of one or more lines.
type block struct {
	items [][]string
	keep  int    // items that are cut only if cutting all others was not enough
	least int    // items that are never cut
	gap   bool   // an empty line before it
	rank  int    // cut first where it is highest; never at 0
	noun  string // what an item is, in the singular
	lost  int    // items cut, from the end
	more  int    // items that were left out before
}

func lineItems(lines []string) [][]string {
	var items [][]string
	for _, l := range lines {
		items = append(items, []string{l})
	}
	return items
}

func (b *block) shown() [][]string { return b.items[:len(b.items)-b.lost] }

func (b *block) lines() int {
	n := 0
	for _, it := range b.shown() {
		n += len(it)
	}
	if b.gap && n > 0 {
		n++
	}
	return n
}

// fitBlocks cuts items from the ends of blocks, the highest rank first, until all
// fit in limit lines, and says in the last line what was cut.
func fitBlocks(blocks []block, limit int) []string {
	for _, floor := range []func(*block) int{func(b *block) int { return max(b.keep, b.least) },
		func(b *block) int { return b.least }} {
		byRank(blocks, func(b *block) {
			for total(blocks) > limit && b.lost < len(b.items)-floor(b) {
				b.lost++
			}
		})
	}
	refill(blocks, limit)
	var out []string
	for _, b := range blocks {
		if b.gap && len(b.shown()) > 0 {
			out = append(out, "")
		}
		for _, it := range b.shown() {
			for _, l := range it {
				out = append(out, strings.TrimRight(format.ASCII(l, digestColumns), " "))
			}
		}
	}
	if notice := cutNotice(blocks); notice != "" {
		out = append(out[:min(len(out), limit-1)], format.ASCII(notice, digestColumns))
	}
	return out[:min(len(out), limit)]
}

// byRank calls f for the blocks that may be cut, the highest rank first.
func byRank(blocks []block, f func(*block)) {
	const highest = 9
	for rank := highest; rank > 0; rank-- {
		for i := range blocks {
			if blocks[i].rank == rank {
				f(&blocks[i])
			}
		}
	}
}

// refill puts items back where cutting one of many lines left room, those that
// matter most first.
func refill(blocks []block, limit int) {
	var order []*block
	byRank(blocks, func(b *block) { order = append([]*block{b}, order...) })
	for _, b := range order {
		for b.lost > 0 {
			b.lost--
			if total(blocks) > limit {
				b.lost++
				break
			}
		}
	}
}

func total(blocks []block) int {
	n := 0
	for i := range blocks {
		n += blocks[i].lines()
	}
	if cutNotice(blocks) != "" {
		n++
	}
	return n
}

// cutNotice says what found no room, "" if everything did.
func cutNotice(blocks []block) string {
	var parts []string
	for _, b := range blocks {
		switch lost := b.lost + b.more; lost {
		case 0:
		case 1:
			parts = append(parts, "1 "+b.noun)
		default:
			noun := b.noun + "s"
			if first, rest, ok := strings.Cut(b.noun, " of "); ok {
				noun = first + "s of " + rest
			}
			parts = append(parts, fmt.Sprintf("%d %s", lost, noun))
		}
	}
	for n := len(parts); n > 0; n-- {
		more := ""
		if n < len(parts) {
			more = ", ..."
		}
		if s := cut + strings.Join(parts[:n], ", ") + more + " more)"; len(s) <= digestColumns {
			return s
		}
	}
	return ""
}
