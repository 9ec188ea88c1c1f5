package importer

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
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
		im.lost(fmt.Sprintf("lines of the folded text without a stack and count, the first at %s:%d", opt.Name, firstBad.Line),
			uint64(bad), uint64(bad+stacks), "their weight is missing")
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

// A weight is a sum of numbers with and without a fraction; whole ones are
// summed exactly.
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
