package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"xfrmscope/collect/bundle"
	"xfrmscope/reports/view"
)

// A listing is what list prints as JSON.
type listing struct {
	document
	Runs      []listed `json:"runs"`
	Missing   []string `json:"missing"`     // planned runs of sweeps that were not made
	DidNotEnd []string `json:"did_not_end"` // runs that are kept, and part of no result
}

// A listed is one run, as its table of contents has it.
type listed struct {
	Path        string            `json:"path"`
	Mode        string            `json:"mode,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"` // "n", "repeat", "side" and others
	CPUs        bundle.CPUSet     `json:"cpus,omitempty"`
	Started     time.Time         `json:"started,omitzero"`
	WindowS     float64           `json:"window_seconds"`
	Status      bundle.Status     `json:"status"`
	Why         string            `json:"why,omitempty"` // why it is partial
	Losses      []bundle.Loss     `json:"losses,omitempty"`
	Warnings    []bundle.Warning  `json:"warnings,omitempty"`
	NotMeasured []bundle.Gap      `json:"not_measured,omitempty"`
	SizeBytes   int64             `json:"size_bytes"`
}

func newList(io streams) *cobra.Command {
	var o jsonOptions
	cmd := &cobra.Command{
		Use:   "list RUN|SWEEP...",
		Short: "List runs: what each is, how it ended, what weakens it",
		Long: `List reads the tables of contents only: it is quick for a thousand runs. It
says which runs of a sweep are missing, and which did not end.`,
		Example: "  xfrmscope list sweep\n" +
			"  xfrmscope list sweep --json | jq '.runs[] | {path, window_seconds}'",
		Args: arguments(cobra.MinimumNArgs(1), "at least one RUN or SWEEP"),
		RunE: func(_ *cobra.Command, args []string) error {
			all := listing{newDocument(), []listed{}, []string{}, []string{}}
			for _, path := range args {
				one, err := list(path)
				if err != nil {
					return err
				}
				if !o.json {
					if err := one.print(io, path+"/"); err != nil {
						return err
					}
				}
				all.Runs = append(all.Runs, one.Runs...)
				all.Missing = append(all.Missing, one.Missing...)
				all.DidNotEnd = append(all.DidNotEnd, one.DidNotEnd...)
			}
			if o.json {
				return io.writeJSON(&all, o.masking(), " ")
			}
			return nil
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

func list(path string) (listing, error) {
	var l listing
	runs, err := openRuns(path)
	if err != nil {
		return l, err
	}
	for _, r := range runs {
		one := listed{Path: r.Path, Mode: r.Plan.Mode(), Labels: r.Plan.Labels, CPUs: r.Plan.CPUs,
			Started: r.Started, WindowS: r.Window.Seconds(), Status: r.Status, Why: r.Why,
			Losses: r.Losses, Warnings: r.Warnings, NotMeasured: r.Gaps}
		for _, f := range r.Files {
			one.SizeBytes += f.Size
		}
		l.Runs = append(l.Runs, one)
	}
	if s := runs[0].Sweep; s != nil {
		for _, dir := range s.Missing() {
			l.Missing = append(l.Missing, path+"/"+dir)
		}
		for _, dir := range s.Aside {
			l.DidNotEnd = append(l.DidNotEnd, path+"/"+dir)
		}
	}
	return l, nil
}

// print prints a table; names within the path stand without it.
func (l *listing) print(io streams, path string) error {
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "run\tside\tmode\tn\trepeat\tCPUs\twindow\tstatus\tlosses\twarnings\tnot measured\tMB")
	for _, r := range l.Runs {
		label := func(key string) string { return dash(r.Labels[key]) }
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s s\t%s\t%d\t%d\t%d\t%.2f\n",
			inLine(strings.TrimPrefix(r.Path, path)),
			label(bundle.LabelSide), dash(r.Mode), label(bundle.LabelN), label(bundle.LabelRepeat),
			dash(r.CPUs.String()), cmp.Or(view.SecondsText(r.WindowS), "0.0"), r.Status,
			len(r.Losses), len(r.Warnings), len(r.NotMeasured), float64(r.SizeBytes)/1e6)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, dir := range l.Missing {
		fmt.Fprintf(io.out, "missing: %s\n", inLine(strings.TrimPrefix(dir, path)))
	}
	for _, dir := range l.DidNotEnd {
		fmt.Fprintf(io.out, "did not end: %s\n", inLine(strings.TrimPrefix(dir, path)))
	}
	return nil
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return inLine(s)
}
