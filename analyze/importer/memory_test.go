package importer

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"xfrmscope/analyze/perfdata"
)

// The columns of perf script, whichever are printed, and with the frames on lines of
// their own or on the sample's.
func TestMemoryColumns(t *testing.T) {
	const decoded = " |OP LOAD|LVL L3 or L3 hit|SNP HitM|TLB L1 or L2 hit|LCK No|BLK  N/A "
	const stack = "\n\tffffffff81000010 f+0x10 ([kernel.kallsyms])\n"
	const on = " ffffffff81000010 f+0x10 ([kernel.kallsyms])"
	all := perfdata.Access{Event: "cpu/mem-loads,ldlat=30/P", IP: 0xffffffff81000010, Function: "f", CPU: 2,
		Period: 7, Addr: 0xffff888012345678, Latency: 312, Source: 0x601800842}
	with := func(change func(*perfdata.Access)) perfdata.Access {
		a := all
		change(&a)
		return a
	}
	for _, tt := range []struct {
		name, columns, warning string
		want                   perfdata.Access
	}{
		{"weight", "ffff888012345678 601800842" + decoded + "312" + on, "", all},
		{"two weights", "ffff888012345678 601800842" + decoded + "312 400" + on, "", all},
		{"three weights, stack", "ffff888012345678 601800842" + decoded + "312 400 0" + stack, "", all},
		{"weight alone, stack", "ffff888012345678 601800842" + decoded + "312" + stack, "", all},
		{"no weight", "ffff888012345678 601800842" + decoded + on, "",
			with(func(a *perfdata.Access) { a.Latency = 0 })},
		{"no weight, stack", "ffff888012345678 601800842" + decoded + stack, "",
			with(func(a *perfdata.Access) { a.Latency = 0 })},
		{"address of code alone", "ffff888012345678 601800842" + decoded + "312 ffffffff81000010", "",
			with(func(a *perfdata.Access) { a.Function = "" })},
		{"neither code nor weight", "ffff888012345678 601800842" + decoded, "have no stack",
			with(func(a *perfdata.Access) { a.Latency, a.IP, a.Function = 0, 0, "" })},
		{"weight and no code", "ffff888012345678 601800842" + decoded + "312", "have no stack",
			with(func(a *perfdata.Access) { a.IP, a.Function = 0, "" })},
		{"decoded source cut off at 100 bytes", "ffff888012345678 601800842 |OP LOAD|LVL Remote core, same " +
			"node Any cache hit|SNP HitM|TLB L1 or L2 hi  312" + on, "", all},
		{"physical address and sizes of pages", "ffff888012345678 601800842" + decoded + "312" + on +
			"        12345678 4K 2M", "", all},
		{"the same behind a stack", "ffff888012345678 601800842" + decoded + "312" + stack +
			"        12345678 4K 2M\n", "", all},
		{"inlined", "ffff888012345678 601800842" + decoded + "312\n\tffffffff81000010 refcount_inc (inlined)" +
			stack, "", all},
		{"a locked load wrote", "ffff888012345678 602800842" + decoded + "312" + on, "",
			with(func(a *perfdata.Access) { a.Source, a.Write = 0x602800842, true })},
		{"no address of the data", "601800842" + decoded + "312" + on, "make the text by `perf script",
			perfdata.Access{}},
		{"no source", "ffff888012345678" + on, "does not say which data was accessed", perfdata.Access{}},
		{"nothing", strings.TrimSpace(on), "does not say which data was accessed", perfdata.Access{}},
	} {
		text := "# cpuid : GenuineIntel,6,143,8\nx 3 [002] 1.000000: 7 " + all.Event + ": " + tt.columns + "\n"
		im := mustRead(t, tt.name, []byte(text))
		want := []perfdata.Access{tt.want}
		if tt.want == (perfdata.Access{}) {
			want = nil
		}
		if got := fmt.Sprintf("%+v", im.Accesses); got != fmt.Sprintf("%+v", want) {
			t.Errorf("%s:\n got %s\nwant %+v", tt.name, got, want)
		}
		p := im.Profiles[0]
		if p.Event.Memory != (want != nil) || im.CPUID != "GenuineIntel,6,143,8" {
			t.Errorf("%s: memory %v, %q", tt.name, p.Event.Memory, im.CPUID)
		}
		warnings := fmt.Sprint(p.Warnings)
		if tt.warning == "" && len(p.Warnings) > 0 || !strings.Contains(warnings, tt.warning) {
			t.Errorf("%s: warnings %s", tt.name, warnings)
		}
		if leaf := p.FunctionName(p.Stacks[0][0]); tt.want.Function == "f" && leaf != "f" &&
			tt.name != "inlined" {
			t.Errorf("%s: stack of %s", tt.name, leaf)
		}
	}
}

// Clocks that were recorded with data addresses are time all the same.
func TestMemoryOfClocks(t *testing.T) {
	im := mustRead(t, "clock", []byte("x 3 [002] 1.000000: 7 cycles:P: ffff888012345678 601800842 "+
		"|OP LOAD|LVL L3 hit|SNP HitM|TLB N/A|LCK No|BLK  N/A 31 ffffffff81000010 f+0x10 (k)\n"))
	if len(im.Accesses) != 0 || im.Profiles[0].Event.Memory || len(im.Profiles[0].Warnings) != 0 {
		t.Errorf("%+v %+v", im.Accesses, im.Profiles[0])
	}
}

// Whatever the installed perf prints of a recording tells the accesses that are in it.
func TestMemoryAsPerfPrints(t *testing.T) {
	const name = "perfdata/perf.data.weight_struct"
	data := fixture(t, name)
	if _, err := exec.LookPath("perf"); err != nil {
		t.Skip(err)
	}
	want := recorded(t, data)
	slices.SortFunc(want, byAddress)
	_, fields, _ := strings.Cut(strings.Trim(memoryExport, "`"), "-F ")
	for _, args := range []string{"script", "script --header -F " + fields,
		"script -F +addr,+data_src,+weight"} {
		argv := append(strings.Fields(args), "-i", "../../../shared/fixtures/"+name)
		text, err := exec.Command("perf", argv...).Output()
		if err != nil {
			t.Fatalf("perf %v: %v", argv, err)
		}
		im := mustRead(t, args, text)
		if len(im.Accesses) != len(want) {
			t.Fatalf("%s: %d accesses, want %d", args, len(im.Accesses), len(want))
		}
		slices.SortFunc(im.Accesses, byAddress) // perf sorts by time
		for i, a := range im.Accesses {
			w := want[i]
			w.Event = a.Event // perf and the recording write it differently
			if a.Function = ""; a != w {
				t.Errorf("%s, sample %d:\n got %+v\nwant %+v", args, i, a, w)
			}
		}
	}
}

func byAddress(a, b perfdata.Access) int { return cmp.Compare(a.Addr, b.Addr) }

func recorded(t *testing.T, data []byte) (all []perfdata.Access) {
	t.Helper()
	f, err := perfdata.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	d, err := f.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	for b, err := range f.Blocks(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		err := d.Decode(b, func(s *perfdata.Sample) error { all = append(all, s.Access(&f.Meta)); return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}
