package doctor

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const now = 1_700_000_000

func cpu(n uint32) *uint32 { return &n }

// sa is an SA from west to east of SPI 0x1000 + n that was just used.
func sa(n uint32, pcpu *uint32) bundle.SA {
	return bundle.SA{
		NetNS: "west", Src: "192.0.2.2", Dst: "192.0.2.3", Proto: "esp", Mode: "tunnel", ReqID: 1, Dir: "out",
		SPI: 0x1000 + n, PCPU: pcpu, Packets: 1000, AddTimeS: now - 600, UseTimeS: now - 500,
		LastUsedS: now - 1,
	}
}

func policy(acquire bool) bundle.Policy {
	return bundle.Policy{NetNS: "west", Dir: "out", Templates: []string{"esp tunnel 192.0.2.2 192.0.2.3 reqid 1"},
		CPUAcquire: acquire}
}

// view is a complete set for CPUs 0 and 1, with a fallback that carries nothing.
func view() saView {
	fallback := sa(0, nil)
	fallback.Packets, fallback.UseTimeS, fallback.LastUsedS = 0, 0, 0
	return saView{
		SAs:      []bundle.SA{fallback, sa(1, cpu(0)), sa(2, cpu(1))},
		Policies: []bundle.Policy{policy(true)},
		CPUs:     bundle.CPUSet{0, 1}, Online: bundle.CPUSet{0, 1, 2, 3}, NowS: now,
	}
}

// in turns an SA round.
func in(s bundle.SA) bundle.SA {
	s.Src, s.Dst, s.Dir = s.Dst, s.Src, "in"
	return s
}

func TestSAs(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*saView)
		id     string
		state  State
		want   string // in the evidence
	}{
		{"whole set", func(*saView) {}, "XS060", OK, "one for each of CPUs 0-1"},
		{"whole set", func(*saView) {}, "XS061", OK, "SPI 0x1000"},
		{"whole set", func(*saView) {}, "XS064", OK, "set"},
		{"whole set", func(*saView) {}, "XS066", OK, "2 SAs of CPUs were used"},
		{"whole set", func(*saView) {}, "XS068", OK, "0 of 2000 packets (0.0 %)"},
		{"one missing", func(v *saView) { v.SAs = v.SAs[:2] }, "XS060", Degraded,
			"esp tunnel 192.0.2.2 192.0.2.3 reqid 1 in west: none for CPUs 1 of 0-1"},
		{"shared", func(v *saView) { v.SAs = v.SAs[:1] }, "XS060", Degraded, "no SA of a CPU, 1 for all"},
		{"policy alone", func(v *saView) { v.SAs = nil }, "XS060", Degraded, "no SA of a CPU, 0 for all"},
		{"nothing", func(v *saView) { v.SAs, v.Policies = nil, nil }, "XS060", NotHere, "no outbound SA"},
		{"no fallback", func(v *saView) { v.SAs = v.SAs[1:] }, "XS061", Degraded, "none; packets of a CPU"},
		{"duplicate", func(v *saView) { v.SAs = append(v.SAs, sa(9, cpu(1))) }, "XS062", Degraded,
			"CPU 1 has SPI 0x1002, 0x1009"},
		{"two fallbacks", func(v *saView) { v.SAs = append(v.SAs, sa(9, nil)) }, "XS062", Degraded,
			"any CPU has SPI 0x1000, 0x1009"},
		{"offline", func(v *saView) { v.SAs = append(v.SAs, sa(9, cpu(7))) }, "XS063", Degraded,
			"SPI 0x1009 is of CPU 7, online are 0-3"},
		{"no acquire", func(v *saView) { v.Policies[0].CPUAcquire = false }, "XS064", OK,
			"not set; no SA is missing"},
		{"no acquire, one missing", func(v *saView) { v.Policies[0].CPUAcquire, v.SAs = false, v.SAs[:2] },
			"XS064", Degraded, "stay on the fallback"},
		{"no policy", func(v *saView) { v.Policies = nil }, "XS064", Degraded, "no policy uses these SAs"},
		{"policy for anybody", func(v *saView) {
			v.Policies[0].Templates = []string{"esp tunnel 0.0.0.0 0.0.0.0 reqid 0"}
		}, "XS064", OK, "set"},
		{"larval", func(v *saView) {
			s := sa(9, cpu(2))
			s.Larval = true
			v.SAs = append(v.SAs, s)
		}, "XS065", Degraded, "for CPU 2"},
		{"idle", func(v *saView) { v.SAs[2].LastUsedS = now - 300 }, "XS066", Degraded,
			"SPI 0x1002 of CPU 1: not for 300 s"},
		{"never used", func(v *saView) { v.SAs[2].Packets = 0 }, "XS066", Degraded,
			"SPI 0x1002 of CPU 1: never"},
		{"none to be idle", func(v *saView) { v.SAs, v.Policies[0].CPUAcquire = v.SAs[:1], false }, "XS066",
			NotHere, "there are no SAs of CPUs"},
		{"all idle", func(v *saView) { v.SAs[1].LastUsedS, v.SAs[2].LastUsedS = now-300, now-300 }, "XS066",
			NotHere, "is used now"},
		{"replay", func(v *saView) {
			s := in(sa(9, nil))
			s.Replay, s.Drops.ReplayWindow = 32, 250
			v.SAs = append(v.SAs, s)
		}, "XS067", Degraded, "window 32: 250 of 1250 packets dropped"},
		{"on the fallback", func(v *saView) { v.SAs[0].Packets = 2000 }, "XS068", Degraded,
			"2000 of 4000 packets (50.0 %)"},
		{"both directions", func(v *saView) { v.SAs = append(v.SAs, in(sa(5, cpu(0))), in(sa(6, cpu(1)))) },
			"XS069", OK, "2 out, 2 in"},
		{"one end alone", func(v *saView) { v.SAs = append(v.SAs, in(sa(5, nil))) }, "XS069", Degraded,
			"2 out, 0 in"},
		{"one UDP tuple", func(v *saView) { v.SAs[1].Encap, v.SAs[2].Encap = "udp 4500 4500", "udp 4500 4500" },
			"XS070", Degraded, "2 SPIs share"},
		{"two UDP tuples", func(v *saView) {
			v.SAs[1].Encap, v.SAs[2].Encap = "udp 4501 4500", "udp 4502 4500"
		}, "XS070", OK, "2 SAs with a UDP port each"},
		{"a kernel without directions", func(v *saView) {
			for i := range v.SAs {
				v.SAs[i].Dir = ""
			}
		}, "XS060", OK, "one for each"},
	} {
		v := view()
		test.change(&v)
		got := (&Report{Checks: judgeSAs(v)}).Find(test.id)
		if got.State != test.state || !strings.Contains(got.Evidence, test.want) ||
			(got.Fix != "") != (test.state == Degraded) {
			t.Errorf("%s: %+v\nwant %s, %q", test.name, got, test.state, test.want)
		}
	}
}

// facts is a two-queue mlx5 that is set up badly in every way.
func facts() []bundle.Fact {
	var all []bundle.Fact
	for line := range strings.Lines(`irqbalance|irqbalance|running|yes
topology|kernel|online|0-3
topology|cpu 0|smt siblings|0-1
topology|cpu 1|smt siblings|0-1
topology|cpu 0|shares L3 with|0-1
topology|cpu 1|shares L3 with|0-1
topology|cpu 2|smt siblings|2
topology|cpu 2|shares L3 with|2-3
governor|cpu 0|governor|schedutil
governor|cpu 1|governor|performance
governor|kernel|boost|1
isolation|kernel|isolated|none
isolation|kernel|nohz_full|1-3
nic|west/black|mtu|1500
nic|west/black|channels|combined 2 of 16, rx 0 of 0, tx 0
iommu|west/black|domain|DMA-FQ
irq|west/black mlx5_comp0@pci:0000:01:00.0|irq|62
irq|west/black mlx5_comp0@pci:0000:01:00.0|queue|rx-0 tx-0
irq|west/black mlx5_comp0@pci:0000:01:00.0|affinity|0-3
irq|west/black mlx5_comp0@pci:0000:01:00.0|effective|0
irq|west/black mlx5_comp1@pci:0000:01:00.0|irq|63
irq|west/black mlx5_comp1@pci:0000:01:00.0|queue|rx-1 tx-1
irq|west/black mlx5_comp1@pci:0000:01:00.0|affinity|0
rps|west/black rx-0|rps_cpus|none
rps|west/black rx-1|rps_cpus|0-3
xps|west/black tx-0|xps_cpus|0
xps|west/black tx-1|xps_cpus|0
feature|west/black|rx-ntuple-filter|off
feature|west/black|esp-hw-offload|off
ntuple|west/black|rule 0|udp4 src-port 4500: queue 0
pause|west/black|rx|on
pause|west/black|tx|on
pause|west/black|rx_pause_frames|10542401
stat|west/black|rx_out_of_buffer|3
rss|west/black|table|0 0 0 1
rss|west/black|hash udp4|sd
rss|west/black|hash esp4|none
qdisc|west/black|root|fq_codel
listener|west/xfrm|ip (pid 812)|acquire aevents
nic|eth9|mtu|1500
`) {
		f := strings.SplitN(strings.TrimSpace(line), "|", 4)
		all = append(all, bundle.Fact{Topic: f[0], Subject: f[1], Name: f[2], Value: f[3]})
	}
	return all
}

// TestReport prints what Doctor would of that machine.
func TestReport(t *testing.T) {
	cpus := bundle.CPUSet{0, 1, 2}
	l := newLayout(facts(), cpus, []string{"black"})
	v := view()
	v.CPUs = cpus
	inbound := in(sa(6, cpu(1)))
	inbound.Encap = "udp 4501 4500"
	v.SAs = append(v.SAs, in(sa(5, cpu(0))), inbound)
	r := &Report{Checks: append(judgePlacement(l), judgeSAs(v)...), Locks: lockFacts{Kind: native,
		Evidence: []string{"none"}, Blind: blindSpots(native)}, Plan: makePlan(l, v.SAs)}
	r.Rights = rights(r)
	r.Kernels = kernelTable(features{Release: "6.12.0", Contention: true}, r)
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/report.txt"
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755),
			os.WriteFile(golden, []byte(b.String()), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || b.String() != string(want) {
		t.Errorf("%v: %s differs (-update rewrites it):\n%s", err, golden, b.String())
	}
	for _, c := range r.Checks {
		if c.State == Degraded && c.Fix == "" || c.Evidence == "" {
			t.Errorf("check %+v", c)
		}
	}
}

// A machine that is set up well has nothing to be told.
func TestPlacementFine(t *testing.T) {
	all := facts()
	for i, f := range all {
		for _, fine := range []struct{ topic, subject, name, value string }{
			{"irqbalance", "irqbalance", "running", "no"},
			{"topology", "cpu 0", "smt siblings", "0"},
			{"topology", "cpu 1", "smt siblings", "1"},
			{"governor", "cpu 0", "governor", "performance"},
			{"isolation", "kernel", "isolated", "0-1"},
			{"isolation", "kernel", "nohz_full", "0-1"},
			{"iommu", "west/black", "domain", "identity"},
			{"irq", "west/black mlx5_comp0@pci:0000:01:00.0", "affinity", "0"},
			{"irq", "west/black mlx5_comp1@pci:0000:01:00.0", "affinity", "1"},
			{"rps", "west/black rx-1", "rps_cpus", "none"},
			{"xps", "west/black tx-1", "xps_cpus", "1"},
			{"feature", "west/black", "rx-ntuple-filter", "on"},
			{"pause", "west/black", "rx", "off"},
			{"pause", "west/black", "tx", "off"},
			{"pause", "west/black", "rx_pause_frames", "0"},
			{"stat", "west/black", "rx_out_of_buffer", "0"},
			{"rss", "west/black", "table", "0 1 0 1"},
			{"rss", "west/black", "hash udp4", "sdfn"},
			{"qdisc", "west/black", "root", "mq"},
			{"listener", "west/xfrm", "ip (pid 812)", "acquire"},
		} {
			if f.Topic == fine.topic && f.Subject == fine.subject && f.Name == fine.name {
				all[i].Value = fine.value
			}
		}
	}
	l := newLayout(all, bundle.CPUSet{0, 1}, nil)
	for _, c := range judgePlacement(l) {
		if c.State != OK || c.Fix != "" {
			t.Errorf("%+v", c)
		}
	}
	v := view()
	v.SAs = append(v.SAs, in(sa(5, cpu(0))), in(sa(6, cpu(1))))
	for _, step := range makePlan(l, v.SAs) {
		if !strings.Contains(step.Command, "ethtool -N") { // the rules are not compared
			t.Errorf("step %+v", step)
		}
	}
	// One queue and RPS, as a veth may have.
	rps := newLayout([]bundle.Fact{{Topic: "nic", Subject: "veth0", Name: "mtu", Value: "1500"},
		{Topic: "rps", Subject: "veth0 rx-0", Name: "rps_cpus", Value: "0-1"}}, nil, nil)
	if c := (&Report{Checks: judgePlacement(rps)}).Find("XS047"); c.State != Degraded ||
		c.Evidence != "veth0 rx-0: RPS hands packets to CPUs 0-1" {
		t.Errorf("%+v", c)
	}
	// Nobody said which CPUs send.
	l = newLayout(all, nil, nil)
	if steps := makePlan(l, v.SAs); steps != nil {
		t.Errorf("plan %+v", steps)
	}
	if c := (&Report{Checks: judgePlacement(l)}).Find("XS048"); c.State != NotHere ||
		!strings.Contains(c.Evidence, "-C") {
		t.Errorf("%+v", c)
	}
}

// A card of four queues or fewer, as igb, interrupts apart for what it received
// and what it sent, and takes no flow rules.
func TestInterruptsApart(t *testing.T) {
	var all []bundle.Fact
	for line := range strings.Lines(`nic|eth0|mtu|1500
irq|eth0 eth0-rx-0|irq|37
irq|eth0 eth0-rx-0|queue|rx-0
irq|eth0 eth0-rx-0|affinity|0
irq|eth0 eth0-rx-1|irq|38
irq|eth0 eth0-rx-1|queue|rx-1
irq|eth0 eth0-rx-1|affinity|1
irq|eth0 eth0-tx-0|irq|41
irq|eth0 eth0-tx-0|queue|tx-0
irq|eth0 eth0-tx-0|affinity|0
irq|eth0 eth0-tx-0|effective|2
irq|eth0 eth0-tx-1|irq|48
irq|eth0 eth0-tx-1|queue|tx-1
irq|eth0 eth0-tx-1|affinity|0-3
irq|eth0 eth0-tx-1|effective|3
xps|eth0 tx-0|xps_cpus|0
xps|eth0 tx-1|xps_cpus|1
rss|eth0|table|0 1 0 1
rss|eth0|hash udp4|sd
rss|eth0|hash udp6|sdfn
feature|eth0|rx-ntuple-filter|off [fixed]
pause|eth0|rx|on
pause|eth0|tx|off
stat|eth0|rx_flow_control_xoff|3
stat|eth0|tx_flow_control_xoff|0
`) {
		f := strings.SplitN(strings.TrimSpace(line), "|", 4)
		all = append(all, bundle.Fact{Topic: f[0], Subject: f[1], Name: f[2], Value: f[3]})
	}
	l := newLayout(all, bundle.CPUSet{0, 1}, nil)
	r := &Report{Checks: judgePlacement(l)}
	if c := r.Find("XS042"); c.State != Degraded ||
		c.Evidence != "eth0: CPU 1 sends by queue 1, which is freed on CPUs 3" {
		t.Errorf("%+v", c)
	}
	if c := r.Find("XS044"); c.State != OK || c.Evidence != "eth0: the driver takes none" {
		t.Errorf("%+v", c)
	}
	if c := r.Find("XS045"); c.State != Degraded || c.Evidence != "eth0: received 3, sent 0 since it came up" {
		t.Errorf("%+v", c)
	}
	want := []string{"ethtool -A eth0 autoneg off rx off tx off", "echo 1 > /proc/irq/48/smp_affinity_list",
		"ethtool -N eth0 rx-flow-hash udp4 sdfn"}
	var got []string
	for _, step := range makePlan(l, nil) {
		got = append(got, step.Command)
	}
	if !slices.Equal(got, want) {
		t.Errorf("plan %q", got)
	}
}

func TestMask(t *testing.T) {
	for cpu, want := range map[int]string{0: "1", 5: "20", 31: "80000000", 32: "1,00000000",
		65: "2,00000000,00000000"} {
		if got := mask(cpu); got != want {
			t.Errorf("CPU %d: %s, want %s", cpu, got, want)
		}
	}
}

func TestSpinLocks(t *testing.T) {
	const both = "1 T native_queued_spin_lock_slowpath\n2 T __pv_queued_spin_lock_slowpath\n"
	const guest = "model name: X\nflags: fpu hypervisor\n"
	for _, test := range []struct {
		name                      string
		cpuinfo, symbols, cmdline string
		realtime, log             string
		want                      lockKind
		evidence                  string
	}{
		{"bare metal", "flags: fpu\n", both, "", "", "", native, "no hypervisor"},
		{"realtime", "flags: fpu\n", both, "", "1", "", realtime, "/sys/kernel/realtime"},
		{"KVM", guest, both, "", "", "[ 0.1] kvm-guest: PV spinlocks enabled\n", paravirtual,
			"PV spinlocks enabled"},
		{"KVM without help", guest, both, "", "", "kvm-guest: PV spinlocks disabled, no host support",
			testAndSet, "no host support"},
		{"KVM, dedicated CPUs", guest, both, "", "",
			"kvm-guest: PV spinlocks disabled with KVM_HINTS_REALTIME hints", native, "KVM_HINTS"},
		{"KVM, nopvspin", guest, both, "nopvspin", "",
			`kvm-guest: PV spinlocks disabled, forced by "nopvspin" parameter`, native, "nopvspin"},
		{"no PV in the kernel", guest, "1 T native_queued_spin_lock_slowpath\n", "", "", "", testAndSet,
			"CONFIG_PARAVIRT_SPINLOCKS"},
		{"another hypervisor", guest, both, "", "", "something", unsure, "says nothing"},
		{"no log", guest, both, "", "", "", unsure, "cannot be read"},
		{"no log, nopvspin", guest, both, "quiet nopvspin", "", "", unsure, "nopvspin on the command line"},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"proc/cpuinfo": test.cpuinfo, "proc/kallsyms": test.symbols,
			"proc/cmdline": test.cmdline, "sys/kernel/realtime": test.realtime} {
			name = filepath.Join(dir, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755),
				os.WriteFile(name, []byte(text), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		got := findLocks(procfs.Root(dir), test.log)
		if got.Kind != test.want || !strings.Contains(strings.Join(got.Evidence, "; "), test.evidence) ||
			len(got.Blind) == 0 {
			t.Errorf("%s: %+v", test.name, got)
		}
		if c := got.check(); (c.Fix == "") != slices.Contains([]lockKind{native, paravirtual}, got.Kind) {
			t.Errorf("%s: %+v", test.name, c)
		}
	}
	if l := findLocks(procfs.Root(t.TempDir()), ""); fmt.Sprint(l.Evidence) == "[]" {
		t.Errorf("of nothing: %+v", l)
	}
}
