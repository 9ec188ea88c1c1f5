package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"xfrmscope/analyze"
	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/sides"
	"xfrmscope/reports"
	"xfrmscope/reports/digest"
	"xfrmscope/reports/finding"
)

type compareOptions struct {
	dir    string
	force  bool
	expect []string
	failOn []string
	labels map[string]string

	addresses bool
	publish   bool
	ktap      bool
	json      bool
}

func newCompare(io streams) *cobra.Command {
	var o compareOptions
	cmd := &cobra.Command{
		Use:   "compare BEFORE AFTER | SWEEP",
		Short: "Say what differs between two sides, and whether it is real",
		Long: `Compare sets two sides against each other, mode by mode and N by N: runs,
sweeps, sample:NAME, files of other programs, or the results.json or
report.html of an earlier report. A sweep whose scenario has two sides is
compared with itself. It prints the digest; with -o it writes what report writes.

The run is the unit. A change is significant (*) with 4 runs or more on both sides, a
Mann-Whitney U test (exact; within the blocks of the label block, if all runs
have one) below 0.05, corrected within its table (Benjamini and Hochberg; with few
runs by permutation, Westfall and Young), and an interval of the ratio not wholly within 1 %. With every "no change shown" stands
the smallest change that would have been shown. One run a side gives the error
of sampling only. A failed gate takes significance back, never the number; so does a boot:
sides in different boots need 4 boots or more each, which are then the unit.

Sides that differ in scenario, event, unit or in who counted the packets are
refused; --force compares them and says so. What else differs (kernel, NIC,
tuning, placement) is listed; --expect KEY marks what was changed on purpose.

--fail-on METRIC[@N]>CHANGE ends with exit code 5 if the change is reached, at
each mode's largest N if none is named; it may be repeated. METRIC is a number
that each run has, by its id in results.json (a wrong one lists them; those of
locks are judged by class of lock), or headline, which is any metric named
beforehand (packets/s and cost per packet if none was). CHANGE is relative with %, else in the metric's
unit: 'cost_per_packet>50 ns'. Where more is better write <: 'packet_rate<-2%'.
The medians decide; where the interval holds the limit, "unclear" is printed. A
number that was not measured on both sides ends with exit code 4, if nothing else
is a regression.

--ktap prints KTAP for a kernel CI: a significant worsening or a met --fail-on is
"not ok", what was not measured is skipped. --json prints results.json, with what
--fail-on says under comparison.judgements.

In git bisect run, skip commits that could not be measured:

  xfrmscope compare good new --fail-on 'headline>5%'; e=$?; [ $e = 4 ] && e=125; exit $e`,
		Example: `  xfrmscope compare sample:shared sample:pcpu
  xfrmscope compare before after -o out --expect kernel
  xfrmscope compare sample:shared sample:pcpu --fail-on 'lock_wait_ns_per_packet>5%' --fail-on 'packet_rate@4<-2%'
  xfrmscope compare old/report.html new/results.json --fail-on 'headline>5%'`,
		Args: arguments(cobra.RangeArgs(1, 2), "BEFORE and AFTER, or a SWEEP of two sides"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return compareSides(cmd.Context(), io, o, args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.dir, "output", "o", "", "directory to write the report of both sides to")
	f.BoolVar(&o.addresses, "addresses", false, addressesUsage)
	f.BoolVar(&o.publish, "publish", false, publishUsage)
	f.StringToStringVar(&o.labels, "label", nil, labelUsage+"; of both sides")
	f.BoolVar(&o.ktap, "ktap", false, "print KTAP, a line for each headline figure and rate, not the digest")
	f.BoolVar(&o.json, "json", false, "print one document of JSON, not the digest")
	f.BoolVar(&o.force, "force", false, "compare what should not be compared; the report says so")
	f.StringSliceVar(&o.expect, "expect", nil,
		"what was changed on purpose, as kernel: a key that is listed among what differs")
	f.StringArrayVar(&o.failOn, "fail-on", nil,
		"regression that ends with exit code 5: METRIC[@N]>5%; may be repeated")
	return cmd
}

// A regressionError says which conditions were met.
type regressionError struct{ met []string }

func (e *regressionError) Error() string { return "regression: " + strings.Join(e.met, "; ") }

func compareSides(ctx context.Context, io streams, o compareOptions, paths []string) error {
	var conditions []sides.Condition
	for _, text := range o.failOn {
		c, err := sides.ParseCondition(text)
		if err != nil {
			return usageError{err}
		}
		conditions = append(conditions, c)
	}
	if o.json && o.ktap {
		return usagef("--json and --ktap are both for stdout: leave one out")
	}
	if o.dir != "" {
		if err := keepOutOfRuns(o.dir); err != nil {
			return err
		}
	}
	b, a, names, err := openSides(ctx, paths, readOptions{labels: o.labels})
	if err != nil {
		return err
	}
	result, err := sides.Compare(b, a, sides.CompareOptions{
		Options: compare.Options{Force: o.force}, Before: names[0], After: names[1], Expected: o.expect,
	})
	if err != nil {
		return err
	}
	result.Findings = slices.Concat(finding.Moved(result), result.Findings)
	if !o.addresses {
		result.MaskAddresses()
	}
	if o.publish {
		printMasked(io, result)
	}
	for _, c := range conditions {
		result.Comparison.Judgements = append(result.Comparison.Judgements, c.Judge(result)...)
	}
	if err := printComparison(io, o, result); err != nil {
		return err
	}
	return judge(result.Comparison.Judgements)
}

// openSides analyses both sides: two paths, or one sweep that has both.
func openSides(ctx context.Context, paths []string, o readOptions) (before, after *result.Result, names [2]string,
	err error) {
	o.profiles = int64(analyze.MaxProfiles / len(paths)) // both are in memory
	before, saved, err := readPaths(ctx, paths[:1], o)
	if err != nil {
		return nil, nil, names, err
	}
	if len(paths) == 1 {
		before, after, names, err = sides.Sides(before)
		if err != nil {
			return nil, nil, names, usagef("%s: %w", paths[0], err)
		}
		before.Findings, after.Findings = finding.All(before), finding.All(after)
		return before, after, names, nil
	}
	if !saved {
		before.Findings = finding.All(before)
	}
	after, saved, err = readPaths(ctx, paths[1:], o)
	if err == nil && !saved {
		after.Findings = finding.All(after)
	}
	return before, after, [2]string(paths), err
}

// printComparison writes the directory, and prints what was asked for.
func printComparison(io streams, o compareOptions, r *result.Result) error {
	var files []string
	if o.dir != "" {
		var err error
		if files, err = reports.WriteDir(o.dir, r); err != nil {
			return err
		}
	}
	switch {
	case o.json:
		return io.writeResult(r)
	case o.ktap:
		return digest.WriteKTAP(io.out, r)
	case o.dir == "":
		if err := digest.Write(io.out, r); err != nil {
			return err
		}
	}
	printFiles(io.out, files)
	for _, j := range r.Comparison.Judgements {
		fmt.Fprintln(io.out, digest.Judgement(j))
	}
	return nil
}

// judge returns the first reason to fail: a regression before a number that was
// not measured.
func judge(judgements []result.Judgement) error {
	var met, missing []string
	for _, j := range judgements {
		switch j.Outcome {
		case result.Regression:
			met = append(met, fmt.Sprintf("%s at N=%d", j.Condition, j.N))
		case result.Unmeasured:
			missing = append(missing, j.Condition+": "+j.Why)
		}
	}
	switch {
	case len(met) > 0:
		return &regressionError{met}
	case len(missing) > 0:
		return &invalidError{"--fail-on cannot be decided: " + strings.Join(missing, "; ")}
	}
	return nil
}
