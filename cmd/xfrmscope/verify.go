package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	goio "io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports"
	"xfrmscope/reports/digest"
)

type verifyOptions struct {
	jsonOptions
	results string
	strict  bool
	user    bool
}

// A verification is what verify prints as JSON. What is left out was not checked: of
// damaged files nothing but which they are.
type verification struct {
	document
	Runs    []verifiedRun `json:"runs"`
	Missing []string      `json:"missing"` // planned runs of sweeps that were not made

	CrossChecks  map[string]int `json:"cross_checks,omitempty"` // how many, by verdict
	Gates        map[string]int `json:"gates,omitempty"`        // how many, by status
	FailedChecks []failedCheck  `json:"failed_cross_checks,omitempty"`
	FailedGates  []failedGate   `json:"failed_gates,omitempty"`

	Numbers *verifiedNumbers `json:"numbers,omitempty"` // of published results
	Digest  string           `json:"digest,omitempty"`  // "same" or "differs", if one is beside them

	Error string `json:"error,omitempty"` // why it ends with another exit code than 0
}

type verifiedRun struct {
	Path    string        `json:"path"`
	Status  bundle.Status `json:"status"`
	Why     string        `json:"why,omitempty"` // why it is partial
	Files   int           `json:"files"`
	Damaged string        `json:"damaged,omitempty"`
}

type failedCheck struct {
	Run string `json:"run"`
	result.ConsistencyCheck
}

type failedGate struct {
	Run string `json:"run"`
	result.Gate
}

type verifiedNumbers struct {
	Results   string   `json:"results"` // the file that holds them
	Figures   int      `json:"figures"` // computed again
	Runs      int      `json:"runs"`
	Differ    []string `json:"differ"`
	Unmatched []string `json:"unmatched_runs"` // published, and not among those given
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
			if !o.json {
				return new(verification).verify(cmd.Context(), io, o, args)
			}
			v := verification{document: newDocument(), Runs: []verifiedRun{}, Missing: []string{}}
			text := io
			text.out = goio.Discard
			err := v.verify(cmd.Context(), text, o, args)
			if err != nil {
				v.Error = err.Error()
			}
			return errors.Join(io.writeJSON(&v, o.masking(), " "), err)
		},
	}
	cmd.Flags().StringVar(&o.results, "results", "", "results.json or report.html to compute again")
	cmd.Flags().BoolVar(&o.strict, "strict", false, "a failed cross-check or a failed gate is an error")
	cmd.Flags().BoolVar(&o.user, "user", false, userUsage)
	o.flags(cmd.Flags())
	return cmd
}

// verify prints what it finds, and keeps it.
func (v *verification) verify(ctx context.Context, io streams, o verifyOptions, paths []string) error {
	var errs []error
	for _, path := range paths {
		errs = append(errs, v.files(io, path))
	}
	if err := errors.Join(errs...); err != nil {
		return err // numbers of damaged files say nothing
	}
	result, err := analyzePaths(ctx, paths, readOptions{user: o.user})
	if err != nil {
		return err
	}
	if err := v.checks(io, result); o.strict {
		errs = append(errs, err)
	}
	if o.results == "" {
		o.results = resultsIn(paths)
	}
	if o.results == "" {
		fmt.Fprintln(io.out, "numbers: nothing published to compare with (--results out/results.json)")
	} else {
		errs = append(errs, v.numbers(io, o.results, result))
	}
	return errors.Join(errs...)
}

// files checks the hashes of every run of a path.
func (v *verification) files(io streams, path string) error {
	runs, err := openRuns(path)
	if err != nil {
		return err
	}
	var errs []error
	if s := runs[0].Sweep; s != nil {
		errs = append(errs, v.sweep(io, path, s))
	}
	for _, r := range runs {
		one := verifiedRun{Path: r.Path, Status: r.Status, Why: r.Why, Files: len(r.Files)}
		err := r.Verify()
		if err != nil {
			one.Damaged = err.Error()
			errs = append(errs, err)
		}
		if v.Runs = append(v.Runs, one); err != nil {
			continue
		}
		fmt.Fprintf(io.out, "%s: %s, %d files as written\n", r.Path, r.Status, len(r.Files))
		if r.Status == bundle.Partial {
			fmt.Fprintf(io.out, "%s: partial: %s\n", r.Path, r.Why)
		}
	}
	return errors.Join(errs...)
}

// sweep checks a sweep's table of contents, and says which runs it lacks.
func (v *verification) sweep(io streams, path string, s *bundle.Sweep) error {
	if err := s.VerifyTable(); err != nil {
		return &bundle.DamagedError{File: path + "/sweep.json", Why: err.Error()}
	}
	if missing := s.Missing(); len(missing) > 0 {
		for _, dir := range missing {
			v.Missing = append(v.Missing, path+"/"+dir)
		}
		fmt.Fprintf(io.out, "%s: %d of %d runs; missing %s: `xfrmscope sweep --resume -o %s` makes them\n",
			path, len(s.Dirs), len(s.Planned), strings.Join(missing, ", "), path)
	}
	return nil
}

// checks prints cross-checks and gates; the error names those that do not hold.
func (v *verification) checks(io streams, r *result.Result) error {
	var bad []error
	fail := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }
	sums, gates := map[string]int{}, map[string]int{}
	v.CrossChecks, v.Gates = sums, gates
	for _, run := range r.Runs {
		for _, i := range run.ConsistencyChecks {
			sums[i.Verdict]++
			if i.Verdict == "broken" {
				v.FailedChecks = append(v.FailedChecks, failedCheck{run.Name, i})
				fail("%s: fails cross-check %s: %s %.6g %s, %s %.6g %s: they differ by %+.2f %%, "+
					"%.2g %% is allowed",
					run.Name, i.ID, i.Left.Text, i.Left.Value, i.Left.Unit, i.Right.Text,
					i.Right.Value, i.Right.Unit, 100*i.Residual, 100*i.Limit)
			}
		}
		for _, g := range run.Gates {
			gates[g.Status]++
			if g.Status == "failed" {
				v.FailedGates = append(v.FailedGates, failedGate{run.Name, g})
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

// numbers computes published numbers again.
func (v *verification) numbers(io streams, path string, again *result.Result) error {
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
	v.Numbers = &verifiedNumbers{path, n.Checked, n.Runs, n.Differ, n.Unmatched}
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
		bad = append(bad, v.digestBeside(io, filepath.Join(filepath.Dir(path), "digest.txt"), published))
	}
	return invalid(bad)
}

// digestBeside makes the digest beside published results again.
func (v *verification) digestBeside(io streams, path string, published *result.Result) error {
	want, err := bundle.ReadRegular(path, maxMail)
	if err != nil {
		return nil // none was kept
	}
	var got bytes.Buffer
	if err := digest.Write(&got, published); err != nil {
		return err
	}
	if v.Digest = "same"; !bytes.Equal(got.Bytes(), want) {
		v.Digest = "differs"
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
