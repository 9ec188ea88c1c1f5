package importer

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"xfrmscope/collect/bundle"
)

// readFolded reads folded stacks: frames from root to leaf parted by ";", a
// space, the weight. Weights may have a fraction.
func readFolded(r io.Reader, opt Options) (*Import, error) {
	f := newNamed(opt)
	stacks, twoCounts, bad := 0, 0, 0
	var firstBad *SyntaxError
	l := newLines(r, opt.Name)
	for line := range l.all {
		if line = trimSpaces(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		stack, count, ok := splitFolded(line)
		if !ok {
			if bad++; firstBad == nil {
				firstBad = opt.bad(l.num, "no stack and count: %s", quoteShort(line)).
					fix("a line of folded stacks is frame;frame;frame count")
			}
			continue
		}
		if _, _, two := splitFolded(trimSpaces(stack)); two {
			twoCounts++
		}
		if err := f.addText(stack).add(count); err != nil {
			return nil, opt.bad(l.num, "%v", err)
		}
		stacks++
	}
	switch {
	case 2*bad > stacks:
		return nil, firstBad
	case stacks > 1 && twoCounts == stacks:
		return nil, opt.bad(0, "every line has two counts: a difference of two profiles").
			fix("import the two files difffolded.pl made it from")
	}
	im := f.result("count")
	if bad > 0 {
		what := "lines of the folded text without a stack and count, the first at " + firstBad.position()
		im.lost(what, uint64(bad), uint64(bad+stacks), "their weight is missing")
		lose(im.Profiles, im.Losses[0])
	}
	return im, l.failure()
}

// splitFolded parts a line at the last space before its weight.
func splitFolded(line []byte) (stack, count []byte, ok bool) {
	i := bytes.LastIndexByte(line, ' ')
	if i <= 0 || !isWeight(line[i+1:]) {
		return nil, nil, false
	}
	return trimSpaces(line[:i]), line[i+1:], true
}

// isWeight matches digits with at most one point among them.
func isWeight(text []byte) bool {
	whole, fraction, _ := bytes.Cut(text, []byte("."))
	for _, part := range [][]byte{whole, fraction} {
		for _, c := range part {
			if !isDigit(c) {
				return false
			}
		}
	}
	return len(whole) > 0
}

// A weight is a sum of numbers with and without a fraction; whole ones are summed exactly.
type weight struct {
	whole    uint64
	fraction float64
}

// add adds "12" or "12.5".
func (w *weight) add(text []byte) error {
	whole, fraction, _ := bytes.Cut(text, []byte("."))
	n, ok := parseUint(whole)
	if !ok || n > math.MaxUint64-w.whole {
		return fmt.Errorf("a weight of %s, or the sum so far, is more than 64 bits hold", quoteShort(text))
	}
	w.whole += n
	if len(fraction) > 0 {
		f, err := strconv.ParseFloat("0."+string(fraction), 64)
		if err != nil {
			return fmt.Errorf("reading the weight %s: %w", quoteShort(text), err)
		}
		w.fraction += f
	}
	return nil
}

func (w weight) rounded() uint64 {
	return w.whole + uint64(math.Round(w.fraction))
}

// Weights are taken for numbers of samples up to a sum that as many stacks in a text could have (as a sum of periods
// it is a quarter of a second of one CPU's cycles), if some stack was seen seldom, as in all recordings some are, and
// stacks repeat no more than an idle machine's do.
const (
	maxSampleCount = 1e9
	maxSeldom      = 1000
	maxMean        = 1e5
)

// named makes the profile of stacks whose frames are names and nothing else: folded stacks and flame graphs.
type named struct {
	opt    Options
	b      *builder
	event  *samples
	frames map[string]int32 // location by text
	files  [3]int           // mapping by kind
	marked bool             // a frame says that it is the kernel's
	key    stackKey
	sums   []weight // by cell
}

// A frameKind is what stackcollapse-perf.pl --all says of a frame, by a mark at the end of its name.
type frameKind int

const (
	plainFrame   frameKind = iota
	kernelFrame            // "_[k]"
	runtimeFrame           // "_[j]": code made at run time
)

func newNamed(opt Options) *named {
	b := newBuilder()
	kernel, jit := b.mapping([]byte("[kernel]"), true), b.mapping([]byte("[jit]"), false)
	return &named{
		opt:    opt,
		b:      b,
		event:  b.event([]byte(bundle.UnnamedEvent)),
		frames: map[string]int32{},
		files:  [3]int{plainFrame: -1, kernelFrame: kernel, runtimeFrame: jit},
	}
}

// addText returns the weight of a stack given from root to leaf, its frames
// parted by ";". The first is the task's name, as stackcollapse-perf.pl and
// inferno-collapse-perf put it.
func (f *named) addText(stack []byte) *weight {
	first, stack, _ := bytes.Cut(stack, []byte(";"))
	comm := f.b.comm(first)
	f.key = f.key[:0]
	for len(stack) > 0 {
		i := bytes.LastIndexByte(stack, ';')
		f.key = f.key.push(f.frame(stack[i+1:]))
		stack = stack[:max(i, 0)]
	}
	return f.weigh(comm)
}

// frame returns the location of a frame.
func (f *named) frame(text []byte) int32 {
	l, ok := f.frames[string(text)]
	if !ok {
		name, kind := parseMark(string(text))
		f.marked = f.marked || kind == kernelFrame
		if file, ok := fileOnly(name, kind); ok {
			kernel := kind == kernelFrame || strings.HasPrefix(file, "[kernel")
			l = f.b.location(0, nil, f.b.mapping([]byte(file), kernel))
		} else {
			at := f.b.describe(0, []byte(name), f.files[kind])
			at.Inlined = strings.HasSuffix(string(text), "_[i]")
			l = f.b.enter(at)
		}
		f.frames[string(text)] = l
	}
	return l
}

// parseMark takes the mark off a frame's name. Inlined frames ("_[i]") and
// those of a waker ("_[w]") are what the frame around them is.
func parseMark(text string) (string, frameKind) {
	if name, ok := strings.CutSuffix(text, "_[k]"); ok {
		return name, kernelFrame
	}
	if name, ok := strings.CutSuffix(text, "_[j]"); ok {
		return name, runtimeFrame
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, "_[i]"), "_[w]"), plainFrame
}

// fileOnly tells a frame that no symbol covers, of which the file is known:
// "[libc.so.6]". Kernel files keep the brackets perf gives them.
func fileOnly(name string, kind frameKind) (string, bool) {
	if len(name) < 3 || name[0] != '[' || name[len(name)-1] != ']' || name == unknownFile {
		return "", false
	}
	if kind == kernelFrame || strings.HasPrefix(name, "[kernel") {
		return name, true
	}
	return name[1 : len(name)-1], true
}

// weigh returns the weight of the stack in f.key.
func (f *named) weigh(comm int32) *weight {
	if len(f.key) == 0 {
		f.key = f.key.push(f.b.location(0, nil, -1))
	}
	k := cellKey{stack: f.b.stack(f.key), cpu: -1, pid: -1, tid: -1, comm: comm}
	n := f.event.number(k)
	if n == len(f.sums) {
		f.sums = append(f.sums, weight{})
	}
	return &f.sums[n]
}

// result makes the import. unit is what the format says a weight counts;
// "count" if that may be samples or anything else.
func (f *named) result(unit string) *Import {
	sum, least, fractions := 0.0, uint64(math.MaxUint64), false // least is the smallest weight of a stack
	for i, w := range f.sums {
		n := w.rounded()
		f.event.cells[i].Period = n
		sum += float64(n)
		fractions = fractions || w.fraction > 0
		if n > 0 {
			least = min(least, n)
		}
	}
	f.event.event.Unit = unit
	samples := unit == "count" && !fractions && sum < maxSampleCount && least < maxSeldom &&
		sum < maxMean*float64(len(f.sums))
	for i := range f.event.cells {
		c := &f.event.cells[i]
		if samples {
			c.Count, c.PeriodSq = c.Period, float64(c.Period)
		}
	}
	if f.marked {
		f.settleFiles()
	}
	im := &Import{Profiles: f.b.profiles()}
	f.warn(im, sum, samples, fractions)
	return im
}

// settleFiles charges unmarked frames to user space, which they are if the kernel's are marked.
func (f *named) settleFiles() {
	user := f.b.mapping([]byte("[user]"), false)
	t := &f.b.tables
	for i := range t.Functions {
		if t.Functions[i].Mapping < 0 {
			t.Functions[i].Mapping = user
		}
	}
	for i := range t.Locations {
		if t.Locations[i].Mapping < 0 {
			t.Locations[i].Mapping = user
		}
	}
}

// warn says what the format leaves open.
func (f *named) warn(im *Import, sum float64, samples, fractions bool) {
	add := func(format string, args ...any) {
		w := bundle.Warn(f.event.event.Name, format, args...)
		im.Warnings = append(im.Warnings, w)
		warn(im.Profiles, w)
	}
	if len(im.Profiles) == 0 {
		add("it holds no stack")
		return
	}
	add("the file does not name the event that was sampled; " +
		"stackcollapse-perf.pl keeps only the first of a recording and drops the others")
	if !samples && f.event.event.Unit == "count" && !fractions {
		const taken = "weights are sums of periods, of an event the file does not name: taken for samples, "
		if days := sum / 4000 / 86400; days >= 1 {
			add(taken+"%s would be %.0f days of one CPU at 4000 Hz", thousands(sum), days)
		} else {
			add(taken+"%s are more than %d stacks have", thousands(sum), len(f.sums))
		}
	}
	if fractions {
		add("weights have fractions: they are no numbers of samples, and are rounded to whole ones a stack")
	}
	if !samples {
		add("the number of samples is not known: sampling errors are not given")
	}
}

// thousands prints a whole number with separators: "66,247,577,424".
func thousands(n float64) string {
	s := fmt.Sprintf("%.0f", n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// quoteShort quotes what an input holds, cut to a length errors can show.
func quoteShort(text []byte) string {
	if len(text) > 80 {
		return fmt.Sprintf("%q...", text[:80])
	}
	return fmt.Sprintf("%q", text)
}
