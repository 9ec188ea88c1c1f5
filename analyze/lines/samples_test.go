package lines

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
)

// A taken is one sample of a memory access.
type taken struct {
	ip, addr uint64
	cpu      int
	period   uint64
	latency  uint64
	source   perfdata.DataSrc
}

// recording is a perf.data of one event of memory accesses (perf.data-file-format.txt).
func recording(t *testing.T, event string, cpuid string, samples []taken) *perfdata.File {
	t.Helper()
	data := recordingBytes(t, event, cpuid, samples)
	f, err := perfdata.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func recordingBytes(t *testing.T, event string, cpuid string, samples []taken) []byte {
	t.Helper()
	const headSize, attrSize, idSection = 104, 112, 16
	const sampleType = 1<<16 | 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<7 | 1<<8 | 1<<15 | 1<<24
	const featureCPUID, featureEventDesc = 9, 12
	le := binary.LittleEndian
	attr := make([]byte, attrSize)
	le.PutUint32(attr, 11)
	le.PutUint32(attr[4:], attrSize)
	le.PutUint64(attr[16:], 1)
	le.PutUint64(attr[24:], sampleType)
	text := func(s string) []byte {
		padded := (len(s) + 64) &^ 63
		return append(append(le.AppendUint32(nil, uint32(padded)), s...), make([]byte, padded-len(s))...)
	}
	ids := le.AppendUint64(nil, 1)
	attrs := le.AppendUint64(le.AppendUint64(bytes.Clone(attr), headSize+attrSize+idSection), 8)
	desc := append(le.AppendUint32(le.AppendUint32(nil, 1), attrSize), attr...)
	desc = append(le.AppendUint32(desc, 1), text(event)...)
	desc = le.AppendUint64(desc, 1)
	var data []byte
	for i, s := range samples {
		body := []uint64{1, s.ip, 1000<<32 | 1000, uint64(i), s.addr, uint64(s.cpu), s.period, s.latency,
			uint64(s.source)}
		data = le.AppendUint32(data, 9)
		data = le.AppendUint16(le.AppendUint16(data, 1), uint16(8+8*len(body)))
		for _, word := range body {
			data = le.AppendUint64(data, word)
		}
	}
	out := []byte("PERFILE2")
	for _, word := range []int{headSize, attrSize + idSection, headSize, len(attrs),
		headSize + len(attrs) + len(ids),
		len(data), 0, 0, 1<<featureCPUID | 1<<featureEventDesc, 0, 0, 0} {
		out = le.AppendUint64(out, uint64(word))
	}
	out = append(append(append(out, attrs...), ids...), data...)
	at := uint64(len(out) + 2*16)
	features := [][]byte{text(cpuid), desc}
	for _, f := range features {
		out = le.AppendUint64(le.AppendUint64(out, at), uint64(len(f)))
		at += uint64(len(f))
	}
	return append(append(out, features[0]...), features[1]...)
}

// A kernel lays out what rows name: fields of xfrm_state in two SAs, all else as
// variables, and functions.
type kernel struct {
	names     Names
	kallsyms  strings.Builder
	addresses map[string]uint64
	functions map[string]uint64
}

const saStart = 0xffff888100000000

func newKernel(t *testing.T, rows []bundle.Line) *kernel {
	t.Helper()
	k := &kernel{addresses: map[string]uint64{}, functions: map[string]uint64{}}
	layout := bundle.StructLayout{Struct: "xfrm_state", Size: 832}
	name := func(field string) {
		if k.addresses[field] != 0 {
			return
		}
		if in, ok := strings.CutPrefix(field, "xfrm_state."); ok {
			offset := uint32(8 * len(layout.Fields))
			layout.Fields = append(layout.Fields, bundle.StructField{Name: in, Offset: offset, Size: 8})
			k.addresses[field] = saStart + uint64(offset)
			return
		}
		k.addresses[field] = 0xffffffff82000000 + 64*uint64(len(k.addresses))
		fmt.Fprintf(&k.kallsyms, "%x d %s\n", k.addresses[field], field)
	}
	for _, row := range rows {
		name(row.Read)
		for _, f := range []string{row.Reader, row.Writer} {
			if k.functions[f] == 0 {
				k.functions[f] = 0xffffffff81000000 + 64*uint64(len(k.functions))
				fmt.Fprintf(&k.kallsyms, "%x t %s\n", k.functions[f], f)
			}
		}
	}
	k.kallsyms.WriteString("ffffffff83000000 d _end\n")
	var err error
	if k.names.Text, err = symbols.ReadKallsyms(strings.NewReader(k.kallsyms.String())); err != nil {
		t.Fatal(err)
	}
	if k.names.Data, err = symbols.ReadKallsymsData(strings.NewReader(k.kallsyms.String())); err != nil {
		t.Fatal(err)
	}
	one := 1
	k.names.Layouts = []bundle.StructLayout{layout}
	k.names.Objects, _ = Objects(nil,
		[]bundle.FindRow{{State: fmt.Sprintf("%#x", uint64(saStart)), SPI: 0x1002, PCPU: &one}})
	return k
}

// sampleOf takes one in n of all transfers, and as many accesses that are none.
func (k *kernel) sampleOf(rows []bundle.Line, n int, seed uint64) []taken {
	const load = 2
	random := rand.New(rand.NewPCG(seed, 1))
	hitm, hit := source(load, 0x42, 16, 1, 3, 0, 0, 0), source(load, 0x0a, 2, 1, 1, 0, 0, 0)
	var out []taken
	for _, row := range rows {
		for range row.Transfers {
			if random.IntN(n) > 0 {
				continue
			}
			s := taken{ip: k.functions[row.Reader] + 4, addr: k.addresses[row.Read],
				cpu:    random.IntN(4),
				period: uint64(n), latency: 100, source: hitm}
			out = append(out, s)
			s.source = hit
			out = append(out, s)
		}
	}
	return out
}

// A run of 4 CPUs was simulated: what moved is known. Samples of it, by the formats of
// two vendors, give the five first rows back within two standard errors.
func TestSamplesOfATruthKnown(t *testing.T) {
	rows := simulated(t)
	const packets = 12500
	truth := New(rows, nil, sent(packets), "")
	k := newKernel(t, rows)
	for _, test := range []struct {
		event   string
		counted []result.Total
	}{
		{"ibs_op/cnt_ctl=1,swfilt=1/k", nil},
		{"cpu/mem-loads,ldlat=30/P", []result.Total{{Event: "mem_load_l3_hit_retired.xsnp_fwd:k",
			PerPacket: metric.Value{Value: truth.PerPacket.Value, SE: 0.01 * truth.PerPacket.Value}}}},
	} {
		for seed := range uint64(3) {
			f := recording(t, test.event, "AuthenticAMD,26,2,1", k.sampleOf(rows, 40, seed+1))
			run := &result.Run{Packets: result.Packets{Total: sent(packets)}, Counted: test.counted}
			l, err := Sampled(context.Background(), f, &k.names, run)
			if err != nil || l == nil || !l.PerPacket.Measured() {
				t.Fatalf("%s: %v, %+v", test.event, err, l)
			}
			for _, want := range truth.Fields[:5] {
				got := l.Field(want.Name)
				if got == nil || !got.PerPacket.Measured() ||
					math.Abs(got.PerPacket.Value-want.PerPacket.Value) > 2*got.PerPacket.SE {
					t.Errorf("%s, seed %d: %s: %+v, want %.4g",
						test.event, seed, want.Name, got, want.PerPacket.Value)
					continue
				}
				if got.Readers[0].Name != want.Readers[0].Name {
					t.Errorf("%s read by %v, want %v", want.Name, got.Readers, want.Readers)
				}
				if c := got.Cycles.Value; math.Abs(c-100*got.PerPacket.Value) > 1e-6 {
					t.Errorf("%s waits %v cycles for %v transfers of 100",
						want.Name, c, got.PerPacket.Value)
				}
			}
		}
	}
}

// Without packets or a count shares are of samples, and say so.
func TestOfSamples(t *testing.T) {
	rows := simulated(t)
	k := newKernel(t, rows)
	samples := k.sampleOf(rows, 40, 1)
	for _, test := range []struct {
		event, cpuid, why string
		run               result.Run
		samples           []taken
		counts            string
	}{
		{event: "cpu/mem-loads,ldlat=30/P",
			run: result.Run{Packets: result.Packets{Total: sent(1000)}}, samples: samples,
			why: "no event that counts transfers was counted", counts: "transfers: "},
		{event: "ibs_op/cnt_ctl=1/", run: result.Run{Packets: result.Packets{Total: metric.NotMeasured("", "",
			bundle.Gap{Why: "nobody counted"})}}, samples: samples, why: "nobody counted", counts: "HITM"},
		{event: "ibs_op//", cpuid: "AuthenticAMD,25,1,1",
			run:     result.Run{Packets: result.Packets{Total: sent(1)}},
			samples: []taken{{ip: 1 << 63, addr: 1 << 63, source: source(2, 0x42, 1, 1, 3, 0, 0, 0)}},
			why:     "no event", counts: "cannot tell"},
		{event: "cpu/mem-loads/", run: result.Run{Packets: result.Packets{Total: sent(1)}},
			samples: []taken{{ip: 1 << 63, addr: 1 << 63, source: source(2, 0x0a, 2, 1, 1, 0, 0, 0)}},
			why:     "no event", counts: "less than 3 of the accesses"},
	} {
		l, err := Sampled(context.Background(), recording(t, test.event, test.cpuid, test.samples), &k.names,
			&test.run)
		if err != nil || l == nil || l.PerPacket.Measured() ||
			!strings.Contains(l.PerPacket.Missing.Why, test.why) ||
			!strings.Contains(l.Counts, test.counts) {
			t.Errorf("%s %s: %+v %v", test.event, test.cpuid, l, err)
			continue
		}
		for _, f := range l.Fields {
			if f.PerPacket.Measured() || f.Share.SE <= 0 || f.Cycles.Measured() {
				t.Errorf("%s: %+v", test.event, f)
			}
		}
	}
	clock := recording(t, "cycles:ppp", "", samples)
	if l, err := Sampled(context.Background(), clock, &k.names, &result.Run{}); l != nil || err != nil {
		t.Errorf("cycles with data addresses (perf record -d) are no memory event: %+v %v", l, err)
	}
}

func nameOf(n *Names, ip, addr, phys uint64) (field, object string) {
	a := perfdata.Access{IP: ip, Addr: addr, Phys: phys}
	name := n.of(&a, n.instruction(&a))
	return name.field, name.object
}

func TestNamesOfAddresses(t *testing.T) {
	k := newKernel(t, []bundle.Line{{Read: "xfrm_state.lock"}, {Read: "jiffies", Reader: "f", Writer: "g"}})
	k.names.Fields = NewInstructions([]bundle.FieldRow{{Function: "f", Offset: 4, Field: "net.x", Seen: 9},
		{Function: "f", Offset: 4, Field: "net.y", Transfers: 1}})
	const policy = 0xffff888100001000
	slab := func(at uint64, size uint32, kind, cache string) bundle.KernelObject {
		return bundle.KernelObject{Start: fmt.Sprintf("%#x", at), Struct: kind, Size: size,
			LineObject: bundle.LineObject{Cache: cache}}
	}
	listed := bundle.KernelObject{Start: fmt.Sprintf("%#x", uint64(policy)), Struct: "xfrm_policy",
		LineObject: bundle.LineObject{Policy: 8}}
	seen, slabs := Objects([]bundle.KernelObject{listed,
		slab(policy-512, 1024, "", "kmalloc-1k"), slab(policy+0x1000, 128, "net", "net_namespace"),
		slab(policy+0x2000, 256, "", "pid"), {Start: "0", Struct: "net"}}, nil)
	k.names.Objects, k.names.Slabs = append(k.names.Objects, seen...), slabs
	k.names.Layouts = append(k.names.Layouts, bundle.StructLayout{Struct: "xfrm_policy", Size: 64,
		Fields: []bundle.StructField{{Name: "refcnt", Offset: 56, Size: 4}}},
		bundle.StructLayout{Struct: "net", Size: 64, Fields: []bundle.StructField{{Name: "x", Size: 8}}})
	ip := k.functions["f"] + 4
	for _, test := range []struct {
		ip, addr, phys uint64
		field, object  string
	}{
		{0, saStart + 3, 0, "xfrm_state.lock", "SPI 0x1002 pcpu 1"},
		{0, saStart + 800, 0, "xfrm_state.+800", "SPI 0x1002 pcpu 1"},
		{0, saStart + 832, 0, "0xffff888100000340", ""},
		{0, policy + 57, 0, "xfrm_policy.refcnt", "policy 8"},
		{0, policy - 8, 0, "kmalloc-1k+504", "by slab cache kmalloc-1k"},
		{0, policy + 64, 0, "kmalloc-1k+576", "by slab cache kmalloc-1k"}, // what a policy leaves of it
		{0, policy + 512, 0, "0xffff888100001200", ""},
		{0, policy + 0x1004, 0, "net.x", "by slab cache net_namespace"},
		{0, policy + 0x1040, 0, "net_namespace+64", "by slab cache net_namespace"},
		{0, policy + 0x2000, 0, "pid", "by slab cache pid"}, // merged with another
		{0, policy + 0x2100, 0, "0xffff888100003100", ""},
		{0, saStart - 1, 0, "0xffff8880ffffffc0", ""},
		{0, k.addresses["jiffies"] + 8, 0, "jiffies+8", ""},
		{ip, 0xffff888200000077, 0, "net.y", ""},
		{ip, k.addresses["jiffies"], 0, "jiffies", ""},
		{0, 0x7f0000001234, 0, "memory of programs", ""},
		{0, 0, 0x1234, "physical line 0x1200", ""},
		{0, 0, 0, "address not recorded", ""},
	} {
		if f, o := nameOf(&k.names, test.ip, test.addr, test.phys); f != test.field || o != test.object {
			t.Errorf("%x %x: %q %q, want %q %q", test.addr, test.phys, f, o, test.field, test.object)
		}
	}
	var none Names
	unknown := none.instruction(&perfdata.Access{IP: ip}).function
	if f, _ := nameOf(&none, ip, 1<<63, 0); f != "0x8000000000000000" || unknown != fmt.Sprintf("0x%x", ip) {
		t.Errorf("nothing known: %q", f)
	}
}

// What only its slab cache names says so: the row, and once what that is worth.
func TestNamedBySlabCache(t *testing.T) {
	k := newKernel(t, []bundle.Line{{Read: "xfrm_state.lock", Reader: "f", Writer: "f"}})
	const start = saStart + 0x1000
	k.names.Slabs = []Object{{Start: start, Size: 832, Kind: "xfrm_state",
		ID: bundle.LineObject{Cache: "xfrm_state"}}}
	hitm := source(2, 0x42, 16, 1, 3, 0, 0, 0)
	var samples []taken
	for _, addr := range []uint64{saStart, start, start + 4, start + 1} {
		samples = append(samples, taken{ip: k.functions["f"], addr: addr, period: 1, source: hitm})
	}
	f := recording(t, "ibs_op/cnt_ctl=1/", "AuthenticAMD,26,2,1", samples)
	l, err := Sampled(context.Background(), f, &k.names, &result.Run{Packets: result.Packets{Total: sent(1)}})
	if err != nil || len(l.Fields) != 1 ||
		!strings.Contains(l.Lacks, "3 are named by slab cache") {
		t.Fatalf("%+v %v", l, err)
	}
	if lock := l.Fields[0]; lock.Name != "xfrm_state.lock" || lock.Slab != 0.75 || len(lock.Objects) != 2 ||
		lock.Objects[0].Name != "by slab cache xfrm_state" || lock.Objects[1].Name != "SPI 0x1002 pcpu 1" {
		t.Errorf("%+v", lock)
	}
	k.names.Slabs = nil
	f = recording(t, "ibs_op/cnt_ctl=1/", "AuthenticAMD,26,2,1", samples[:1])
	if l, err := Sampled(context.Background(), f, &k.names, &result.Run{}); err != nil ||
		strings.Contains(l.Lacks, "slab cache") || l.Fields[0].Slab != 0 {
		t.Errorf("by its pointer alone: %+v %v", l, err)
	}
}

// A recording of a Xeon 8173M, 14 samples of loads over 64 cycles, none of them from
// another core (google/perf_data_converter, BSD 3-clause).
func TestXeon(t *testing.T) {
	const path = "../../../shared/fixtures/perfdata/perf.data.weight_struct"
	file, err := os.Open(path)
	if err != nil {
		t.Skip(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := perfdata.Open(file, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	l, err := Sampled(context.Background(), f, &Names{}, &result.Run{})
	if err != nil || l == nil || len(l.Fields) != 0 || !strings.Contains(l.Counts, "none of 14 samples") {
		t.Errorf("%+v %v", l, err)
	}
}

// A miss event has no address: a simulated run of the same build says what the
// instruction touches, and what that run did not execute stands apart.
func TestFieldsByInstruction(t *testing.T) {
	rows := []bundle.Line{{Read: "a", Reader: "f", Writer: "g"}}
	k := newKernel(t, rows)
	k.names.Fields = NewInstructions(
		[]bundle.FieldRow{{Function: "f", Offset: 4, Field: "xfrm_policy.refcnt", Misses: 2},
			{Function: "f", Offset: 4, Field: "net.x", Misses: 1}, {Function: "f", Offset: 4,
				Field: "net.x", Misses: 3}})
	var samples []taken
	for i := range 40 {
		at := k.functions["f"] + 4
		if i%4 == 3 {
			at = k.functions["g"]
		}
		samples = append(samples, taken{ip: at, period: 100})
	}
	f := recording(t, "mem_load_retired.l3_miss:p", "", samples)
	l, err := Missed(context.Background(), f, &k.names, &result.Run{Packets: result.Packets{Total: sent(1000)}})
	if err != nil || l == nil || len(l.Fields) != 2 || l.PerPacket.Value != 4 ||
		l.PerPacket.Unit != "misses/packet" {
		t.Fatalf("%+v %v", l, err)
	}
	first, rest := l.Fields[0], l.Fields[1]
	if first.Name != "net.x" || first.PerPacket.Value != 3 || first.PerPacket.Samples != 30 ||
		math.Abs(first.PerPacket.SE-3/math.Sqrt(30)) > 1e-9 || first.Readers[0].Name != "f" {
		t.Errorf("%+v", first)
	}
	if rest.Name != "not touched in the simulated run" || rest.Share.Value != 0.25 {
		t.Errorf("%+v", rest)
	}
	if l, err := Missed(context.Background(), recording(t, "branch-misses", "", samples), &k.names,
		&result.Run{}); l != nil {
		t.Errorf("no event of cache misses: %+v %v", l, err)
	}
}

// What SPE does not tell is said beside the shares, and no rate is made of its samples: its interval is of operations,
// of which a filter keeps the slow ones.
func TestWhatSPETells(t *testing.T) {
	const event, load, store = "arm_spe_0/load_filter=1,store_filter=1,min_latency=30/k", 2, 4
	peerCore, l1 := source(load, 0x22, 0, 0, 2, 0, 2, 0), source(load, 0x0a, 2, 0, 1, 0, 0, 0)
	far := source(load, 0x402, 0, 0, 11, 1, 0, 0)
	for name, test := range map[string]struct {
		accesses      []perfdata.Access
		counts, lacks []string
		rows          int
	}{
		"another core's": {[]perfdata.Access{{Source: peerCore, Addr: saStart}, {Source: l1},
			{Source: source(store, 1, 1, 0, 15, 0, 0, 0), Addr: saStart, Write: true}},
			[]string{"of 3 samples 1 are transfers", "clean or modified not told"},
			[]string{"stores do not tell where the line was",
				"a threshold (min_latency) chose slow accesses"}, 1},
		"sources not known": {[]perfdata.Access{{Source: far, Addr: saStart, SourceUnknown: true},
			{Source: l1, SourceUnknown: true}}, []string{"of 2 samples 1 are transfers", "REMOTE"},
			[]string{"the data sources of the CPU that took 2 of the samples are not known"}, 1},
		"sources not known, nothing far": {[]perfdata.Access{{SourceUnknown: true}},
			[]string{"this CPU's data sources are not known: that is not no sharing"}, nil, 0},
	} {
		for i := range test.accesses {
			test.accesses[i].Event, test.accesses[i].Period = event, 1024
		}
		l := Printed(test.accesses, "", &Names{}, &result.Run{Packets: result.Packets{Total: sent(1000)}})
		if len(l.Fields) != test.rows || l.PerPacket.Measured() ||
			test.rows > 0 && !strings.Contains(l.Fields[0].PerPacket.Missing.Why, "shares are of samples") {
			t.Errorf("%s: %+v", name, l)
		}
		for _, want := range test.counts {
			if !strings.Contains(l.Counts, want) {
				t.Errorf("%s: %q lacks %q", name, l.Counts, want)
			}
		}
		for _, want := range test.lacks {
			if !strings.Contains(l.Lacks, want) || strings.Contains(l.Lacks, "CCX") {
				t.Errorf("%s: %q lacks %q", name, l.Lacks, want)
			}
		}
	}
}

// TestShareEndsAtOne: where few samples of two CPUs differ widely, the interval does not go beyond all.
func TestShareEndsAtOne(t *testing.T) {
	r := &reading{transfers: 10, cpus: map[int32]float64{0: 5, 1: 5}}
	v := r.share(&sampled{n: 8, cpus: map[int32]float64{0: 5, 1: 3}})
	if v.High != 1 || math.Abs(v.Low-(v.Value-v.Half())) > 1e-9 || v.Low < 0 || !v.Ranged() {
		t.Errorf("%v +- %v, %v to %v", v.Value, v.Half(), v.Low, v.High)
	}
	r = &reading{transfers: 1, cpus: map[int32]float64{0: 1}}
	v = r.share(&sampled{n: 1, cpus: r.cpus})
	if e := meanOf([]metric.Value{v}); v.High != 1 || math.Abs(v.Low-0.2065) > 1e-3 || e.Interval.Lo != v.Low {
		t.Errorf("one sample is all: %v to %v, %+v", v.Low, v.High, e.Interval)
	}
	two := metric.Value{ID: metric.TransferID, Value: 0.02, SE: 0.0142, Low: 0.0024, High: 0.0722, Samples: 2}
	if e := meanOf([]metric.Value{two}); e.Interval.Lo != 0.0024 || e.Interval.Hi != 0.0722 {
		t.Errorf("of few samples the interval is that of the count: %+v", e.Interval)
	}
}
