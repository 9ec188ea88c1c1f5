package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"xfrmscope/collect/bundle"
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
	if s := runs[0].Sweep; s != nil {
		errs = append(errs, verifySweep(io, path, s))
	}
	for _, r := range runs {
		if err := r.Verify(); err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Fprintf(io.out, "%s: %s, %d files as written\n", r.Path, r.Status, len(r.Files))
	}
	return errors.Join(errs...)
}

// verifySweep checks a sweep's table of contents, and says which runs it lacks.
func verifySweep(io streams, path string, s *bundle.Sweep) error {
	if err := s.VerifyTable(); err != nil {
		return &bundle.DamagedError{File: path + "/sweep.json", Why: err.Error()}
	}
	if missing := s.Missing(); len(missing) > 0 {
		fmt.Fprintf(io.out, "%s: %d of %d runs; missing %s: `xfrmscope sweep --resume -o %s` makes them\n", path, len(s.Dirs), len(s.Planned), strings.Join(missing, ", "), path)
	}
	return nil
}
