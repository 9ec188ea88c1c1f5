package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

type importOptions struct {
	dir      string
	kallsyms string
	labels   map[string]string
	modes    map[string]string
}

func newImport(io streams) *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import FILE... -o RUN|SWEEP",
		Short: "Make a run of what other programs recorded",
		Long: `Import makes a run of files that other programs wrote, told by their content:

  perf.data        of perf record; its kernel functions get names from --kallsyms
  stacks           perf script text, folded stacks, a flame graph SVG, pprof
  memory accesses  perf.data of perf mem or perf c2c record, or perf script -F +addr,+data_src,+weight of it
  packets          results of TRex, iperf3 --json or pktgen
  lock waits       perf lock contention -x

Any of them may be gzipped or a .zst. The files are kept as they are. A perf.data that was cut off is imported to its
last whole record.

Several perf.data become a sweep. The N of each is told by its name (n4.data, n=4.data,
n4/perf.data), or by a table given in their place, in which other columns are labels, too:

  file     n  mode
  n1.data  1  shared
  n4.data  4  shared

Results of several runs, as TRex writes them, become a sweep: a curve for each
mode, over flows. The mode is told by the file's name (one-sa, shared: shared;
pcpu; no-ipsec, plain: plain), or by --mode. Files of one mode are about the same
runs: rates from one and losses from another are put together, and nothing is
counted twice. Gibit/s stays Gibit/s: reports print bit/s of the same layer.`,
		Example: `  xfrmscope import trex-pcpu.csv trex-pcpu-lp.csv trex-no-ipsec.csv -o sweep
  xfrmscope import udp.json --mode udp.json=pcpu -o run
  xfrmscope import perf.data --kallsyms kallsyms --label mode=shared -o run
  xfrmscope import flamegraph.svg -o run
  perf record -a -g -e cpu-clock -o perf.data sleep 5 && xfrmscope import perf.data --kallsyms /proc/kallsyms -o run`,
		Args: arguments(cobra.MinimumNArgs(1), "at least one FILE"),
		RunE: func(_ *cobra.Command, args []string) error { return importFiles(io, o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dir, "output", "o", "", "directory of the run or sweep, to be made (required)")
	f.StringVar(&o.kallsyms, "kallsyms", "",
		"kernel symbols of the recording: /proc/kallsyms of that machine and boot, may be gzipped")
	f.StringToStringVar(&o.labels, "label", nil,
		"label of the run, as mode=pcpu or n=4; report groups by mode and n")
	f.StringToStringVar(&o.modes, "mode", nil, "FILE=NAME: mode of a file of traffic results")
	return cmd
}

func importFiles(io streams, o importOptions, files []string) error {
	if o.dir == "" {
		return usagef("import needs a directory for the run: add -o DIR")
	}
	runs, losses, err := importAll(files, o.dir, o)
	if err != nil {
		return err
	}
	for _, run := range runs {
		printRun(io, run)
	}
	for _, l := range losses {
		fmt.Fprintf(io.out, "  lost: %s: %d", l.What, l.Count)
		if l.Effect != "" {
			fmt.Fprintf(io.out, " (%s)", l.Effect)
		}
		fmt.Fprintln(io.out)
	}
	return nil
}
