package symbols

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"
)

func TestPerfMap(t *testing.T) {
	text := "7f0000001000 40 Interpreter::run(int)\n0x7f0000002000 0x20 LazyCompile:~add file.js:1\n" +
		"7f0000001000 80 Interpreter::run(int) again\nrubbish\n7f0000003000 0 empty\n"
	tab, err := ReadPerfMap(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[uint64]string{
		0x7f0000001050: "Interpreter::run(int) again",
		0x7f0000002010: "LazyCompile:~add file.js:1",
		0x7f0000002020: "",
		0x7f0000003000: "",
	} {
		if got := lookup(tab, addr); got != want {
			t.Errorf("Lookup(%#x) = %q, want %q", addr, got, want)
		}
	}
}

func TestStorePerfMap(t *testing.T) {
	s := NewStore(Places{PerfMaps: fstest.MapFS{"perf-42.map": {Data: []byte("1000 10 jitted\n")}}})
	tab, err := s.PerfMap(42)
	if err != nil || lookup(tab, 0x1008) != "jitted" {
		t.Errorf("PerfMap(42) = %v, %v", tab, err)
	}
	if _, err := s.PerfMap(43); err == nil {
		t.Error("PerfMap(43): no error")
	}
	if _, err := (*Store)(nil).PerfMap(42); err == nil {
		t.Error("PerfMap of no store: no error")
	}
}

func FuzzPerfMap(f *testing.F) {
	f.Add([]byte("7f0000001000 40 name\n0x10 0x20 other name\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if tab, err := ReadPerfMap(bytes.NewReader(data)); err == nil {
			checkTable(t, tab)
		}
	})
}
