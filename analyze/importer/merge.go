package importer

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
)

// A ContradictionError says that two files hold different results of what should be one and the same run.
type ContradictionError struct {
	File, Other string
	N, Run      int
	Factor      string
	Rate, Rates Rate // of File and of Other
}

func (e *ContradictionError) Error() string {
	return fmt.Sprintf("%s and %s both hold run %d of %d %s, with %v and %v: they are two measurements; "+
		"give each a mode of its own with --mode FILE=NAME",
		e.File, e.Other, e.Run, e.N, e.Factor, e.Rate, e.Rates)
}

// A TrafficFile is what one file holds of a sweep.
type TrafficFile struct {
	Name    string
	Traffic *Traffic
}

// rounding is how far a rate printed with two decimals may be off.
const rounding = 0.006

// MergeTraffic makes one Traffic of files about the same sweep: TRex writes its rates to a CSV, its losses to another,
// and both with more digits to a JSON. Points of the same setting, run and direction are one run, not two; where files
// tell the same number, the one with more digits stays. The error is a *ContradictionError.
func MergeTraffic(files []TrafficFile) (*Traffic, error) {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b TrafficFile) int { return b.detail() - a.detail() })
	out := &Traffic{}
	devices := slices.IndexFunc(files, func(f TrafficFile) bool { return !f.devices() }) < 0
	from := map[pointKey]string{}
	at := map[pointKey]int{}
	for _, f := range files {
		out.Mode = cmp.Or(out.Mode, f.Traffic.Mode)
		for _, p := range f.Traffic.Points {
			if devices {
				p.N = 0 // counted below
			}
			key := pointKey{p.N, p.Run, p.Setting, p.Direction, p.Device}
			i, known := at[key]
			if !known {
				at[key], from[key] = len(out.Points), f.Name
				out.Points = append(out.Points, p)
				continue
			}
			if from[key] == f.Name {
				if have := &out.Points[i]; p.copyOf(have) {
					have.warn("run %d of %d %s stands twice in %s: it is counted once", p.Run, p.N,
						p.Factor, f.Name)
					continue
				}
				// A file may repeat a setting without numbering its runs.
				out.Points = append(out.Points, p)
				continue
			}
			have := &out.Points[i]
			if differ(have.Rx.Rate, p.Rx.Rate) || differ(have.Tx.Rate, p.Tx.Rate) {
				return nil, &ContradictionError{
					File: from[key], Other: f.Name, N: p.N, Run: p.Run, Factor: p.Factor,
					Rate: have.Rx.Rate, Rates: p.Rx.Rate,
				}
			}
			have.fill(&p)
		}
	}
	if devices {
		numberThreads(out.Points)
	}
	return out, nil
}

// copyOf reports whether a numbered run is the same measurement as another, to the last packet and digit.
func (p *Point) copyOf(other *Point) bool {
	return p.Run > 0 && p.Rx.Packets != nil && reflect.DeepEqual(p.Rx, other.Rx) &&
		reflect.DeepEqual(p.Tx, other.Tx)
}

// devices reports whether the points are the devices of one run of pktgen.
func (f TrafficFile) devices() bool {
	return !slices.ContainsFunc(f.Traffic.Points, func(p Point) bool { return p.Factor != "threads" })
}

// detail ranks a file by how much its points tell.
func (f TrafficFile) detail() int {
	if len(f.Traffic.Points) == 0 {
		return 0
	}
	switch p := &f.Traffic.Points[0]; {
	case p.Tx.Packets != nil:
		return 3
	case p.Rx.Rate.Known():
		return 2
	}
	return 1
}

type pointKey struct {
	n, run                     int
	setting, direction, device string
}

// differ reports whether two rates, both known, are not the same but for the digits printed.
func differ(a, b Rate) bool {
	return a.Known() && b.Known() && math.Abs(a.Value-b.BPS()/a.Unit.bits()) > rounding
}

// fill takes from other what p does not know.
func (p *Point) fill(other *Point) {
	p.LossShare = cmp.Or(p.LossShare, other.LossShare)
	p.LostPackets = cmp.Or(p.LostPackets, other.LostPackets)
	if !p.Rx.Rate.Known() {
		p.Rx = other.Rx
	}
	if !p.Tx.Rate.Known() {
		p.Tx = other.Tx
	}
	p.FrameBytes = cmp.Or(p.FrameBytes, other.FrameBytes)
	p.Warnings = slices.Concat(p.Warnings, other.Warnings)
}

// Runs returns the points by run: those of one setting and run together, as directions or devices of it. Repeats that
// are not numbered are runs of their own.
func (t *Traffic) Runs() [][]Point {
	var out [][]Point
	at := map[pointKey]int{}
	for _, p := range t.Points {
		key := pointKey{n: p.N, run: p.Run, setting: p.Setting}
		i, known := at[key]
		repeated := known && slices.ContainsFunc(out[i], func(q Point) bool {
			return q.Direction == p.Direction && q.Device == p.Device
		})
		if !known || repeated {
			at[key] = len(out)
			out = append(out, []Point{p})
			continue
		}
		out[i] = append(out[i], p)
	}
	return out
}
