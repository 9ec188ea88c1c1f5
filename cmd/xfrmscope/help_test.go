package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commands returns the command and all below it.
func commands(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		all = append(all, commands(sub)...)
	}
	return all
}

// A flag's help tells one default, and one that makes sense.
func TestOneDefault(t *testing.T) {
	for _, c := range commands(newRoot(streams{})) {
		for line := range strings.Lines(c.Flags().FlagUsages()) {
			if n := strings.Count(line, "(default"); n > 1 || strings.Contains(line, "(default -") ||
				strings.Contains(line, "(default 0") {
				t.Errorf("%s: %s", c.CommandPath(), line)
			}
		}
	}
}

// Each long flag that README.md names is one of a command.
func TestReadmeFlags(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"help": true, "version": true} // cobra adds them late
	for _, c := range commands(newRoot(streams{})) {
		c.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
	}
	named := regexp.MustCompile("(?m)[ `]--([a-z][a-z0-9-]+)").FindAllStringSubmatch(string(text), -1)
	if len(named) < 20 {
		t.Fatalf("README.md names %d flags, want at least 20", len(named))
	}
	for _, n := range named {
		if !known[n[1]] {
			t.Errorf("README.md names --%s, a flag of no command", n[1])
		}
	}
}

// A word that is no command is a mistake, with --help beside it too.
func TestHelpOfNothing(t *testing.T) {
	for _, args := range []string{
		"bogus --help", "--help bogus", "bogus -h", "help bogus", "scenario bogus --help",
		"scenario --help bogus",
		"help scenario bogus", "selftest bogus --help",
	} {
		if code, stdout, stderr := cli(strings.Fields(args)...); code != exitUsage || stdout != "" ||
			!strings.Contains(stderr, `"bogus" is no command`) {
			t.Errorf("%s: exit %d: %s%s", args, code, stdout, stderr)
		}
	}
	for _, args := range []string{"", "--help", "help", "help record", "record --help", "show file --help",
		"scenario print --help", "completion bash", "__complete re"} {
		if code, stdout, stderr := cli(strings.Fields(args)...); code != exitOK || stdout == "" {
			t.Errorf("%s: exit %d: %s", args, code, stderr)
		}
	}
}

func TestSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"7": 7 * time.Second, "0.25": 250 * time.Millisecond, "3m": 3 * time.Minute,
		"1h2s": time.Hour + 2*time.Second, "0": 0,
		"": -1, "s": -1, "1e99": -1, "NaN": -1, "inf": -1, "5 s": -1, "0x10": -1,
	} {
		var d time.Duration
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		spanVar(f, &d, "time", "t", time.Minute, "")
		err := f.Parse([]string{"-t", text})
		if want < 0 && err == nil || want >= 0 && (err != nil || d != want) {
			t.Errorf("%q: %v, %v, want %v", text, d, err, want)
		}
	}
}

// A condition that can never be judged is refused before anything is read.
func TestConditionsFirst(t *testing.T) {
	for _, condition := range []string{
		"nosuch>5%", "loss@0>5%", "loss@-1>5%", "loss@many>5%", "loss>5 furlongs", "jain<-3 ns",
		"find_mean_ns>2", "loss>", "loss>5%%",
	} {
		if code, _, stderr := cli("compare", "/not/there", "/not/there/either", "--fail-on",
			condition); code != exitUsage {
			t.Errorf("%s: exit %d: %s", condition, code, stderr)
		}
	}
}
