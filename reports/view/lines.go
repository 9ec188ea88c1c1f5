package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// A lineColumn is the fields of one mode at one N.
type lineColumn struct {
	curve result.Curve
	point *result.LinePoint
	run   *result.Run // whose readers and writers are shown
}

// lineColumns are all points of the curves, in their order.
func lineColumns(r *result.Result) []lineColumn {
	var out []lineColumn
	for _, c := range r.Curves {
		runs := result.Pick(r.Runs, c.Runs)
		for i := range c.Lines {
			p := &c.Lines[i]
			if run := p.Run(runs); run != nil {
				out = append(out, lineColumn{c, p, run})
			}
		}
	}
	return out
}

// label names a column: "pcpu N=4".
func (c lineColumn) label() string {
	if c.curve.Mode == "" {
		return Sided(c.curve.Side, format.OrDash(format.Visible(c.point.Name, 48)))
	}
	return Sided(c.curve.Side, AtText(c.curve.Mode, c.point.N))
}

func (c lineColumn) unit() string {
	if c.point.Unit == "ratio" {
		return "% of samples of transfers"
	}
	if c.point.Unit == "misses/packet" {
		return "misses per packet"
	}
	return "per packet"
}

// cell is how often a field's line moved.
func (c lineColumn) cell(field string) Cell {
	k := 1.0
	if c.point.Unit == "ratio" {
		k = 100
	}
	cell := estimateCell(c.point.At(field), k)
	cell.Text = format.Pretty(format.Significant(c.point.At(field).Value*k, 3))
	cell.Muted = c.point.At(field).Value == 0
	return cell
}

// sure says of a field how its name is known, where that is no proof.
func (c lineColumn) sure(field string) string {
	if f := c.run.Lines.Field(field); f != nil && f.Slab > 0.5 {
		return "by slab cache"
	}
	return ""
}

// lineRows bounds the fields of the table.
const lineRows = 16

// LinesTable has a row for each field whose line moved, the most first, with a column
// for each mode and N. Who writes and reads it is of the last column in which it moved
// most. Without lines it has no rows.
func LinesTable(r *result.Result) Table {
	columns := lineColumns(r)
	over := "of the samples"
	if slices.ContainsFunc(columns, func(c lineColumn) bool { return c.point.Runs > 1 }) {
		over = "over repeats"
	}
	t := NewTable("line-table", "Cache lines that came from another CPU's cache, by the field read [95 % interval "+
		over+"]", "field")
	for _, c := range columns {
		t.Head = append(t.Head, Column{Text: c.label(), Unit: c.unit(), Number: true})
	}
	t.Head = append(t.Head, Heads("written by", "read by", "shared falsely", "cost#|cycles/packet", "objects")...)
	all := []Cell{TextCell("all fields")}
	for _, c := range columns {
		all = append(all, estimateCell(c.point.Total.Mean, 1))
	}
	t.Rows = [][]Cell{append(all, Cell{}, Cell{}, Cell{}, lineCost(columns), Cell{})}
	for _, name := range lineNames(columns) {
		row := []Cell{CodeCell(name)}
		for _, c := range columns {
			row = append(row, c.cell(name))
		}
		t.Rows = append(t.Rows, append(row, lineWho(columns, name)...))
	}
	if len(columns) == 0 || len(t.Rows) == 1 {
		t.Rows = nil
		return t
	}
	if left := len(t.Rows) - 1 - lineRows; left > 0 {
		t.Rows = t.Rows[:1+lineRows]
		t.Note = fmt.Sprintf("%s fields more are in results.json.", format.Count(uint64(left)))
	}
	return t.WithoutMissing().withoutEmpty("objects")
}

// lastOfMode reports whether the i-th column has the largest N of its mode.
func lastOfMode(columns []lineColumn, i int) bool {
	c := columns[i].curve
	return i == len(columns)-1 || columns[i+1].curve.Mode != c.Mode || columns[i+1].curve.Side != c.Side ||
		c.Mode == ""
}

// LinesTop has the fields whose lines move most at the largest N of each mode.
func LinesTop(r *result.Result, id string, limit int) Table {
	t := NewTable(id, "Cache lines that came from another CPU's cache, at the largest N", "field")
	all := lineColumns(r)
	var columns []lineColumn
	for i, c := range all {
		if lastOfMode(all, i) && len(columns) < maxTopColumns {
			columns = append(columns, c)
			t.Head = append(t.Head, Column{Text: c.label(), Unit: c.unit(), Number: true})
		}
	}
	names := lineNames(columns)
	for _, name := range names[:min(limit, len(names))] {
		row := []Cell{CodeCell(name)}
		for _, c := range columns {
			cell := c.cell(name)
			cell.Small = "" // its interval is in the whole table
			row = append(row, cell)
			row[0].Small = cmp.Or(row[0].Small, c.sure(name))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// maxTopColumns bounds the modes of a table of the first screen.
const maxTopColumns = 3

// withoutEmpty leaves out a last column in which nothing stands.
func (t Table) withoutEmpty(head string) Table {
	last := len(t.Head) - 1
	if last < 0 || t.Head[last].Text != head || slices.ContainsFunc(t.Rows, func(row []Cell) bool {
		return row[last].Text != "" && row[last].Text != "-"
	}) {
		return t
	}
	t.Head = t.Head[:last]
	for i := range t.Rows {
		t.Rows[i] = t.Rows[i][:last]
	}
	return t
}

// lineCost is what all transfers took, of the last column in which it is known.
func lineCost(columns []lineColumn) Cell {
	why := ""
	for _, c := range slices.Backward(columns) {
		sum := metric.Value{ID: metric.LineCyclesID, Unit: "cycles/packet"}
		why = cmp.Or(why, missingCycles(c.run.Lines.Fields))
		known := len(c.run.Lines.Fields) > 0
		for _, f := range c.run.Lines.Fields {
			known = known && f.Cycles.Measured()
			sum.Value += f.Cycles.Value
			sum.SE = math.Hypot(sum.SE, f.Cycles.SE)
		}
		if known {
			return ValueCell(sum)
		}
	}
	return unmeasured(cmp.Or(why, "the recording does not say what a transfer took"))
}

// missingCycles is why what the transfers of some fields took is not known.
func missingCycles(fields []result.LineField) string {
	for _, f := range fields {
		if !f.Cycles.Measured() {
			return f.Cycles.Missing.Why
		}
	}
	return ""
}

// lineNames are the fields of all columns, the most in any first.
func lineNames(columns []lineColumn) []string {
	most := map[string]float64{}
	var names []string
	for _, c := range columns {
		for _, f := range c.point.Fields {
			if _, seen := most[f.Name]; !seen {
				names = append(names, f.Name)
			}
			most[f.Name] = max(most[f.Name], f.Mean.Value)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(most[b], most[a]), strings.Compare(a, b))
	})
	return names
}

// lineWho are the cells that say who moves a field's line.
func lineWho(columns []lineColumn, name string) []Cell {
	var of *result.LineField
	var most float64
	for _, c := range columns {
		if f := c.run.Lines.Field(name); f != nil && f.Share.Value > 0 && c.point.At(name).Value >= most {
			of, most = f, c.point.At(name).Value
		}
	}
	if of == nil {
		return []Cell{{}, {}, {}, NoCell("-1"), {}}
	}
	apart := Cell{Text: "–", Muted: true}
	if of.FalseSharing() && len(of.With) > 0 {
		apart = Cell{Text: "with " + PartsText(of.With, 1), Warn: true,
			Small: format.Significant(100*of.Apart.Value, 2) + " %"}
	}
	return []Cell{{Text: PartsText(of.Writers, 1), Code: true}, {Text: PartsText(of.Readers, 1), Code: true}, apart,
		ValueCell(of.Cycles), TextCell(PartsText(of.Objects, 1))}
}

// PartsText names the most of the parts of a field, and says how many more there are.
func PartsText(parts []result.LinePart, limit int) string {
	var names []string
	for _, p := range parts[:min(limit, len(parts))] {
		names = append(names, format.Name(p.Name))
	}
	text := format.OrDash(strings.Join(names, ", "))
	if more := len(parts) - limit; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// mostLacks bounds what a source does not see, which is several clauses.
const mostLacks = 512

// LineLacks says once of each source what it counts and does not see.
func LineLacks(r *result.Result) Notes {
	var n Notes
	for _, run := range result.RunsPresent(r) {
		if run.Lines == nil {
			continue
		}
		text := format.Name(run.Lines.Source) + ": " + format.Name(run.Lines.Counts)
		if lacks := strings.TrimPrefix(run.Lines.Lacks, run.Lines.Source+": "); lacks != "" {
			text += "; " + format.Visible(lacks, mostLacks)
		}
		n.add(noteOf("", "%s", text), run)
	}
	return n
}

// LinesMost names the fields whose lines move most at the largest N of each mode:
// "pcpu on 4 CPUs: dst_entry.__rcuref 2.87, xfrm_policy.refcnt 1.30 of 14.7 per packet".
func LinesMost(r *result.Result, fields int) []string {
	var out []string
	columns := lineColumns(r)
	for i, c := range columns {
		if !lastOfMode(columns, i) || result.IsPlain(c.curve.Mode) || len(c.point.Fields) == 0 ||
			c.point.Fields[0].Mean.Value == 0 {
			continue
		}
		var parts []string
		for _, f := range c.point.Fields[:min(fields, len(c.point.Fields))] {
			if f.Mean.Value > 0 {
				name := format.Name(f.Name)
				if how := c.sure(f.Name); how != "" {
					name += " (" + how + ")"
				}
				parts = append(parts, name+" "+c.cell(f.Name).Text)
			}
		}
		whole := c.unit()
		if c.point.Total.Mean.Known() {
			whole = fmt.Sprintf("of %s %s", format.Significant(c.point.Total.Mean.Value, 3), whole)
		}
		out = append(out, fmt.Sprintf("%s: %s %s", c.label(), strings.Join(parts, ", "), whole))
	}
	return out
}

// LinesChanged says, for each mode compared, how many lines move and the fields whose
// lines move more or less by most: "pcpu N=4: 16.7 -> 15.5* (-7.0 % [-8.4..-5.1]); of them
// xfrm_policy.curlft.use_time 1.00 -> 0*".
func LinesChanged(c *result.Comparison, fields int) []string {
	var out []string
	for _, f := range c.Lines {
		rows := f.Family.Comparisons
		change := func(i int) float64 { return math.Abs(rows[i].After.Median - rows[i].Before.Median) }
		var order []int
		for i, x := range rows {
			if x.Before.N > 0 && x.After.N > 0 && change(i) > 0 {
				order = append(order, i)
			}
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(change(b), change(a)) })
		var parts []string
		for _, i := range order[:min(fields, len(order))] {
			parts = append(parts, format.Name(KeyOf(f, i))+" "+mediansText(rows[i]))
		}
		if len(parts) > 0 {
			out = append(out, AtText(f.Mode, f.N)+": "+allMoved(c, f)+strings.Join(parts, ", "))
		}
	}
	return out
}

// allMoved says how many lines move in all where a family counts them by field, "" if
// that was not measured.
func allMoved(c *result.Comparison, fields result.CompareFamily) string {
	for _, f := range c.Costs {
		for _, x := range f.Family.Comparisons {
			if f.Mode == fields.Mode && f.N == fields.N && x.Metric == metric.TransferID &&
				x.Ratio.Known() {
				return mediansText(x) + " (" + format.ChangeText(x) + "); of them "
			}
		}
	}
	return ""
}

// mediansText is a change by its medians: "1.00 -> 0*".
func mediansText(c compare.Comparison) string {
	return format.MedianText(c.Before, 1, 3) + " -> " + format.MedianText(c.After, 1, 3) + format.MarkText(c)
}
