package lab

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
)

const someWindow = `coherent 6 cpus 3 senders 2 forgotten 0 kept -3
cpu 0 10 1000 1 50
cpu 1 12 1010 0 0
cpu 2 0 990 0 0
n 1 0 ffffffff81000100
n 2 1 ffffffff81000000
c 1 0 0 0 0 0 0 100 110 1
c 2 0 3 2 1 7 5 400 1742 10
c 2 1 0 0 0 0 0 400 2200 12
c 1 2 1 1 1 1 1 9 9 1
s ff11000000000100 ffffffff81000014 ffffffff81000110 8 7 5 1 2
t ffffffff81000014 ff11000000000100 0 9 8 7
t ffffffff81000014 ff11000000000140 0 1 0 0
end
`

// A run that was saved says what the windows do, twice of a window that came twice.
func TestSave(t *testing.T) {
	k := &Kernel{Release: "7.3", symbols: map[string]uint64{}}
	c := &Counts{memory: &ram{}, kallsyms: []byte("ffffffff81000000 T reads\nffffffff81000100 t writes\n")}
	for range 2 {
		w, err := readWindow(strings.NewReader(someWindow))
		if err != nil {
			t.Fatal(err)
		}
		c.windows = append(c.windows, w)
	}
	c.windows[1].forgotten = 4
	dir := filepath.Join(t.TempDir(), "run")
	cell := Cell{Sender: Sender{Mode: ModePCPU, CPUs: 2, Traffic: Traffic{Size: 64, Cipher: CipherGCM}}}
	if err := k.Save(dir, "test", cell, 3, c); err != nil {
		t.Fatal(err)
	}
	run, err := bundle.Open(os.DirFS(dir), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Verify(); err != nil || run.Status != bundle.Complete {
		t.Errorf("the run is %s, %v", run.Status, err)
	}
	if len(run.Warnings) != 2 || !strings.Contains(run.Warnings[1].Text, "no room for 4 lines") {
		t.Errorf("warnings = %v, want what the directory lost", run.Warnings)
	}
	if len(run.Gaps) != 1 || run.Gaps[0].Why != "the kernel has no BTF" {
		t.Errorf("gaps = %v, want that BTF is missing", run.Gaps)
	}
	traffic, err := run.Traffic()
	if err != nil || traffic.Packets != 44 || traffic.PerCPU[1].Packets != 24 {
		t.Errorf("traffic = %+v, %v", traffic, err)
	}
	totals, err := run.Totals()
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, row := range totals {
		got = append(got, row.Value)
	}
	if want := []uint64{3704, 4400, 1000, 800, 26, 0, 14, 0, 10, 0}; !slices.Equal(got, want) {
		t.Errorf("totals = %v, want %v", got, want)
	}
	lines, err := run.Lines()
	if err != nil || len(lines) != 1 {
		t.Fatalf("lines = %+v, %v", lines, err)
	}
	fields, err := run.Fields()
	if err != nil || len(fields) != 1 { // the other is of no member, and never missed
		t.Fatalf("fields = %+v, %v", fields, err)
	}
	wantField := bundle.FieldRow{Function: "reads", Offset: 0x14, Field: fields[0].Field, Seen: 18, Misses: 16,
		Transfers: 14}
	if fields[0] != wantField {
		t.Errorf("field = %+v, want %+v", fields[0], wantField)
	}
	l := lines[0]
	if l.Transfers != 14 || l.Apart != 10 || l.Reader+l.Writer != "readswrites" || l.Writers.String() != "1" {
		t.Errorf("line = %+v", l)
	}
}

func TestReadWindowRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"cut off":   strings.TrimSuffix(someWindow, "end\n"),
		"other CPU": strings.Replace(someWindow, "c 1 2", "c 1 3", 1),
		"no number": strings.Replace(someWindow, "c 1 0", "c x 0", 1),
		"version":   strings.Replace(someWindow, "coherent 6", "coherent 5", 1),
		"no record": "hello\n",
	} {
		if _, err := readWindow(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// What leave writes is found wherever its pages lie, and a damaged one ends in an error.
func TestMessage(t *testing.T) {
	mem := make([]byte, 64*pageSize)
	text := strings.Repeat("a message of two pages. ", 200)
	head, index, pages := mem[9*pageSize:], mem[5*pageSize:], []int{33, 7}
	copy(head, mark())
	binary.LittleEndian.PutUint64(head[markSize:], uint64(len(text)))
	binary.LittleEndian.PutUint64(head[markSize+8:], 5)
	for i, p := range pages {
		binary.LittleEndian.PutUint64(index[8*i:], uint64(p))
		copy(mem[p*pageSize:(p+1)*pageSize], text[i*pageSize:])
	}
	r := &ram{mem: mem}
	if got, err := r.message(); err != nil || string(got) != text {
		t.Errorf("message of %d bytes, %v; want %d", len(got), err, len(text))
	}
	for _, damage := range []func(){
		func() { binary.LittleEndian.PutUint64(index, 64) },
		func() { binary.LittleEndian.PutUint64(head[markSize:], 1<<40) },
		func() { head[0]++ },
	} {
		if damage(); len(r.mem) > 0 {
			if _, err := r.message(); err == nil {
				t.Error("a damaged message is taken")
			}
		}
	}
}

func TestModules(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"modules.dep": "net/esp4.ko: net/a.ko net/b.ko\nnet/a.ko: net/b.ko\nnet/b.ko:\nnet/other.ko:\n",
		"net/a.ko":    "a", "net/b.ko": "b", "net/esp4.ko": "e",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := modules(dir)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, m := range got {
		order = append(order, m.name+":"+string(m.data))
	}
	if want := []string{"b.ko:b", "a.ko:a", "esp4.ko:e"}; !slices.Equal(order, want) {
		t.Errorf("modules = %v, want %v", order, want)
	}
	if _, err := modules(t.TempDir()); err == nil || !strings.Contains(err.Error(), "depmod") {
		t.Errorf("without modules.dep: %v", err)
	}
}

func TestField(t *testing.T) {
	u32 := &btf.Int{Name: "u32", Size: 4}
	counter := &btf.Struct{Name: "atomic_t", Size: 4, Members: []btf.Member{{Name: "counter", Type: u32}}}
	s := &btf.Struct{Name: "s", Size: 24, Members: []btf.Member{
		{Name: "a", Type: u32},
		{Type: &btf.Union{Size: 8, Members: []btf.Member{{Name: "b", Type: u32}}}, Offset: 64},
		{Name: "list", Type: &btf.Array{Type: counter, Nelems: 2}, Offset: 128},
	}}
	for off, want := range map[uint64]string{0: "a", 3: "a", 5: "(padding)", 8: "b", 16: "list", 24: "(padding)"} {
		if got := probe.FieldAt(s, off); got != want {
			t.Errorf("field at %d = %q, want %q", off, got, want)
		}
	}
	if _, at, ok := probe.FindMember(s.Members, "b"); !ok || at != 8 {
		t.Errorf("offset of b = %d, %v", at, ok)
	}
}

// The guest's kernel takes the archive; this is its outside.
func TestInitramfs(t *testing.T) {
	var a initramfs
	a.console()
	a.file("init", []byte("abcde"))
	got := string(a.bytes())
	if len(got)%4 != 0 || !strings.HasPrefix(got, "070701") || !strings.Contains(got, "TRAILER!!!") {
		t.Errorf("archive = %q", got)
	}
}

func TestDoctorWithoutQEMU(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, c := range Doctor(context.Background(), t.TempDir(), "/nowhere", Build{}) {
		if c.Err == nil {
			t.Errorf("%s is found: %s", c.What, c.Have)
		}
	}
}
