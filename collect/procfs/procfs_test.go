package procfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"xfrmscope/collect/bundle"
)

const guest = Root("testdata/guest")

// tree makes a root of the given files.
func tree(t *testing.T, files map[string]string) Root {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Root(dir)
}

// find returns the one counter of a CPU (-1: of none) and name.
func find(t *testing.T, rows []bundle.Counter, cpu int, name string) bundle.Counter {
	t.Helper()
	var found []bundle.Counter
	for _, r := range rows {
		if r.Name == name && (r.CPU == nil && cpu < 0 || r.CPU != nil && *r.CPU == cpu) {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d counters %s of CPU %d, want 1", len(found), name, cpu)
	}
	return found[0]
}

func TestOnline(t *testing.T) {
	set, err := guest.Online()
	if err != nil || set.String() != "0-4" {
		t.Errorf("got %v, %v", set, err)
	}
	if _, err := tree(t, nil).Online(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the file: %v", err)
	}
}

func TestCPUTimes(t *testing.T) {
	rows, err := guest.CPUTimes()
	if err != nil || len(rows) != 5*8 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if c := find(t, rows, 4, "idle"); c.Value != 333*tickNS || c.Unit != UnitNS || c.Source != "/proc/stat" {
		t.Errorf("got %+v", c)
	}
	if c := find(t, rows, 0, "softirq"); c.Value != 14*tickNS {
		t.Errorf("got %+v", c)
	}
	if _, err := tree(t, map[string]string{"proc/stat": "cpu0 1 2 x 4\n"}).CPUTimes(); err == nil ||
		!strings.Contains(err.Error(), "system of CPU 0") {
		t.Errorf("a damaged line: %v", err)
	}
}

func TestSoftnet(t *testing.T) {
	rows, err := guest.Softnet()
	if err != nil || len(rows) != 5*8 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if c := find(t, rows, 3, "processed"); c.Value != 7 || c.Unit != UnitCount {
		t.Errorf("got %+v", c)
	}
	if c := find(t, rows, 4, "time_squeeze"); c.Value != 1 {
		t.Errorf("got %+v", c)
	}
}

// Before 5.10 no column says which CPU a line is of.
func TestSoftnetOld(t *testing.T) {
	line := strings.Repeat("0000000a ", 11) + "\n"
	root := tree(t, map[string]string{
		"proc/net/softnet_stat":         line + line,
		"sys/devices/system/cpu/online": "0,2\n",
	})
	rows, err := root.Softnet()
	if err != nil || len(rows) != 2*5 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if c := find(t, rows, 2, "dropped"); c.Value != 10 {
		t.Errorf("got %+v", c)
	}
}

func TestXfrmStat(t *testing.T) {
	rows, err := guest.XfrmStat()
	if err != nil || len(rows) < 28 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	find(t, rows, -1, "XfrmInStateSeqError")
	root := tree(t, map[string]string{"proc/thread-self/net/xfrm_stat": "XfrmOfTomorrow \t7\nXfrmInError " +
		"x\n\nXfrmOutError 18446744073709551615\n"})
	rows, err = root.XfrmStat()
	if err == nil || len(rows) != 2 {
		t.Fatalf("%+v, %v", rows, err)
	}
	if c := find(t, rows, -1, "XfrmOfTomorrow"); c.Value != 7 || c.CPU != nil {
		t.Errorf("an unknown name: %+v", c)
	}
	if c := find(t, rows, -1, "XfrmOutError"); c.Value != 1<<64-1 {
		t.Errorf("the largest value: %+v", c)
	}
}

func TestSymbols(t *testing.T) {
	var out bytes.Buffer
	var text, data []string
	for s, err := range guest.Symbols() {
		if err != nil {
			t.Fatal(err)
		}
		out.Write(s.AppendTo(nil))
		if s.IsText() {
			text = append(text, s.Name)
		}
		if s.IsData() {
			data = append(data, s.Name)
		}
	}
	want, err := guest.Read("/proc/kallsyms")
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("written back:\n%s\nwant:\n%s", out.String(), want)
	}
	all := strings.Join(text, " ")
	for _, name := range []string{"xfrm_state_find", "esp_output", "bpf_prog_6deef7357e7b4530_spin_begin"} {
		if !strings.Contains(all, name) {
			t.Errorf("%s is no text symbol", name)
		}
	}
	if !reflect.DeepEqual(data, []string{"init_net"}) {
		t.Errorf("data symbols %q", data)
	}
}

func TestSymbolsDamaged(t *testing.T) {
	for _, line := range []string{"ffff", "ffff T", "xyz T name", "ffff TT name"} {
		root := tree(t, map[string]string{"proc/kallsyms": "0000 T good\n" + line + "\n"})
		var err error
		n := 0
		for _, err = range root.Symbols() {
			n++
		}
		if err == nil || n != 2 || !strings.Contains(err.Error(), "/proc/kallsyms:2") {
			t.Errorf("%q: %v after %d", line, err, n)
		}
	}
}

func TestBuildIDs(t *testing.T) {
	ids, err := guest.BuildIDs()
	if err != nil || len(ids) != 3 {
		t.Fatalf("%+v, %v", ids, err)
	}
	var names []string
	for _, id := range ids {
		names = append(names, id.Name)
		if len(id.ID) != 40 {
			t.Errorf("%s has build id %q", id.Name, id.ID)
		}
	}
	if want := []string{KernelName, "[esp4]", "[xfrm_user]"}; !reflect.DeepEqual(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func TestGNUBuildIDDamaged(t *testing.T) {
	whole, err := guest.Read("/sys/kernel/notes")
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		bundle.BuildIDOfNotes(whole[:n], binary.NativeEndian)
	}
	huge := bytes.Repeat([]byte{0xff}, 64)
	if id := bundle.BuildIDOfNotes(huge, binary.NativeEndian); id != "" {
		t.Errorf("sizes beyond the end gave %q", id)
	}
}

func TestHost(t *testing.T) {
	h := guest.Host()
	h.Arch = ""
	want := bundle.Host{
		Name: "(none)", Kernel: "7.3.4+deb13-cloud-amd64",
		Version: guest.ReadTrimmed("/proc/sys/kernel/version"),
		BuildID: h.BuildID, CPUModel: "QEMU TCG CPU version 2.5+", Online: bundle.CPUSet{0, 1, 2, 3, 4},
		CmdLine: "console=ttyS0 quiet panic=-1 mitigations=off",
		BootID:  "6d2f0c1e-58b7-4a3e-9f14-0b7e5a9c2d31",
	}
	if !reflect.DeepEqual(h, want) || len(h.BuildID) != 40 {
		t.Errorf("got  %+v\nwant %+v", h, want)
	}
	if h := tree(t, nil).Host(); h.Kernel != "" || h.Hypervisor {
		t.Errorf("of nothing: %+v", h)
	}
	virtual := tree(t,
		map[string]string{"proc/cpuinfo": "model name\t: X\nflags\t\t: fpu hypervisor\n\nflags\t: none\n"})
	if h := virtual.Host(); !h.Hypervisor || h.CPUModel != "X" {
		t.Errorf("under a hypervisor: %+v", h)
	}
}

func TestRunning(t *testing.T) {
	if !guest.Running("irqbalance") || guest.Running("balance") {
		t.Error("irqbalance runs there, balance does not")
	}
}

func ExampleRoot_Symbols() {
	for s := range Root("testdata/guest").Symbols() {
		if s.Module == "esp4" {
			fmt.Printf("%#x %s\n", s.Addr, s.Name)
		}
	}
	// Output:
	// 0xffffffffc0611030 __pfx_esp_output
	// 0xffffffffc0611040 esp_output
}

func TestSoftirqs(t *testing.T) {
	rows, err := guest.Softirqs()
	if err != nil || len(rows) != 5*10 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, text := range []string{"", "CPU0 X\n", "CPU0\nNET_RX 1\n", "CPU0\nNET_RX: 1 2\n", "CPU0\nNET_RX: -1\n"} {
		_, err := tree(t, map[string]string{"proc/softirqs": text}).Softirqs()
		if (err == nil) != (text == "") {
			t.Errorf("%q: %v", text, err)
		}
	}
	rows, err = tree(t, map[string]string{"proc/softirqs": "     CPU0  CPU3\n  NET_RX:   7  9\n"}).Softirqs()
	if err != nil || find(t, rows, 3, "NET_RX").Value != 9 || find(t, rows, 0, "NET_RX").Value != 7 {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestNstat(t *testing.T) {
	files := map[string]string{
		"proc/thread-self/net/snmp":    "Ip: Forwarding InReceives\nIp: 1 77\nTcp: MaxConn InSegs\nTcp: -1 5\n",
		"proc/thread-self/net/netstat": "TcpExt: NewToday\nTcpExt: 3\n",
	}
	rows, err := tree(t, files).Nstat()
	if err != nil || len(rows) != 4 {
		t.Fatalf("%+v, %v", rows, err)
	}
	for name, want := range map[string]uint64{"IpInReceives": 77, "TcpInSegs": 5, "TcpExtNewToday": 3} {
		if c := find(t, rows, -1, name); c.Value != want {
			t.Errorf("got %+v", c)
		}
	}
	files["proc/thread-self/net/snmp6"] = "Ip6InReceives   \t9\n"
	if rows, err = tree(t, files).Nstat(); err != nil ||
		find(t, rows, -1, "Ip6InReceives").Source != "/proc/net/snmp6" {
		t.Errorf("%+v, %v", rows, err)
	}
	files["proc/thread-self/net/snmp"] = "Ip: Forwarding InReceives\nIp: 1\n"
	if rows, err = tree(t, files).Nstat(); err == nil || !strings.Contains(err.Error(), "/proc/net/snmp:2") ||
		len(rows) != 2 {
		t.Errorf("a damaged line costs its file alone: %+v, %v", rows, err)
	}
	if rows, err = guest.Nstat(); err != nil || len(rows) < 100 {
		t.Errorf("recorded: %d rows, %v", len(rows), err)
	}
}

func TestInterrupts(t *testing.T) {
	const text = `            CPU0       CPU1
  38:          0      15952 PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0
  39:          7          9   PCI-MSI 524289-edge      mlx5_comp1@pci:0000:01:00.0
   9:          0          0
 NMI:          0          0   Non-maskable interrupts
 ERR:          0
`
	root := tree(t, map[string]string{
		"proc/interrupts":                     text,
		"proc/irq/38/smp_affinity_list":       "0-1\n",
		"proc/irq/38/effective_affinity_list": "1\n",
	})
	got, err := root.Interrupts()
	want := []Interrupt{
		{Number: 38, Name: "virtio2-input.0", Counts: []CPUCount{{1, 15952}}, Affinity: "0-1", Effective: "1"},
		{Number: 39, Name: "mlx5_comp1@pci:0000:01:00.0", Counts: []CPUCount{{0, 7}, {1, 9}}},
		{Number: 9},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	for _, text := range []string{"CPUX\n", "CPU0 CPU1\n 1: 2\n", "CPU0\n 1: x timer\n"} {
		if _, err := tree(t, map[string]string{"proc/interrupts": text}).Interrupts(); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func FuzzParseInterrupts(f *testing.F) {
	f.Add([]byte("  CPU0 CPU1\n 38:  0  5 PCI-MSI 1-edge eth0-TxRx-0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, _ := parseInterrupts(data)
		for _, irq := range all {
			for _, c := range irq.Counts {
				if c.Count == 0 || c.CPU > bundle.MaxCPU {
					t.Errorf("%+v", irq)
				}
			}
		}
	})
}

func TestParseMask(t *testing.T) {
	for text, want := range map[string]string{"0": "", "f": "0-3", "00000001,00000000": "32",
		"3,80000001": "0,31-33"} {
		if got, err := parseMask(text); err != nil || got.String() != want {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "1ffffffff", strings.Repeat("0,", 300) + "1"} {
		if got, err := parseMask(text); err == nil {
			t.Errorf("%q: %s", text, got)
		}
	}
}
