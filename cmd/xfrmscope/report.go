package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"xfrmscope/analyze/result"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
	"xfrmscope/collect/pack"
	"xfrmscope/reports"
	"xfrmscope/reports/page"
	"xfrmscope/reports/parquet"
	"xfrmscope/samples"
)

type reportOptions struct {
	dir       string
	user      bool
	addresses bool
	publish   bool
	parquet   bool
	labels    map[string]string
	fields    string
}

func newReport(io streams) *cobra.Command {
	var o reportOptions
	cmd := &cobra.Command{
		Use:   "report RUN|SWEEP... -o DIR",
		Short: "Write report.html, digest.txt, flame graphs, pprof files and tables",
		Long: `Report analyses runs and sweeps and writes, into DIR:

  report.html       one file, opens offline and without scripts
  digest.txt        plain text for a mail: ASCII, 72 columns, 30 lines
  commit-table.txt  the bare table for a commit message
  flame-*.svg       a static flame graph per run and event
  *.pb.gz           a pprof profile per run and event, labels cpu and stage;
                    *-per-packet: weights of a million packets, what may be
                    subtracted with -diff_base; *-locks: contentions and delay
  *.folded          the same as folded text, for flamegraph.pl and speedscope
  benchfmt.txt      the runs as Go benchmarks, for benchstat
  results.csv       every number, one a line
  results.json      every number, with unit, error and losses
  *.parquet         with --parquet: samples, lines (of cache) and metrics of all
                    runs, for DuckDB, ClickHouse or Spark; names of columns end
                    with their unit (cpu_time_ns), what was not measured is null:

  select mode, n, function, sum(cpu_time_ns) from 'out/samples.parquet' group by all
  select mode, n, avg(value) from 'out/metrics.parquet' where metric = 'packet_rate' group by all

--publish masks what pack --publish masks, in every file.

A run is a directory made by record or import, a sweep a directory of runs; files
that import takes may be given as they are: several perf.data are a sweep, with the N
that their names tell (n4.data), or that a table of runs does (see import); one results.json or report.html is
written again;
sample:NAME is a recording inside the program (` + sampleNames() + `).
Runs are ordered by their label mode and by their number of CPUs.`,
		Example: `  xfrmscope report run -o out
  xfrmscope report sample:shared sample:pcpu -o out/demo
  xfrmscope report n1.data n2.data n4.data --label mode=pcpu -o out
  xfrmscope report trex-pcpu.csv trex-pcpu-lp.csv trex-no-ipsec.json -o out`,
		Args: arguments(cobra.MinimumNArgs(1), "at least one RUN or SWEEP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return report(cmd.Context(), io, o, args)
		},
	}
	cmd.Flags().StringVarP(&o.dir, "output", "o", "", "directory to write to (required)")
	cmd.Flags().StringToStringVar(&o.labels, "label", nil, labelUsage)
	cmd.Flags().BoolVar(&o.user, "user", false, userUsage)
	cmd.Flags().StringVar(&o.fields, "fields", "", fieldsUsage)
	cmd.Flags().BoolVar(&o.addresses, "addresses", false, addressesUsage)
	cmd.Flags().BoolVar(&o.publish, "publish", false, publishUsage)
	cmd.Flags().BoolVar(&o.parquet, "parquet", false,
		"also write samples, lines and metrics of all runs as Parquet")
	return cmd
}

func report(ctx context.Context, io streams, o reportOptions, paths []string) error {
	if o.dir == "" {
		return usagef("report needs a directory to write to: add -o DIR")
	}
	if o.parquet && o.publish {
		return usagef("--parquet keeps the names of hosts and tasks: leave out --publish or --parquet")
	}
	if err := keepOutOfRuns(o.dir); err != nil {
		return err
	}
	var tables *parquet.Tables
	var samples func(*result.Run) error
	if o.parquet {
		var err error
		if tables, err = parquet.Create(o.dir); err != nil {
			return fmt.Errorf("writing Parquet: %w", err)
		}
		defer tables.Close()
		samples = tables.Samples
	}
	read := readOptions{user: o.user, labels: o.labels, fields: o.fields, whole: samples}
	result, err := analyzePaths(ctx, paths, read)
	if err != nil {
		return err
	}
	if !o.addresses {
		result.MaskAddresses()
	}
	if o.publish {
		printMasked(io, result)
	}
	files, err := reports.WriteDir(o.dir, result)
	if err == nil && o.parquet {
		var more []string
		if more, err = tables.Finish(result); err != nil {
			err = fmt.Errorf("writing Parquet: %w", err)
		}
		files = append(files, more...)
	}
	printFiles(io.out, files)
	return err
}

// printFiles names the files written; of many, those of one run and event are counted.
func printFiles(out io.Writer, files []string) {
	const all = 60
	ofRuns := 0
	for _, f := range files {
		if len(files) > all && page.OfRun(f) {
			ofRuns++
			continue
		}
		fmt.Fprintln(out, f)
	}
	if ofRuns > 0 {
		fmt.Fprintf(out, "and %d files of one run and event each: flame-RUN-EVENT.svg, RUN-EVENT.pb.gz, "+
			"RUN-EVENT.folded\n", ofRuns)
	}
}

const labelUsage = "label of the runs of files, as mode=pcpu"

const addressesUsage = "keep kernel addresses, as of locks; else they are 0x1, 0x2, ..."

const publishUsage = "mask IP and Ethernet addresses, names of hosts and interfaces, SPIs and keys"

// publish masks a result as pack --publish masks a run, equal names equally in all
// its runs, and says which texts of somebody's own stay.
func publish(r *result.Result) (notes []string) {
	if r.Masked {
		return nil
	}
	names := pack.NewNames()
	r.Mask(result.Masking{Text: func(s string, _ bool) string { return s }, SPI: func(spi uint32) uint32 {
		names.AddSPI(spi)
		return spi
	}})
	runs := result.RunsPresent(r)
	for _, run := range runs {
		names.AddRun(&run.Manifest, run.Path)
		for key := range run.Config { // TOPIC SUBJECT ..., see sides.Config
			topic, rest, _ := strings.Cut(key, " ")
			names.AddFact(topic, rest)
		}
		for _, d := range run.Drift {
			names.AddFact(d.Topic, d.Subject)
		}
	}
	m := pack.NewMasker(names)
	r.Mask(result.Masking{Names: true, SPI: m.SPI, Text: func(s string, free bool) string {
		if free {
			return m.FreeText(s)
		}
		return m.Text(s)
	}})
	r.Masked = true
	for _, run := range runs {
		for _, note := range pack.FreeTexts(&run.Manifest.Plan) {
			notes = result.AppendNew(notes, note)
		}
	}
	return notes
}

// printMasked publishes, and prints what stays.
func printMasked(io streams, r *result.Result) {
	for _, note := range publish(r) {
		fmt.Fprintln(io.err, inLine(note))
	}
}

const userUsage = "keep user-space frames, named by this machine's files of the recorded build ids"

// symbolPlaces are where perf looks for symbols too.
func symbolPlaces() symbols.Places {
	p := symbols.Places{
		Root:     bundle.DirFS("/"),
		BuildIDs: []fs.FS{bundle.DirFS("/usr/lib/debug")},
		PerfMaps: bundle.DirFSWithoutLinks("/tmp"),
	}
	if home, err := os.UserHomeDir(); err == nil {
		p.BuildIDs = append([]fs.FS{bundle.DirFS(filepath.Join(home, ".debug"))}, p.BuildIDs...)
	}
	return p
}

func sampleNames() string {
	names := samples.Names()
	for i := range names {
		names[i] = samplePrefix + names[i]
	}
	return strings.Join(names, ", ")
}
