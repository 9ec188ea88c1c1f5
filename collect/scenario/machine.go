package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
)

// A Machine is the CPUs a scenario is resolved for.
type Machine struct {
	CPUs []CPU // online, by number
}

// A CPU is one logical CPU and where it lies.
type CPU struct {
	Number int
	L3     int // lowest CPU that shares its L3 cache; its own number if not known
	Thread int // place among the threads of its core, from 0
}

// ReadMachine reads the online CPUs and their caches from
// /sys/devices/system/cpu (drivers/base/cacheinfo.c and topology.c, 6.12).
func ReadMachine(root procfs.Root) (Machine, error) {
	online, err := root.Online()
	if err != nil {
		return Machine{}, err
	}
	var m Machine
	for _, n := range online {
		dir := fmt.Sprintf("/sys/devices/system/cpu/cpu%d/", n)
		cpu := CPU{Number: n, L3: n}
		if shared := l3(root, dir); len(shared) > 0 {
			cpu.L3 = shared[0]
		}
		siblings, err := bundle.ParseCPUSet(root.ReadTrimmed(dir + "topology/thread_siblings_list"))
		if err == nil {
			cpu.Thread = max(0, slices.Index(siblings, n))
		}
		m.CPUs = append(m.CPUs, cpu)
	}
	return m, nil
}

// l3 returns the CPUs that share the L3 cache of a CPU, nil if it has none.
func l3(root procfs.Root, dir string) bundle.CPUSet {
	const indexes = 8 // L1d, L1i, L2, L3; some have one or two more
	for i := range indexes {
		cache := dir + "cache/index" + strconv.Itoa(i) + "/"
		if root.ReadTrimmed(cache+"level") != "3" {
			continue
		}
		set, err := bundle.ParseCPUSet(root.ReadTrimmed(cache + "shared_cpu_list"))
		if err == nil {
			return set
		}
	}
	return nil
}

func (m Machine) online() bundle.CPUSet {
	var set bundle.CPUSet
	for _, c := range m.CPUs {
		set = append(set, c.Number)
	}
	return set
}

// ordered returns the CPUs of from in the order they are taken in.
func (m Machine) ordered(from bundle.CPUSet, order string) []int {
	var cpus []CPU
	for _, n := range from {
		i := slices.IndexFunc(m.CPUs, func(c CPU) bool { return c.Number == n })
		if i >= 0 {
			cpus = append(cpus, m.CPUs[i])
		} else {
			cpus = append(cpus, CPU{Number: n, L3: n}) // offline: the plan's check says so
		}
	}
	turn := map[int]int{} // of a CPU: how many of its cache and thread come before it
	if order == Spread {
		seen := map[[2]int]int{}
		for _, c := range cpus {
			turn[c.Number] = seen[[2]int{c.L3, c.Thread}]
			seen[[2]int{c.L3, c.Thread}]++
		}
	}
	slices.SortStableFunc(cpus, func(a, b CPU) int {
		if order == ByNumber {
			return cmp.Compare(a.Number, b.Number)
		}
		return cmp.Or(cmp.Compare(a.Thread, b.Thread), cmp.Compare(turn[a.Number], turn[b.Number]),
			cmp.Compare(a.L3, b.L3), cmp.Compare(a.Number, b.Number))
	})
	var numbers []int
	for _, c := range cpus {
		numbers = append(numbers, c.Number)
	}
	return numbers
}
