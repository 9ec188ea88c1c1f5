package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"xfrmscope/collect/bundle"
)

func newList(io streams) *cobra.Command {
	return &cobra.Command{
		Use:   "list RUN|SWEEP...",
		Short: "List runs: what each is, how it ended, what weakens it",
		Long: `List reads the tables of contents only: it is quick for a thousand runs. It
says which runs of a sweep are missing, and which did not end.`,
		Example: "  xfrmscope list sweep",
		Args:    arguments(cobra.MinimumNArgs(1), "at least one RUN or SWEEP"),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, path := range args {
				if err := list(io, path); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func list(io streams, path string) error {
	runs, err := openRuns(path)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "run\tside\tmode\tn\trepeat\tCPUs\twindow\tstatus\tlosses\twarnings\tnot measured\tMB")
	for _, r := range runs {
		label := func(key string) string { return dash(r.Plan.Labels[key]) }
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%.1f s\t%s\t%d\t%d\t%d\t%.2f\n",
			inLine(strings.TrimPrefix(r.Path, path+"/")),
			label(bundle.LabelSide), dash(r.Plan.Mode()), label(bundle.LabelN), label(bundle.LabelRepeat),
			dash(r.Plan.CPUs.String()), r.Window.Seconds(), r.Status,
			len(r.Losses), len(r.Warnings), len(r.Gaps), megabytes(r.Files))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if s := runs[0].Sweep; s != nil {
		for _, dir := range s.Missing() {
			fmt.Fprintf(io.out, "missing: %s\n", inLine(dir))
		}
		for _, dir := range s.Aside {
			fmt.Fprintf(io.out, "did not end: %s\n", inLine(dir))
		}
	}
	return nil
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return inLine(s)
}

func megabytes(files []bundle.File) float64 {
	size := int64(0)
	for _, f := range files {
		size += f.Size
	}
	return float64(size) / 1e6
}
