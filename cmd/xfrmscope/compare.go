package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"xfrmscope/analyze"
	"xfrmscope/analyze/compare"
	"xfrmscope/reports"
)

// compareOptions are the flags of compare.
type compareOptions struct {
	dir    string
	force  bool
	expect []string
}

func newCompare(io streams) *cobra.Command {
	var o compareOptions
	cmd := &cobra.Command{
		Use:   "compare BEFORE AFTER",
		Short: "Say what differs between two sides, and whether it is real",
		Example: `  xfrmscope compare sample:shared sample:pcpu
  xfrmscope compare before after -o out`,
		Args: arguments(cobra.ExactArgs(2), "BEFORE and AFTER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return compareSides(cmd.Context(), io, o, args[0], args[1])
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.dir, "output", "o", "", "directory to write the report of both sides to")
	f.BoolVar(&o.force, "force", false, "compare what should not be compared; the report says so")
	f.StringSliceVar(&o.expect, "expect", nil, "what was changed on purpose, as kernel: a key that the report lists among what differs")
	return cmd
}

func compareSides(ctx context.Context, io streams, o compareOptions, before, after string) error {
	b, err := analyzePaths(ctx, []string{before}, false)
	if err != nil {
		return err
	}
	a, err := analyzePaths(ctx, []string{after}, false)
	if err != nil {
		return err
	}
	result, err := analyze.Compare(b, a, analyze.CompareOptions{
		Options: compare.Options{Force: o.force}, Before: before, After: after, Expected: o.expect,
	})
	if err != nil {
		return err
	}
	if o.dir == "" {
		return reports.Digest(io.out, result)
	}
	files, err := reports.WriteDir(o.dir, result)
	for _, f := range files {
		fmt.Fprintln(io.out, f)
	}
	return err
}
