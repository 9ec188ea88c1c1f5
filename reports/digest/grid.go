package digest

import (
	"slices"
	"strings"
)

// A group is columns under one title: the modes of one figure.
type group struct {
	title string
	heads []string // one a column; none where the title says it all
	cells [][]string
}

// lines prints a table: labels down, groups side by side, as many of them as
// digestColumns hold. The first lines returned are the head.
func lines(head string, labels []string, groups []group) (top, rows []string) {
	wide := len(head)
	for _, l := range labels {
		wide = max(wide, len(l))
	}
	total := 2 + wide
	titles, heads := pad(head, wide), strings.Repeat(" ", wide)
	single := !slices.ContainsFunc(groups, func(g group) bool { return len(g.heads) > 0 })
	if !single {
		titles, heads = heads, titles
	}
	rows = make([]string, len(labels))
	for i, l := range labels {
		rows[i] = pad(l, wide)
	}
	for _, g := range groups {
		widths, sum := g.widths()
		if total+gap+sum > digestColumns {
			break
		}
		total += gap + sum
		space := strings.Repeat(" ", gap)
		titles += space + pad(strings.Repeat(" ", max(0, (sum-len(g.title)+1)/2))+g.title, sum)
		heads += space + alignRight(g.heads, widths)
		for i := range rows {
			rows[i] += space + alignRight(g.cells[i], widths)
		}
	}
	top = []string{"  " + titles}
	if !single {
		top = append(top, "  "+heads)
	}
	for i := range rows {
		rows[i] = "  " + rows[i]
	}
	return top, rows
}

// gap is the blanks between groups, between their columns are two.
const gap = 3

func (g group) widths() (each []int, sum int) {
	each = make([]int, len(g.cells[0]))
	for i := range each {
		if i < len(g.heads) {
			each[i] = len(g.heads[i])
		}
		for _, row := range g.cells {
			each[i] = max(each[i], len(row[i]))
		}
		sum += each[i] + 2
	}
	sum -= 2
	if short := len(g.title) - sum; short > 0 {
		each[0] += short
		sum += short
	}
	return each, sum
}

func alignRight(cells []string, widths []int) string {
	out := make([]string, len(widths))
	for i, w := range widths {
		cell := ""
		if i < len(cells) {
			cell = cells[i]
		}
		out[i] = strings.Repeat(" ", w-len(cell)) + cell
	}
	return strings.Join(out, "  ")
}

func pad(s string, wide int) string { return s + strings.Repeat(" ", max(0, wide-len(s))) }
