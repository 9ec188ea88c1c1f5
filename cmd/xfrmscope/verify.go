package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func newVerify(io streams) *cobra.Command {
	return &cobra.Command{
		Use:     "verify RUN|SWEEP...",
		Short:   "Check that every file of a bundle is as it was written",
		Example: "  xfrmscope verify run",
		Args:    arguments(cobra.MinimumNArgs(1), "at least one RUN or SWEEP"),
		RunE: func(_ *cobra.Command, args []string) error {
			var errs []error
			for _, path := range args {
				errs = append(errs, verify(io, path))
			}
			return errors.Join(errs...)
		},
	}
}

func verify(io streams, path string) error {
	runs, err := openRuns(path)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range runs {
		if err := r.Verify(); err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Fprintf(io.out, "%s: %s, %d files as written\n", r.Path, r.Status, len(r.Files))
	}
	return errors.Join(errs...)
}
