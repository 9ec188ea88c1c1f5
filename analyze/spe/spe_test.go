package spe

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A trace is written packet by packet, by the manual's headers alone.
type trace []byte

func (t trace) put(header byte, value uint64, size int) trace {
	return append(append(t, header), binary.LittleEndian.AppendUint64(nil, value)[:size]...)
}

func (t trace) pc(kernel bool, v uint64) trace {
	v = v&(1<<56-1) | 1<<63
	if kernel {
		v |= 2 << 61 // EL2
	}
	return t.put(0xb0, v, 8)
}
func (t trace) virtual(v uint64) trace   { return t.put(0xb2, v, 8) }
func (t trace) physical(v uint64) trace  { return t.put(0xb3, v|1<<63, 8) }
func (t trace) total(v uint64) trace     { return t.put(0x98, v, 2) }
func (t trace) issue(v uint64) trace     { return t.put(0x99, v, 2) }
func (t trace) translate(v uint64) trace { return t.put(0x9a, v, 2) }
func (t trace) thread(id uint64) trace   { return t.put(0x64, id, 4) }
func (t trace) access(bits uint64) trace { return t.put(0x49, bits, 1) }
func (t trace) events16(v uint64) trace  { return t.put(0x52, v, 2) }
func (t trace) events32(v uint64) trace  { return t.put(0x62, v, 4) }
func (t trace) from(number uint64) trace { return t.put(0x43, number, 1) }
func (t trace) time(ticks uint64) trace  { return t.put(0x71, ticks, 8) }
func (t trace) end() trace               { return append(t, 1) }
func (t trace) pad(n int) trace          { return append(t, make([]byte, n)...) }
func (t trace) garbage(b ...byte) trace  { return append(t, b...) }
func (t trace) load(number uint64) trace { return t.access(0).from(number) }

// decode returns all records of a trace that is read in pieces of a size.
func decode(t *testing.T, b []byte, piece int) (all []Record, d *Decoder) {
	t.Helper()
	d = &Decoder{}
	var held []byte
	for at := 0; ; at += piece {
		last := at+piece >= len(b)
		held = append(held, b[min(at, len(b)):min(at+piece, len(b))]...)
		rest, err := d.Decode(held, last, func(r *Record) error {
			all = append(all, *r)
			return nil
		})
		if err != nil || len(rest) >= maxRecord {
			t.Fatalf("%d bytes left, %v", len(rest), err)
		}
		if held = slices.Clone(rest); last {
			return all, d
		}
	}
}

// What perf 5.9 and 6.1 print of bytes that Neoverse CPUs wrote: `perf report -D`, in the mail of the series "Add SPE
// support in KVM guest" (linux-arm-kernel, 2020), and in the tests of google/perf_data_converter (BSD 3-clause) and of
// Arm's telemetry-solution (Apache 2.0).
func TestPacketsAsPerfPrintsThem(t *testing.T) {
	kinds := map[byte]string{padding: "PAD", end: "END", timestamp: "TS", events: "EV", source: "DATA-SOURCE",
		context: "CONTEXT", operation: "OP", address: "ADDR", counter: "LAT"}
	for _, test := range []struct{ bytes, want string }{
		{"b0 f4 d3 29 10 00 80 ff a0", "ADDR 0 a0ff80001029d3f4"}, // PC 0xff80001029d3f4 el1 ns=1
		{"b0 d0 c2 a1 ed 66 ba ff c0", "ADDR 0 c0ffba66eda1c2d0"}, // PC 0xffba66eda1c2d0 el2 ns=1
		{"b1 e4 b0 ef ed 66 ba ff c0", "ADDR 1 c0ffba66edefb0e4"}, // TGT 0xffba66edefb0e4 el2 ns=1
		{"b2 d0 40 d8 70 00 00 ff 00", "ADDR 2 ff000070d840d0"},   // VA 0xff000070d840d0
		{"b3 43 5a 95 2c 03 08 00 80", "ADDR 3 800008032c955a43"},
		{"99 0b 00", "LAT 1 b"},  // LAT 11 ISSUE
		{"98 0d 00", "LAT 0 d"},  // LAT 13 TOT
		{"9a 01 00", "LAT 2 1"},  // LAT 1 XLAT
		{"52 16 00", "EV 0 16"},  // EV RETIRED L1D-ACCESS TLB-ACCESS
		{"52 1e 03", "EV 0 31e"}, // EV RETIRED L1D-ACCESS L1D-REFILL TLB-ACCESS LLC-ACCESS LLC-REFILL
		{"42 16", "EV 0 16"},
		{"49 00", "OP 1 0"},                               // LD GP-REG
		{"49 16", "OP 1 16"},                              // LD AT AR
		{"4a 01", "OP 2 1"},                               // B COND
		{"48 00", "OP 0 0"},                               // INSN-OTHER
		{"65 80 5f 00 00", "CONTEXT 1 5f80"},              // CONTEXT 0x5f80 el2
		{"43 00", "DATA-SOURCE 0 0"},                      // DATA-SOURCE 0
		{"71 a5 1f b3 20 14 00 00 00", "TS 0 1420b31fa5"}, // TS 86447955877
		{"20 b4 00 00 00 00 00 00 00 00", "ADDR 4 0"},     // extended: PBT
		{"21 98 07 00", "LAT 8 7"},                        // extended: a counter to come
		{"00", "PAD 0 0"}, {"01", "END 0 0"},
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(test.bytes, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		kind, index, v, n := next(b, 0)
		got := fmt.Sprintf("%s %d %x", kinds[kind], index, v)
		if got != test.want || n != len(b) {
			t.Errorf("%s: %q of %d bytes, want %q", test.bytes, got, n, test.want)
		}
		for cut := 1; cut < len(b); cut++ {
			if _, _, _, n := next(b[:cut], 0); n != 0 {
				t.Errorf("%s cut to %d bytes: a packet of %d", test.bytes, cut, n)
			}
		}
	}
}

func TestPaddingToAnAlignment(t *testing.T) {
	for _, test := range []struct {
		header byte
		at     uint64
		want   int
	}{{0x20, 0, 2}, {0x21, 0, 4}, {0x22, 4, 4}, {0x23, 3, 13}} {
		b := append([]byte{test.header}, make([]byte, 20)...)
		if kind, _, _, n := next(b, test.at); kind != padding || n != test.want {
			t.Errorf("%#x at %d: kind %d of %d bytes, want %d", test.header, test.at, kind, n, test.want)
		}
	}
}

// Whole records of outside, as the same tests and mail have them: one of 64 bytes with padding, one without.
func TestRecordsOfOthers(t *testing.T) {
	const neoverse = "b0d0c2a1ed66baffc0 0000000000 65805f0000 4900 521600 990400 980c00 b2286b0903370eff00 " +
		"9a0100 000000000000000000 4300 0000 712e652f6a0a000000" +
		"b0f4d3291000 80ffa0 990b00 980d00 521600 4900 b2d040d8700000ff00 9a0100 000000 71a51fb32014000000"
	b, err := hex.DecodeString(strings.ReplaceAll(neoverse, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	all, d := decode(t, b, 1<<20)
	if len(all) != 2 || d.Lost != 0 {
		t.Fatalf("%+v, %d bytes lost", all, d.Lost)
	}
	first, second := all[0], all[1]
	if first.PC != 0xffffba66eda1c2d0 || first.Addr != 0xffff0e3703096b28 || first.Latency != 12 ||
		first.Timestamp != 44731163950 || first.Context != 0x5f80 || !first.hasSource {
		t.Errorf("%+v", first)
	}
	if second.PC != 0xffff80001029d3f4 || second.Addr != 0xffff000070d840d0 || second.Latency != 13 ||
		second.Timestamp != 86447955877 || second.Context != 0 || second.hasSource {
		t.Errorf("%+v", second)
	}
}

func TestRecords(t *testing.T) {
	const kernelPC, slab = 0xffff800010001234, 0xffff000812345678
	for name, test := range map[string]struct {
		trace trace
		want  Record
	}{
		"load": {trace{}.pc(true, kernelPC).load(9).total(77).issue(3).virtual(slab).translate(1).
			physical(0x8032c955a43).time(5),
			Record{PC: kernelPC, Addr: slab, Phys: 0x8032c955a43, Timestamp: 5, Latency: 77}},
		"of a program": {trace{}.pc(false, 0xaaaae4a9b600).access(0).virtual(0xaaaae65dda43).end(),
			Record{PC: 0xaaaae4a9b600, Addr: 0xaaaae65dda43}},
		"a tag in the top byte, of a program": {trace{}.access(0).virtual(0x2b00aaaae65dda43).end(),
			Record{Addr: 0xaaaae65dda43}},
		"a tag in the top byte, of the kernel": {trace{}.access(0).virtual(0xf4ff000812345678).end(),
			Record{Addr: slab}},
		"secure world": {trace{}.put(0xb0, 0x20ff800010001234, 8).access(0).end(),
			Record{PC: 0xff800010001234}},
		"thread":        {trace{}.thread(4711).access(0).end(), Record{Context: 4711}},
		"events":        {trace{}.access(0).events16(0x31e).end(), Record{}},
		"padding in it": {trace{}.pad(3).access(0).pad(2).end().pad(7), Record{}},
		"aligned":       {trace{}.access(0).garbage(0x23, 0).pad(12).end(), Record{}},
		"prior branch":  {trace{}.garbage(0x20).put(0xb4, 5, 8).access(0).end(), Record{}},
	} {
		for _, piece := range []int{1, 3, 1 << 20} {
			all, d := decode(t, test.trace, piece)
			if len(all) != 1 || d.Lost != 0 || d.At != uint64(len(test.trace)) {
				t.Fatalf("%s in pieces of %d: %+v, %d bytes lost, at %d", name, piece, all, d.Lost,
					d.At)
			}
			got := all[0]
			if got = (Record{PC: got.PC, Addr: got.Addr, Phys: got.Phys, Timestamp: got.Timestamp,
				Latency: got.Latency, Context: got.Context}); got != test.want {
				t.Errorf("%s: %+v, want %+v", name, got, test.want)
			}
		}
	}
}

// Operations that are no access to memory are passed over.
func TestOtherOperations(t *testing.T) {
	all, d := decode(t, trace{}.put(0x4a, 1, 1).end().put(0x48, 6, 1).virtual(64).time(9).time(10).pad(3).end(), 5)
	if len(all) != 0 || d.Lost != 0 {
		t.Errorf("%+v, %d bytes lost", all, d.Lost)
	}
}

// good is a record that n tells from others.
func good(n uint64) trace {
	t := trace{}.pc(true, 0xffff800010000000+n).load(9).total(40)
	return t.virtual(0xffff000800000000 + 64*n).time(1000 + n)
}

// Damage costs the record it is in, and its bytes are counted; what was read before stays, and reading goes on behind.
func TestDamage(t *testing.T) {
	size := int64(len(good(0)))
	for name, test := range map[string]struct {
		middle trace
		lost   int64
		want   string
	}{
		"none":                    {good(2), 0, "1 2 3"},
		"garbage between records": {trace{0xab, 0xcd, 0xef, 0xff}, 4, "1 3"},
		"a header that is none":   {good(2)[:20].garbage(0xff), 21, "1 3"},
		"the end is missing":      {good(2)[:size-9], size - 9, "1 3"},
		"the start is missing":    {trace{}.pc(true, 0xffff800010001234)[1:], 8, "1 3"},
		"longer than a record may be": {trace{}.pc(true, 0xffff800010000002).load(9).pad(2100).end(), 2114,
			"1 3"},
		"padding": {trace{}.pad(100), 0, "1 3"},
	} {
		b := slices.Concat(good(1), test.middle, good(3))
		for _, piece := range []int{7, 1 << 20} {
			all, d := decode(t, b, piece)
			var got []string
			for _, r := range all {
				got = append(got, fmt.Sprint(r.PC&0xfff))
			}
			if strings.Join(got, " ") != test.want || d.Lost != test.lost {
				t.Errorf("%s in pieces of %d: records %v, %d bytes lost; want %s and %d", name, piece,
					got, d.Lost, test.want, test.lost)
			}
		}
	}
	stop := errors.New("stop")
	if _, err := new(Decoder).Decode(good(1), true, func(*Record) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

// Cut anywhere, a trace has the records that are whole, and the rest is lost.
func TestCutAnywhere(t *testing.T) {
	b := slices.Concat(good(1), good(2))
	size := len(good(1))
	for cut := range b {
		all, d := decode(t, b[:cut], 16)
		if want := cut / size; len(all) != want || d.Lost != int64(cut-want*size) {
			t.Errorf("cut at %d: %d records, %d bytes lost", cut, len(all), d.Lost)
		}
	}
}

const (
	neoverseN1 = 0x413fd0c1
	neoverseV2 = 0x410fd4f0
	ampereOne  = 0xc00fac41
	hip12      = 0x480fd060
	cortexA72  = 0x410fd083
)

// TestDataSource has a row for each number that a CPU gives its sources, beside what perf makes of it: level, snoop,
// snoopx and remote (tools/perf/util/arm-spe.c).
func TestDataSource(t *testing.T) {
	const none, hit, hitm, na = 2, 4, 16, 0
	for _, test := range []struct {
		name                       string
		midr                       uint64
		number                     uint64
		level, snoop, peer, remote uint64
	}{
		{"L1", neoverseN1, 0x0, 1, none, 0, 0},
		{"L2", neoverseN1, 0x8, 2, none, 0, 0},
		{"peer core", neoverseN1, 0x9, 2, na, 1, 0},
		{"local cluster", neoverseV2, 0xa, 3, na, 1, 0},
		{"system cache", neoverseV2, 0xb, 3, hit, 0, 0},
		{"peer cluster", neoverseV2, 0xc, 3, na, 1, 0},
		{"remote", neoverseV2, 0xd, 15, na, 1, 1},
		{"DRAM", neoverseV2, 0xe, 13, none, 0, 0},
		{"Olympus, peer core", 0x4e0f0100, 0x9, 2, na, 1, 0},
		{"Cobalt 100, peer core", 0x6d0fd490, 0x9, 2, na, 1, 0},
		{"AmpereOne, cache of this chip", ampereOne, 0x0, 2, na, 1, 0},
		{"AmpereOne, system cache", ampereOne, 0x3, 3, hit, 0, 0},
		{"AmpereOne, cache of another chip", ampereOne, 0x5, 15, na, 1, 1},
		{"AmpereOne, DDR", ampereOne, 0x7, 13, none, 0, 0},
		{"AmpereOne, L1", ampereOne, 0x8, 1, none, 0, 0},
		{"AmpereOne, L2", ampereOne, 0x9, 2, none, 0, 0},
		{"HIP12, peer CPU", hip12, 0, 2, na, 1, 0},
		{"HIP12, peer CPU, modified", hip12, 1, 2, hitm, 1, 0},
		{"HIP12, L3", hip12, 2, 3, hit, 0, 0},
		{"HIP12, L3, modified", hip12, 3, 3, hitm, 0, 0},
		{"HIP12, peer cluster", hip12, 4, 3, na, 1, 0},
		{"HIP12, peer cluster, modified", hip12, 5, 3, hitm, 1, 0},
		{"HIP12, another socket", hip12, 6, 11, na, 1, 1},
		{"HIP12, another socket, modified", hip12, 7, 11, hitm, 1, 1},
		{"HIP12, memory", hip12, 8, 13, none, 0, 0},
		{"HIP12, memory of another socket", hip12, 9, 13, na, 0, 1},
		{"HIP12, device", hip12, 13, 10, none, 0, 0},
		{"HIP12, L2", hip12, 16, 2, none, 0, 0},
		{"HIP12, L2, modified", hip12, 17, 2, hitm, 0, 0},
		{"HIP12, L1", hip12, 18, 1, none, 0, 0},
	} {
		all, _ := decode(t, trace{}.load(test.number).end(), 64)
		got, known := SourcesOf(test.midr).Of(&all[0])
		want := [...]uint64{test.level, test.snoop, test.peer, test.remote}
		parts := [...]uint64{got >> 33 & 15, got >> 19 & 31, got >> 39 & 1, got >> 37 & 1}
		if parts != want || !known || got&31 != 2 {
			t.Errorf("%s: %v, want %v; known %v, operation %d", test.name, parts, want, known, got&31)
		}
	}
}

// What is not by the number of a source.
func TestDataSourceByEvents(t *testing.T) {
	const far, snoop, dirty = 1 << 10, 1 << 23, 1<<23 | 1<<21
	for name, test := range map[string]struct {
		trace trace
		midr  uint64
		known bool
		want  string // level, snoop, other cache, remote, locked, operation
	}{
		"a store has no source":       {trace{}.access(1).from(9), neoverseN1, true, "15 0 0 0 0 4"},
		"an atomic writes":            {trace{}.access(6).from(9), neoverseN1, true, "2 0 0 0 2 2"},
		"no source recorded":          {trace{}.access(0), neoverseN1, true, "15 0 0 0 0 2"},
		"a number not known":          {trace{}.load(0xf), neoverseN1, false, "15 0 0 0 0 2"},
		"far memory":                  {trace{}.load(0xe).events16(far), neoverseN1, true, "13 2 0 1 0 2"},
		"CPU not known":               {trace{}.load(9), cortexA72, false, "15 0 0 0 0 2"},
		"no CPU":                      {trace{}.load(9), 0, false, "15 0 0 0 0 2"},
		"CPU not known, far":          {trace{}.load(9).events16(far), cortexA72, false, "11 0 1 1 0 2"},
		"CPU not known, modified":     {trace{}.load(9).events32(dirty), cortexA72, false, "15 16 0 0 0 2"},
		"snooped, not modified":       {trace{}.load(9).events32(snoop), cortexA72, false, "15 0 0 0 0 2"},
		"a peer's line, modified":     {trace{}.load(9).events32(dirty), neoverseV2, true, "2 16 0 0 0 2"},
		"modified, in the core's own": {trace{}.load(0).events32(1 << 21), neoverseV2, true, "1 2 0 0 0 2"},
		"an ordered atomic":           {trace{}.access(0x16), neoverseN1, true, "15 0 0 0 2 2"},
		"an exclusive load":           {trace{}.access(0x0a), neoverseN1, true, "15 0 0 0 0 2"},
		"an exclusive store":          {trace{}.access(0x0b), neoverseN1, true, "15 0 0 0 0 4"},
		"a vector load":               {trace{}.access(0x04), neoverseN1, true, "15 0 0 0 0 2"},
	} {
		all, _ := decode(t, test.trace.end(), 64)
		v, known := SourcesOf(test.midr).Of(&all[0])
		got := fmt.Sprint(v>>33&15, v>>19&31, v>>16&1, v>>37&1, v>>24&3, v&31)
		if got != test.want || known != test.known {
			t.Errorf("%s: %s known %v, want %s", name, got, known, test.want)
		}
	}
}

// Whatever the bytes and wherever they are parted: nothing panics, the records are the same, every byte is read, and
// whole records in front stay.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(good(1)), uint8(5))
	f.Add([]byte(slices.Concat(good(1)[:20], good(2), trace{0xff, 0xb0}, good(3))), uint8(1))
	f.Add(bytes.Repeat([]byte{0xb0}, 100), uint8(9))
	f.Add(bytes.Repeat([]byte{0x20, 0x00, 0x23, 0x00}, 30), uint8(2))
	f.Add([]byte(trace{}.pc(true, 1).load(9).thread(3).physical(7).translate(1).end()), uint8(200))
	f.Fuzz(func(t *testing.T, b []byte, piece uint8) {
		b = slices.Concat(good(7), b)
		whole, d := decode(t, b, len(b))
		parted, e := decode(t, b, 1+int(piece))
		if !slices.Equal(whole, parted) || *d != *e || d.At != uint64(len(b)) {
			t.Fatalf("%d records and %+v at once, %d and %+v in pieces", len(whole), *d, len(parted), *e)
		}
		if len(whole) == 0 || whole[0].PC != 0xffff800010000007 || d.Lost > int64(len(b)-len(good(7))) {
			t.Fatalf("%+v, %+v", whole, *d)
		}
		for i := range whole {
			SourcesOf(hip12).Of(&whole[i])
		}
	})
}
