package record

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
)

// machine is a root with CPUs 0-3 online, a namespace "west" and process 77.
func machine(t *testing.T, files map[string]string) Options {
	t.Helper()
	all := map[string]string{
		"sys/devices/system/cpu/online": "0-3\n",
		"proc/self/ns/net":              "",
		"proc/77/ns/net":                "",
		"run/netns/west":                "",
	}
	for name, text := range files {
		all[name] = text
	}
	dir := t.TempDir()
	for name, text := range all {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Options{Root: procfs.Root(dir)}
}

func TestCheckPlan(t *testing.T) {
	opt := machine(t, nil)
	tests := []struct {
		name   string
		change func(*bundle.Plan)
		want   string // "" if the plan is good
	}{
		{"good", func(*bundle.Plan) {}, ""},
		{"no CPU", func(p *bundle.Plan) { p.CPUs = nil },
			"CPUs: none is named; online are 0-3: choose the sending ones, for example -C 0-3"},
		{"a CPU that does not exist", func(p *bundle.Plan) { p.CPUs = bundle.CPUSet{1, 9} },
			"CPUs 1,9: 9 is not online here; online are 0-3"},
		{"several", func(p *bundle.Plan) { p.CPUs = bundle.CPUSet{3, 4, 5} },
			"CPUs 3-5: 4-5 are not online here; online are 0-3"},
		{"no time", func(p *bundle.Plan) { p.DurationNS = 0 },
			"duration: 0s is no time to measure in; ask for at least a second, for example -d 20s"},
		{"warm-up", func(p *bundle.Plan) { p.WarmUpNS = -1 },
			"warm-up: -1ns is negative; leave it out or ask for some seconds"},
		{"frequency", func(p *bundle.Plan) { p.FrequencyHz = -1 },
			"sampling frequency: -1 Hz is negative; leave it out for 999 Hz"},
		{"probe", func(p *bundle.Plan) { p.Probes = []string{"fund"} },
			"probe fund: there is none of that name; there are wait, count, time, find, stacks"},
		{"a probe twice", func(p *bundle.Plan) { p.Probes = []string{"find", "find"} },
			"probe find: it is named twice; name it once"},
		{"a long phase", func(p *bundle.Plan) { p.PhaseNS = time.Hour },
			"phase: 1h0m0s is not within 0 and 30s; leave it out for 2s"},
		{"no event", func(p *bundle.Plan) { p.Events = nil },
			"events: none is named; cpu-clock opens everywhere; `perf list` names others"},
		{"an event that is an option", func(p *bundle.Plan) { p.Events = []string{"--output=/etc/passwd"} },
			`event "--output=/etc/passwd": it is no event; ` + "`perf list` names those there are"},
		{"namespace", func(p *bundle.Plan) { p.NetNS = []string{"", "west", "77"} }, ""},
		{"no namespace", func(p *bundle.Plan) {
			p.NetNS = []string{"east"}
		}, "network namespace east: there is no /run/netns/east; `ip netns list` names those there are; a " +
			"process id names that process's"},
		{"no process", func(p *bundle.Plan) {
			p.NetNS = []string{"78"}
		}, "network namespace 78: there is neither /run/netns/78 nor a process 78; `ip netns list` names " +
			"those there are; a process id names that process's"},
		{"a path as namespace", func(p *bundle.Plan) {
			p.NetNS = []string{"../../etc/passwd"}
		}, `network namespace ../../etc/passwd: "../../etc/passwd" is no name of a namespace; ` +
			"`ip netns list` names those there are; a process id names that process's"},
		{"load", func(p *bundle.Plan) { p.Load = &bundle.Load{Argv: []string{"sh"}, CPUs: bundle.CPUSet{0}} },
			""},
		{"empty load", func(p *bundle.Plan) { p.Load = &bundle.Load{} },
			"load: it names no program; give a command, or leave the load out"},
		{"load's CPUs", func(p *bundle.Plan) {
			p.Load = &bundle.Load{Argv: []string{"sh"}, CPUs: bundle.CPUSet{4}}
		}, "load's CPUs 4: 4 is not online here; online are 0-3"},
		{"no such load", func(p *bundle.Plan) { p.Load = &bundle.Load{Argv: []string{"/nonexistent/flows"}} },
			"load /nonexistent/flows: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			plan := bundle.Plan{CPUs: bundle.CPUSet{1, 2}, DurationNS: time.Second, Events: DefaultEvents(),
				Probes: []string{bundle.ProbeWait}}
			test.change(&plan)
			err := CheckPlan(plan, opt)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var wrong *PlanError
			if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestCheckPermission(t *testing.T) {
	tests := []struct {
		name, capEff, paranoid string
		want                   string
	}{
		{"root", "000001ffffffffff", "4", ""},
		{"CAP_PERFMON", "0000004000000000", "4", ""},
		{"CAP_SYS_ADMIN", "0000000000200000", "4", ""},
		{"a user where all may", "0000000000000000", "-1", ""},
		{"a user", "0000000000000000", "2", "no CAP_PERFMON, and kernel.perf_event_paranoid is 2; run as root"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			opt := machine(t, map[string]string{
				"proc/self/status":                    "Name:\tx\nCapEff:\t" + test.capEff + "\n",
				"proc/sys/kernel/perf_event_paranoid": test.paranoid + "\n",
			})
			err := CheckPermission(opt.Root)
			var missing *Missing
			if test.want == "" && err != nil || test.want != "" &&
				(!errors.As(err, &missing) || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	opt := machine(t, map[string]string{"proc/self/status": "CapEff:\t0000000000000000\n"})
	if err := CheckPermission(opt.Root); err == nil || !strings.Contains(err.Error(), "CONFIG_PERF_EVENTS") {
		t.Errorf("a kernel without perf events: %v", err)
	}
}
