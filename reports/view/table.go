package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/reports/format"
)

func isSpin(function string) bool { return stage.LockKindOf(function) == stage.Spin }

// A Table is one of the page's tables. It is readable without scripts; with
// them its heads sort it.
type Table struct {
	ID, Caption string
	Head        []Column
	Rows        [][]Cell
	Note        string // below it: what was left out, how to read it
}

// NewTable is an empty table; see Heads.
func NewTable(id, caption string, heads ...string) Table {
	return Table{ID: id, Caption: caption, Head: Heads(heads...)}
}

// Add adds a row.
func (t *Table) Add(row ...Cell) { t.Rows = append(t.Rows, row) }

// A Column is a table head.
type Column struct {
	Text, Unit string
	Number     bool
	Title      string
}

// Heads makes columns of "TEXT|UNIT|TITLE", the last two optional; a TEXT that
// ends in # heads numbers.
func Heads(list ...string) []Column {
	var out []Column
	for _, head := range list {
		parts := append(strings.SplitN(head, "|", 3), "", "")
		text, number := strings.CutSuffix(parts[0], "#")
		out = append(out, Column{text, parts[1], number, parts[2]})
	}
	return out
}

// A Cell is one figure or name.
type Cell struct {
	Text, Err string
	Small     string // beside the text, muted: "[esp4]", "n = 12"
	Title     string // what does not fit
	Why       string // of a value that was not measured
	Sort      string // a number to sort by, "" to sort by text
	Number    bool
	Muted     bool
	Code      bool
	Warn      bool
	Bar       string  // per cent of the cell that is filled, "" for none
	Lengths   Lengths // drawn before the text
}

// Lengths are how long calls took, by powers of two nanoseconds: Half is of half
// powers, with those on one CPU, if they are known, to hold them against.
type Lengths struct {
	Counts, OneCPU []uint64
	Half           bool
}

// LengthsCell says between what lengths calls lie, with their histogram.
func LengthsCell(l Lengths) Cell {
	if l.Half {
		return Cell{Lengths: l, Text: format.FastText(l.Counts, l.OneCPU)}
	}
	return Cell{Lengths: l, Text: format.HistogramText(l.Counts)}
}

func TextCell(s string) Cell { return Cell{Text: format.Name(s)} }

// RunCell names a run.
func RunCell(r *result.Run) Cell { return TextCell(RunLabel(r)) }

// CodeCell names a function or a field.
func CodeCell(s string) Cell { return Cell{Text: format.Name(s), Code: true} }

// NoCell stands where there can be no number.
func NoCell(sort string) Cell { return Cell{Text: "–", Muted: true, Number: true, Sort: sort} }

func CountCell(n uint64) Cell {
	return Cell{Text: format.Pretty(format.Count(n)), Sort: strconv.FormatUint(n, 10), Number: true}
}

// unmeasured stands for a number that there is not, and says why below the table.
func unmeasured(why string) Cell {
	return Cell{Text: result.NotMeasured, Why: why, Muted: true, Number: true, Sort: "-1"}
}

// spiCell names an SA by its SPI and its network namespace.
func spiCell(spi uint32, netns string) Cell {
	return Cell{Text: fmt.Sprintf("0x%08x", spi), Small: format.Name(netns), Code: true,
		Sort: strconv.FormatUint(uint64(spi), 10)}
}

// numberCell prints a CPU or a number of CPUs that may not be recorded.
func numberCell(n int, recorded bool) Cell {
	if !recorded {
		return Cell{Text: "not recorded", Muted: true, Number: true, Sort: "-1"}
	}
	return intCell(n)
}

func intCell(n int) Cell { return Cell{Text: strconv.Itoa(n), Sort: strconv.Itoa(n), Number: true} }

// ValueCell prints a value without its unit, which is in the table's head.
func ValueCell(v metric.Value) Cell {
	f := format.Of(v)
	c := Cell{Text: format.Pretty(f.Value), Err: format.Pretty(f.Err), Number: true, Sort: sortKey(f.Sort)}
	if f.Missing != "" {
		c = unmeasured(v.Missing.Why)
		c.Title = format.Name(f.Missing)
		return c
	}
	if format.Sampled(v) {
		c.Title = "n = " + format.Pretty(format.Count(v.Samples))
	}
	if v.Basis != "" {
		c.Title = strings.TrimPrefix(c.Title+"; "+format.Name(v.Basis), "; ")
	}
	return c.doubted(v)
}

// Basis is what a value is taken from: of a cost per packet samples, if nothing else
// is said.
func Basis(v metric.Value) string {
	if v.Basis == "" && v.ID == metric.CostID && v.Measured() {
		return "by samples"
	}
	return v.Basis
}

// doubted marks a cell whose number is in doubt, and says why.
func (c Cell) doubted(v metric.Value) Cell {
	if v.Doubt != "" {
		c.Warn, c.Title = true, format.Visible(v.Doubt, 48)
	}
	return c
}

// noted marks a cell whose number is in doubt by its notes, and says what weakens it.
func (c Cell) noted(notes []compare.Reason) Cell {
	for _, n := range notes {
		if n.Code == compare.InDoubt || n.Code == compare.Weakened || n.Code == compare.OtherBasis {
			c.Title = strings.TrimPrefix(c.Title+"; "+format.Name(n.Text), "; ")
		}
	}
	if mark := format.NotesMark(notes); mark != "" {
		c.Warn, c.Text = true, strings.TrimSuffix(c.Text, mark)+mark
	}
	return c
}

// WithBar fills a cell by its share.
func (c Cell) WithBar(v metric.Value) Cell {
	if s := format.ShareOf(v); s >= .005 {
		c.Bar = format.Pixels(100 * s)
	}
	return c
}

// whyLimit bounds the reason that a table gives below it.
const whyLimit = 146

// WithoutMissing leaves out the number columns in which nothing was measured,
// and says which, with the first reason.
func (t Table) WithoutMissing() Table {
	if len(t.Rows) == 0 {
		return t
	}
	var keep []int
	var gone []string
	why := ""
	for i, h := range t.Head {
		measured := !h.Number || slices.ContainsFunc(t.Rows, func(row []Cell) bool {
			return row[i].Text != result.NotMeasured
		})
		if measured {
			keep = append(keep, i)
			continue
		}
		gone = append(gone, h.Text)
		if why == "" {
			why = cmp.Or(format.Visible(t.Rows[0][i].Why, whyLimit), t.Rows[0][i].Title)
		}
	}
	if len(gone) == 0 {
		return t
	}
	t = t.only(keep)
	t.Note = strings.TrimSpace(t.Note + " Not measured: " + strings.Join(gone, ", "))
	if why != "" {
		t.Note += " (" + why + ")"
	}
	t.Note += "."
	return t
}

// only keeps some columns.
func (t Table) only(keep []int) Table {
	var head []Column
	for _, i := range keep {
		head = append(head, t.Head[i])
	}
	rows := make([][]Cell, len(t.Rows))
	for j, row := range t.Rows {
		for _, i := range keep {
			rows[j] = append(rows[j], row[i])
		}
	}
	t.Head, t.Rows = head, rows
	return t
}

// without leaves out columns by their heads.
func (t Table) without(heads ...string) Table {
	var keep []int
	for i, h := range t.Head {
		if !slices.Contains(heads, h.Text) {
			keep = append(keep, i)
		}
	}
	return t.only(keep)
}

// MaxRows bounds a table with a row for each CPU, lock or SA.
const MaxRows = 400

// Bounded cuts a table and says so.
func Bounded(t Table, limit int) Table {
	if len(t.Rows) > limit {
		t.Note = strings.TrimSpace(fmt.Sprintf("%s %s rows more are in results.json.", t.Note,
			format.Count(uint64(len(t.Rows)-limit))))
		t.Rows = t.Rows[:limit]
	}
	return t
}

func microCell(ns uint64) Cell {
	return Cell{Text: format.Pretty(format.Significant(float64(ns)/1000, 3)), Sort: strconv.FormatUint(ns, 10),
		Number: true}
}

// A Listing is shares of runs put side by side, the heaviest in any run first.
type Listing struct {
	ID, Caption string
	What        string // head of the first column
	Of          func(*result.Run) []result.Share
	cost        string // unit of a cost per packet to print instead of shares
	Rows        int
	Code        bool // the names are code
}

func (l Listing) Table(runs []*result.Run) Table {
	unit := cmp.Or(l.cost, "% ±")
	if Counted(runs) {
		unit = cmp.Or(l.cost, "%")
	}
	t := NewTable(l.ID, l.Caption, l.What)
	type key struct{ name, module string }
	var keys []key
	heaviest := map[key]float64{}
	for _, r := range runs {
		t.Head = append(t.Head, Column{Text: RunLabel(r), Unit: unit, Number: true})
		for _, s := range l.Of(r) {
			k := key{s.Name, s.Module}
			if _, seen := heaviest[k]; !seen {
				keys = append(keys, k)
			}
			heaviest[k] = max(heaviest[k], format.ShareOf(s.Share))
		}
	}
	slices.SortStableFunc(keys, func(a, b key) int { return cmp.Compare(heaviest[b], heaviest[a]) })
	for _, k := range keys {
		row := []Cell{{Text: format.Name(k.name), Small: format.ModuleText(k.module), Code: l.Code,
			Warn: isSpin(k.name)}}
		for _, r := range runs {
			row = append(row, l.cell(l.Of(r), k.name, k.module))
		}
		t.Rows = append(t.Rows, row)
	}
	if len(runs) > 1 && len(t.Rows) > 0 {
		t.Note = "–: no sample, or not among the heaviest of the run."
	}
	return Bounded(t, l.Rows)
}

func (l Listing) cell(list []result.Share, name, module string) Cell {
	i := slices.IndexFunc(list, func(s result.Share) bool { return s.Name == name && s.Module == module })
	if i < 0 {
		return NoCell("0")
	}
	s := &list[i]
	shown, other := s.Share, s.PerPacket
	if l.cost != "" {
		shown, other = other, shown
	}
	c := ValueCell(shown).WithBar(s.Share)
	if c.Title = ""; shown.Measured() && format.Sampled(s.Share) {
		c.Title = "n = " + format.Pretty(format.Count(s.Weight.Samples))
	}
	if other.Measured() {
		c.Title = strings.TrimPrefix(c.Title+"; "+format.Pretty(format.Of(other).String()), "; ")
	}
	c.Warn = c.Bar != "" && isSpin(name)
	return c.doubted(shown)
}

// estimateCell prints an estimate, times k, with its interval.
func estimateCell(e compare.Estimate, k float64) Cell {
	if !e.Known() {
		return missingCell(e.Missing)
	}
	c := numberOf(e.Value*k).bracketed(e.Interval, k)
	c.Title = format.LevelText(e.Interval)
	return c
}

// summaryCell prints a median, times k, with its interval.
func summaryCell(s compare.Summary, k float64) Cell {
	if s.N == 0 {
		return Cell{Text: "no runs", Muted: true, Number: true, Sort: "-1"}
	}
	c := numberOf(s.Median*k).bracketed(s.Interval, k)
	if text := format.SummaryText(s, k); strings.HasPrefix(text, "<=") {
		c.Text, c.Small = format.Pretty(text), ""
	}
	c.Title = fmt.Sprintf("median of %d runs; %s", s.N, format.LevelText(s.Interval))
	return c.noted(s.Notes)
}

// bracketed puts an interval, times k, beside a number.
func (c Cell) bracketed(i compare.Interval, k float64) Cell {
	c.Small = format.Pretty(strings.TrimSpace(format.Bracketed(i, k)))
	return c
}

// numberOf prints a number with four digits.
func numberOf(v float64) Cell {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Cell{Text: format.NotANumber, Muted: true, Number: true, Sort: "-1"}
	}
	return Cell{Text: format.Pretty(format.Significant(v, 4)), Number: true, Sort: sortKey(v)}
}

func sortKey(v float64) string { return strconv.FormatFloat(v, 'g', 8, 64) }

func missingCell(why *compare.Reason) Cell {
	return Cell{Text: "not known", Title: format.Name(format.ReasonText(why)), Muted: true, Number: true,
		Sort: "-1"}
}
