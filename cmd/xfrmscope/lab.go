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

	"xfrmscope/analyze/sides"
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
		Args: arguments(cobra.NoArgs, "run, compare, doctor or kernel"),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newLabRun(io), newLabCompare(io), newLabDoctor(io), newLabKernel(io), newLabPlugin(io))
	return cmd
}

// labBuild are the flags that name a kernel.
func labBuild(cmd *cobra.Command, b *lab.Build) {
	cmd.Flags().StringVarP(&b.Image, "kernel", "k", "", "the kernel: a bzImage for x86-64")
	cmd.Flags().StringVar(&b.Vmlinux, "vmlinux", "",
		"its vmlinux, for symbols and BTF that the running kernel does not tell")
	cmd.Flags().StringVar(&b.Modules, "modules", "",
		"directory of its modules with modules.dep (default: beside it, or /lib/modules/RELEASE)")
}

// findModules fills in where the modules are.
func findModules(b *lab.Build) {
	if b.Modules == "" && b.Image != "" {
		b.Modules = lab.Modules(b.Image)
	}
}

// labPlan are the flags that say what is run.
func labPlan(cmd *cobra.Command, p *lab.Plan, limit *time.Duration, repeats int) {
	f := cmd.Flags()
	f.IntSliceVarP(&p.CPUs, "cpus", "p", []int{1, 2, 4, 8}, "numbers of CPUs that send")
	modes := []string{lab.ModeShared, lab.ModePCPU, lab.ModePlain}
	f.StringSliceVar(&p.Modes, "mode", modes, "what carries the packets")
	f.IntVar(&p.Repeats, "repeat", repeats, "boots of each mode and number of CPUs")
	f.IntVar(&p.Seed, "seed", 1, "of the first repeat; the next has the next one")
	f.IntVar(&p.Traffic.Size, "size", 64, "bytes of a packet, as pktgen counts")
	f.StringVar(&p.Traffic.Cipher, "cipher", lab.CipherGCM, "gcm, or null: what is left is the path")
	f.BoolVar(&p.Traffic.IPv6, "ipv6", false, "packets and tunnel of IPv6")
	f.IntVar(&p.Traffic.SAs, "sas", 0, "SAs beside, which carry nothing")
	f.IntVar(&p.Traffic.Policies, "policies", 0, "policies beside, of other peers and looked at first")
	f.BoolVar(&p.Traffic.Receiver, "receiver", false,
		"the far gateway too, which decrypts each packet on the CPU that sent it")
	f.IntVar(&p.Count, "count", 4000, "packets of all CPUs in a window, at least")
	f.IntVar(&p.Windows, "windows", 4, "windows of a boot, which its run adds up")
	f.BoolVar(&p.NoFields, "no-fields", false, "leave out which instruction touches which member: most of a run")
	f.DurationVar(limit, "limit", 10*time.Minute, "a boot that takes longer hangs")
}

func newLabRun(io streams) *cobra.Command {
	var b lab.Build
	var p lab.Plan
	var out string
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "run -k KERNEL -o SWEEP",
		Short: "Make a sweep on the simulated machine",
		Long: `Run boots the kernel once to learn its symbols, and then once for each mode,
number of CPUs and repeat, two machines at a time. Modes: shared (one SA for all
CPUs), pcpu (one for each, and one to fall back on), plain (no IPsec). Repeats
differ in the seed of what QEMU calls random. Each run is saved when it ends;
after Ctrl-C the same command goes on with those that are missing.`,
		Example: `  xfrmscope lab run -k arch/x86/boot/bzImage -p 1,2,4,8 --mode shared,pcpu,plain -o sweep
  xfrmscope report sweep -o out`,
		Args: arguments(cobra.NoArgs, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if b.Image == "" {
				return usagef("want -k KERNEL, a bzImage; `xfrmscope lab kernel` prints what it needs")
			}
			if out == "" {
				return usagef("want -o SWEEP, the directory to make")
			}
			if err := checkPlan(p); err != nil {
				return err
			}
			return labRun(cmd.Context(), io, b, p, limit, out)
		},
	}
	labBuild(cmd, &b)
	labPlan(cmd, &p, &limit, 1)
	cmd.Flags().StringVarP(&out, "output", "o", "", "the sweep's directory")
	return cmd
}

func labRun(ctx context.Context, io streams, b lab.Build, p lab.Plan, limit time.Duration, out string) error {
	findModules(&b)
	cache, program, err := labPaths()
	if err != nil {
		return err
	}
	plugin, err := lab.Plugin(ctx, lab.Installed(program), cache)
	if err != nil {
		return err
	}
	line := newStatusLine(io.err)
	defer line.clear()
	line.set(b.Image + ": its symbols are learned")
	k, err := lab.Learn(ctx, cache, b, program, limit)
	if err != nil {
		return fmt.Errorf("%s: %w", b.Image, err)
	}
	ended, began := 0, time.Now()
	return k.Sweep(ctx, out, p, lab.Options{
		Program: program, Plugin: plugin, Tool: "xfrmscope " + version(), Parallel: 2, Limit: limit,
		Begun: func(name string, left int) {
			text := fmt.Sprintf("%s: %s: %d runs are left", out, name, left)
			if ended > 0 {
				each := time.Since(began) / time.Duration(ended)
				text += fmt.Sprintf(", some %v", (each * time.Duration(left)).Round(time.Second))
			}
			line.set(text)
		},
		Ended: func(name string, took time.Duration) {
			ended++
			line.print(fmt.Sprintf("%s took %.0f s", name, took.Seconds()))
		},
	})
}

// checkPlan finds what is wrong with the command line.
func checkPlan(p lab.Plan) error {
	for _, mode := range p.Modes {
		if !slices.Contains([]string{lab.ModeShared, lab.ModePCPU, lab.ModePlain}, mode) {
			return usagef("--mode %s is not known, want shared, pcpu or plain", mode)
		}
	}
	if c := p.Traffic.Cipher; c != lab.CipherGCM && c != lab.CipherNull {
		return usagef("--cipher %s is not known, want gcm or null", c)
	}
	for _, n := range p.CPUs {
		if n < 1 || n > lab.MaxSenders {
			return usagef("-p %d is outside 1..%d", n, lab.MaxSenders)
		}
	}
	const most = 1 << 16
	for _, f := range []struct {
		flag            string
		value, from, to int
	}{
		{"repeat", p.Repeats, 1, most}, {"seed", p.Seed, 1, most}, {"size", p.Traffic.Size, 64, 1514},
		{"count", p.Count, 1, 1 << 30}, {"windows", p.Windows, 1, most},
		{"sas", p.Traffic.SAs, 0, 4096}, {"policies", p.Traffic.Policies, 0, 4096},
	} {
		if f.value < f.from || f.value > f.to {
			return usagef("--%s %d is outside %d..%d", f.flag, f.value, f.from, f.to)
		}
	}
	return nil
}

type labComparison struct {
	before, after lab.Build
	plan          lab.Plan
	limit         time.Duration
	out           string
	failOn        []string
}

func newLabCompare(io streams) *cobra.Command {
	var o labComparison
	cmd := &cobra.Command{
		Use:   "compare --before KERNEL --after KERNEL -o OUT",
		Short: "Judge a patch on the simulated machine",
		Long: `Compare makes a sweep of each kernel, as lab run does, in OUT/before and
OUT/after, and sets them against each other, as compare does, in OUT/report. Both
have the same seeds: equal kernels give equal counts. A sweep that is there is not
made again, nor are those of its runs that are.

--fail-on is compare's: exit code 5 for a regression, 4 for what was not measured,
1 for a kernel that does not boot, 3 for one that lacks what the lab needs. In
git bisect run, 125 skips a commit that can't be built or does not boot:

  make -j8 bzImage || exit 125
  xfrmscope lab compare --before good.bzImage --after arch/x86/boot/bzImage \
    -p 8 --mode pcpu -o /tmp/$(git rev-parse HEAD) --fail-on 'cost_per_packet>2%'
  e=$?; [ $e = 0 ] || [ $e = 5 ] || exit 125; exit $e`,
		Example: `  xfrmscope lab compare --before bzImage.a --after bzImage.b -p 4,8 --mode pcpu -o out`,
		Args:    arguments(cobra.NoArgs, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return labCompare(cmd.Context(), io, o) },
	}
	f := cmd.Flags()
	for _, side := range []struct {
		name  string
		build *lab.Build
	}{{"before", &o.before}, {"after", &o.after}} {
		f.StringVar(&side.build.Image, side.name, "", "kernel "+side.name+" the change: a bzImage for x86-64")
		f.StringVar(&side.build.Vmlinux, side.name+"-vmlinux", "", "its vmlinux")
		f.StringVar(&side.build.Modules, side.name+"-modules", "", "directory of its modules with modules.dep")
	}
	labPlan(cmd, &o.plan, &o.limit, 5)
	f.StringVarP(&o.out, "output", "o", "", "directory for both sweeps and the report")
	f.StringArrayVar(&o.failOn, "fail-on", nil,
		"regression that ends with exit code 5: METRIC[@N]>5%; may be repeated")
	return cmd
}

func labCompare(ctx context.Context, io streams, o labComparison) error {
	if o.before.Image == "" || o.after.Image == "" || o.out == "" {
		return usagef("want --before KERNEL, --after KERNEL and -o OUT")
	}
	if err := checkPlan(o.plan); err != nil {
		return err
	}
	for _, text := range o.failOn { // before half an hour of work
		if _, err := sides.ParseCondition(text); err != nil {
			return usageError{err}
		}
	}
	before, after := filepath.Join(o.out, "before"), filepath.Join(o.out, "after")
	if err := labRun(ctx, io, o.before, o.plan, o.limit, before); err != nil {
		return err
	}
	if err := labRun(ctx, io, o.after, o.plan, o.limit, after); err != nil {
		return err
	}
	return compareSides(ctx, io, compareOptions{dir: filepath.Join(o.out, "report"), failOn: o.failOn,
		expect: []string{"kernel"}}, []string{before, after})
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
	var b lab.Build
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what the lab lacks, with the fixing command",
		Long: `Doctor looks for QEMU and its plugin, which it builds unless the Debian package has
it, and with -k boots the kernel to see whether it has what the lab needs. Exit code 3
if something is missing.`,
		Example: "  xfrmscope lab doctor -k arch/x86/boot/bzImage",
		Args:    arguments(cobra.NoArgs, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return labDoctor(cmd.Context(), io, b) },
	}
	labBuild(cmd, &b)
	return cmd
}

func labDoctor(ctx context.Context, io streams, b lab.Build) error {
	findModules(&b)
	cache, program, err := labPaths()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	missing := 0
	for _, c := range lab.Doctor(ctx, cache, program, b) {
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

// newLabPlugin is what .ci/package calls.
func newLabPlugin(io streams) *cobra.Command {
	return &cobra.Command{
		Use:    "plugin DIR",
		Short:  "Build QEMU's plugin in a directory",
		Hidden: true,
		Args:   arguments(cobra.ExactArgs(1), "the directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			plugin, err := lab.Plugin(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(io.out, plugin)
			return err
		},
	}
}
