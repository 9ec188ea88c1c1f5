package reports

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"xfrmscope/analyze"
)

// layoutSection shows which fields of the kernel's structures share a cache
// line: a write to one makes readers of the others on another CPU wait.
func layoutSection(runs []*analyze.Run) section {
	s := section{ID: "layout", Nav: "Layout", Title: "Which fields share a cache line?"}
	var seen []string
	for _, r := range runs {
		for _, l := range r.Layouts {
			key := fmt.Sprintf("%s %d %v", l.Struct, l.Size, l.Fields)
			if slices.Contains(seen, key) || len(seen) == 8 || len(l.Fields) == 0 {
				continue
			}
			seen = append(seen, key)
			s.Parts = append(s.Parts, part{
				Heading: "struct " + name(l.Struct), Text: fmt.Sprintf("%d bytes, from %s. Each row is a line of %d bytes; a line with a written field and others is hatched.", l.Size, orUnknown(name(l.Source)), lineBytes),
				Picture: template.HTML(layoutPicture(l)),
			}, folded("table of the fields", part{Table: layoutTable(l, len(seen))}))
		}
	}
	if len(s.Parts) == 0 {
		return section{}
	}
	return s
}

// lineBytes is the cache line LayoutField.Line counts in.
const lineBytes = 64

// isWritten reports whether a field is written by the packet path.
func isWritten(f analyze.LayoutField) bool { return strings.Contains(f.Use, "written") }

// sharedLines are the lines on which a written field has company.
func sharedLines(l analyze.Layout) []uint32 {
	var out []uint32
	for _, f := range l.Fields {
		company := 0
		for _, o := range l.Fields {
			if o.Line == f.Line {
				company++
			}
		}
		if isWritten(f) && company > 1 && !slices.Contains(out, f.Line) {
			out = append(out, f.Line)
		}
	}
	return out
}

// maxLines bounds the lines drawn of a structure.
const maxLines = 40

// layoutPicture draws the lines that hold a hot field.
func layoutPicture(l analyze.Layout) []byte {
	var lines []uint32
	for _, f := range l.Fields {
		if !slices.Contains(lines, f.Line) && len(lines) < maxLines {
			lines = append(lines, f.Line)
		}
	}
	slices.Sort(lines)
	const left, wide, pitch, high = 62.0, 960.0, 30.0, 24.0
	shared := sharedLines(l)
	var w svgWriter
	w.open("svg", attr{"class", "chart layout"}, attr{"viewBox", fmt.Sprintf("0 0 %d %d", int(left+wide+10), int(pitch)*len(lines)+26)}, attr{"role", "img"}, attr{"aria-label", "struct " + name(l.Struct) + ": its hot fields by cache line; the table has them"})
	for i, line := range lines {
		y := pitch*float64(i) + 2
		w.text("axis", left-8, y+16, "end", fmt.Sprintf("+%d", line*lineBytes))
		w.rect("slot", left, y, wide, high, "")
		for _, f := range l.Fields {
			if f.Line == line {
				drawField(&w, f, slices.Contains(shared, line), left, y, wide, high)
			}
		}
	}
	for b := 0; b <= lineBytes; b += 16 {
		w.text("axis", left+wide*float64(b)/lineBytes, pitch*float64(len(lines))+18, "middle", fmt.Sprint(b))
	}
	w.close("svg")
	return w.Bytes()
}

func drawField(w *svgWriter, f analyze.LayoutField, shared bool, left, y, wide, high float64) {
	in := float64(f.Offset % lineBytes)
	length := min(float64(max(f.Size, 1)), lineBytes-in) // a field may reach into the next line
	x, width := left+wide*in/lineBytes, max(wide*length/lineBytes-1.5, 3)
	class := "read"
	if isWritten(f) {
		class = "written"
	}
	w.rect("field "+class, x, y, width, high, fmt.Sprintf("%s at %d, %d bytes: %s", name(f.Name), f.Offset, f.Size, name(f.Use)))
	if shared && isWritten(f) {
		hatched(w, "l", x, y, width, high)
	}
	if label := fitWidth(name(f.Name), int((width-6)/6.6)); label != "" {
		w.text("on field", x+4, y+high*.68, "", label)
	}
}

func layoutTable(l analyze.Layout, i int) table {
	t := table{ID: fmt.Sprintf("layout-%d", i), Caption: "Hot fields of struct " + name(l.Struct), Head: []column{
		{Text: "field"}, {Text: "offset", Unit: "bytes", Number: true}, {Text: "size", Unit: "bytes", Number: true}, {Text: "line", Number: true}, {Text: "use"}, {Text: "shares its line"}}}
	shared := sharedLines(l)
	for _, f := range l.Fields {
		with := cell{Text: "–", Muted: true}
		if slices.Contains(shared, f.Line) {
			with = cell{Text: "yes, with a written field", Warn: true}
		}
		t.Rows = append(t.Rows, []cell{{Text: name(f.Name), Code: true}, intCell(int(f.Offset)), intCell(int(f.Size)), intCell(int(f.Line)), textCell(f.Use), with})
	}
	return bounded(t, 120)
}
