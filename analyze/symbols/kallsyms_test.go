package symbols

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// A small kernel: an alias group, a module, BPF, trampolines, data between.
const smallKallsyms = `ffffffff81000000 T _stext
ffffffff81000000 T _text
ffffffff81000000 T startup_64
ffffffff81000100 t xfrm_output_one.isra.0
ffffffff81000200 W memcpy
ffffffff81000200 T __memcpy
ffffffff81000200 T __pi_memcpy
ffffffff81000300 T spin_until_end
ffffffff81000340 T _etext
ffffffff81200000 D __start_rodata
ffffffff81200010 d some_table
ffffffffc0a51000 t esp_input	[esp4]
ffffffffc0a51200 t esp_output	[esp4]
ffffffffc0a51300 d esp4_protocol	[esp4]
ffffffffc0b00000 t esp6_input	[esp6]
ffffffffc01f3a5c t bpf_prog_6deef7357e7b4530_sd_fw_ingress	[bpf]
ffffffffc0201000 t ftrace_trampoline	[__builtin__ftrace]
`

func mustRead(t *testing.T, text string) *Table {
	t.Helper()
	tab, err := ReadKallsyms(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestKallsymsLookup(t *testing.T) {
	tab := mustRead(t, smallKallsyms)
	for _, c := range []struct {
		addr uint64
		want string
	}{
		{0xffffffff80ffffff, ""},
		{0xffffffff81000000, "startup_64"}, // the last alias, as perf
		{0xffffffff810000ff, "startup_64"},
		{0xffffffff81000100, "xfrm_output_one.isra.0"}, // the suffix is data
		{0xffffffff81000200, "__pi_memcpy"},
		{0xffffffff81000300, "spin_until_end"},
		{0xffffffff81000340, "_etext"},
		{0xffffffff81001fff, "_etext"}, // to the end of the next page
		{0xffffffff81002000, ""},
		{0xffffffff811fffff, ""},
		{0xffffffff81200000, ""}, // data
		{0xffffffffc0a51000, "esp_input [esp4]"},
		{0xffffffffc0a51200, "esp_output [esp4]"},
		{0xffffffffc0a512ff, "esp_output [esp4]"},
		{0xffffffffc0a51300, ""},
		{0xffffffffc0b00fff, "esp6_input [esp6]"},
		{0xffffffffc0b01000, ""},
		{0xffffffffc01f3a5c, "bpf_prog_6deef7357e7b4530_sd_fw_ingress [bpf]"},
		{0xffffffffc01f4fff, "bpf_prog_6deef7357e7b4530_sd_fw_ingress [bpf]"},
		{0xffffffffc01f5000, ""},
		{0xffffffffc0201000, "ftrace_trampoline [__builtin__ftrace]"},
		{0xffffffffffffffff, ""},
		{0, ""},
	} {
		if got := lookup(tab, c.addr); got != c.want {
			t.Errorf("Lookup(%#x) = %q, want %q", c.addr, got, c.want)
		}
	}
}

func lookup(tab *Table, addr uint64) string {
	s, ok := tab.Lookup(addr)
	if !ok {
		return ""
	}
	if s.Module != "" {
		return s.Name + " [" + s.Module + "]"
	}
	return s.Name
}

func TestKallsymsLastSymbolOfMemory(t *testing.T) {
	tab := mustRead(t, "fffffffffffff000 T a\nfffffffffffffff0 T z\n")
	if got := lookup(tab, 0xfffffffffffffff8); got != "z" {
		t.Errorf("got %q, want z", got)
	}
}

func TestKallsymsNamesAddressesFarFromTextNot(t *testing.T) {
	tab := mustRead(t, "ffffffff81000000 T last\nffffffff83000000 T _sinittext\n")
	if got := lookup(tab, 0xffffffff82000000); got != "" {
		t.Errorf("16 MiB behind a symbol: %q, want no name", got)
	}
}

func TestKallsymsUsable(t *testing.T) {
	hidden := "0000000000000000 T _text\n0000000000000000 t foo\t[esp4]\n"
	for name, c := range map[string]struct{ text, message string }{
		"ready":     {smallKallsyms, ""},
		"empty":     {"", "no text symbol"},
		"data only": {"ffffffff82000000 D jiffies\n", "no text symbol"},
		"hidden":    {hidden, "sysctl kernel.kptr_restrict=0"},
		"per-CPU offsets are not hidden addresses": {
			"0000000000000000 A __per_cpu_start\nffffffff81000000 T _text\n", ""},
	} {
		checkUsable(t, name, mustRead(t, c.text), c.message)
	}
	checkUsable(t, "absent", nil, "no kernel symbols")
}

func checkUsable(t *testing.T, name string, tab *Table, message string) {
	t.Helper()
	err := tab.Usable()
	if message == "" {
		if err != nil {
			t.Errorf("%s: Usable = %v, want nil", name, err)
		}
		return
	}
	var u *UnusableError
	if !errors.As(err, &u) || !strings.Contains(err.Error(), message) {
		t.Errorf("%s: Usable = %v, want %q", name, err, message)
	}
}

func TestKallsymsBadLinesArePassedOver(t *testing.T) {
	text := "\nffffffff81000000 T a\nrubbish\nffffffff81000010\nffffffff81000020 T\nffffffff81000030 T \n" +
		"1ffffffff81000040 T toolong\nffffffff81000050 T " + strings.Repeat("x", 100<<10) +
		"\nffffffff81000060 T b"
	tab := mustRead(t, text)
	if tab.Len() != 2 {
		t.Errorf("%d symbols, want 2", tab.Len())
	}
}

func TestKallsymsGzip(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(smallKallsyms))
	w.Close()
	tab, err := ReadKallsyms(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if want := mustRead(t, smallKallsyms); tab.Len() != want.Len() {
		t.Errorf("%d symbols, want %d", tab.Len(), want.Len())
	}
	if _, err := ReadKallsyms(bytes.NewReader(b.Bytes()[:b.Len()/2])); err == nil {
		t.Error("half a gzip file: no error")
	}
}

func TestKallsymsUnsorted(t *testing.T) {
	lines := strings.SplitAfter(smallKallsyms, "\n")
	shuffled := strings.Join(lines[11:], "") + strings.Join(lines[:11], "")
	a, b := mustRead(t, smallKallsyms), mustRead(t, shuffled)
	for i := range a.Len() {
		if a.At(i) != b.At(i) {
			t.Errorf("symbol %d: %v, and %v from the file in another order", i, a.At(i), b.At(i))
		}
	}
}

// TestKallsymsOfThisKernel reads the real file: every symbol must name its own
// address.
func TestKallsymsOfThisKernel(t *testing.T) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		t.Skip("no /proc/kallsyms:", err)
	}
	defer f.Close()
	tab, err := ReadKallsyms(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := tab.Usable(); err != nil {
		t.Skip(err)
	}
	for i := range tab.Len() {
		s := tab.At(i)
		if got, ok := tab.Lookup(s.Start); !ok || got != s || s.End <= s.Start {
			t.Fatalf("Lookup(%#x) = %v, want %v", s.Start, got, s)
		}
	}
}

func FuzzKallsyms(f *testing.F) {
	f.Add([]byte(smallKallsyms))
	f.Add([]byte("0 T a\n"))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) && len(data) > 1<<12 {
			return // a small bomb is still a bomb; the limit is 1 GiB
		}
		tab, err := ReadKallsyms(bytes.NewReader(data))
		if err != nil {
			return
		}
		checkTable(t, tab)
	})
}

// checkTable asserts what holds for every table.
func checkTable(t *testing.T, tab *Table) {
	t.Helper()
	for i := range tab.Len() {
		s := tab.At(i)
		if i > 0 && tab.At(i-1).Start >= s.Start {
			t.Fatalf("symbols %d and %d: %#x before %#x", i-1, i, tab.At(i-1).Start, s.Start)
		}
		if s.End > s.Start {
			if got, ok := tab.Lookup(s.Start); !ok || got != s {
				t.Fatalf("Lookup(%#x) = %v %v, want %v", s.Start, got, ok, s)
			}
		}
		tab.Lookup(s.End)
		tab.Lookup(s.Start - 1)
	}
}

func BenchmarkReadKallsyms(b *testing.B) {
	var text bytes.Buffer
	for i := range 120_000 {
		fmt.Fprintf(&text, "%016x t some_kernel_function_%d\n", 0xffffffff81000000+uint64(i)*0x140, i)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadKallsyms(bytes.NewReader(text.Bytes())); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	var text bytes.Buffer
	for i := range 120_000 {
		fmt.Fprintf(&text, "%016x t f%d\n", 0xffffffff81000000+uint64(i)*0x140, i)
	}
	tab, err := ReadKallsyms(&text)
	if err != nil {
		b.Fatal(err)
	}
	addr := uint64(0)
	for b.Loop() {
		addr = addr*6364136223846793005 + 1442695040888963407
		tab.Lookup(0xffffffff81000000 + addr>>39)
	}
}
