package profile

import (
	"bufio"
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"
)

// WriteFolded writes a profile as folded text, the input of flamegraph.pl:
//
//	comm;root;...;leaf WEIGHT
//
// in order of bytes, equal lines added up. The text is that of
//
//	perf script | stackcollapse-perf.pl
//
// for recordings of one event: spaces of the task's name become underscores, a frame without a name is its mapping in
// brackets, arguments and quotes are cut off, ";" becomes ":". A sample whose period is 0 weighs 1 if all of its cell
// are so.
func WriteFolded(w io.Writer, p *Profile) error {
	f := folder{p: p}
	f.name()
	f.fold()
	return f.write(w)
}

// A folder makes lines of a profile. A line is a sequence of texts, root
// first; texts and then whole stacks are numbered so that they sort as their
// bytes do, and lines are sorted as numbers.
type folder struct {
	p *Profile

	texts  []string  // distinct texts of frames and tasks
	frames [][]int32 // texts of each location
	comms  []int32   // text of each Comm; unknownComm is the last

	inner, last []uint32 // by text: its place among all texts with ";" behind, and with nothing
	byRank      []int32  // texts by those places

	stacks [][]uint32 // by Stack: places of its texts, root first
	rank   []uint32   // by Stack: its place among them; of one text, one place
	lines  []foldedLine
}

// A foldedLine is a task, as the place of its text, a stack and the weight of all cells that have them.
type foldedLine struct {
	comm   uint32
	stack  int32
	weight uint64
}

// unknownComm is perf's name of a task that has none recorded.
const unknownComm = ":-1"

// name gives each location and task its text.
func (f *folder) name() {
	index := map[string]int32{}
	text := func(s string) int32 {
		i, ok := index[s]
		if !ok {
			i = int32(len(f.texts))
			f.texts = append(f.texts, s)
			index[s] = i
		}
		return i
	}
	for i := range f.p.Locations {
		var words []int32
		for _, s := range f.frameTexts(int32(i)) {
			words = append(words, text(s))
		}
		f.frames = append(f.frames, words)
	}
	for _, c := range append(f.p.Comms[:len(f.p.Comms):len(f.p.Comms)], unknownComm) {
		f.comms = append(f.comms, text(foldedComm(c)))
	}
	f.rankTexts()
}

// foldedComm is how a task's name is written; it is never empty.
func foldedComm(s string) string {
	if s == "" {
		return "_"
	}
	return strings.NewReplacer(" ", "_", ";", ":", "\n", "_").Replace(s)
}

// rankTexts places each text, both as the end of a line and with ";" behind:
// the order of "a", "a.b" and "a;b" depends on which it is.
func (f *folder) rankTexts() {
	n := len(f.texts)
	order := make([]int, 2*n)
	for i := range order {
		order[i] = i
	}
	// Numbers from n on are texts with ";" behind.
	slices.SortFunc(order, func(x, y int) int {
		if x%n == y%n {
			return cmp.Compare(x, y)
		}
		return compareWords(f.texts[x%n], x >= n, f.texts[y%n], y >= n)
	})
	f.inner, f.last, f.byRank = make([]uint32, n), make([]uint32, n), make([]int32, 2*n)
	for rank, i := range order {
		f.byRank[rank] = int32(i % n)
		if i >= n {
			f.inner[i-n] = uint32(rank)
		} else {
			f.last[i] = uint32(rank)
		}
	}
}

// compareWords compares two different texts, each with ";" behind if said so.
func compareWords(x string, xInner bool, y string, yInner bool) int {
	switch {
	case xInner && len(x) < len(y) && y[:len(x)] == x:
		return cmp.Compare(';', y[len(x)])
	case yInner && len(y) < len(x) && x[:len(y)] == y:
		return cmp.Compare(x[len(y)], ';')
	}
	return cmp.Compare(x, y)
}

// fold makes the lines, sorted, each once.
func (f *folder) fold() {
	f.rankStacks()
	for i := range f.p.Cells {
		f.lines = append(f.lines, f.line(&f.p.Cells[i]))
	}
	slices.SortFunc(f.lines, f.compareLines)
	kept := f.lines[:0]
	for _, l := range f.lines {
		if n := len(kept); n > 0 && f.compareLines(kept[n-1], l) == 0 {
			kept[n-1].weight += l.weight
			continue
		}
		kept = append(kept, l)
	}
	f.lines = kept
}

func (f *folder) compareLines(x, y foldedLine) int {
	return cmp.Or(cmp.Compare(x.comm, y.comm), cmp.Compare(f.rank[x.stack], f.rank[y.stack]))
}

// rankStacks sorts the stacks by text.
func (f *folder) rankStacks() {
	n := 0
	for _, s := range f.p.Stacks {
		for _, loc := range s {
			n += len(f.frames[loc])
		}
	}
	all := make([]uint32, 0, n)
	f.stacks = make([][]uint32, len(f.p.Stacks))
	for i, s := range f.p.Stacks {
		start := len(all)
		all = f.appendPlaces(all, s)
		f.stacks[i] = all[start:len(all):len(all)]
	}
	order := make([]int32, len(f.stacks))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(x, y int32) int { return slices.Compare(f.stacks[x], f.stacks[y]) })
	f.rank = make([]uint32, len(order))
	rank := uint32(0)
	for i, s := range order {
		if i > 0 && !slices.Equal(f.stacks[order[i-1]], f.stacks[s]) {
			rank++
		}
		f.rank[s] = rank
	}
}

// appendPlaces appends the places of the texts of a stack.
func (f *folder) appendPlaces(places []uint32, s Stack) []uint32 {
	start, end := len(places), int32(-1)
	for _, loc := range slices.Backward(s) {
		for _, t := range f.frames[loc] {
			places, end = append(places, f.inner[t]), t
		}
	}
	if len(places) > start {
		places[len(places)-1] = f.last[end]
	}
	return places
}

// line returns the line of a cell.
func (f *folder) line(c *Cell) foldedLine {
	l := foldedLine{stack: c.Stack, weight: c.Period}
	if c.Period == 0 {
		l.weight = c.Count
	}
	comm := f.comms[len(f.comms)-1]
	if c.Comm >= 0 {
		comm = f.comms[c.Comm]
	}
	l.comm = f.inner[comm]
	if len(f.stacks[c.Stack]) == 0 {
		l.comm = f.last[comm]
	}
	return l
}

func (f *folder) write(w io.Writer) error {
	b := bufio.NewWriterSize(w, 64<<10)
	for _, l := range f.lines {
		b.WriteString(f.texts[f.byRank[l.comm]])
		for _, place := range f.stacks[l.stack] {
			b.WriteByte(';')
			b.WriteString(f.texts[f.byRank[place]])
		}
		b.WriteByte(' ')
		b.Write(strconv.AppendUint(b.AvailableBuffer(), l.weight, 10))
		b.WriteByte('\n')
	}
	return b.Flush()
}

// frameTexts returns how a location is written: one text, none for a name that
// is in parentheses, several for a name with "->", which stackcollapse-perf.pl
// takes for inlined calls.
func (f *folder) frameTexts(loc int32) []string {
	l := f.p.Locations[loc]
	file := Unknown
	if l.Mapping >= 0 {
		file = f.p.Mappings[l.Mapping].File
	}
	name := displayName(f.p.FunctionName(loc))
	if strings.HasPrefix(name, "(") {
		return nil
	}
	var texts []string
	for part := range strings.SplitSeq(name, "->") {
		if part == Unknown {
			part = unknownText(file)
		}
		part = tidy(part)
		if len(texts) > 0 {
			part += "_[i]"
		}
		texts = append(texts, part)
	}
	return texts
}

// unknownText is the frame of an address without a name: its file.
func unknownText(file string) string {
	if file == Unknown {
		return Unknown
	}
	return "[" + file[strings.LastIndexByte(file, '/')+1:] + "]"
}

// tidy cuts off arguments, but not the receiver of a Go method, and drops what
// folded text can't hold.
func tidy(name string) string {
	if !strings.ContainsAny(name, ";(\"'\n") {
		return name
	}
	name = strings.NewReplacer(";", ":", "\n", " ").Replace(name)
	if !isGoMethod(name) {
		name = cutArguments(name)
	}
	return strings.NewReplacer(`"`, "", "'", "").Replace(name)
}

// isGoMethod finds ".(...)." as in net/http.(*Client).Do.
func isGoMethod(name string) bool {
	_, rest, ok := strings.Cut(name, ".(")
	return ok && strings.Contains(rest, ").")
}

func cutArguments(name string) string {
	const keep = "(anonymous namespace)"
	for i := 0; i < len(name); i++ {
		if name[i] == '(' && !strings.HasPrefix(name[i:], keep) {
			return name[:i]
		}
	}
	return name
}
