package perfdata

import "math/bits"

// machineFeature decodes the features that describe the machine.
func (m *Meta) machineFeature(id Feature, f *fields) bool {
	switch id {
	case FeatureCPUTopology:
		m.cpuTopology(f)
	case FeatureNUMATopology:
		for n := f.u32(); n > 0 && !f.short; n-- {
			m.NUMANodes = append(m.NUMANodes, NUMANode{f.u32(), f.u64(), f.u64(), f.text()})
		}
	case FeaturePMUMappings:
		m.PMUs = map[uint32]string{}
		for n := f.u32(); n > 0 && !f.short; n-- {
			typ := f.u32()
			m.PMUs[typ] = f.text()
		}
	case FeatureGroupDesc:
		m.Groups = nil
		for n := f.u32(); n > 0 && !f.short; n-- {
			m.Groups = append(m.Groups, Group{f.text(), f.u32(), f.u32()})
		}
	case FeatureCache:
		_ = f.u32() // version
		for n := f.u32(); n > 0 && !f.short; n-- {
			m.Caches = append(m.Caches, Cache{f.u32(), f.u32(), f.u32(), f.u32(), f.text(), f.text(), f.text()})
		}
	case FeatureMemTopology:
		m.memTopology(f)
	case FeatureHybrid:
		for n := f.u32(); n > 0 && !f.short; n-- {
			m.HybridPMU = append(m.HybridPMU, HybridPMU{f.text(), f.text()})
		}
	case FeatureCPUPMUCaps:
		m.PMUCaps = append(m.PMUCaps, PMUCaps{"cpu", pmuCaps(f)})
	case FeaturePMUCaps:
		for n := f.u32(); n > 0 && !f.short; n-- {
			caps := pmuCaps(f)
			m.PMUCaps = append(m.PMUCaps, PMUCaps{f.text(), caps})
		}
	case FeatureBranchStack, FeatureStat: // no content
	default:
		return false
	}
	return true
}

func pmuCaps(f *fields) (caps [][2]string) {
	for n := f.u32(); n > 0 && !f.short; n-- {
		caps = append(caps, [2]string{f.text(), f.text()})
	}
	return caps
}

// cpuTopology: core lists, thread lists, then {core, socket} of every CPU, then
// die lists and the die of every CPU where the recorder knew dies
// (tools/perf/util/header.c process_cpu_topology, 6.1).
func (m *Meta) cpuTopology(f *fields) {
	t := Topology{Cores: f.texts(), Threads: f.texts()}
	for n := m.CPUsAvailable; n > 0 && len(f.b) >= 8; n-- {
		t.CPUs = append(t.CPUs, CPUPlace{Core: int32(f.u32()), Socket: int32(f.u32())})
	}
	if len(f.b) > 0 {
		t.Dies = f.texts()
		for i := range t.CPUs {
			t.CPUs[i].Die = int32(f.u32())
		}
	}
	m.Topology = t
}

// memTopology: version, block size, count; each node, size, bitmap of u64
// bits and words.
func (m *Meta) memTopology(f *fields) {
	_ = f.u64() // version
	m.MemBlockSize = f.u64()
	for n := f.u64(); n > 0 && !f.short; n-- {
		node := MemNode{Node: f.u64(), Blocks: f.u64()}
		for words := (f.u64() + 63) / 64; words > 0 && !f.short; words-- {
			if word := f.u64(); !f.short {
				node.Bitmap = append(node.Bitmap, word)
			}
		}
		m.MemNodes = append(m.MemNodes, node)
	}
}

// BlockCount returns how many memory blocks the node has.
func (n *MemNode) BlockCount() int {
	count := 0
	for _, w := range n.Bitmap {
		count += bits.OnesCount64(w)
	}
	return count
}
