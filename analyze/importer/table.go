package importer

import (
	"bytes"
	"io"
	"math"
	"strconv"
	"strings"
)

// readTable reads a sweep as CSV: a row a number of flows, a column a run, the mean of the runs last. TRex's begins
//
//	# frame size 1440,pps 286458,tx per flow 3.3G
//	#flows,run_1,run_2,avg_2
//	1,3.13,3.12,3.12
//
// Its values are received Gibit/s on the wire (bits/2^30 of TRex's rx_bps_L1), whatever plots of them say. With a last
// column "cum_error" they are the percentage of packets lost. Tables of neper's runs begin
//
//	Flows,Run 1,Run 2,Average
//
// and hold Mbit/s of TCP's payload.
func readTable(r io.Reader, opt Options) (*Import, error) {
	t := table{im: &Import{Traffic: &Traffic{Mode: modeOf(opt.Name)}}, opt: opt}
	l := newLines(r, opt.Name)
	for line := range l.all {
		if err := t.line(trimSpaces(line), l.num); err != nil {
			return nil, err
		}
	}
	if t.columns == nil && l.failure() == nil {
		return nil, opt.bad(0, "no line #flows,run_1,...").fix("it names the columns of a TRex CSV")
	}
	if t.holes > 0 {
		of := t.holes + uint64(len(t.im.Traffic.Points))
		t.im.lost("cells of the sweep without a number", t.holes, of, "these runs are missing")
	}
	return t.im, l.failure()
}

type table struct {
	im      *Import
	opt     Options
	columns []string // behind flows: run_1, ..., avg_5
	mbit    bool     // cells are Mbit/s of payload
	loss    bool     // cells are percentages of packets lost
	frame   int
	perFlow float64 // packets per second asked for
	holes   uint64
}

// tableColumns returns the columns behind the flows of a line that names them.
func tableColumns(line []byte) (columns []string, mbit, ok bool) {
	text := strings.ToLower(string(line))
	switch {
	case strings.HasPrefix(text, "#flows,run_"):
		return strings.Split(text[len("#flows,"):], ","), false, true
	case strings.HasPrefix(text, "flows,run "):
		return strings.Split(text[len("flows,"):], ","), true, true
	}
	return nil, false, false
}

func (t *table) line(line []byte, num int) error {
	if columns, mbit, ok := tableColumns(line); ok {
		t.columns, t.mbit = columns, mbit
		t.loss = strings.HasPrefix(columns[len(columns)-1], "cum_error")
		return nil
	}
	switch {
	case len(line) == 0:
	case line[0] == '#':
		t.settings(string(line[1:]))
	case t.columns == nil:
		return t.opt.bad(num, "a row before the line #flows,run_1,... that names the columns")
	default:
		return t.row(strings.Split(string(line), ","), num)
	}
	return nil
}

// settings reads "frame size 1440,pps 286458,tx per flow 3.3G".
func (t *table) settings(text string) {
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if v, ok := strings.CutPrefix(part, "frame size "); ok {
			t.frame, _ = strconv.Atoi(strings.TrimSpace(v))
		}
		if v, ok := strings.CutPrefix(part, "pps "); ok {
			t.perFlow, _ = parseNumber(v)
		}
	}
}

func (t *table) row(cells []string, num int) error {
	if len(cells) != len(t.columns)+1 {
		return t.opt.bad(num, "a row of %d cells under %d columns", len(cells), len(t.columns)+1)
	}
	n, err := strconv.Atoi(strings.TrimSpace(cells[0]))
	if err != nil || n < 0 {
		return t.opt.bad(num, "%q for a number of flows", cells[0])
	}
	sum, runs := 0.0, 0
	for i, column := range t.columns {
		text := strings.TrimSpace(cells[i+1])
		if text == "" || strings.EqualFold(text, "nan") {
			t.holes++
			continue
		}
		v, ok := parseNumber(text)
		if !ok {
			return t.opt.bad(num, "%q in column %s is no number", text, column)
		}
		run, isRun := strings.CutPrefix(strings.ReplaceAll(column, " ", "_"), "run_")
		if !isRun {
			t.checkMean(column, text, sum, runs, n, num)
			continue
		}
		sum += v
		runs++
		r, _ := strconv.Atoi(run)
		t.add(n, r, v, num)
	}
	return nil
}

func (t *table) add(n, run int, v float64, num int) {
	p := Point{
		Line: num, Factor: "flows", N: n, Run: run, CPU: -1,
		FrameBytes: t.frame, RequestedPPS: t.perFlow * float64(n),
	}
	switch {
	case t.loss:
		p.LossShare = new(max(v/100, 0))
		if v < 0 {
			p.warn("%v %% of the packets were lost: counted as none lost (%d flows, run %d, %s)",
				v, n, run, t.opt.at(num))
		}
	case t.mbit:
		p.Rx.Rate = Rate{Value: v, Unit: mbitPerSecond, Layer: inPayload}
	default:
		p.Rx.Rate = Rate{Value: v, Unit: gibitPerSecond, Layer: onWire}
	}
	t.im.Traffic.Points = append(t.im.Traffic.Points, p)
}

// checkMean warns of a last column that is not the mean of the runs, each of them rounded to the digits it has.
func (t *table) checkMean(column, mean string, sum float64, runs, n, num int) {
	v, _ := parseNumber(mean)
	_, fraction, _ := strings.Cut(mean, ".")
	tolerance := 0.0051 + math.Pow(10, -float64(len(fraction)))/2
	if got := sum / float64(runs); runs > 0 && math.Abs(got-v) > tolerance {
		t.im.warn("traffic", "column %s says %s at %d flows, the mean of its %d runs is %.3f (%s)",
			column, mean, n, runs, got, t.opt.at(num))
	}
}

// parseNumber reads a finite decimal number.
func parseNumber(text string) (float64, bool) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// looksTable reports whether the first line that is no comment names columns.
func looksTable(head []byte) bool {
	for line := range bytes.Lines(head) {
		line = bytes.TrimSpace(line)
		if _, _, ok := tableColumns(line); ok {
			return true
		}
		if len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return false
}
