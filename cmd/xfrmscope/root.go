package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"xfrmscope/cmd/xfrmscope/topics"
)

// streams are what a command reads and writes: results on out, all else on err.
// Both are for people; binary is out for another program.
type streams struct {
	in       io.Reader
	out, err io.Writer
	binary   io.Writer
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errw io.Writer) int {
	plainOut, plainErr := &plainWriter{w: out}, &plainWriter{w: errw}
	defer plainOut.flush()
	defer plainErr.flush()
	root := newRoot(streams{in, plainOut, plainErr, out})
	root.SetArgs(args)
	err := knownCommand(root, args)
	if err == nil {
		defer endSoon(ctx, root, args)()
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		err = plainOut.err // what is on a full disk was not said
	}
	if err != nil {
		fmt.Fprintf(plainErr, "xfrmscope: %v\n", err)
	}
	return exitCode(err)
}

func newRoot(io streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "xfrmscope",
		Short: "Why does IPsec not scale across CPUs?",
		Long: `xfrmscope measures lock contention and cost per packet of the Linux XFRM
(IPsec) path on the CPUs that send, and reports 1..N CPUs side by side.

Exit codes: 0 fine, 1 failure, 2 usage, 3 environment, 4 measurement
invalid, 5 regression, 6 reboot and go on, 130 interrupted.`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("%q is no command; `xfrmscope --help` lists them", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; `%s --help` lists the flags", err, cmd.CommandPath())
	})
	root.AddCommand(
		newDoctor(io),
		newTop(io),
		newRecord(io),
		newSweep(io),
		newScenario(io),
		newImport(io),
		newReport(io),
		newCompare(io),
		newShow(io),
		newList(io),
		newPack(io),
		newVerify(io),
		newSelftest(io),
		newLab(io), newLabGuest(),
		newPush(io),
		newVersion(io),
		newMan(),
		newAgent(io),
	)
	for _, t := range topics.All() { // commands without Run
		root.AddCommand(&cobra.Command{Use: t.Name, Short: t.Short, Long: t.Text})
	}
	return root
}

// endsWithin is how long a command that only reads and writes files may go on
// after an interrupt.
const endsWithin = 700 * time.Millisecond

// endSoon ends the program some time after an interrupt, if the command does not
// end itself until the function it returns is called: opening and reading files
// cannot be interrupted. Commands that measure take back what they did.
func endSoon(ctx context.Context, root *cobra.Command, args []string) (ended func()) {
	done := make(chan struct{})
	if cmd, _, err := root.Find(args); err == nil && cmd.Annotations[measures] != "" {
		return func() {}
	}
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-done:
		case <-time.After(endsWithin):
			removeTemporary()
			os.Exit(exitInterrupted)
		}
	})
	return func() { close(done); stop() }
}

// measures is the annotation of commands that change something while they run,
// and take it back when they are interrupted.
const measures = "measures"

// knownCommand refuses a word in the place of a command that is none: cobra
// would print the help of what is above it, as if that had been asked for.
func knownCommand(root *cobra.Command, args []string) error {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(args...)
	switch {
	case len(args) > 0 && args[0] == "help":
		args = args[1:]
	case !slices.Contains(args, "--help") && !slices.Contains(args, "-h"):
		return nil
	}
	cmd, rest, err := root.Find(args)
	if err != nil || !cmd.HasSubCommands() {
		return nil // it says so itself
	}
	for _, word := range rest {
		if !strings.HasPrefix(word, "-") {
			return usagef("%q is no command; `%s --help` lists them", word, cmd.CommandPath())
		}
	}
	return nil
}

// arguments wraps a cobra check of the positional arguments in a usage error.
func arguments(check cobra.PositionalArgs, want string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) != nil {
			return usagef("want %s; `%s --help` shows examples", want, cmd.CommandPath())
		}
		return nil
	}
}

// version is the module version, or the commit of a build from a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value[:min(12, len(s.Value))]
		}
	}
	if v == "" {
		v = "(devel)"
	}
	return v
}

// A span is the value of a flag: a time, of seconds if it names no unit.
type span struct{ d *time.Duration }

// spanVar adds a flag of a time; like the flags of the library its help names the
// default. One of 0 or less stands for none, and usage says what then is.
func spanVar(f *pflag.FlagSet, p *time.Duration, name, short string, value time.Duration, usage string) {
	*p = value
	f.VarP(span{p}, name, short, usage)
	if value <= 0 {
		f.Lookup(name).DefValue = "0" // which is not printed
	}
}

func (s span) String() string { return s.d.String() }

func (s span) Type() string { return "duration" }

func (s span) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil && strings.Trim(text, "0123456789.") == "" {
		d, err = time.ParseDuration(text + "s")
	}
	if err != nil {
		return errors.New("want a time, as 20s, 500ms or 20, which is seconds")
	}
	*s.d = d
	return nil
}
