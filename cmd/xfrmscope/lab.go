package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"xfrmscope/collect/lab"
	"xfrmscope/collect/record"
)

// newLabGuest is the first program of a simulated machine. It is hidden: the host
// starts it.
func newLabGuest() *cobra.Command {
	return &cobra.Command{
		Use:    lab.GuestCommand,
		Short:  "Be the first program of a simulated machine",
		Hidden: true,
		RunE:   func(*cobra.Command, []string) error { return lab.Guest() },
	}
}

func newLab(io streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Count on a simulated machine which cache lines move between CPUs",
		Long: `Lab boots a kernel on a machine that QEMU emulates and a plugin gives caches: N
cores with private caches and a directory. Each CPU forwards packets of its own
into ESP. What moves between the caches is counted, for each packet, with no
sampling error; the same command gives the same counts. It needs no hardware
counters, no KVM and no root.

What the machine lacks: ` + strings.TrimPrefix(lab.NotModelled, "simulated: ") + `.`,
		Args: arguments(cobra.NoArgs, "run, doctor or kernel"),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newLabRun(io), newLabDoctor(io), newLabKernel(io))
	return cmd
}

// labKernel are the flags that name a kernel.
type labKernel struct{ image, modules string }

func (o *labKernel) flags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.image, "kernel", "k", "", "the kernel: a bzImage for x86-64")
	cmd.Flags().StringVar(&o.modules, "modules", "",
		"directory of its modules with modules.dep (default: beside it, or /lib/modules/RELEASE)")
}

// find fills in where the modules are.
func (o *labKernel) find() {
	if o.modules == "" && o.image != "" {
		o.modules = lab.Modules(o.image)
	}
}

func newLabRun(io streams) *cobra.Command {
	var o labKernel
	var p lab.Plan
	var out string
	cmd := &cobra.Command{
		Use:   "run -k KERNEL -o SWEEP",
		Short: "Make a sweep on the simulated machine",
		Long: `Run boots the kernel once to learn its symbols, and then once for each mode,
number of CPUs and repeat, two machines at a time. Modes: shared (one SA for all
CPUs), pcpu (one for each, and one to fall back on), plain (no IPsec). Repeats
differ in the seed of what QEMU calls random. Each run is saved when it ends; the
same command goes on with those that are missing.`,
		Example: `  xfrmscope lab run -k arch/x86/boot/bzImage -p 1,2,4,8 --mode shared,pcpu,plain -o sweep
  xfrmscope report sweep -o out`,
		Args: arguments(cobra.NoArgs, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return labRun(cmd.Context(), io, o, p, out) },
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.IntSliceVarP(&p.CPUs, "cpus", "p", []int{1, 2, 4, 8}, "numbers of CPUs that send")
	modes := []string{lab.ModeShared, lab.ModePCPU, lab.ModePlain}
	f.StringSliceVar(&p.Modes, "mode", modes, "what carries the packets")
	f.IntVar(&p.Repeats, "repeat", 1, "boots of each mode and number of CPUs")
	f.IntVar(&p.Size, "size", 64, "bytes of a packet, as pktgen counts")
	f.IntVar(&p.Count, "count", 300, "packets of the slowest CPU in a window, at least")
	f.IntVar(&p.Windows, "windows", 4, "windows of a boot, which its run adds up")
	f.StringVarP(&out, "output", "o", "", "the sweep's directory")
	return cmd
}

func labRun(ctx context.Context, io streams, o labKernel, p lab.Plan, out string) error {
	if err := checkLab(o, p, out); err != nil {
		return err
	}
	o.find()
	cache, program, err := labPaths()
	if err != nil {
		return err
	}
	plugin, err := lab.Plugin(ctx, cache)
	if err != nil {
		return err
	}
	line := newStatusLine(io.err)
	defer line.clear()
	line.set("booting " + o.image + " to learn its symbols")
	k, err := lab.Learn(ctx, cache, o.image, o.modules, program)
	if err != nil {
		return err
	}
	total, ended, began := len(p.CPUs)*len(p.Modes)*p.Repeats, 0, time.Now()
	return k.Sweep(ctx, out, p, lab.Options{
		Program: program, Plugin: plugin, Tool: "xfrmscope " + version(), Parallel: 2, Limit: 10 * time.Minute,
		Begun: func(name string) {
			text := fmt.Sprintf("%s: %d of %d runs have ended", name, ended, total)
			if ended > 0 {
				left := time.Since(began) / time.Duration(ended) * time.Duration(total-ended)
				text += fmt.Sprintf(", some %v left", left.Round(time.Second))
			}
			line.set(text)
		},
		Ended: func(name string, took time.Duration) {
			ended++
			line.print(fmt.Sprintf("%s took %.0f s", name, took.Seconds()))
		},
	})
}

// checkLab finds what is wrong with the command line.
func checkLab(o labKernel, p lab.Plan, out string) error {
	if o.image == "" {
		return usagef("want -k KERNEL, a bzImage; `xfrmscope lab kernel` prints what it needs")
	}
	if out == "" {
		return usagef("want -o SWEEP, the directory to make")
	}
	for _, mode := range p.Modes {
		if !slices.Contains([]string{lab.ModeShared, lab.ModePCPU, lab.ModePlain}, mode) {
			return usagef("--mode %s is not known, want shared, pcpu or plain", mode)
		}
	}
	for _, n := range p.CPUs {
		if n < 1 || n > lab.MaxSenders {
			return usagef("-p %d is outside 1..%d", n, lab.MaxSenders)
		}
	}
	for _, least := range []struct {
		flag        string
		value, from int
	}{{"repeat", p.Repeats, 1}, {"size", p.Size, 64}, {"count", p.Count, 1}, {"windows", p.Windows, 1}} {
		if least.value < least.from {
			return usagef("--%s %d is less than %d", least.flag, least.value, least.from)
		}
	}
	return nil
}

// labPaths are where what is built and learned is kept, and this program.
func labPaths() (cache, program string, err error) {
	if program, err = os.Executable(); err != nil {
		return "", "", err
	}
	if cache, err = os.UserCacheDir(); err != nil {
		cache = os.TempDir() // no HOME
	}
	return filepath.Join(cache, "xfrmscope", "lab"), program, nil
}

func newLabDoctor(io streams) *cobra.Command {
	var o labKernel
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what the lab lacks, with the fixing command",
		Long: `Doctor looks for QEMU and a C compiler, builds the plugin, and with -k boots the
kernel to see whether it has what the lab needs. Exit code 3 if something is missing.`,
		Example: "  xfrmscope lab doctor -k arch/x86/boot/bzImage",
		Args:    arguments(cobra.NoArgs, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return labDoctor(cmd.Context(), io, o) },
	}
	o.flags(cmd)
	return cmd
}

func labDoctor(ctx context.Context, io streams, o labKernel) error {
	o.find()
	cache, program, err := labPaths()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	missing := 0
	for _, c := range lab.Doctor(ctx, cache, program, o.image, o.modules) {
		state, text := "ok", c.Have
		if c.Err != nil {
			state, text = "absent", c.Err.Error()
			missing++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", state, c.What, text)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if missing > 0 {
		return &record.Missing{What: "the lab", Why: fmt.Sprintf("%d of what it needs is absent", missing),
			Fix: "the lines above name each fix"}
	}
	return nil
}

func newLabKernel(io streams) *cobra.Command {
	return &cobra.Command{
		Use:     "kernel",
		Short:   "Print the configuration fragment that the lab needs of a kernel",
		Example: "  xfrmscope lab kernel > lab.config",
		Args:    arguments(cobra.NoArgs, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(io.out, lab.Config)
			return err
		},
	}
}
