package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// spe are packets: headers, each with its payload.
func spe(packets ...[]byte) []byte { return slices.Concat(packets...) }

func packet(header byte, value uint64, size int) []byte {
	return append([]byte{header}, binary.LittleEndian.AppendUint64(nil, value)[:size]...)
}

// access is a load or store of the kernel's, which took 99 cycles.
func access(pc, data uint64, operation, source byte) []byte {
	const secure = 1<<56 - 1
	return spe(packet(0xb0, pc&secure|0xc0<<56, 8), []byte{0x49, operation, 0x43, source}, packet(0x98, 99, 2),
		packet(0xb2, data&secure, 8), packet(0x71, 4711, 8))
}

// A recording of Arm's SPE on two CPUs gives the lines that move as a recording of IBS does, by field of the kernel's
// data, with what its CPUs do not tell; and no time.
func TestSPE(t *testing.T) {
	const code, data = 0xffff800008001000, 0xffff80000a000000
	const neoverse, unknown = 0x410fd4f0, 0x410fd083
	auxtrace := func(cpu uint32, trace []byte) []byte {
		return slices.Concat(words(twoOf(71, 48<<16), uint64(len(trace)), 0, 0, twoOf(0, 1<<32-1),
			uint64(cpu)), trace)
	}
	slow, common := spe(), spe()
	for range 3 {
		slow = spe(slow, access(code+4, data+8, 0, 9))         // of another core
		common = spe(common, access(code+0x104, data+8, 1, 0)) // a store
	}
	common = spe(common, access(code+4, data+0x48, 0, 0xc), access(code+4, data+0x100, 0, 0), []byte{0xff, 0xff})
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	kallsyms := file("kallsyms",
		"ffff800008001000 T reader\nffff800008001100 T writer\nffff800008002000 T _etext\n"+
			"ffff80000a000000 D init_net\nffff80000a000040 D jiffies_line\nffff80000a000080 D quiet\n"+
			"ffff80000a001000 D _end\n")
	for name, test := range map[string]struct {
		midr uint64
		want []string
	}{
		"neoverse": {neoverse, []string{
			"8 samples of arm_spe_0/config=0x0/HG fell in\n  reader (62 %) and writer (38 %)",
			"init_net+8 75.0, jiffies_line+8 25.0 % of\n",
			"of 8 samples 4 are transfers: 4 of a line of another core",
			"stores do not tell where the line was"}},
		"unknown": {unknown, []string{
			"- cache lines that move: none of 8 samples, but this CPU's data sources\n   are not known",
			"this CPU's data sources are not known: that is not no sharing"}},
	} {
		info := words(twoOf(70, (8+8+(4+2*7)*8)<<16), 4, 2, 4, 9, 2)
		for cpu := range uint64(2) {
			info = append(info, words(0x1010101010101010, cpu, 4, test.midr, 9, 1024, 0)...)
		}
		pmu := slices.Concat(words(twoOf(1, 9)), words(16)[:4], []byte(padded("arm_spe_0")))
		r := recording{records: slices.Concat(info, auxtrace(0, slow), auxtrace(1, common)),
			features: map[int][]byte{16: pmu}}
		perfdata := file(name+".data", string(patched(r.bytes(), 104, twoOf(9, 64))))
		run := filepath.Join(dir, name)
		if code, _, stderr := cli("import", perfdata, "--kallsyms", kallsyms, "-o", run); code != exitOK {
			t.Fatalf("%s: %d %s", name, code, stderr)
		}
		code, stdout, stderr := cli("show", run)
		if code != exitOK || strings.Contains(stdout, "busy") {
			t.Errorf("%s: %d %s\n%s", name, code, stdout, stderr)
		}
		_, json, _ := cli("show", "--json", run)
		stdout += json
		for _, want := range append(test.want, "bytes of the SPE trace that are no whole record: 2 of 274") {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s: lacks %q\n%s", name, want, stdout)
			}
		}
	}
}
