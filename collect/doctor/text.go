package doctor

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteChecks prints the checks alone.
func (r *Report) WriteChecks(w io.Writer) error {
	var b strings.Builder
	r.checks(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) checks(b *strings.Builder) {
	for _, c := range r.Checks {
		evidence := c.Evidence
		if evidence != "" {
			evidence = ": " + evidence
		}
		fmt.Fprintf(b, "%-8s %s %s%s\n", c.State, c.ID, c.Title, evidence)
		if c.Fix != "" {
			fmt.Fprintf(b, "%-8s       fix: %s\n", "", c.Fix)
		}
	}
}

// Write prints the report for a reader.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	r.checks(&b)
	fmt.Fprintf(&b, "\nSpin locks are %s. What escapes the probes:\n", r.Locks.Kind)
	for _, blind := range r.Locks.Blind {
		fmt.Fprintf(&b, "  %s\n", blind)
	}
	fmt.Fprintf(&b, "\nWhat each privilege allows\n")
	rows := [][]string{{"", "root", "PERFMON+BPF", "NET_ADMIN", "none", "here"}}
	for _, right := range r.Rights {
		rows = append(rows, []string{right.What, right.Root, right.Perfmon, right.NetAdmin, right.Unprivileged,
			right.Here})
	}
	writeTable(&b, rows)
	fmt.Fprintf(&b, "\nWhat each kernel has (distributions backport; the last column was looked at)\n")
	rows = [][]string{append([]string{"", "since"}, r.Kernels.Versions...)}
	for _, row := range r.Kernels.Rows {
		rows = append(rows, append([]string{row.What, row.Since}, row.Has...))
	}
	writeTable(&b, rows)
	r.writePlan(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) writePlan(b *strings.Builder) {
	if len(r.Plan) == 0 {
		return
	}
	fmt.Fprintf(b, "\nPlan: a queue and a flow for each CPU. Nothing was changed; these commands would\n")
	why := ""
	for _, s := range r.Plan {
		if s.Why != why {
			fmt.Fprintf(b, "  # %s\n", s.Why)
			why = s.Why
		}
		fmt.Fprintf(b, "  %s\n", s.Command)
	}
}

func writeTable(b *strings.Builder, rows [][]string) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(t, "  %s\n", strings.Join(row, "\t"))
	}
	t.Flush() // a strings.Builder takes everything
}
