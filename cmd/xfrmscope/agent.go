package main

import (
	"github.com/spf13/cobra"

	"xfrmscope/collect/record"
	"xfrmscope/collect/remote"
)

// newAgent is what runs on another host, started over ssh. It is hidden: only
// programs talk to it.
func newAgent(io streams) *cobra.Command {
	return &cobra.Command{
		Use:    "agent",
		Short:  "Make runs for another host, by requests on standard input",
		Hidden: true,
		Args:   arguments(cobra.NoArgs, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return remote.Serve(cmd.Context(), io.in, io.binary,
				record.Options{Tool: "xfrmscope " + version()})
		},
	}
}
