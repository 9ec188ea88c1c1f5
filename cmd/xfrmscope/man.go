package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan writes the man pages a package ships. It is hidden: users have them.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write the man pages, one a command, into DIR",
		Hidden: true,
		Args:   arguments(cobra.ExactArgs(1), "one DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("making the directory: %w", err)
			}
			epoch := time.Unix(0, 0) // the same pages from the same source
			root := cmd.Root()
			root.DisableAutoGenTag = true
			keepLines(root)
			return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "xfrmscope",
				Manual: "User Commands", Date: &epoch}, args[0])
		},
	}
}

// keepLines has the texts set as they are written: their lists are laid out by
// hand.
func keepLines(cmd *cobra.Command) {
	if cmd.Long != "" {
		cmd.Long = "```\n" + cmd.Long + "\n```"
	}
	for _, sub := range cmd.Commands() {
		keepLines(sub)
	}
}
