package main

import (
	"github.com/spf13/cobra"

	"xfrmscope/collect/lab"
)

// newLabGuest is the first program of a simulated machine. It is hidden: the host
// starts it.
func newLabGuest() *cobra.Command {
	return &cobra.Command{
		Use:    lab.GuestCommand,
		Short:  "Be the first program of a simulated machine",
		Hidden: true,
		RunE:   func(*cobra.Command, []string) error { return lab.Guest() },
	}
}
