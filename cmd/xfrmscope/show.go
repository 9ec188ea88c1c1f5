package main

import (
	"github.com/spf13/cobra"

	"xfrmscope/reports"
)

func newShow(io streams) *cobra.Command {
	var user bool
	cmd := &cobra.Command{
		Use:   "show RUN|SWEEP...",
		Short: "Print the digest of runs to the terminal",
		Long:  `Show prints what report writes to digest.txt. Paths are those of report.`,
		Example: `  xfrmscope show run
  xfrmscope show sample:shared sample:pcpu`,
		Args: arguments(cobra.MinimumNArgs(1), "at least one RUN or SWEEP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			result, err := analyzePaths(cmd.Context(), args, user)
			if err != nil {
				return err
			}
			return reports.Digest(io.out, result)
		},
	}
	cmd.Flags().BoolVar(&user, "user", false, userUsage)
	return cmd
}
