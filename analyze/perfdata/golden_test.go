package perfdata

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A protoNode is one field of a text-format protocol buffer.
type protoNode struct {
	name, value string // value of a leaf, unquoted
	children    []*protoNode
}

func (n *protoNode) all(name string) (out []*protoNode) {
	for _, c := range n.children {
		if c.name == name {
			out = append(out, c)
		}
	}
	return out
}

func (n *protoNode) get(path string) string {
	for part := range strings.SplitSeq(path, ".") {
		found := n.all(part)
		if len(found) == 0 {
			return ""
		}
		n = found[0]
	}
	return n.value
}

func (n *protoNode) num(path string) uint64 {
	v, _ := strconv.ParseUint(n.get(path), 10, 64)
	return v
}

// readProto reads the text that google/perf_data_converter's quipper keeps of
// what it read (PerfDataProto).
func readProto(t testing.TB, path string) *protoNode {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	root := &protoNode{}
	stack := []*protoNode{root}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		top := stack[len(stack)-1]
		if line == "}" {
			stack = stack[:len(stack)-1]
		} else if name, open := strings.CutSuffix(line, " {"); open {
			n := &protoNode{name: name}
			top.children = append(top.children, n)
			stack = append(stack, n)
		} else if name, value, ok := strings.Cut(line, ": "); ok {
			if strings.HasPrefix(value, `"`) {
				if value, err = strconv.Unquote(strings.ReplaceAll(value, `\'`, `'`)); err != nil {
					t.Fatalf("%s: %q: %v", path, line, err)
				}
			}
			top.children = append(top.children, &protoNode{name: name, value: value})
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return root
}

// protoEvents returns one line for each record that we keep, sorted.
func protoEvents(root *protoNode) (lines []string) {
	for _, e := range root.all("events") {
		for _, c := range e.children {
			time := c.num("sample_info.sample_time_ns")
			switch c.name {
			case "sample_event":
				lines = append(lines, protoSample(c))
			case "mmap_event":
				lines = append(lines, fmt.Sprintf("mmap %d %d %x@%x %s", time, int32(c.num("pid")),
					c.num("start"), c.num("pgoff"), c.get("filename")))
			case "comm_event":
				lines = append(lines, fmt.Sprintf("comm %d %d %s", time, c.num("tid"), c.get("comm")))
			case "fork_event":
				lines = append(lines, fmt.Sprintf("fork %d %d/%d of %d/%d", c.num("fork_time_ns"),
					c.num("pid"), c.num("tid"), c.num("ppid"), c.num("ptid")))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func protoSample(c *protoNode) string {
	var b strings.Builder
	fmt.Fprintf(&b, "sample %x %d/%d %d period=%d cpu=%d addr=%x id=%d", c.num("ip"), int32(c.num("pid")),
		int32(c.num("tid")), c.num("sample_time_ns"), c.num("period"), c.num("cpu"), c.num("addr"), c.num("id"))
	for _, a := range c.all("callchain") {
		v, _ := strconv.ParseUint(a.value, 10, 64)
		fmt.Fprintf(&b, " %x", withoutMark(v))
	}
	for _, br := range c.all("branch_stack") {
		fmt.Fprintf(&b, " %x>%x %s %d %d", br.num("from_ip"), br.num("to_ip"), br.get("mispredicted"),
			br.num("cycles"), br.num("type"))
	}
	fmt.Fprintf(&b, " raw=%x", c.get("raw"))
	return b.String()
}

// withoutMark clears bit 63: quipper sets it in addresses outside any mapping.
// That perf prints them as we do is tested elsewhere.
func withoutMark(a uint64) uint64 { return a &^ (1 << 63) }

// ourEvents returns the same lines of our reading.
func ourEvents(t testing.TB, f *File) (lines []string) {
	t.Helper()
	side, err := f.Sideband()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range side.Mmaps {
		lines = append(lines, fmt.Sprintf("mmap %d %d %x@%x %s", m.TimeNS, m.PID, m.Start, m.PgOff, m.File))
	}
	for _, c := range side.Comms {
		lines = append(lines, fmt.Sprintf("comm %d %d %s", c.TimeNS, c.TID, c.Name))
	}
	for _, x := range side.Forks {
		lines = append(lines, fmt.Sprintf("fork %d %d/%d of %d/%d", x.TimeNS, x.PID, x.TID, x.PPID, x.PTID))
	}
	_, err = f.eachSample(context.Background(), func(s *Sample) error {
		lines = append(lines, ourSample(s))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

func ourSample(s *Sample) string {
	var b strings.Builder
	period := s.Period
	if !s.Event.attr.has(samplePeriodBit) {
		period = 0
	}
	fmt.Fprintf(&b, "sample %x %d/%d %d period=%d cpu=%d addr=%x id=%d", s.IP, s.PID, s.TID, s.TimeNS, period,
		max(s.CPU, 0), s.addr(), s.word(int32(s.owner.layout.idPos)))
	for _, a := range s.Chain {
		fmt.Fprintf(&b, " %x", withoutMark(a))
	}
	for br := range s.branches() {
		fmt.Fprintf(&b, " %x>%x %v %d %d", br.From, br.To, br.Mispredicted, br.Cycles, br.Type)
	}
	fmt.Fprintf(&b, " raw=%x", s.Raw())
	return b.String()
}

// protoAttr and ourAttr describe how an event was opened.
func protoAttr(n *protoNode) string {
	a := n.all("attr")[0]
	var flags uint64
	for i, name := range []string{
		"disabled", "inherit", "pinned", "exclusive", "exclude_user", "exclude_kernel", "exclude_hv",
		"exclude_idle", "mmap", "comm", "freq", "inherit_stat",
		"enable_on_exec", "task", "watermark", "", "", "mmap_data", "sample_id_all", "exclude_host",
		"exclude_guest", "exclude_callchain_kernel",
		"exclude_callchain_user", "mmap2", "comm_exec", "use_clockid", "context_switch", "write_backward",
		"namespaces", "ksymbol", "bpf_event", "aux_output", "cgroup",
	} {
		if name != "" && a.get(name) == "true" {
			flags |= 1 << i
		}
	}
	period := a.num("sample_period") + a.num("sample_freq")
	return fmt.Sprintf("%d %x %d %x %x %x %d %x %x %v", a.num("type"), a.num("config"), period,
		a.num("sample_type"),
		a.num("read_format"), flags&^newFlags, a.num("precise_ip"), a.num("branch_sample_type"),
		a.num("sample_regs_user"), protoIDs(n))
}

// newFlags are bpf_event, text_poke and build_id, which quipper does not always know.
const newFlags = 1<<30 | 1<<33 | 1<<34

func protoIDs(n *protoNode) (ids []uint64) {
	for _, c := range n.all("ids") {
		id, _ := strconv.ParseUint(c.value, 10, 64)
		ids = append(ids, id)
	}
	return ids
}

func ourAttr(e *Event) string {
	a := e.attr
	return fmt.Sprintf("%d %x %d %x %x %x %d %x %x %v", a.Type, a.Config, a.SamplePeriod, a.SampleType,
		a.ReadFormat,
		a.Flags&^newFlags, a.PreciseIP, a.BranchSampleType, a.SampleRegsUser, e.ids)
}

// protoMeta and ourMeta list what the header says.
func protoMeta(root *protoNode) (lines []string) {
	for _, m := range root.all("string_metadata") {
		for _, c := range m.children {
			if c.get("value") != "" && !slices.Contains([]string{"perf_command_line_whole", "perf_version",
				"cpu_id"}, c.name) {
				lines = append(lines, c.name+"="+c.get("value"))
			}
		}
	}
	for _, p := range root.all("pmu_mappings") {
		lines = append(lines, fmt.Sprintf("pmu %d=%s", p.num("type"), p.get("name")))
	}
	for _, b := range root.all("build_ids") {
		lines = append(lines, fmt.Sprintf("build id %s=%x", b.get("filename"), b.get("build_id_hash")))
	}
	slices.Sort(lines)
	return lines
}

func ourMeta(f *File) (lines []string) {
	m := &f.Meta
	for _, s := range [][2]string{{"hostname", m.Hostname}, {"kernel_version", m.OSRelease},
		{"architecture", m.Arch}, {"cpu_description", m.CPUDesc}} {
		if s[1] != "" {
			lines = append(lines, s[0]+"="+s[1])
		}
	}
	for _, token := range m.CommandLine {
		lines = append(lines, "perf_command_line_token="+token)
	}
	for typ, name := range m.pmus {
		lines = append(lines, fmt.Sprintf("pmu %d=%s", typ, name))
	}
	for _, b := range m.buildIDs {
		lines = append(lines, fmt.Sprintf("build id %s=%s", b.File, b.ID))
	}
	slices.Sort(lines)
	return lines
}

// goldens returns the files beside a fixture that have its name and suffix.
func goldens(t testing.TB, suffix string) (paths []string) {
	t.Helper()
	for _, f := range fixtures(t) {
		path := filepath.Join(f.root, f.name) + suffix
		if _, err := os.Stat(path); err == nil {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		t.Skipf("no goldens *%s", suffix)
	}
	return paths
}

// TestQuipperGoldens compares every record, attribute and header string with
// what quipper, the reader of google/perf_data_converter, wrote down.
func TestQuipperGoldens(t *testing.T) {
	paths := goldens(t, ".pb_text")
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			root := readProto(t, path)
			f, err := openPath(strings.TrimSuffix(path, ".pb_text"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			ours, theirs := ourEvents(t, f), protoEvents(root)
			merged := dropMerged(&ours, theirs)
			diffLines(t, "records (ours, quipper)", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
			diffLines(t, "header (ours, quipper)", strings.Join(ourMeta(f), "\n"),
				strings.Join(protoMeta(root), "\n"))
			for i, a := range root.all("file_attrs") {
				if got, want := ourAttr(f.Events[i]), protoAttr(a); got != want {
					t.Errorf("event %d:\n ours    %s\n quipper %s", i, got, want)
				}
			}
			for i, n := range root.all("event_types") {
				if got, want := f.Events[i].Name, n.get("name"); got != want {
					t.Errorf("event %d is named %q, quipper has %q", i, got, want)
				}
			}
			counts := map[recordType]uint64{}
			for _, e := range root.all("events") {
				counts[recordType(e.num("header.type"))]++
			}
			for typ, n := range f.counts(t) {
				want := counts[typ]
				if typ == recordMmap {
					want += merged
				}
				kept := want > 0 || typ <= 16 // it keeps no others, or not always
				if n != want && kept {
					t.Errorf("%d records of %v, quipper has %d", n, typ, want)
				}
			}
		})
	}
}

// dropMerged removes our mappings that quipper joined to the one before: it
// makes one mapping of a file's text that a program moved to huge pages. The
// lengths are not compared for that reason; perf prints ours.
func dropMerged(ours *[]string, theirs []string) (n uint64) {
	*ours = slices.DeleteFunc(*ours, func(line string) bool {
		_, have := slices.BinarySearch(theirs, line)
		gone := strings.HasPrefix(line, "mmap") && !have
		if gone {
			n++
		}
		return gone
	})
	return n
}

func TestQuipperBuildIDs(t *testing.T) {
	paths := goldens(t, ".buildids")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := openPath(strings.TrimSuffix(path, ".buildids"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range f.Meta.buildIDs {
			if _, err := hex.DecodeString(b.ID); err != nil {
				t.Errorf("%s: %v", b.ID, err)
			}
			got = append(got, b.ID+" "+b.File)
		}
		want := strings.Split(strings.TrimSpace(string(text)), "\n")
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(slices.Compact(got), want) && f.pipe == nil {
			t.Errorf("%s:\n got %q\nwant %q", filepath.Base(path), got, want)
		}
		f.Close()
	}
}
