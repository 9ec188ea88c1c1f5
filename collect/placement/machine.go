package placement

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/xfrm"
)

// subjectKernel is the subject of what holds for the whole machine.
const subjectKernel = "kernel"

// machine reads what is no namespace's: CPUs, clocks, isolation, interrupts.
func (r *reader) machine() {
	r.isolation()
	r.cpus()
	r.iommu()
	r.add(bundle.TopicIRQBalance, "irqbalance", "running", yesNo(r.root.Running("irqbalance")))
	irqs, err := r.root.Interrupts()
	if err != nil {
		r.gap("interrupts", err)
	}
	r.irqs = irqs
	r.addFile(bundle.TopicRPS, subjectKernel, "rps_sock_flow_entries", "/proc/sys/net/core/rps_sock_flow_entries")
	r.addFile(bundle.TopicIRQ, subjectKernel, "default_affinity", "/proc/irq/default_smp_affinity")
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// isolation reads which CPUs the scheduler, the tick and RCU leave alone.
func (r *reader) isolation() {
	for _, name := range []string{"isolated", "nohz_full"} {
		value := r.root.ReadTrimmed("/sys/devices/system/cpu/" + name)
		if value == "(null)" { // drivers/base/cpu.c print_cpus_nohz_full before 6.13
			value = ""
		}
		r.add(bundle.TopicIsolation, subjectKernel, name, cmp.Or(value, "none"))
	}
	for _, name := range []string{"isolcpus", "rcu_nocbs", "irqaffinity"} {
		if value, ok := r.bootOption(name); ok {
			r.add(bundle.TopicIsolation, subjectKernel, name, value)
		}
	}
}

// bootOption returns the value of an option of the kernel's command line.
func (r *reader) bootOption(name string) (string, bool) {
	for option := range strings.FieldsSeq(r.root.ReadTrimmed("/proc/cmdline")) {
		if value, ok := strings.CutPrefix(option, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// cpus reads clocks and neighbours of every CPU that is online.
func (r *reader) cpus() {
	const dir = "/sys/devices/system/cpu/"
	r.addFile(bundle.TopicGovernor, subjectKernel, "boost", dir+"cpufreq/boost")
	r.addFile(bundle.TopicGovernor, subjectKernel, "no_turbo", dir+"intel_pstate/no_turbo")
	r.addFile(bundle.TopicTopology, subjectKernel, "smt", dir+"smt/control")
	online, err := r.root.Online()
	if err != nil {
		r.gap("CPU topology", err)
		return
	}
	r.add(bundle.TopicTopology, subjectKernel, "online", online.String())
	for _, cpu := range online {
		subject, own := fmt.Sprintf("cpu %d", cpu), fmt.Sprintf("%scpu%d/", dir, cpu)
		r.addFile(bundle.TopicGovernor, subject, "governor", own+"cpufreq/scaling_governor")
		r.addFile(bundle.TopicGovernor, subject, "driver", own+"cpufreq/scaling_driver")
		r.addFile(bundle.TopicTopology, subject, "package", own+"topology/physical_package_id")
		r.addFile(bundle.TopicTopology, subject, "core", own+"topology/core_id")
		r.addFile(bundle.TopicTopology, subject, "smt siblings", own+"topology/thread_siblings_list")
		r.addFile(bundle.TopicTopology, subject, "shares L3 with", own+"cache/index3/shared_cpu_list")
		// the pattern is a good one
		if nodes, _ := filepath.Glob(r.root.Path(own + "node[0-9]*")); len(nodes) > 0 {
			r.add(bundle.TopicTopology, subject, "node",
				strings.TrimPrefix(filepath.Base(nodes[0]), "node"))
		}
	}
}

// iommu reads how DMA addresses are translated: DMA and DMA-FQ take locks for
// every mapping, identity none (drivers/iommu/iommu.c, 6.12).
func (r *reader) iommu() {
	files, _ := filepath.Glob(r.root.Path("/sys/kernel/iommu_groups/*/type")) // the pattern is a good one
	r.add(bundle.TopicIOMMU, subjectKernel, "groups", fmt.Sprint(len(files)))
	for _, name := range []string{"iommu", "intel_iommu", "amd_iommu", "iommu.passthrough", "iommu.strict"} {
		if value, ok := r.bootOption(name); ok {
			r.add(bundle.TopicIOMMU, subjectKernel, name, value)
		}
	}
}

func (r *reader) listeners(ns string) {
	listeners, err := xfrm.Listeners(r.root, ns)
	if err != nil {
		r.gap("listeners to XFRM's events", err)
	}
	for _, l := range listeners {
		r.add(bundle.TopicListener, subject(ns, "xfrm"), l.Owner(), strings.Join(l.Groups, " "))
	}
}

// sysctls reads what XFRM does with packets that find no SA, and how often it
// tells daemons of sequence numbers: net.core.xfrm_* of the calling thread's
// namespace (net/xfrm/xfrm_sysctl.c, 6.12).
func (r *reader) sysctls(ns string) {
	files, _ := filepath.Glob(r.root.Path("/proc/sys/net/core/xfrm_*")) // the pattern is a good one
	for _, file := range files {
		name := filepath.Base(file)
		r.addFile(bundle.TopicSysctl, subject(ns, "xfrm"), "net.core."+name, "/proc/sys/net/core/"+name)
	}
}

// subject names a thing of a namespace.
func subject(ns, name string) string {
	if ns == "" {
		return name
	}
	return ns + "/" + name
}
