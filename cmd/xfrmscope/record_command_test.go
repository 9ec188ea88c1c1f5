package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"xfrmscope/collect/bundle"
)

// A command after -- is the load, and the window lasts as long as it does.
func TestRecordCommand(t *testing.T) {
	for _, args := range [][]string{
		{"record", "-o", "r", "stray"}, {"record", "-o", "r", "stray", "--", "true"},
		{"record", "-o", "r", "--load", "a", "--", "b"}, {"record", "-o", "r", "--host", "west=ssh:west"},
		{"record", "-o", "r", "-d", "20 s", "--", "true"},
	} {
		if code, _, stderr := cli(args...); code != exitUsage {
			t.Errorf("%q: exit %d: %s", args, code, stderr)
		}
	}
	for _, tt := range []struct {
		args     []string
		command  string
		until    bool
		duration string
	}{
		{nil, "", false, "20s"},
		{[]string{"--", "make", "-C", "x y"}, "make|-C|x y", true, "24h0m0s"},
		{[]string{"-d", "3", "--", "make", "-d", "9"}, "make|-d|9", false, "3s"},
		{[]string{"-d", "1.5", "--load", "a | b"}, "sh|-c|a | b", false, "1.5s"},
	} {
		var o recordOptions
		cmd := newRecord(streams{})
		cmd.SetArgs(append([]string{"-o", "r"}, tt.args...))
		if err := cmd.ParseFlags(append([]string{"-o", "r"}, tt.args...)); err != nil {
			t.Fatal(err)
		}
		o.dir, o.command = "r", cmd.Flags().Args()
		o.load, _ = cmd.Flags().GetString("load")
		o.duration, _ = time.ParseDuration(cmd.Flags().Lookup("duration").Value.String())
		o.until = len(o.command) > 0 && !cmd.Flags().Changed("duration")
		plan, err := o.plan()
		if err != nil {
			t.Fatal(err)
		}
		argv := ""
		if plan.Load != nil {
			argv = strings.Join(plan.Load.Argv, "|")
		}
		if argv != tt.command || o.until != tt.until || plan.DurationNS.String() != tt.duration ||
			len(plan.CPUs) == 0 {
			t.Errorf("%q: %q, until %t, %v on CPUs %s", tt.args, argv, o.until, plan.DurationNS, plan.CPUs)
		}
	}
}

func TestRecordUntilCommandEnds(t *testing.T) {
	if os.Getuid() != 0 || testing.Short() {
		t.Skip("records, as root")
	}
	t.Chdir(t.TempDir())
	code, stdout, stderr := cli("record", "-C", "0", "-e", "cpu-clock", "--no-probes", "-o", "r", "--", "sh", "-c",
		"sleep 2")
	if code != exitOK || strings.Contains(stdout, "the load ended") {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	runs, err := bundle.OpenAll("r")
	if err != nil {
		t.Fatal(err)
	}
	if m := runs[0].Manifest; m.Status != bundle.Complete || m.Window.Seconds() < 1 ||
		m.Plan.DurationNS.Hours() > 1 {
		t.Errorf("%s, %.1f s of %v", m.Status, m.Window.Seconds(), m.Plan.DurationNS)
	}
}
