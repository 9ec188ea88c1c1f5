package digest

import (
	"fmt"
	"slices"

	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// trafficModes bounds the columns of the table, trafficRows its rows.
const (
	trafficModes = 3
	trafficRows  = 7
)

// onlyTraffic reports whether the curves are a traffic generator's: then there
// are no costs or locks to print, but throughput and loss.
func onlyTraffic(r *result.Result) bool { return len(trafficCurves(r)) > 0 }

func trafficCurves(r *result.Result) []result.Curve {
	return slices.DeleteFunc(slices.Clone(r.Curves), func(c result.Curve) bool {
		return c.Scaling == nil || c.Scaling.Unit != "bit/s" || len(c.Scaling.Rows) == 0
	})
}

// trafficTable prints the throughput of each mode side by side, a line an N:
// the median of the runs and the packets lost.
func trafficTable(r *result.Result) [][]string {
	curves := trafficCurves(r)
	left := len(curves) - trafficModes
	curves = curves[:min(len(curves), trafficModes)]
	ns, cutRows := trafficNs(curves)
	names, units := fmt.Sprintf("  %6s", format.ASCII(format.OrWord(factorOf(r, curves[0]), "CPUs"), 6)),
		fmt.Sprintf("  %6s", "")
	for _, c := range curves {
		names += fmt.Sprintf("  %-18s", format.ASCII(c.Mode, 18))
		units += fmt.Sprintf("  %8s %8s ", "Gbit/s", "lost")
	}
	var lines []string
	for _, n := range ns {
		line := fmt.Sprintf("  %6d", n)
		for _, c := range curves {
			rate, lost := "-", "-"
			if row := rowOf(c.Scaling, n); row != nil {
				rate = format.Decimals(row.Rate.Median/1e9, 2)
				if row.Loss != nil {
					lost = format.Decimals(100**row.Loss, 2) + "%"
				}
			}
			line += fmt.Sprintf("  %8s %8s ", rate, lost)
		}
		lines = append(lines, line)
	}
	legend := fmt.Sprintf("  medians of %s; bits of layer %s; 1 Gibit/s = 1.074 Gbit/s", trafficRuns(curves),
		format.ASCII(layerOf(r, curves[0]), 8))
	if cutRows > 0 || left > 0 {
		lines = append(lines, fmt.Sprintf("  %d more N, %d more modes: see report.html and results.json",
			cutRows, max(left, 0)))
	}
	return headed([]string{legend, names, units}, lines)
}

// factorOf is what N counts, "" for CPUs.
func factorOf(r *result.Result, c result.Curve) string {
	if len(c.Runs) == 0 {
		return ""
	}
	return r.Runs[c.Runs[0]].Factor
}

// layerOf says which bits a curve counts.
func layerOf(r *result.Result, c result.Curve) string {
	if len(c.Runs) == 0 || r.Runs[c.Runs[0]].Traffic == nil {
		return "unknown"
	}
	return r.Runs[c.Runs[0]].Traffic.Layer
}

// trafficNs chooses the rows: where each curve begins, ends and, if it is held
// against a ceiling, has its knee; and others evenly between.
func trafficNs(curves []result.Curve) (ns []int, left int) {
	var all, must []int
	for _, c := range curves {
		for _, row := range c.Scaling.Rows {
			all = append(all, row.N)
		}
		if k := c.Scaling.Knee; k.Found() && c.Ceiling != nil {
			must = append(must, k.LastGood, k.N)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	must = append(must, all[0], all[len(all)-1])
	for _, i := range view.Pick(len(all), trafficRows) {
		if len(must) < trafficRows && !slices.Contains(must, all[i]) {
			must = append(must, all[i])
		}
	}
	slices.Sort(must)
	must = slices.DeleteFunc(slices.Compact(must), func(n int) bool { return !slices.Contains(all, n) })
	return must, len(all) - len(must)
}

func rowOf(s *scaling.Scaling, n int) *scaling.Row {
	for i := range s.Rows {
		if s.Rows[i].N == n {
			return &s.Rows[i]
		}
	}
	return nil
}

// trafficRuns is how many runs a point has: "5 runs", "3 to 5 runs".
func trafficRuns(curves []result.Curve) string {
	least, most := 0, 0
	for _, c := range curves {
		for _, row := range c.Scaling.Rows {
			if least == 0 || row.Rate.N < least {
				least = row.Rate.N
			}
			most = max(most, row.Rate.N)
		}
	}
	if least == most {
		return fmt.Sprintf("%d runs", least)
	}
	return fmt.Sprintf("%d to %d runs", least, most)
}
