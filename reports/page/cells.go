package page

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"xfrmscope/reports/view"
)

// Pages are mostly cells of tables, so these carry as little as they can: what a
// whole column is, its table's class says once, and its head what all its cells would
// say; a text that is the number to sort by is not repeated; end tags that HTML leaves
// out are left out.

// namedColumns is how many columns of numbers a table's class can name.
const namedColumns = 32

// columnClasses name a table's columns of numbers: " r2 r3".
func columnClasses(head []view.Column) string {
	var b strings.Builder
	for i, h := range head {
		if h.Number && i < namedColumns {
			fmt.Fprintf(&b, " r%d", i+1)
		}
	}
	return b.String()
}

// columnStyle is what those classes mean; see td.num in assets/page.css.
func columnStyle() string {
	list := make([]string, namedColumns)
	for i := range list {
		list[i] = fmt.Sprintf(".r%d tr>:nth-child(%[1]d)", i+1)
	}
	return strings.Join(list, ",") + "{text-align:right;white-space:nowrap;min-width:0;padding-left:12px}"
}

// headsTell moves a title that all numbers of a column have to its head.
func headsTell(t view.Table) view.Table {
	t.Head, t.Rows = slices.Clone(t.Head), slices.Clone(t.Rows)
	for i := range t.Head {
		title, same := "", 0
		for _, row := range t.Rows {
			switch c := row[i]; {
			case c.Title != "" && !c.Warn && (title == "" || c.Title == title):
				title, same = c.Title, same+1
			case c.Title != "" || !c.Muted:
				same = -len(t.Rows)
			}
		}
		if same < 2 {
			continue
		}
		t.Head[i].Title = strings.TrimPrefix(t.Head[i].Title+"; "+title, "; ")
		for j := range t.Rows {
			t.Rows[j] = slices.Clone(t.Rows[j])
			t.Rows[j][i].Title = ""
		}
	}
	return t
}

// headClass is that of the i-th head, where the table's class does not name it.
func headClass(i int, h view.Column) template.HTMLAttr {
	if h.Number && i >= namedColumns {
		return ` class="num"`
	}
	return ""
}

// cellAttributes are those of a cell in the i-th column of a table.
func cellAttributes(head []view.Column, i int, c view.Cell) template.HTMLAttr {
	var class []string
	switch named := i < len(head) && i < namedColumns && head[i].Number; {
	case c.Number && !named:
		class = append(class, "num")
	case !c.Number && named:
		class = append(class, "txt")
	}
	for _, word := range []struct {
		is   bool
		name string
	}{{c.Muted, "muted"}, {c.Warn, "warn"}, {c.Bar != "", "bar"}} {
		if word.is {
			class = append(class, word.name)
		}
	}
	out := ""
	attribute := func(name, value string) {
		if strings.ContainsAny(value, " \t\n\r\f\"'=<>`") {
			value = `"` + template.HTMLEscapeString(value) + `"`
		} else {
			value = template.HTMLEscapeString(value)
		}
		if value != "" {
			out += " " + name + "=" + value
		}
	}
	attribute("class", strings.Join(class, " "))
	if c.Bar != "" {
		attribute("style", "--w:"+c.Bar)
	}
	if !tellsOrder(c) {
		attribute("data-v", c.Sort)
	}
	attribute("title", c.Title)
	return template.HTMLAttr(out)
}

// tellsOrder reports whether a cell is sorted by its text: assets/page.js reads a
// number in it, and takes what is none for -1.
func tellsOrder(c view.Cell) bool {
	if c.Sort == "" || !c.Number || c.Code {
		return c.Sort == ""
	}
	by, err := strconv.ParseFloat(c.Sort, 64)
	if err != nil {
		return false
	}
	text := strings.ReplaceAll(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, c.Text), "−", "-")
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		return math.Abs(v-by) <= .001*math.Abs(by)
	}
	return c.Text == "–" || by == -1 && !strings.ContainsAny(text[:min(1, len(text))], "-+.0123456789")
}
