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

// readTRexCSV reads a TRex sweep as CSV: a row a number of flows, a column a
// run, the mean of the runs last:
//
//	# frame size 1440,pps 286458,tx per flow 3.3G
//	#flows,run_1,run_2,avg_2
//	1,3.13,3.12,3.12
//
// Values are received Gibit/s on the wire (bits/2^30 of TRex's rx_bps_L1),
// whatever plots of them say. With a last column "cum_error" they are the
// percentage of packets lost.
func readTRexCSV(r io.Reader, opt Options) (*Import, error) {
	c := trexCSV{im: &Import{Traffic: &Traffic{Mode: modeOf(opt.Name)}}, file: opt.Name}
	l := newLines(r, opt.Name)
	for line := range l.all {
		if err := c.line(trimSpaces(line), l.num); err != nil {
			return nil, err
		}
	}
	if c.columns == nil && l.failure() == nil {
		return nil, &SyntaxError{File: opt.Name, What: "no line #flows,run_1,...", Fix: "it names the columns of a TRex CSV"}
	}
	if c.holes > 0 {
		c.im.Losses = append(c.im.Losses, bundle.Loss{Source: "importer", What: "cells of the sweep without a number", Count: c.holes, Of: c.holes + uint64(len(c.im.Traffic.Points)), Effect: "these runs are missing"})
	}
	return c.im, l.failure()
}

type trexCSV struct {
	im      *Import
	file    string
	columns []string // behind flows: run_1, ..., avg_5
	loss    bool     // cells are percentages of packets lost
	frame   int
	perFlow float64 // packets per second asked for
	holes   uint64
}

func (c *trexCSV) line(line []byte, num int) error {
	switch {
	case len(line) == 0:
	case bytes.HasPrefix(line, []byte("#flows,")):
		c.columns = strings.Split(string(line[len("#flows,"):]), ",")
		c.loss = strings.HasPrefix(c.columns[len(c.columns)-1], "cum_error")
	case line[0] == '#':
		c.settings(string(line[1:]))
	case c.columns == nil:
		return c.errorf(num, "a row before the line #flows,run_1,... that names the columns")
	default:
		return c.row(strings.Split(string(line), ","), num)
	}
	return nil
}

// settings reads "frame size 1440,pps 286458,tx per flow 3.3G".
func (c *trexCSV) settings(text string) {
	for _, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		if v, ok := strings.CutPrefix(part, "frame size "); ok {
			c.frame, _ = strconv.Atoi(strings.TrimSpace(v))
		}
		if v, ok := strings.CutPrefix(part, "pps "); ok {
			c.perFlow, _ = parseNumber(v)
		}
	}
}

func (c *trexCSV) row(cells []string, num int) error {
	if len(cells) != len(c.columns)+1 {
		return c.errorf(num, "a row of %d cells under %d columns", len(cells), len(c.columns)+1)
	}
	n, err := strconv.Atoi(strings.TrimSpace(cells[0]))
	if err != nil || n < 0 {
		return c.errorf(num, "%q for a number of flows", cells[0])
	}
	sum, runs := 0.0, 0
	for i, column := range c.columns {
		text := strings.TrimSpace(cells[i+1])
		if text == "" || strings.EqualFold(text, "nan") {
			c.holes++
			continue
		}
		v, ok := parseNumber(text)
		if !ok {
			return c.errorf(num, "%q in column %s is no number", text, column)
		}
		run, isRun := strings.CutPrefix(column, "run_")
		if !isRun {
			c.checkMean(column, v, sum, runs, n, num)
			continue
		}
		sum += v
		runs++
		r, _ := strconv.Atoi(run)
		c.add(n, r, v, num)
	}
	return nil
}

func (c *trexCSV) add(n, run int, v float64, num int) {
	p := Point{Line: num, Factor: "flows", N: n, Run: run, CPU: -1, FrameBytes: c.frame, RequestedPPS: c.perFlow * float64(n)}
	if c.loss {
		p.LossShare = new(v / 100)
	} else {
		p.Rx.Rate = Rate{Value: v, Unit: gibitPerSecond, Layer: onWire}
	}
	c.im.Traffic.Points = append(c.im.Traffic.Points, p)
}

// checkMean warns of a last column that is not the mean of the runs. Runs and
// mean are each rounded to 0.01.
func (c *trexCSV) checkMean(column string, mean, sum float64, runs, n, num int) {
	if runs == 0 {
		return
	}
	if got := sum / float64(runs); math.Abs(got-mean) > 0.0101 {
		c.im.Warnings = append(c.im.Warnings, trafficWarning("%s:%d: column %s says %.2f at %d flows, the mean of its %d runs is %.3f", c.file, num, column, mean, n, runs, got))
	}
}

func (c *trexCSV) errorf(num int, format string, args ...any) error {
	return &SyntaxError{File: c.file, Line: num, What: fmt.Sprintf(format, args...)}
}

// parseNumber reads a finite decimal number.
func parseNumber(text string) (float64, bool) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}
