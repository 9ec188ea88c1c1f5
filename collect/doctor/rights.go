package doctor

import "strings"

// A right says who may do one thing. The levels are each without the others;
// root has all capabilities.
type right struct {
	What         string `json:"what"`
	Root         string `json:"root"`
	Perfmon      string `json:"cap_perfmon_cap_bpf"`
	NetAdmin     string `json:"cap_net_admin"`
	Unprivileged string `json:"unprivileged"`
	Here         string `json:"here,omitempty"` // for this user on this kernel, if it was tried
}

// rights returns the table; the last column is what the checks found. Lockdown
// in mode confidentiality forbids all probes (security/lockdown,
// kernel/trace/bpf_trace.c, 6.12), and some kernels forbid fentry in mode integrity.
// Symbols: kernel/ksyms_common.c kallsyms_show_value. SAs: net/xfrm/xfrm_user.c
// xfrm_user_rcv_msg. Interfaces: net/ethtool/ioctl.c dev_ethtool.
func rights(r *Report) []right {
	const yes, no, paranoid = "yes", "no", "if perf_event_paranoid <= 0"
	here := func(ids ...string) string {
		for _, id := range ids {
			if r.Find(id).State == OK {
				return yes
			}
		}
		if s := r.Find(ids[0]).State; s != Absent {
			return string(s)
		}
		return no
	}
	return []right{
		{"perf record on whole CPUs, software clock", yes, yes, no, paranoid, here("XS013")},
		{"perf record, hardware counters", yes, yes, no, paranoid, here("XS010")},
		{"kernel symbols (/proc/kallsyms)", yes, "with CAP_SYSLOG", no, "kptr_restrict 0, paranoid <= 1",
			here("XS006")},
		{"wait probe on the contention tracepoints", yes, yes, no, no, here("XS021", "XS022")},
		{"wait, count, time, find probes by fentry", "lockdown permitting", "lockdown permitting", no, no,
			here("XS020")},
		{"SAs and policies over netlink", yes, no, yes, no, here("XS030")},
		{"xfrm_stat, softnet, protocol counters, CPU times", yes, yes, yes, yes, here("XS032")},
		{"another network namespace (--netns)", yes, no, "with CAP_SYS_ADMIN", no, here("XS033")},
		{"interrupts, RSS, rings, XPS, isolation, IOMMU", yes, yes, yes, yes, ""},
		{"flow rules and pause frames of a NIC", yes, yes, yes, yes, ""},
		{"who listens to XFRM's events", yes, "port only", "port only", "port only", ""},
		{"kind of spin lock from the kernel's log", yes, "with CAP_SYSLOG", no, "if dmesg_restrict is 0",
			here("XS023")},
	}
}

// kernelMatrix is what kernel versions allow.
type kernelMatrix struct {
	Versions []string    `json:"versions"` // column heads; the last is this kernel
	Rows     []kernelRow `json:"rows"`
}

// A kernelRow is one feature by version.
type kernelRow struct {
	What  string   `json:"what"`
	Since string   `json:"since"`
	Has   []string `json:"has"` // one for each version
}

// features is what was found out of this kernel, not concluded from its
// version: distributions backport.
type features struct {
	Release    string // uname -r
	BTF        bool
	Contention bool // the tracepoints
	PCPU       bool // xfrm_state.pcpu_num
	Dir        bool // xfrm_state.dir
	StateCache bool // xfrm_policy.state_cache_list
	Release73  bool // contended_release
	Session    bool // kprobe.session
}

// kernelTable returns the table: versions from the kernel's history, this one
// from what was found; ? is what this user may not try.
func kernelTable(f features, r *Report) kernelMatrix {
	k := kernelMatrix{Versions: []string{"5.10", "5.15", "6.1", "6.6", "6.12", "6.13+", "this: " + f.Release}}
	add := func(what, since, has, here string) {
		k.Rows = append(k.Rows, kernelRow{What: what, Since: since, Has: append(strings.Fields(has), here)})
	}
	row := func(what, since, has string, here bool) { add(what, since, has, yesNo(here)) }
	tried := func(id string) string {
		if ok := r.Find(id).State == OK; ok || r.Find("XS001").State != Absent {
			return yesNo(ok)
		}
		return "?" // this user may not try
	}
	add("perf record, software clock", "4.1", "yes yes yes yes yes yes", tried("XS013"))
	row("types (BTF) for fentry and tp_btf", "5.4, if built in", "yes yes yes yes yes yes", f.BTF)
	add("fentry and fexit of the slow path (x86)", "5.5; arm64 6.0", "yes yes yes yes yes yes", tried("XS020"))
	row("contention tracepoints", "5.19", "no no yes yes yes yes", f.Contention)
	row("kprobe.session", "6.10", "no no no no yes yes", f.Session)
	row("direction of an SA (XFRMA_SA_DIR)", "6.10", "no no no no yes yes", f.Dir)
	row("per-CPU SAs (XFRMA_SA_PCPU, CPU_ACQUIRE)", "6.13, 6.12.13", "no no no no from-.13 yes", f.PCPU)
	row("cache of SAs at the policy", "6.13, 6.12.13", "no no no no from-.13 yes", f.StateCache)
	row("contended_release (who held the lock)", "7.3", "no no no no no 7.3", f.Release73)
	return k
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
