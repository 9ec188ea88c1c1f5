package perfdata

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xfrmscope/collect/bundle"
)

// deferredFile has samples whose user chain comes in a record of its own: in
// the same block, in a later one, in an earlier one, and never.
func deferredFile(w *testWriter, filler int) []byte {
	a := attr{Size: 144, SampleType: testType | sampleCallchain, Flags: flagSampleIDAll | flagDeferCallchain}
	r := w.fork()
	sample := func(tid uint32, cookie uint64) {
		r.record(recordSample, 0, func(w *testWriter) {
			fixedFields(w, 1, 0xffff0010, 5, tid, 100, 0, 1).u64(4, ContextKernel, 0xffff0010,
				contextUserDeferred, cookie)
		})
	}
	chain := func(tid uint32, cookie uint64, ips ...uint64) {
		r.record(recordCallchainDeferred, 0, func(w *testWriter) {
			w.u64(cookie, uint64(len(ips))).u64(ips...).u32(5, tid).u64(200).u32(0, 0).u64(1)
		})
	}
	gap := func() {
		for range filler {
			r.record(82, 0, func(w *testWriter) { w.raw(make([]byte, 4088)) })
		}
	}
	sample(6, 1)
	sample(7, 1) // the same cookie of another task
	chain(6, 1, ContextUser, 0x100, 0x200)
	sample(6, 2)
	gap()
	chain(6, 2, ContextUser, 0x300)
	chain(8, 3, ContextUser, 0x400) // its CPU's ring was copied first
	gap()
	sample(8, 3)
	sample(9, 99)
	return w.file([]testEvent{{a, []uint64{1}, "cycles"}}, r.b, nil)
}

func TestDeferredChainsAreJoined(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		f := openBytes(t, deferredFile(w, 20))
		f.streams[0].block = 1 << 16
		samples, stats := collect(t, f)
		var got []string
		for i := range samples {
			got = append(got, fmt.Sprintf("%d:%x", samples[i].TID, samples[i].Chain[2:]))
		}
		d := uint64(contextUserDeferred)
		want := []string{
			fmt.Sprintf("6:%x", []uint64{d, ContextUser, 0x100, 0x200}), fmt.Sprintf("7:%x", []uint64{d}),
			fmt.Sprintf("6:%x", []uint64{d, ContextUser, 0x300}),
			fmt.Sprintf("8:%x", []uint64{d, ContextUser, 0x400}), fmt.Sprintf("9:%x", []uint64{d}),
		}
		if !slices.Equal(got, want) || stats.ChainsMissing != 2 {
			t.Errorf("\n got %v\nwant %v\n%+v", got, want, stats)
		}
	})
}

// noise returns records whose bytes do not compress.
func noise(w *testWriter, n int) (records []byte, ips []uint64) {
	r := rand.New(rand.NewPCG(1, 2))
	out := w.fork()
	for range n {
		ip := r.Uint64()
		ips = append(ips, ip)
		out.record(recordSample, 0, func(w *testWriter) {
			fixedFields(w, 1, ip, r.Uint32(), r.Uint32(), r.Uint64(), 0, r.Uint64())
		})
	}
	return out.b, ips
}

// comp2 writes compressed data as the perf record of 6.16 does, overflow
// included: one COMPRESSED2 of several parts, its size u16 wrapped.
func comp2(w *testWriter, data []byte) []byte {
	out := w.fork()
	total := 0
	for rest := data; len(rest) > 0; {
		n := min(len(rest), comp2MaxData)
		out.u32(uint32(recordCompressed2)).u16(0).u16(uint16(comp2Header + n))
		if total == 0 {
			out.u64(0)
		} else {
			out.u64(0xdeaddeaddeaddead) // never set by perf
		}
		out.raw(rest[:n])
		total += comp2Header + n
		rest = rest[n:]
	}
	aligned := (total + 7) &^ 7
	w.order.AppendUint16(out.b[:6], uint16(aligned))
	w.order.AppendUint64(out.b[:8], uint64(total-comp2Header))
	if aligned < 1<<16 {
		out.raw(make([]byte, aligned-total))
	}
	return out.b
}

func TestCompressed2Overflow(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		a := attr{Size: 136, SampleType: testType}
		records, ips := noise(w, 12000)
		find := func(lo, hi int) []byte { // a stretch whose compressed form is lo..hi bytes long
			for n := lo * 9 / 10; n < len(records); {
				c := compress(t, records[:n])[0]
				if len(c) >= lo && len(c) <= hi {
					return records[:n]
				}
				n += max((lo-len(c))/2, 1)
			}
			t.Fatalf("no stretch compresses to %d..%d bytes", lo, hi)
			return nil
		}
		for _, test := range []struct {
			name  string
			piece []byte
		}{
			{"fits", find(60000, 65000)},
			{"size wraps to 0", find(65513, 65519)},
			{"two parts", find(65600, 100000)},
			{"five parts", find(265000, 300000)},
		} {
			pieces := compress(t, test.piece, records[len(test.piece):])
			var stored []byte
			for _, p := range pieces {
				stored = append(stored, comp2(w, p)...)
			}
			stored = append(stored, w.fork().record(recordFinishedRound, 0, nil).b...)
			f := openBytes(t, w.file([]testEvent{{a, []uint64{1}, "c"}}, stored, nil))
			samples, _ := collect(t, f)
			side, _ := f.Sideband()
			var got []uint64
			for i := range samples {
				got = append(got, samples[i].IP)
			}
			if !slices.Equal(got, ips) || f.counts(t)[recordFinishedRound] != 1 || len(side.Losses) > 0 {
				t.Errorf("%s: %d of %d samples, losses %+v", test.name, len(got), len(ips), side.Losses)
			}
		}
	})
}

// Records straddle pieces, and plain records stand between them.
func TestCompressedPieces(t *testing.T) {
	w := newTestWriter(false)
	a := attr{Size: 136, SampleType: testType}
	records, ips := noise(w, 300)
	var cuts [][]byte
	for at := 0; at < len(records); at += 777 {
		cuts = append(cuts, records[at:min(at+777, len(records))])
	}
	stored := w.fork()
	for _, p := range compress(t, cuts...) {
		stored.record(recordCompressed, 0, func(w *testWriter) { w.raw(p) }).record(recordFinishedRound, 0, nil)
	}
	f := openBytes(t, w.file([]testEvent{{a, []uint64{1}, "c"}}, stored.b, nil))
	f.streams[0].block = 4096
	met, rounds := 0, 0
	f.eachRecord(t, func(rec []byte) {
		if f.typeOf(rec) == recordSample {
			met++
			return
		}
		rounds++
		if want := min(777*rounds, len(records)) / (len(records) / len(ips)); met != want {
			t.Errorf("round %d comes after %d samples, want %d", rounds, met, want)
		}
	})
	samples, stats := collect(t, f)
	if len(samples) != len(ips) || rounds != len(cuts) {
		t.Errorf("%d of %d samples, %d of %d rounds, %+v", len(samples), len(ips), rounds, len(cuts), stats)
	}
	for i := range samples {
		if samples[i].IP != ips[i] {
			t.Fatalf("sample %d: IP %x, want %x", i, samples[i].IP, ips[i])
		}
	}
}

func TestDamagedCompression(t *testing.T) {
	w := newTestWriter(false)
	a := attr{Size: 136, SampleType: testType, Flags: flagSampleIDAll}
	records, _ := noise(w, 100)
	pieces := compress(t, records[:len(records)/2], records[len(records)/2:])
	pieces[1][5] ^= 0xff
	pieces[1][6] ^= 0xff
	pieces[1] = pieces[1][:len(pieces[1])-9]
	stored := w.fork()
	for _, p := range pieces {
		stored.record(recordCompressed, 0, func(w *testWriter) { w.raw(p) })
	}
	stored.record(recordComm, 0, func(w *testWriter) {
		w.u32(1, 1).name("after").u32(1, 1).u64(0).u32(0,
			0).u64(1)
	})
	f := openBytes(t, w.file([]testEvent{{a, []uint64{1}, "c"}}, stored.b, nil))
	samples, _ := collect(t, f)
	side, _ := f.Sideband()
	if len(samples) < 50 || len(side.Comms) != 1 || len(side.Losses) == 0 {
		t.Errorf("%d samples, comms %+v, losses %+v", len(samples), side.Comms, side.Losses)
	}
}

// A few bytes that expand without end are cut off and said.
func TestCompressionBomb(t *testing.T) {
	w := newTestWriter(false)
	a := attr{Size: 136, SampleType: testType, Flags: flagSampleIDAll}
	round := bytes.Repeat(w.fork().record(recordFinishedRound, 0, nil).b, 1<<20)
	var pieces [][]byte
	for range 16 {
		pieces = append(pieces, round)
	}
	stored := w.fork()
	for _, p := range compress(t, pieces...) {
		for len(p) > 0 {
			n := min(len(p), 60000)
			stored.record(recordCompressed, 0, func(w *testWriter) { w.raw(p[:n]) })
			p = p[n:]
		}
	}
	file := w.file([]testEvent{{a, []uint64{1}, "c"}}, stored.b, nil)
	f := openBytes(t, file)
	side, err := f.Sideband()
	if err != nil {
		t.Fatal(err)
	}
	rounds := f.counts(t)[recordFinishedRound]
	if limit := uint64(maxRatio*len(file) + ratioFree); rounds*8 > limit || rounds == 16<<20 {
		t.Errorf("%d bytes out of a file of %d, limit %d", rounds*8, len(file), limit)
	}
	if len(side.Losses) == 0 || !strings.Contains(side.Losses[0].Effect, "1024 times") {
		t.Errorf("losses %+v", side.Losses)
	}
}

func TestDamageInTheMiddleIsPassedOver(t *testing.T) {
	w := newTestWriter(false)
	a := attr{Size: 136, SampleType: testType, Flags: flagSampleIDAll}
	records, ips := noise(w, 100)
	size := len(records) / 100
	clear(records[size*40 : size*43]) // three records zeroed
	f := openBytes(t, w.file([]testEvent{{a, []uint64{1}, "c"}}, records, nil))
	samples, _ := collect(t, f)
	side, _ := f.Sideband()
	if len(samples) != 97 || samples[40].IP != ips[43] {
		t.Errorf("%d samples", len(samples))
	}
	if len(side.Losses) != 1 || side.Losses[0].Count != uint64(3*size) {
		t.Errorf("losses %+v", side.Losses)
	}
}

func TestTyped(t *testing.T) {
	w := newTestWriter(false)
	event := testEvent{attr{Size: 64, SampleType: sampleIP}, nil, "c"}
	good := w.file([]testEvent{event}, nil, nil)
	pipe := w.fork().raw([]byte("PERFILE2")).u64(16)
	for range maxEvents + 1 {
		pipe.record(recordHeaderAttr, 0, func(w *testWriter) { w.attr(event.attr) })
	}
	for _, test := range []struct {
		name, next string
		data       []byte
		kind       error
	}{
		{"empty", "record again", nil, errEmpty},
		{"v1", "perf of that age", append([]byte("PERFFILE"), make([]byte, 200)...), errVersion1},
		{"text", "perf record -o", []byte("swapper 0 [000] 1.0: cycles: "), errNotPerfData},
		{"gzip", "gunzip", append([]byte{0x1f, 0x8b}, make([]byte, 50)...), errNotPerfData},
		{"short", "perf record -o", []byte("PERFILE2"), errNotPerfData},
		{"header cut off", "copy the file", good[:60], errDamaged},
		{"attrs gone", "record again", good[:150], errDamaged},
		{"pipe without events", "record again", w.fork().raw([]byte("PERFILE2")).u64(16).b, errNoEvents},
		{"many events", "fewer events", w.file(slices.Repeat([]testEvent{event}, maxEvents+1), nil, nil),
			errManyEvents},
		{"pipe of many events", "fewer events", pipe.b, errManyEvents},
	} {
		_, err := Open(bytes.NewReader(test.data), int64(len(test.data)))
		var format *FormatError
		if !errors.As(err, &format) || format.kind != test.kind || !strings.Contains(format.next, test.next) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// An empty but finished recording is not an unfinished one.
func TestFinishedOrNot(t *testing.T) {
	w := newTestWriter(false)
	events := []testEvent{{attr{Size: 128, SampleType: testType}, []uint64{1}, "c"}}
	if f := openBytes(t, w.file(events, nil, nil)); f.unfinished || f.Meta.Hostname != "test" {
		t.Errorf("finished, no records: %+v", f.Meta)
	}
	records, _ := noise(w, 10)
	file := w.file(events, records, nil)
	dataEnd := int(w.order.(interface{ Uint64([]byte) uint64 }).Uint64(file[40:])) + len(records)
	killed := slices.Clone(file[:dataEnd-20]) // perf was killed: no sizes, no features, half a record
	clear(killed[48:56])
	f := openBytes(t, killed)
	samples, _ := collect(t, f)
	side, _ := f.Sideband()
	for _, l := range side.Losses {
		if l.Kind != bundle.LossEnd {
			t.Errorf("%+v is no end of the recording", l)
		}
	}
	if !f.unfinished || len(samples) != 9 || len(side.Losses) != 2 ||
		side.Losses[1].Count != uint64(len(records)/10-20) {
		t.Errorf("unfinished %v, %d samples, losses %+v", f.unfinished, len(samples), side.Losses)
	}
}

func TestDirectory(t *testing.T) {
	w := newTestWriter(false)
	a := attr{Size: 128, SampleType: testType, Flags: flagSampleIDAll}
	dir := t.TempDir()
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	comm := w.fork().record(recordComm, 0, func(w *testWriter) {
		w.u32(1, 1).name("task").u32(1, 1).u64(0).u32(0,
			0).u64(1)
	}).b
	write("data", w.file([]testEvent{{a, []uint64{1, 2}, "c"}}, comm, nil))
	for cpu := range uint32(2) {
		r := w.fork()
		for i := range uint64(3) {
			r.record(recordSample, 0, func(w *testWriter) {
				fixedFields(w, uint64(cpu)+1, i, 1, 1,
					100+10*i+uint64(cpu), cpu, 1)
			})
		}
		write(fmt.Sprintf("data.%d", cpu), r.b)
	}
	f, err := openPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	samples, _ := collect(t, f)
	var times []uint64
	for i := range samples {
		times = append(times, samples[i].TimeNS)
	}
	if want := []uint64{100, 110, 120, 101, 111, 121}; !slices.Equal(times, want) {
		t.Errorf("times %v, want %v", times, want)
	}
	if _, err := openPath(t.TempDir()); !errors.As(err, new(*FormatError)) {
		t.Errorf("empty directory: %v", err)
	}
}

// A pass that was cancelled is made again.
func TestCancelledPass(t *testing.T) {
	w := newTestWriter(false)
	records, ips := noise(w, 100)
	f := openBytes(t, w.file([]testEvent{{attr{Size: 128, SampleType: testType}, []uint64{1}, "c"}}, records, nil))
	f.streams[0].block = 128
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range 2 {
		for _, err := range f.Blocks(ctx) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
		}
		if samples, _ := collect(t, f); len(samples) != len(ips) {
			t.Errorf("%d of %d samples", len(samples), len(ips))
		}
	}
}
