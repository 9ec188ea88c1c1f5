package importer

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"xfrmscope/collect/bundle"
)

// A File is one file of an import, read.
type File struct {
	Path   string
	Data   string            // where its bytes are, "" if at Path
	Labels map[string]string // of its run, that the caller gives
	Import *Import
}

// Place is where the file's bytes are.
func (f File) Place() string { return cmp.Or(f.Data, f.Path) }

// A Group is the files of one run directory.
type Group struct {
	Dir    string // of the run, below the sweep's; "" for a single run
	Labels map[string]string
	Files  []File
}

// Groups parts files by run. Files of one recording are of one run. Several recordings are runs of a sweep, with the N
// that their labels or names tell. If a traffic generator's file holds several runs, or there are several of them, the
// files of one sweep stand together, and each other file alone. modes are those the caller gives, by path or by the
// last part of it. The error is a *FormatError or a *ContradictionError.
func Groups(files []File, modes map[string]string) ([]Group, error) {
	if err := checkModes(files, modes); err != nil {
		return nil, err
	}
	recordings := slices.DeleteFunc(slices.Clone(files), func(f File) bool { return !f.stacks() })
	several := len(recordings) > 1 && !slices.ContainsFunc(recordings, func(f File) bool { return f.n() == "" })
	switch {
	case several:
		return groupRecordings(files, modes)
	case !isSweep(files):
		g := Group{Labels: files[0].labels("", modes), Files: files}
		return []Group{g}, g.check()
	}
	var groups []Group
	at := map[string]int{}
	for _, f := range files {
		mode := ""
		if f.Import.Traffic != nil {
			mode = f.Import.Traffic.Mode
		}
		labels := f.labels(mode, modes)
		key, name := f.group(labels[bundle.LabelMode])
		i, ok := at[key]
		if !ok {
			i = len(groups)
			at[key] = i
			groups = append(groups, Group{Dir: freeName(groups, name), Labels: labels})
		}
		groups[i].Files = append(groups[i].Files, f)
	}
	for _, g := range groups {
		if err := g.checkN(); err != nil {
			return nil, err
		}
		if _, err := MergeTraffic(g.traffic()); err != nil {
			return nil, err
		}
	}
	return groups, nil
}

// groupRecordings makes each recording a run. Another file, of packets or lock
// waits, is of the run that has its labels.
func groupRecordings(files []File, modes map[string]string) ([]Group, error) {
	var groups []Group
	repeats := map[string]int{}
	for _, f := range files {
		if !f.stacks() {
			continue
		}
		labels := f.labels("", modes)
		labels[bundle.LabelN] = f.n()
		key := fmt.Sprint(labels)
		if repeats[key]++; labels[bundle.LabelRepeat] == "" && repeats[key] > 1 {
			labels[bundle.LabelRepeat] = strconv.Itoa(repeats[key])
		}
		groups = append(groups, Group{Dir: freeName(groups, f.name()), Labels: labels, Files: []File{f}})
	}
	for _, f := range files {
		if f.stacks() {
			continue
		}
		labels := f.labels("", modes)
		labels[bundle.LabelN] = f.n()
		i := slices.IndexFunc(groups, func(g Group) bool { return maps.Equal(g.Labels, labels) })
		if i < 0 {
			return nil, &FormatError{File: f.Path, Why: "of which of the recordings it is cannot be told",
				Use: "a table: a line \"file n mode\", and a line a file below it"}
		}
		groups[i].Files = append(groups[i].Files, f)
	}
	for _, g := range groups {
		if err := g.check(); err != nil {
			return nil, err
		}
	}
	return groups, nil
}

// stacks reports whether a file is a recording, or the text of one.
func (f File) stacks() bool { return f.Import.Format == Recording || len(f.Import.events) > 0 }

// n is the label n, or what the name of the file or its directory says: "n4", "n=4", "4cpus"; "" if nothing does.
func (f File) n() string {
	if n := f.Labels[bundle.LabelN]; n != "" {
		return n
	}
	for _, part := range []string{filepath.Base(f.Path), filepath.Base(filepath.Dir(f.Path))} {
		words := wordsOf(part)
		for i, w := range words {
			if w == "n" && i+1 < len(words) {
				w += words[i+1]
			}
			number := strings.TrimPrefix(w, "n")
			if number == w {
				number = strings.TrimSuffix(strings.TrimSuffix(w, "s"), "cpu")
			}
			if n, ok := parseUint([]byte(number)); ok && number != w && n > 0 {
				return number
			}
		}
	}
	return ""
}

// name is what its run is called.
func (f File) name() string {
	base := filepath.Base(f.Path)
	return PlainName(strings.TrimSuffix(base, filepath.Ext(base)))
}

// labels returns the labels of the file's run: those given, and its mode, which may be told for the file alone.
func (f File) labels(mode string, modes map[string]string) map[string]string {
	out := maps.Clone(f.Labels)
	if out == nil {
		out = map[string]string{}
	}
	if m := modeIn(modes, f.Path); m != "" {
		out[bundle.LabelMode] = m
	} else if mode != "" && out[bundle.LabelMode] == "" {
		out[bundle.LabelMode] = mode
	}
	return out
}

// isSweep reports whether the files are results of several runs. With a recording they are of one: its own.
func isSweep(files []File) bool {
	traffic := 0
	for _, f := range files {
		switch {
		case f.Import.Format == Recording:
			return false
		case f.Import.Traffic == nil:
		case len(f.Import.Traffic.Runs()) > 1:
			traffic += 2
		case f.Import.Format != pktgenText: // its files are the devices of one run
			traffic++
		}
	}
	return traffic > 1
}

// group returns what files of one group have in common, and its name.
func (f File) group(mode string) (key, name string) {
	name = f.name()
	switch {
	case f.Import.Format == pktgenText:
		return "pktgen", "pktgen"
	case mode != "" && (f.Import.Format == trexTable || f.Import.Format == trexSweep):
		return "mode\x00" + mode, PlainName(mode)
	}
	return name + "\x00" + f.Path, name // a run of its own
}

// check refuses what is not of one run.
func (g Group) check() error {
	recording := ""
	for _, f := range g.Files {
		if f.Import.Format == Recording {
			if recording != "" {
				const what = "a run has one perf.data, and %s is that: import it into a run of its own"
				return &FormatError{File: f.Path, Why: fmt.Sprintf(what, recording)}
			}
			recording = f.Path
		}
		if t := f.Import.Traffic; t != nil && len(t.Runs()) > 1 {
			return fmt.Errorf("%s holds the results of %d runs, and a run takes those of one: "+
				"give the file of a single run", f.Path, len(t.Runs()))
		}
	}
	return nil
}

func (g Group) traffic() []TrafficFile {
	var out []TrafficFile
	for _, f := range g.Files {
		if f.Import.Traffic != nil {
			out = append(out, TrafficFile{f.Path, f.Import.Traffic})
		}
	}
	return out
}

// checkN refuses a label n for results of several N.
func (g Group) checkN() error {
	n := g.Labels[bundle.LabelN]
	for _, f := range g.Files {
		t := f.Import.Traffic
		if n == "" || t == nil {
			continue
		}
		if slices.ContainsFunc(t.Points, func(p Point) bool { return p.N != t.Points[0].N }) {
			why := "it holds results of several N, and the label n=" + n + " is of one"
			return &FormatError{File: f.Path, Why: why}
		}
	}
	return nil
}

// freeName returns the name, numbered if a group has it.
func freeName(groups []Group, name string) string {
	out := name
	for i := 2; slices.ContainsFunc(groups, func(g Group) bool { return g.Dir == out }); i++ {
		out = fmt.Sprintf("%s-%d", name, i)
	}
	return out
}

// PlainName keeps what every file system and every reader takes.
func PlainName(name string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x80 && (unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("._-", c)) {
			return c
		}
		return '_'
	}, name[:min(len(name), 100)])
}

func modeIn(modes map[string]string, file string) string {
	if m := modes[file]; m != "" {
		return m
	}
	return modes[filepath.Base(file)]
}

// checkModes refuses a mode for a file that is not imported: a typing error
// would otherwise leave two modes in one curve.
func checkModes(files []File, modes map[string]string) error {
	for name := range modes {
		named := func(f File) bool { return f.Path == name || filepath.Base(f.Path) == name }
		if !slices.ContainsFunc(files, named) {
			return &FormatError{File: name, Why: "a mode is given for it, and it is not among the files"}
		}
	}
	return nil
}

// ReadRuns reads a table that says which run each file is of, nil if the text is no such table: the first line that is
// no comment begins with the word file and names labels, and each line below has a path and a value for each of them.
// They are parted by commas, or by spaces and tabs.
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
