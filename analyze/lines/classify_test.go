package lines

import (
	"strings"
	"testing"

	"xfrmscope/analyze/perfdata"
)

// Bits of union perf_mem_data_src (include/uapi/linux/perf_event.h, 7.2).
func source(op, level, snoop, lock, lvlNum, remote, snoopx, hops uint64) perfdata.DataSrc {
	return perfdata.DataSrc(op | level<<5 | snoop<<19 | lock<<24 | lvlNum<<33 | remote<<37 | snoopx<<38 | hops<<43)
}

func TestClassify(t *testing.T) {
	const load, store, hit, hitm = 2, 4, 4, 16
	zen := cpuOf("AuthenticAMD,26,2,1")
	for _, test := range []struct {
		name string
		src  perfdata.DataSrc
		cpu  cpuKind
		want transfer
	}{
		{"L1 hit", source(load, 0x0a, 2, 1, 1, 0, 0, 0), zen, transfer{}},
		{"RAM", source(load, 0x82, 2, 1, 13, 0, 0, 0), zen, transfer{}},
		{"remote RAM", source(load, 0x102, 2, 1, 13, 1, 0, 2), zen, transfer{}},
		{"Zen 4 and 5, same CCX, modified", source(load, 0x42, hitm, 1, 3, 0, 0, 0), zen, transfer{from: near}},
		{"same CCX, state Owned: no transfer to be seen", source(load, 0x42, 0, 1, 3, 0, 0, 0), zen,
			transfer{}},
		{"other CCX, modified", source(load, 0x402, hitm, 1, 11, 1, 0, 1), zen, transfer{from: otherCCX}},
		{"other CCX, clean", source(load, 0x402, 0, 1, 11, 1, 0, 1), zen, transfer{from: otherCCX, by: remote}},
		{"other node, modified", source(load, 0x802, hitm, 1, 11, 1, 0, 2), zen, transfer{from: otherNode}},
		{"Zen 1 and 2, coarse: L3 and another CCX together, once",
			source(load, 0x442, hitm, 1, 3, 0, 0, 1), zen,
			transfer{from: near}},
		{"a locked load writes", source(load, 0x42, hitm, 2, 3, 0, 0, 0), zen, transfer{from: near}},
		{"a store of AMD has no source", source(store, 0x402, hitm, 1, 11, 1, 0, 1), zen, transfer{}},
		{"Intel, local HITM", source(load, 0x42, hitm, 1, 3, 0, 0, 0), cpuKind{}, transfer{from: near}},
		{"Intel, forwarded", source(load, 0x42, hit, 1, 3, 0, 1, 0), cpuKind{}, transfer{from: near, by: peer}},
		{"Intel, remote HITM", source(load, 0x402, hitm, 1, 3, 1, 0, 0), cpuKind{}, transfer{from: otherNode}},
		{"Arm, peer core", source(load, 0x42, 0, 1, 2, 0, 2, 0), cpuKind{}, transfer{from: near, by: peer}},
		{"Arm, remote", source(load, 0x402, 0, 1, 11, 1, 2, 0), cpuKind{}, transfer{from: otherNode, by: peer}},
		{"HIP12, another core, modified", source(load, 0x22, hitm, 1, 2, 0, 2, 0), cpuKind{},
			transfer{from: near}},
		{"HIP12, peer cluster", source(load, 0x402, 0, 1, 3, 0, 2, 0), cpuKind{},
			transfer{from: near, by: peer}},
		{"SPE, sources not known, another socket", source(load, 0x402, 0, 1, 11, 1, 0, 0), cpuKind{},
			transfer{from: otherNode, by: remote}},
		{"POWER10, L3 of another core, modified", source(load, 0x42, hitm, 1, 3, 1, 0, 1), cpuKind{},
			transfer{from: near}},
		{"POWER10, a node of the same socket", source(load, 0x42, hit, 1, 3, 1, 0, 2), cpuKind{},
			transfer{from: otherNode, by: remote}},
		{"SPE, a store", source(store, 1, 0, 0, 15, 1, 0, 0), cpuKind{}, transfer{}},
		{"nothing", 0, cpuKind{}, transfer{}},
	} {
		if got := classify(test.src, test.cpu); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
		writes := strings.Contains(test.name, "locked") || strings.Contains(test.name, "store")
		if test.src.Writes() != writes {
			t.Errorf("%s: writes %v", test.name, test.src.Writes())
		}
	}
}

func TestCPUKinds(t *testing.T) {
	for id, want := range map[string]cpuKind{
		"AuthenticAMD,25,1,1": {amd: true, noHITM: true}, "AuthenticAMD,25,33,0": {amd: true, noHITM: true},
		"AuthenticAMD,25,17,1": {amd: true}, "AuthenticAMD,26,2,1": {amd: true}, "GenuineIntel,6,143,8": {},
		"AuthenticAMD,25": {}, "AuthenticAMD,25,x,1": {amd: true}, "": {}, "0x00000000410fd4f0": {},
	} {
		if got := cpuOf(id); got != want {
			t.Errorf("%q: %+v, want %+v", id, got, want)
		}
	}
}
