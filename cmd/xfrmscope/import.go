package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"xfrmscope/analyze/importer"
)

// importOptions are the flags of import.
type importOptions struct {
	dir      string
	kallsyms string
	labels   map[string]string
}

func newImport(io streams) *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import FILE... -o RUN",
		Short: "Make a run of what other programs recorded",
		Long: `Import makes a run of files that other programs wrote, told by their content:

  perf.data        of perf record; its kernel functions get names from --kallsyms
  stacks           perf script text, folded stacks, a flame graph SVG, pprof
  packets          the result of one run of TRex, iperf3 --json or pktgen

The files are kept as they are. A perf.data that was cut off is imported to its
last whole record.`,
		Example: `  xfrmscope import perf.data --kallsyms kallsyms --label mode=shared -o run
  xfrmscope import flamegraph.svg -o run
  perf record -a -g -e cpu-clock -o perf.data sleep 5 && xfrmscope import perf.data --kallsyms /proc/kallsyms -o run`,
		Args: arguments(cobra.MinimumNArgs(1), "at least one FILE"),
		RunE: func(_ *cobra.Command, args []string) error { return importFiles(io, o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dir, "output", "o", "", "directory of the run, to be made (required)")
	f.StringVar(&o.kallsyms, "kallsyms", "", "kernel symbols of the recording: /proc/kallsyms of that machine and boot, may be gzipped")
	f.StringToStringVar(&o.labels, "label", nil, "label of the run, as mode=pcpu; report groups by mode")
	return cmd
}

func importFiles(io streams, o importOptions, files []string) error {
	if o.dir == "" {
		return usagef("import needs a directory for the run: add -o DIR")
	}
	run, losses, err := importer.RunOf(files, o.dir, importer.RunOptions{Tool: "xfrmscope " + version(), Kallsyms: o.kallsyms, Labels: o.labels})
	if err != nil {
		return err
	}
	printRun(io, run)
	for _, l := range losses {
		fmt.Fprintf(io.out, "  lost: %s: %d", l.What, l.Count)
		if l.Effect != "" {
			fmt.Fprintf(io.out, " (%s)", l.Effect)
		}
		fmt.Fprintln(io.out)
	}
	return nil
}
