package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
)

// A table is one of the page's tables. It is readable without scripts; with
// them its heads sort it.
type table struct {
	ID, Caption string
	Head        []column
	Rows        [][]cell
	Note        string // below it: what was left out, how to read it
}

// A column is a table head.
type column struct {
	Text, Unit string
	Number     bool
	Title      string
}

// A cell is one figure or name.
type cell struct {
	Text, Err string
	Small     string // beside the text, muted: "[esp4]", "n = 12"
	Title     string // what does not fit
	Sort      string // a number to sort by, "" to sort by text
	Number    bool
	Muted     bool
	Code      bool
	Warn      bool
	Bar       string // per cent of the cell that is filled, "" for none
	Lengths   lengths // drawn before the text
}

// lengths are how long calls took, by powers of two nanoseconds: Half is of half
// powers, with those on one CPU, if they are known, to hold them against.
type lengths struct {
	Counts, OneCPU []uint64
	Half           bool
}

// lengthsCell says between what lengths calls lie, with their histogram.
func lengthsCell(l lengths) cell {
	if l.Half {
		return cell{Lengths: l, Text: fastText(l.Counts, l.OneCPU)}
	}
	return cell{Lengths: l, Text: histogramText(l.Counts)}
}

// thin is U+202F, the space between groups of digits.
const thin = "\u202f"

// pretty writes a number's spaces and signs as typography has them.
func pretty(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "+-", "±"), " ", thin)
}

func textCell(s string) cell { return cell{Text: name(s)} }

func countCell(n uint64) cell {
	return cell{Text: pretty(count(n)), Sort: strconv.FormatUint(n, 10), Number: true}
}

// numberCell prints a CPU or a number of CPUs that may not be recorded.
func numberCell(n int, recorded bool) cell {
	if !recorded {
		return cell{Text: "not recorded", Muted: true, Number: true, Sort: "-1"}
	}
	return intCell(n)
}

func intCell(n int) cell { return cell{Text: strconv.Itoa(n), Sort: strconv.Itoa(n), Number: true} }

// valueCell prints a value without its unit, which is in the table's head.
func valueCell(v metric.Value) cell {
	f := figureOf(v)
	c := cell{Text: pretty(f.Value), Err: pretty(f.Err), Number: true, Sort: strconv.FormatFloat(f.Sort, 'g', 8, 64)}
	if f.Missing != "" {
		return cell{Text: "not measured", Title: name(f.Missing), Muted: true, Number: true, Sort: "-1"}
	}
	if v.Samples > 0 {
		c.Title = "n = " + pretty(count(v.Samples)) + " samples"
	}
	return c.doubted(v)
}

// doubted marks a cell whose number is in doubt, and says why.
func (c cell) doubted(v metric.Value) cell {
	if v.Doubt != "" {
		c.Warn, c.Title = true, visible(v.Doubt, 48)
	}
	return c
}

// withBar fills a cell by its share.
func (c cell) withBar(v metric.Value) cell {
	if s := shareOf(v); s >= .005 {
		c.Bar = px(100 * s)
	}
	return c
}

// withoutMissing leaves out the number columns in which nothing was measured,
// and says which, with the first reason.
func (t table) withoutMissing() table {
	if len(t.Rows) == 0 {
		return t
	}
	var keep []int
	var gone []string
	why := ""
	for i, h := range t.Head {
		measured := !h.Number || slices.ContainsFunc(t.Rows, func(row []cell) bool { return row[i].Text != "not measured" })
		if measured {
			keep = append(keep, i)
			continue
		}
		gone = append(gone, h.Text)
		if why == "" {
			why = strings.TrimPrefix(t.Rows[0][i].Title, "not measured: ")
		}
	}
	if len(gone) == 0 {
		return t
	}
	var head []column
	for _, i := range keep {
		head = append(head, t.Head[i])
	}
	rows := make([][]cell, len(t.Rows))
	for j, row := range t.Rows {
		for _, i := range keep {
			rows[j] = append(rows[j], row[i])
		}
	}
	t.Head, t.Rows = head, rows
	t.Note = strings.TrimSpace(t.Note + " Not measured: " + strings.Join(gone, ", "))
	if why != "" {
		t.Note += " (" + why + ")"
	}
	t.Note += "."
	return t
}

// maxRows bounds a table with a row for each CPU, lock or SA.
const maxRows = 400

// bounded cuts a table and says so.
func bounded(t table, limit int) table {
	if len(t.Rows) > limit {
		t.Note = strings.TrimSpace(fmt.Sprintf("%s %s rows more are in results.json.", t.Note, count(uint64(len(t.Rows)-limit))))
		t.Rows = t.Rows[:limit]
	}
	return t
}

func microCell(ns uint64) cell {
	return cell{Text: pretty(significant(float64(ns)/1000, 3)), Sort: strconv.FormatUint(ns, 10), Number: true}
}

// A listing is shares of runs put side by side, the heaviest in any run first.
type listing struct {
	id, caption string
	what        string // head of the first column
	of          func(*analyze.Run) []analyze.Share
	cost        string // unit of a cost per packet to print instead of shares
	rows        int
	code        bool // the names are code
}

func (l listing) table(runs []*analyze.Run) table {
	unit := l.cost
	if unit == "" {
		unit = "% ± se"
	}
	t := table{ID: l.id, Caption: l.caption, Head: []column{{Text: l.what}}}
	type key struct{ name, module string }
	var keys []key
	heaviest := map[key]float64{}
	for _, r := range runs {
		t.Head = append(t.Head, column{Text: runLabel(r), Unit: unit, Number: true})
		for _, s := range l.of(r) {
			k := key{s.Name, s.Module}
			if _, seen := heaviest[k]; !seen {
				keys = append(keys, k)
			}
			heaviest[k] = max(heaviest[k], shareOf(s.Share))
		}
	}
	slices.SortStableFunc(keys, func(a, b key) int { return cmp.Compare(heaviest[b], heaviest[a]) })
	for _, k := range keys {
		row := []cell{{Text: name(k.name), Small: moduleText(k.module), Code: l.code, Warn: isSpin(k.name)}}
		for _, r := range runs {
			row = append(row, l.cell(l.of(r), k.name, k.module))
		}
		t.Rows = append(t.Rows, row)
	}
	return bounded(t, l.rows)
}

func (l listing) cell(list []analyze.Share, name, module string) cell {
	i := slices.IndexFunc(list, func(s analyze.Share) bool { return s.Name == name && s.Module == module })
	if i < 0 {
		return cell{Text: "–", Title: "no sample, or not among the heaviest of this run", Muted: true, Sort: "0", Number: true}
	}
	s := &list[i]
	shown, other := s.Share, s.PerPacket
	if l.cost != "" {
		shown, other = other, shown
	}
	c := valueCell(shown).withBar(s.Share)
	if shown.Measured() {
		c.Title = "n = " + pretty(count(s.Weight.Samples)) + " samples"
	}
	if other.Measured() {
		c.Title += "; " + pretty(figureOf(other).String())
	}
	c.Warn = c.Bar != "" && isSpin(name)
	return c.doubted(shown)
}
