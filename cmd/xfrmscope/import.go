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
		Use:   "import FILE -o RUN",
		Short: "Make a run of a perf.data file",
		Long: `Import makes a run of a recording that perf made elsewhere. Kernel functions
get their names from --kallsyms: a perf.data holds addresses only. A file that
was cut off is imported to its last whole record.`,
		Example: `  xfrmscope import perf.data --kallsyms kallsyms --label mode=shared -o run
  perf record -a -g -e cpu-clock -o perf.data sleep 5 && xfrmscope import perf.data --kallsyms /proc/kallsyms -o run`,
		Args: arguments(cobra.ExactArgs(1), "one FILE"),
		RunE: func(_ *cobra.Command, args []string) error { return importFile(io, o, args[0]) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dir, "output", "o", "", "directory of the run, to be made (required)")
	f.StringVar(&o.kallsyms, "kallsyms", "", "kernel symbols of the recording: /proc/kallsyms of that machine and boot, may be gzipped")
	f.StringToStringVar(&o.labels, "label", nil, "label of the run, as mode=pcpu; report groups by mode")
	return cmd
}

func importFile(io streams, o importOptions, file string) error {
	if o.dir == "" {
		return usagef("import needs a directory for the run: add -o DIR")
	}
	run, losses, err := importer.RunOf(file, o.dir, importer.RunOptions{Tool: "xfrmscope " + version(), Kallsyms: o.kallsyms, Labels: o.labels})
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
