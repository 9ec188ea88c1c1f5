package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// build is what `version --json` prints.
type build struct {
	Version      string `json:"version"`
	Revision     string `json:"revision,omitempty"` // of a build from a checkout
	Modified     bool   `json:"modified,omitempty"` // the checkout had changes
	Go           string `json:"go"`
	OS           string `json:"os"`
	Arch         string `json:"arch"`
	BundleSchema int    `json:"bundle_schema"` // newest bundle it writes and reads
	ResultSchema int    `json:"result_schema"` // of results.json
}

func newVersion(io streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version, and the formats this program reads and writes",
		Example: "  xfrmscope version\n  xfrmscope version --json",
		Args:    arguments(cobra.NoArgs, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			if !asJSON {
				_, err := fmt.Fprintf(io.out, "xfrmscope %s (%s, %s/%s; bundle schema %d, result "+
					"schema %d)\n", b.Version, b.Go, b.OS, b.Arch, b.BundleSchema, b.ResultSchema)
				return err
			}
			return io.printJSON(b)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return cmd
}

func thisBuild() build {
	b := build{Version: version(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		BundleSchema: bundle.SchemaVersion, ResultSchema: result.SchemaVersion}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

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
