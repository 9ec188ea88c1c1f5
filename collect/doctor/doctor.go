package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/perf"
	"xfrmscope/collect/placement"
	"xfrmscope/collect/probe"
	"xfrmscope/collect/procfs"
	"xfrmscope/collect/record"
	"xfrmscope/collect/xfrm"
)

// Checks CanRecord looks at.
const (
	checkPrivileges = "XS001"
	checkPerf       = "XS002"
	checkClock      = "XS013"
)

// vmlinuxBTF holds the types of the running kernel.
const vmlinuxBTF = "/sys/kernel/btf/vmlinux"

// runAsRoot is the fix for all that root may.
const runAsRoot = "run as root, for example `sudo xfrmscope ...`"

// A Focus is what a reader of a Report cares for.
type Focus struct {
	CPUs    bundle.CPUSet // that send; nil: nobody said
	Devices []string      // interfaces that carry the traffic; none: all
	NetNS   []string      // namespaces; none: the own one
}

// CheckDevices reports the first device that is in none of the namespaces, as a
// *record.PlanError.
func (f Focus) CheckDevices(root procfs.Root) error {
	if len(f.Devices) == 0 {
		return nil
	}
	facts, _ := placement.Read(root, f.namespaces()) // what is unknown of them, Examine says
	there := newLayout(facts, nil, nil).devices
	for _, dev := range f.Devices {
		if len(newLayout(facts, nil, []string{dev}).devices) == 0 {
			return &record.PlanError{
				What: "interface " + dev, Why: "there is none of that name to carry traffic",
				Fix: "there are " + strings.Join(there, ", "),
			}
		}
	}
	return nil
}

// namespaces are those looked at, at least the own one.
func (f Focus) namespaces() []string {
	if len(f.NetNS) == 0 {
		return []string{""}
	}
	return f.NetNS
}

// Examine tries everything record.Run uses, in the order of the ids, and says what
// can be measured on this machine, and whether it is set up as RFC 9611 wants.
// It loads each eBPF program and opens each event for a moment, and changes nothing.
// perfPath is the perf program; "" looks for "perf" on the PATH.
func Examine(ctx context.Context, root procfs.Root, perfPath string, focus Focus) *Report {
	e := &exam{root: root, perfPath: perfPath, focus: focus}
	e.focus.NetNS = focus.namespaces()
	r := &Report{Locks: findLocks(root, kernelLog(root))}
	for _, look := range []func(context.Context) []Check{
		e.privileges, e.perf, e.settings, e.symbols, e.lockdown, e.events, e.probes, e.xfrm, e.collector,
	} {
		r.Checks = append(r.Checks, look(ctx)...)
	}
	facts, gaps := placement.Read(root, e.focus.NetNS)
	layout := newLayout(facts, focus.CPUs, focus.Devices)
	r.Checks = append(r.Checks, r.Locks.check())
	r.Checks = append(r.Checks, judgePlacement(layout)...)
	r.Checks = append(r.Checks, unread(gaps)...)
	r.Checks = append(r.Checks, judgeSAs(e.view)...)
	slices.SortStableFunc(r.Checks, func(a, b Check) int { return strings.Compare(a.ID, b.ID) })
	r.Rights = rights(r)
	r.Kernels = kernelTable(readFeatures(root), r)
	r.Plan = makePlan(layout, e.view.SAs)
	return r
}

// CanRecord reports whether record.Run would measure anything: permission, perf,
// and an event that opens.
func (r *Report) CanRecord() bool {
	return !slices.ContainsFunc([]string{checkPrivileges, checkPerf, checkClock}, func(id string) bool {
		return r.Find(id).State == Absent
	})
}

// An exam remembers what later checks need of earlier ones.
type exam struct {
	root     procfs.Root
	perfPath string
	focus    Focus
	caps     procfs.Capabilities
	tool     *perf.Tool
	view     saView
}

func (e *exam) privileges(context.Context) []Check {
	const title = "privileges"
	caps, err := e.root.Capabilities()
	if err != nil {
		return []Check{newCheck(checkPrivileges, title, Unknown, err.Error(), runAsRoot)}
	}
	e.caps = caps
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
		if !caps.Has(c.bit) {
			lacks = append(lacks, c.name+" ("+c.what+")")
		}
	}
	c := verdict(checkPrivileges, title, len(lacks) == 0, Degraded, fmt.Sprintf("user %d", os.Geteuid()), runAsRoot)
	if len(lacks) > 0 {
		c.Evidence += " without " + strings.Join(lacks, ", ")
	}
	if record.CheckPermission(e.root) != nil {
		c.State = Absent
	}
	return []Check{c}
}

func (e *exam) perf(ctx context.Context) []Check {
	tool, err := record.FindPerf(ctx, e.perfPath)
	if err != nil {
		c := newCheck(checkPerf, "perf", Absent, err.Error(), "")
		var missing *record.Missing
		if errors.As(err, &missing) {
			c.Evidence, c.Fix = missing.Why, missing.Fix
		}
		return []Check{c}
	}
	e.tool = tool
	with := "built without zstd"
	if tool.Zstd {
		with = "built with zstd"
	}
	return []Check{
		newCheck(checkPerf, "perf", OK, tool.Path+" "+tool.Version, ""),
		verdict("XS003", "compressed perf.data", tool.Zstd, Degraded, with,
			"nothing is lost, files are larger; distributions' perf has it"),
	}
}

// settings looks at the sysctls perf depends on.
func (e *exam) settings(context.Context) []Check {
	const paranoidID, rateID = "XS004", "XS005"
	var checks []Check
	paranoid, err := e.root.ReadInt("/proc/sys/kernel/perf_event_paranoid")
	if err != nil {
		checks = append(checks, newCheck(paranoidID, "perf_event_paranoid", Absent, err.Error(),
			"boot a kernel with CONFIG_PERF_EVENTS"))
	} else {
		evidence := strconv.Itoa(paranoid)
		if e.caps.Has(unix.CAP_PERFMON) {
			evidence += ", which does not bind CAP_PERFMON"
		}
		checks = append(checks, verdict(paranoidID, "kernel.perf_event_paranoid",
			paranoid <= 0 || e.caps.Has(unix.CAP_PERFMON), Absent, evidence,
			runAsRoot+", or `sudo sysctl kernel.perf_event_paranoid=0`"))
	}
	rate, err := e.root.ReadInt("/proc/sys/kernel/perf_event_max_sample_rate")
	if err != nil {
		return append(checks, newCheck(rateID, "highest sampling frequency", Unknown, err.Error(), ""))
	}
	return append(checks, verdict(rateID, "highest sampling frequency", rate >= record.DefaultFrequencyHz, Degraded,
		fmt.Sprintf("%d Hz", rate),
		fmt.Sprintf("`sysctl kernel.perf_cpu_time_max_percent=0 kernel.perf_event_max_sample_rate=%d`: the "+
			"kernel lowered it because interrupts took long", 10*record.DefaultFrequencyHz)))
}

func (e *exam) symbols(context.Context) []Check {
	const id, title = "XS006", "kernel symbols"
	check := verdict(id, title, false, Absent, "all addresses in /proc/kallsyms are 0; kernel.kptr_restrict is "+
		e.root.ReadTrimmed("/proc/sys/kernel/kptr_restrict"), runAsRoot+" with `sysctl kernel.kptr_restrict=0`")
	for s, err := range e.root.Symbols() {
		if err != nil {
			check = newCheck(id, title, Absent, err.Error(), "boot a kernel with CONFIG_KALLSYMS")
			break
		}
		if s.Addr != 0 {
			check = newCheck(id, title, OK, "/proc/kallsyms shows addresses", "")
			break
		}
	}
	_, err := os.Stat(e.root.Path(vmlinuxBTF))
	evidence := vmlinuxBTF
	if err != nil {
		evidence = "no " + vmlinuxBTF
	}
	return []Check{check, verdict("XS007", "kernel types (BTF)", err == nil, Degraded, evidence,
		"boot a kernel with CONFIG_DEBUG_INFO_BTF; without it the wait probe has the attach mode raw_tp only")}
}

// lockdown looks for the mode of lockdown(7), which refuses fentry or all probes
// to root too.
func (e *exam) lockdown(context.Context) []Check {
	const id, title = "XS008", "lockdown"
	const fix = "boot without lockdown= and, where Secure Boot turns it on, without Secure Boot"
	if modes := e.root.ReadTrimmed("/sys/kernel/security/lockdown"); modes != "" {
		return []Check{verdict(id, title, strings.Contains(modes, "[none]"), Degraded, modes, fix)}
	}
	for line := range strings.Lines(kernelLog(e.root)) {
		if strings.Contains(line, "Kernel is locked down") {
			return []Check{newCheck(id, title, Degraded, "the kernel's log: "+strings.TrimSpace(line), fix)}
		}
	}
	return []Check{newCheck(id, title, Unknown, "no /sys/kernel/security/lockdown, and nothing of it in the "+
		"kernel's log, as far as that can be read", "`mount -t securityfs none /sys/kernel/security` shows it")}
}

// events opens each default event, and the clock that replaces cycles.
func (e *exam) events(ctx context.Context) []Check {
	online, err := e.root.Online()
	if e.tool == nil || err != nil {
		return nil
	}
	var checks []Check
	for i, event := range append(record.DefaultEvents(), "cpu-clock") {
		c := Check{ID: fmt.Sprintf("XS%03d", 10+i), Title: "event " + event, State: OK}
		resolved := perf.Resolve([]string{event},
			func(event string) error { return e.tool.Try(ctx, event, online[0]) })
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
		if gaps := perf.Gaps(resolved); len(gaps) > 0 {
			c.State, c.Fix = Absent, gaps[0].Fix
			if record.CheckPermission(e.root) != nil {
				c.Fix = runAsRoot
			}
		}
		if len(resolved) > 0 && resolved[0].Opened != resolved[0].Asked && resolved[0].Opened != "" {
			c.State = Degraded
		}
		checks = append(checks, c)
	}
	return checks
}

// xfrm reads what is there once, in each namespace.
func (e *exam) xfrm(context.Context) []Check {
	online, _ := e.root.Online() // not known: XS041 says so
	e.view = saView{CPUs: e.focus.CPUs, Online: online, NowS: uint64(time.Now().Unix())}
	if len(e.view.CPUs) == 0 {
		e.view.CPUs = online
	}
	netlink := Check{ID: "XS030", Title: "SAs and policies over netlink", State: OK}
	stat := Check{ID: "XS032", Title: "xfrm_stat", State: OK}
	for _, ns := range e.focus.NetNS {
		sas, err := xfrm.SAs(e.root, ns)
		policies, perr := xfrm.Policies(e.root, ns)
		e.view.SAs, e.view.Policies = append(e.view.SAs, sas...), append(e.view.Policies, policies...)
		found(&netlink, ns, fmt.Sprintf("%d SAs, %d policies", len(sas), len(policies)), cmp.Or(err, perr))
		var rows []bundle.Counter
		err = e.root.InNetNS(ns, func() (err error) {
			rows, err = e.root.XfrmStat()
			return err
		})
		found(&stat, ns, fmt.Sprintf("%d counters", len(rows)), err)
	}
	return []Check{netlink, e.esp(), stat, e.namespaces()}
}

// found adds to a check what there was in a namespace.
func found(c *Check, ns, what string, err error) {
	if err != nil {
		what = err.Error()
		c.State, c.Fix = Absent, cmp.Or(xfrm.FixOf(err), "`ip netns list` names the namespaces there are")
	}
	if c.Evidence != "" {
		c.Evidence += "; "
	}
	c.Evidence += what + " in " + procfs.NetNSName(ns)
}

// esp looks for ESP in the kernel, then among the modules it could load.
func (e *exam) esp() Check {
	const id, title = "XS031", "ESP in the kernel"
	for s, err := range e.root.Symbols() {
		if err != nil {
			return newCheck(id, title, Unknown, err.Error(), "")
		}
		if s.Name == "esp_output" || s.Name == "esp6_output" {
			return newCheck(id, title, OK, s.Name+" is there", "")
		}
	}
	deps := "/lib/modules/" + e.root.ReadTrimmed("/proc/sys/kernel/osrelease") + "/modules.dep"
	data, err := e.root.Read(deps)
	if err == nil && strings.Contains(string(data), "/esp4.ko") {
		return newCheck(id, title, OK, "not loaded; the module esp4 is installed", "")
	}
	return newCheck(id, title, Absent, "neither esp_output in /proc/kallsyms nor esp4 in "+deps,
		"boot a kernel with CONFIG_INET_ESP: on this one no ESP packet can flow")
}

func (e *exam) namespaces() Check {
	const id, title = "XS033", "network namespaces"
	if _, err := e.root.NetNSPath(""); err != nil {
		return newCheck(id, title, Absent, err.Error(), "")
	}
	var names []string
	files, _ := filepath.Glob(e.root.Path("/run/netns/*")) // the pattern is a good one
	for _, file := range files {
		names = append(names, filepath.Base(file))
	}
	evidence := "none named in /run/netns"
	if len(names) > 0 {
		evidence = "named: " + strings.Join(names, ", ")
	}
	return verdict(id, title, e.caps.Has(unix.CAP_SYS_ADMIN), Degraded, evidence,
		runAsRoot+" to read others than the own one")
}

// collector looks for a CPU that is not measured.
func (e *exam) collector(context.Context) []Check {
	const id, title = "XS041", "a CPU for the collector"
	online, err := e.root.Online()
	if err != nil {
		return []Check{newCheck(id, title, Unknown, err.Error(), "")}
	}
	left := online[min(1, len(online)):]
	evidence := fmt.Sprintf("online are %s", online)
	if len(e.focus.CPUs) > 0 {
		left = slices.DeleteFunc(online, e.focus.CPUs.Contains)
		evidence += fmt.Sprintf(", %s of them send", e.focus.CPUs)
	}
	return []Check{verdict(id, title, len(left) > 0, Degraded, evidence,
		"leave a CPU out of -C: else perf and the collector run on the CPUs they measure")}
}

// unread is what could not be read of the placement.
func unread(gaps []bundle.Gap) []Check {
	if len(gaps) == 0 {
		return []Check{newCheck("XS056", "placement", OK, "all of it could be read", "")}
	}
	var list []string
	for _, g := range gaps {
		list = append(list, g.What+": "+g.Why)
	}
	return []Check{newCheck("XS056", "placement", Unknown, strings.Join(list, "; "), gaps[0].Fix)}
}

// readFeatures looks for what differs by version in the kernel itself.
func readFeatures(root procfs.Root) features {
	f := features{Release: root.ReadTrimmed("/proc/sys/kernel/osrelease")}
	for s, err := range root.Symbols() {
		if err != nil {
			break
		}
		switch s.Name {
		case "__traceiter_contention_begin":
			f.Contention = true
		case "__traceiter_contended_release":
			f.Release73 = true
		case "bpf_session_is_return":
			f.Session = true
		}
	}
	types, err := btf.LoadSpec(root.Path(vmlinuxBTF))
	if err != nil {
		return f
	}
	f.BTF = true
	f.PCPU, f.Dir = probe.HasField(types, "xfrm_state", "pcpu_num"), probe.HasField(types, "xfrm_state", "dir")
	f.StateCache = probe.HasField(types, "xfrm_policy", "state_cache_list")
	return f
}
