package symbols

import (
	"errors"
	"testing"
)

func TestKernelMappings(t *testing.T) {
	k := NewKernel(mustRead(t, smallKallsyms))
	k.AddImage(0xffffffff81000000, 0xffffffff81400000)
	k.AddModule("/lib/modules/6.18.1/kernel/net/netfilter/nf-log.ko.xz", 0xffffffffc0c00000, 0xffffffffc0c10000,
		nil)
	k.AddDynamic("bpf_prog_01_old", "bpf", 0xffffffffc0d00000, 0x100)
	k.AddDynamic("bpf_prog_02_new", "bpf", 0xffffffffc0d00000, 0x80)
	k.AddDynamic("kprobe_insn", "__builtin__kprobes", 0xffffffff81000110, 0x10) // inside a known symbol
	k.Seal()
	for _, c := range []struct {
		addr          uint64
		name, mapping string
	}{
		{0xffffffff81000104, "xfrm_output_one.isra.0", "[kernel.kallsyms]"},
		{0xffffffff81000114, "kprobe_insn", "[__builtin__kprobes]"},
		{0xffffffff81000124, "xfrm_output_one.isra.0", "[kernel.kallsyms]"},
		{0xffffffff81300000, "", "[kernel.kallsyms]"}, // in the image, no symbol
		{0xffffffffc0a51010, "esp_input", "[esp4]"},
		{0xffffffffc0c00010, "", "[nf_log]"},
		{0xffffffffc0d00010, "bpf_prog_02_new", "[bpf]"},
		{0xffffffffc0d00090, "", ""},
		{0xffffffffc01f3a5c, "bpf_prog_6deef7357e7b4530_sd_fw_ingress", "[bpf]"},
		{0xffffffffd0000000, "", ""},
	} {
		s, mapping, ok := k.Lookup(c.addr)
		if s.Name != c.name || mapping != c.mapping || ok != (c.name != "") {
			t.Errorf("Lookup(%#x) = %q %q %v, want %q %q", c.addr, s.Name, mapping, ok, c.name, c.mapping)
		}
	}
}

func TestKernelRelocation(t *testing.T) {
	const slide = 0x1c000000 // the recording's kernel lies higher
	k := NewKernel(mustRead(t, smallKallsyms))
	moved, err := k.Relocate("_text", 0xffffffff81000000+slide)
	if err != nil || !moved {
		t.Fatalf("Relocate = %v, %v, want moved", moved, err)
	}
	k.Seal()
	s, mapping, ok := k.Lookup(0xffffffff81000110 + slide)
	if !ok || s.Name != "xfrm_output_one.isra.0" || mapping != KernelImage || s.Start != 0xffffffff81000100+slide {
		t.Errorf("relocated look-up = %+v %q %v", s, mapping, ok)
	}
	// A module's own move is not known: no name is better than a wrong one.
	if s, _, ok := k.Lookup(0xffffffffc0a51010 + slide); ok {
		t.Errorf("module address of another boot is named %q", s.Name)
	}
}

func TestKernelRelocationSameBoot(t *testing.T) {
	k := NewKernel(mustRead(t, smallKallsyms))
	if moved, err := k.Relocate("_text", 0xffffffff81000000); moved || err != nil {
		t.Errorf("Relocate by an alias at its own address = %v, %v", moved, err)
	}
	if moved, err := k.Relocate("_stext", 0); moved || err != nil {
		t.Errorf("Relocate without an address = %v, %v", moved, err)
	}
}

func TestKernelRelocationWithoutAnchor(t *testing.T) {
	k := NewKernel(mustRead(t, "ffffffff81000000 T something\n"))
	var re *RelocationError
	if _, err := k.Relocate("_text", 0xffffffff81000000); !errors.As(err, &re) || re.Symbol != "_text" {
		t.Errorf("Relocate = %v, want a RelocationError", err)
	}
	// Nothing to name with: the samples are kept all the same.
	if moved, err := NewKernel(nil).Relocate("_text", 0xffffffff81000000); moved || err != nil {
		t.Errorf("Relocate without a table = %v, %v", moved, err)
	}
}

func TestKernelWithoutTable(t *testing.T) {
	k := NewKernel(nil)
	k.AddImage(0xffffffff81000000, 0xffffffff82000000)
	k.AddModule("[esp4]", 0xffffffffc0a51000, 0xffffffffc0a52000, nil)
	k.Seal()
	if _, m, ok := k.Lookup(0xffffffff81000010); m != KernelImage || ok {
		t.Errorf("image address = %q %v", m, ok)
	}
	if _, m, ok := k.Lookup(0xffffffffc0a51010); m != "[esp4]" || ok {
		t.Errorf("module address = %q %v", m, ok)
	}
	if k.table.Usable() == nil {
		t.Error("Usable = nil without a table")
	}
}

func TestModuleName(t *testing.T) {
	for in, want := range map[string]string{
		"[esp4]":                                      "esp4",
		"/lib/modules/6.1/kernel/net/esp4.ko":         "esp4",
		"/lib/modules/6.1/kernel/net/esp4.ko.xz":      "esp4",
		"/lib/modules/6.1/extra/nf-conntrack.ko":      "nf_conntrack",
		"/lib/modules/6.1/updates/dkms/e1000e.ko.zst": "e1000e",
		"":  "",
		"/": "",
	} {
		if got := ModuleName(in); got != want {
			t.Errorf("ModuleName(%q) = %q, want %q", in, got, want)
		}
	}
}
