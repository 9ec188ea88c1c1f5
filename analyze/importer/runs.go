package importer

import (
	"io"
	"slices"
	"strings"

	"xfrmscope/collect/bundle"
)

// ReadRuns reads a table that says which run each file is of, nil if the text is
// no such table: the first line that is no comment begins with the word file and
// names labels, and each line below has a path and a value for each of them. They
// are parted by commas, or by spaces and tabs.
//
//	file     n  mode
//	n1.data  1  shared
//	n4.data  4  shared
func ReadRuns(r io.Reader, name string) ([]File, error) {
	opt := Options{Name: name}
	var keys []string
	var out []File
	l := newLines(r, name)
	for line := range l.all {
		text := strings.TrimSpace(strings.TrimPrefix(string(line), byteOrderMark))
		if text == "" || text[0] == '#' {
			continue
		}
		cells := strings.Fields(text)
		if strings.Contains(text, ",") {
			cells = strings.Split(text, ",")
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case keys == nil && (len(cells) < 2 || !strings.EqualFold(cells[0], "file")):
			return nil, nil
		case keys == nil:
			keys = cells[1:]
			if slices.Contains(keys, "") {
				return nil, opt.bad(l.num, "a column without a name")
			}
			continue
		case len(cells) != len(keys)+1:
			return nil, opt.bad(l.num, "a row of %d cells under %d columns", len(cells), len(keys)+1)
		}
		f := File{Path: cells[0], Labels: map[string]string{}}
		for i, key := range keys {
			if value := cells[i+1]; value != "" && value != "-" {
				f.Labels[key] = value
			}
		}
		if n := f.Labels[bundle.LabelN]; n != "" {
			if v, ok := parseUint([]byte(n)); !ok || v == 0 {
				return nil, opt.bad(l.num, "n is %q, and a number from 1 on is wanted", n)
			}
		}
		out = append(out, f)
	}
	switch {
	case keys == nil:
		return nil, nil
	case len(out) == 0 && l.failure() == nil:
		return nil, opt.bad(0, "a table of runs without a row")
	}
	return out, l.failure()
}
