package digest

import (
	"fmt"
	"strings"

	"xfrmscope/reports/format"
)

// A block is consecutive items of the digest, each of one or more lines. The
// first keep are cut only if cutting the others was not enough, the first least
// never.
type block struct {
	items [][]string
	brief [][]string // the same items in fewer words, if they are to be shortened first
	keep  int
	least int
	gap   bool   // an empty line before it
	rank  int    // cut first where it is highest; never at 0
	noun  string // what an item is, in the singular
	lost  int    // items cut, from the end
}

// lineItems makes an item of each line.
func lineItems(lines []string) [][]string {
	var items [][]string
	for _, l := range lines {
		items = append(items, []string{l})
	}
	return items
}

// headed joins a table's head and its first row, so that no head is left
// without one.
func headed(head []string, rows []string) [][]string {
	if len(rows) == 0 {
		return [][]string{head}
	}
	return append([][]string{append(head[:len(head):len(head)], rows[0])}, lineItems(rows[1:])...)
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

// fitBlocks shortens items and then cuts them from the ends of blocks, the
// highest rank first, until all fit in limit lines, and says in the last line
// what was cut.
func fitBlocks(blocks []block, limit int) []string {
	eachRank(blocks, func(b *block) {
		if total(blocks) > limit && b.brief != nil {
			b.items = b.brief
		}
	})
	keep, least := func(b *block) int { return b.keep }, func(b *block) int { return b.least }
	for _, floor := range []func(*block) int{keep, least} {
		eachRank(blocks, func(b *block) {
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

// eachRank calls f for the blocks that may be cut, the highest rank first.
func eachRank(blocks []block, f func(*block)) {
	highest := 0
	for _, b := range blocks {
		highest = max(highest, b.rank)
	}
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
	eachRank(blocks, func(b *block) { order = append([]*block{b}, order...) })
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
		switch b.lost {
		case 0:
		case 1:
			parts = append(parts, "1 "+b.noun)
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", b.lost, b.noun))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	for n := len(parts); n > 0; n-- {
		more := ""
		if n < len(parts) {
			more = ", ..."
		}
		if s := "(see report.html for " + strings.Join(parts[:n], ", ") + more + ")"; len(s) <= digestColumns {
			return s
		}
	}
	return "(see report.html for the rest)"
}
