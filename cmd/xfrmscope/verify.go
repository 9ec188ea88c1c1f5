package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports"
	"xfrmscope/reports/digest"
)

// verifyOptions are the flags of verify.
type verifyOptions struct {
	results string
	strict  bool
	user    bool
}

func newVerify(io streams) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify RUN|SWEEP...",
		Short: "Check hashes, cross-checks and gates, and compute every published number again",
		Long: `Verify checks that every file of a bundle is as it was written, and prints which
cross-checks (one figure by two measurements) and which gates failed. With
--results it computes every number of a results.json, or of the one a
report.html carries, again from the recordings; a digest.txt beside it is made
again and compared byte for byte. Without the flag a results.json inside RUN or
SWEEP is taken.

Exit code 4: a file is damaged or a number is another; with --strict also: a
cross-check or a gate failed.`,
		Example: `  xfrmscope verify run
  xfrmscope verify sample:shared sample:pcpu --results out/demo/results.json`,
		Args: arguments(cobra.MinimumNArgs(1), "at least one RUN or SWEEP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return verify(cmd.Context(), io, o, args)
		},
	}
	cmd.Flags().StringVar(&o.results, "results", "", "results.json or report.html to compute again")
	cmd.Flags().BoolVar(&o.strict, "strict", false, "a failed cross-check or a failed gate is an error")
	cmd.Flags().BoolVar(&o.user, "user", false, userUsage)
	return cmd
}

func verify(ctx context.Context, io streams, o verifyOptions, paths []string) error {
	var errs []error
	for _, path := range paths {
		errs = append(errs, verifyFiles(io, path))
	}
	if err := errors.Join(errs...); err != nil {
		return err // numbers of damaged files say nothing
	}
	result, err := analyzePaths(ctx, paths, readOptions{user: o.user})
	if err != nil {
		return err
	}
	if err := verifyChecks(io, result); o.strict {
		errs = append(errs, err)
	}
	if o.results == "" {
		o.results = resultsIn(paths)
	}
	if o.results == "" {
		fmt.Fprintln(io.out, "numbers: nothing published to compare with (--results out/results.json)")
	} else {
		errs = append(errs, verifyNumbers(io, o.results, result))
	}
	return errors.Join(errs...)
}

// verifyFiles checks the hashes of every run of a path.
func verifyFiles(io streams, path string) error {
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
		if r.Status == bundle.Partial {
			fmt.Fprintf(io.out, "%s: partial: %s\n", r.Path, r.Why)
		}
	}
	return errors.Join(errs...)
}

// verifySweep checks a sweep's table of contents, and says which runs it lacks.
func verifySweep(io streams, path string, s *bundle.Sweep) error {
	if err := s.VerifyTable(); err != nil {
		return &bundle.DamagedError{File: path + "/sweep.json", Why: err.Error()}
	}
	if missing := s.Missing(); len(missing) > 0 {
		fmt.Fprintf(io.out, "%s: %d of %d runs; missing %s: `xfrmscope sweep --resume -o %s` makes them\n",
			path, len(s.Dirs), len(s.Planned), strings.Join(missing, ", "), path)
	}
	return nil
}

// verifyChecks prints identities and gates; the error names those that do not
// hold.
func verifyChecks(io streams, r *result.Result) error {
	var bad []error
	fail := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }
	sums, gates := map[string]int{}, map[string]int{}
	for _, run := range r.Runs {
		for _, i := range run.ConsistencyChecks {
			sums[i.Verdict]++
			if i.Verdict == "broken" {
				fail("%s: fails cross-check %s: %s %.6g %s, %s %.6g %s: they differ by %+.2f %%, "+
					"%.2g %% is allowed",
					run.Name, i.ID, i.Left.Text, i.Left.Value, i.Left.Unit, i.Right.Text,
					i.Right.Value, i.Right.Unit, 100*i.Residual, 100*i.Limit)
			}
		}
		for _, g := range run.Gates {
			gates[g.Status]++
			if g.Status == "failed" {
				fail("%s: gate %s failed: %s", run.Name, g.ID, g.Evidence)
			}
		}
	}
	for _, err := range bad[:min(maxListed, len(bad))] {
		fmt.Fprintln(io.out, err)
	}
	if left := len(bad) - maxListed; left > 0 {
		fmt.Fprintf(io.out, "%d cross-checks and gates more do not hold\n", left)
	}
	fmt.Fprintf(io.out, "cross-checks: %d hold, %d failed, %d not measured\n", sums["holds"], sums["broken"],
		sums["not measured"])
	fmt.Fprintf(io.out, "gates: %d ok, %d failed, %d not measured\n", gates["ok"], gates["failed"],
		gates["not measured"])
	return invalid(bad)
}

// resultsIn is the results.json inside one of the paths, "" if there is none.
func resultsIn(paths []string) string {
	for _, p := range paths {
		path := filepath.Join(p, "results.json")
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// maxListed bounds the numbers, sums and gates that are named.
const maxListed = 20

// verifyNumbers computes published numbers again.
func verifyNumbers(io streams, path string, again *result.Result) error {
	published, err := readResult(path)
	if err != nil {
		return err
	}
	if published == nil {
		return usagef("%s is no results.json and no report.html", path)
	}
	if !published.HasAddresses() {
		again.MaskAddresses()
	}
	if published.Masked {
		publish(again)
	}
	n := reports.Recomputed(again, published)
	var bad []error
	for _, run := range n.Unmatched {
		bad = append(bad, fmt.Errorf("%s: run %s is published there and not among those given", path, run))
	}
	if n.Checked == 0 {
		bad = append(bad, fmt.Errorf("%s: none of its numbers belongs to the runs given", path))
	}
	for _, d := range n.Differ[:min(maxListed, len(n.Differ))] {
		bad = append(bad, errors.New(d))
	}
	if left := len(n.Differ) - maxListed; left > 0 {
		bad = append(bad, fmt.Errorf("%d numbers more differ", left))
	}
	fmt.Fprintf(io.out, "numbers: %d figures of %d runs computed again, %d differ from %s\n", n.Checked, n.Runs,
		len(n.Differ), path)
	if len(bad) == 0 {
		if published.Comparison == nil && len(again.Runs) == n.Runs {
			published = again // which has the profiles, too
		}
		bad = append(bad, verifyDigest(io, filepath.Join(filepath.Dir(path), "digest.txt"), published))
	}
	return invalid(bad)
}

// verifyDigest makes the digest beside published results again.
func verifyDigest(io streams, path string, published *result.Result) error {
	want, err := readWhole(path, maxMail)
	if err != nil {
		return nil // none was kept
	}
	var got bytes.Buffer
	if err := digest.Write(&got, published); err != nil {
		return err
	}
	if !bytes.Equal(got.Bytes(), want) {
		return fmt.Errorf("%s is not the digest of these results: it was edited, or written by another version",
			path)
	}
	fmt.Fprintf(io.out, "digest: %s is that of these results, byte for byte\n", path)
	return nil
}

// invalid joins errors into one that ends with exit code 4.
func invalid(errs []error) error {
	if err := errors.Join(errs...); err != nil {
		return &invalidError{err.Error()}
	}
	return nil
}
