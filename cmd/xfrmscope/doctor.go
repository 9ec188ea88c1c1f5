package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"xfrmscope/collect"
)

func newDoctor(io streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what can be measured here and what can't, with the fixing command",
		Long: `Doctor tries what record would use: privileges, perf and each default event,
BTF and each rung of the probes, XFRM. It changes nothing on the machine.
Exit code 3 if nothing could be recorded.`,
		Example: "  xfrmscope doctor\n  xfrmscope doctor --json",
		Args:    arguments(cobra.NoArgs, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return doctor(cmd.Context(), io, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the checks as JSON")
	return cmd
}

func doctor(ctx context.Context, io streams, asJSON bool) error {
	checks := collect.Doctor(ctx, collect.Options{})
	if asJSON {
		enc := json.NewEncoder(io.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(checks); err != nil {
			return err
		}
		return recordable(checks)
	}
	for _, c := range checks {
		fmt.Fprintf(io.out, "%-8s %s %s: %s\n", c.State, c.ID, c.Title, c.Evidence)
		if c.Fix != "" {
			fmt.Fprintf(io.out, "%-8s       fix: %s\n", "", c.Fix)
		}
	}
	return recordable(checks)
}

func recordable(checks []collect.Check) error {
	if collect.CanRecord(checks) {
		return nil
	}
	return &collect.Missing{What: "recording", Why: "what it needs is absent here", Fix: "the checks above name each fix"}
}
