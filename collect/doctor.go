package collect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/netns"
	"xfrmscope/collect/perf"
	"xfrmscope/collect/xfrm"
)

// Checks CanRecord looks at.
const (
	checkPrivileges = "XS001"
	checkPerf       = "XS002"
	checkClock      = "XS013"
)

// runAsRoot is the fix for all that root may.
const runAsRoot = "run as root, for example `sudo xfrmscope ...`"

// Doctor tries everything Record uses, in the order of the ids, and says what
// can be measured on this machine. It loads each eBPF program and opens each
// event for a moment, and changes nothing.
func Doctor(ctx context.Context, opt Options) []Check {
	d := &doctor{opt: opt}
	var checks []Check
	for _, look := range []func(context.Context) []Check{
		d.privileges, d.perf, d.settings, d.symbols, d.events, d.probes, d.locks, d.xfrm, d.placement,
	} {
		checks = append(checks, look(ctx)...)
	}
	return checks
}

// CanRecord reports whether Record would measure anything: permission, perf,
// and an event that opens.
func CanRecord(checks []Check) bool {
	for _, c := range checks {
		if (c.ID == checkPrivileges || c.ID == checkPerf || c.ID == checkClock) && c.State == Absent {
			return false
		}
	}
	return true
}

// A doctor remembers what later checks need of earlier ones.
type doctor struct {
	opt  Options
	caps capabilities
	tool *perf.Tool
}

// verdict is a check that is either fine or not.
func verdict(id, title string, fine bool, otherwise State, evidence, fix string) Check {
	c := Check{ID: id, Title: title, State: OK, Evidence: evidence}
	if !fine {
		c.State, c.Fix = otherwise, fix
	}
	return c
}

func (d *doctor) privileges(context.Context) []Check {
	const title = "privileges"
	caps, err := effective(d.opt.Root)
	if err != nil {
		return []Check{{checkPrivileges, title, Unknown, err.Error(), runAsRoot}}
	}
	d.caps = caps
	var lacks []string
	for _, c := range []struct {
		bit        uint
		name, what string
	}{
		{unix.CAP_PERFMON, "CAP_PERFMON", "perf on whole CPUs, probes"},
		{unix.CAP_BPF, "CAP_BPF", "probes"},
		{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN", "reading SAs"},
		{unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "other network namespaces"},
		{unix.CAP_SYSLOG, "CAP_SYSLOG", "kernel symbols"},
	} {
		if !caps.has(c.bit) {
			lacks = append(lacks, c.name+" ("+c.what+")")
		}
	}
	c := verdict(checkPrivileges, title, len(lacks) == 0, Degraded, fmt.Sprintf("user %d", os.Geteuid()), runAsRoot)
	if len(lacks) > 0 {
		c.Evidence += " without " + strings.Join(lacks, ", ")
	}
	if checkPermission(d.opt.Root) != nil {
		c.State = Absent
	}
	return []Check{c}
}

func (d *doctor) perf(ctx context.Context) []Check {
	tool, err := findPerf(ctx, d.opt.Perf)
	if err != nil {
		c := Check{checkPerf, "perf", Absent, err.Error(), ""}
		var missing *Missing
		if errors.As(err, &missing) {
			c.Evidence, c.Fix = missing.Why, missing.Fix
		}
		return []Check{c}
	}
	d.tool = tool
	with := "built without zstd"
	if tool.Zstd {
		with = "built with zstd"
	}
	return []Check{
		{checkPerf, "perf", OK, tool.Path + " " + tool.Version, ""},
		verdict("XS003", "compressed perf.data", tool.Zstd, Degraded, with, "nothing is lost, files are larger; distributions' perf has it"),
	}
}

// settings looks at the sysctls perf depends on.
func (d *doctor) settings(context.Context) []Check {
	const paranoidID, rateID = "XS004", "XS005"
	var checks []Check
	paranoid, err := d.opt.Root.ReadInt("/proc/sys/kernel/perf_event_paranoid")
	if err != nil {
		checks = append(checks, Check{paranoidID, "perf_event_paranoid", Absent, err.Error(), "boot a kernel with CONFIG_PERF_EVENTS"})
	} else {
		evidence := strconv.Itoa(paranoid)
		if d.caps.has(unix.CAP_PERFMON) {
			evidence += ", which does not bind CAP_PERFMON"
		}
		checks = append(checks, verdict(paranoidID, "kernel.perf_event_paranoid", paranoid <= 0 || d.caps.has(unix.CAP_PERFMON), Absent, evidence,
			runAsRoot+", or `sudo sysctl kernel.perf_event_paranoid=0`"))
	}
	rate, err := d.opt.Root.ReadInt("/proc/sys/kernel/perf_event_max_sample_rate")
	if err != nil {
		return append(checks, Check{rateID, "highest sampling frequency", Unknown, err.Error(), ""})
	}
	return append(checks, verdict(rateID, "highest sampling frequency", rate >= DefaultFrequencyHz, Degraded, fmt.Sprintf("%d Hz", rate),
		fmt.Sprintf("`sysctl kernel.perf_cpu_time_max_percent=0 kernel.perf_event_max_sample_rate=%d`: the kernel lowered it because interrupts took long", 10*DefaultFrequencyHz)))
}

func (d *doctor) symbols(context.Context) []Check {
	const id, title = "XS006", "kernel symbols"
	check := verdict(id, title, false, Absent, "all addresses in /proc/kallsyms are 0; kernel.kptr_restrict is "+d.opt.Root.ReadTrimmed("/proc/sys/kernel/kptr_restrict"),
		runAsRoot+" with `sysctl kernel.kptr_restrict=0`")
	for s, err := range d.opt.Root.Symbols() {
		if err != nil {
			check = Check{id, title, Absent, err.Error(), "boot a kernel with CONFIG_KALLSYMS"}
			break
		}
		if s.Addr != 0 {
			check = Check{id, title, OK, "/proc/kallsyms shows addresses", ""}
			break
		}
	}
	const vmlinux = "/sys/kernel/btf/vmlinux"
	_, err := os.Stat(d.opt.Root.Path(vmlinux))
	evidence := vmlinux
	if err != nil {
		evidence = "no " + vmlinux
	}
	return []Check{check, verdict("XS007", "kernel types (BTF)", err == nil, Degraded, evidence, "boot a kernel with CONFIG_DEBUG_INFO_BTF; without it the wait probe has the raw_tp rung only")}
}

// events opens each default event, and the clock that replaces cycles.
func (d *doctor) events(ctx context.Context) []Check {
	online, err := d.opt.Root.Online()
	if d.tool == nil || err != nil {
		return nil
	}
	var checks []Check
	for i, event := range append(DefaultEvents(), "cpu-clock") {
		c := Check{ID: fmt.Sprintf("XS%03d", 10+i), Title: "event " + event, State: OK}
		resolved := perf.Resolve([]string{event}, func(event string) error { return d.tool.Try(ctx, event, online[0]) })
		var found []string
		for _, e := range resolved {
			switch {
			case e.Opened == "" && e.Asked == event:
				found = append(found, e.Why)
			case e.Opened == "":
				found = append(found, e.Asked+": "+e.Why)
			case e.Opened != e.Asked:
				found = append(found, fmt.Sprintf("%s in place of %s: %s", e.Opened, e.Asked, e.Why))
			default:
				found = append(found, "opens on CPU "+online[:1].String())
			}
		}
		c.Evidence = strings.Join(found, "; ")
		if gaps := eventGaps(resolved); len(gaps) > 0 {
			c.State, c.Fix = Absent, gaps[0].Fix
		}
		if len(resolved) > 0 && resolved[0].Opened != resolved[0].Asked && resolved[0].Opened != "" {
			c.State = Degraded
		}
		checks = append(checks, c)
	}
	return checks
}

func (d *doctor) xfrm(context.Context) []Check {
	const id, title = "XS030", "SAs over netlink"
	var checks []Check
	sas, err := xfrm.SAs(d.opt.Root, "")
	if err != nil {
		checks = append(checks, Check{id, title, Absent, err.Error(), fixOf(err)})
	} else {
		checks = append(checks, Check{id, title, OK, fmt.Sprintf("%d in the own network namespace", len(sas)), ""})
	}
	checks = append(checks, d.esp())
	var rows []bundle.Counter
	err = netns.Do(d.opt.Root, "", func() (err error) {
		rows, err = d.opt.Root.XfrmStat()
		return err
	})
	evidence := fmt.Sprintf("%d counters", len(rows))
	if err != nil {
		evidence = err.Error()
	}
	checks = append(checks, verdict("XS032", "xfrm_stat", err == nil, Absent, evidence, "boot a kernel with CONFIG_XFRM_STATISTICS"))
	return append(checks, d.namespaces())
}

// esp looks for ESP in the kernel, then among the modules it could load.
func (d *doctor) esp() Check {
	const id, title = "XS031", "ESP in the kernel"
	for s, err := range d.opt.Root.Symbols() {
		if err != nil {
			return Check{id, title, Unknown, err.Error(), ""}
		}
		if s.Name == "esp_output" || s.Name == "esp6_output" {
			return Check{id, title, OK, s.Name + " is there", ""}
		}
	}
	deps := "/lib/modules/" + d.opt.Root.ReadTrimmed("/proc/sys/kernel/osrelease") + "/modules.dep"
	data, err := d.opt.Root.Read(deps)
	if err == nil && strings.Contains(string(data), "/esp4.ko") {
		return Check{id, title, OK, "not loaded; the module esp4 is installed", ""}
	}
	return Check{id, title, Absent, "neither esp_output in /proc/kallsyms nor esp4 in " + deps, "boot a kernel with CONFIG_INET_ESP: on this one no ESP packet can flow"}
}

func (d *doctor) namespaces() Check {
	const id, title = "XS033", "network namespaces"
	if _, err := netns.Path(d.opt.Root, ""); err != nil {
		return Check{id, title, Absent, err.Error(), ""}
	}
	var names []string
	files, _ := filepath.Glob(d.opt.Root.Path("/run/netns/*")) // the pattern is a good one
	for _, file := range files {
		names = append(names, filepath.Base(file))
	}
	evidence := "none named in /run/netns"
	if len(names) > 0 {
		evidence = "named: " + strings.Join(names, ", ")
	}
	return verdict(id, title, d.caps.has(unix.CAP_SYS_ADMIN), Degraded, evidence, runAsRoot+" to read others than the own one")
}

func (d *doctor) placement(context.Context) []Check {
	balance := "not running"
	if d.opt.Root.Running("irqbalance") {
		balance = "running: it moves interrupts between CPUs while one measures"
	}
	checks := []Check{verdict("XS040", "irqbalance", balance == "not running", Degraded, balance, "systemctl stop irqbalance")}
	online, err := d.opt.Root.Online()
	if err != nil {
		return append(checks, Check{"XS041", "a CPU for the collector", Unknown, err.Error(), ""})
	}
	return append(checks, verdict("XS041", "a CPU for the collector", len(online) > 1, Degraded,
		fmt.Sprintf("online are %s", online), "none is left: perf and the collector will run on the CPU they measure"))
}
