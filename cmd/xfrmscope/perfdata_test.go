package main

import (
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// A recording is a perf.data of one software clock, as perf record writes it. What
// it lacks perf would write, too.
type recording struct {
	attrs    int // more than one: the others count nothing
	records  []byte
	features map[int][]byte
}

const (
	recordMmap       = 1
	recordComm       = 3
	recordSample     = 9
	recordCompressed = 81

	ofUser = 2 // in the header's misc
)

// words are numbers of 64 bits, little endian.
func words(list ...uint64) (b []byte) {
	for _, w := range list {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

// twoOf is a number of 64 bits of two of 32.
func twoOf(low, high uint32) uint64 { return uint64(high)<<32 | uint64(low) }

// padded is a string with its NUL, to 8 bytes.
func padded(s string) string { return s + strings.Repeat("\x00", 8-len(s)%8) }

// entry is a record of user space.
func entry(typ uint32, body ...[]byte) []byte {
	all := slices.Concat(body...)
	return append(words(twoOf(typ, uint32(8+len(all))<<16|ofUser)), all...)
}

func sampleAt(pid uint32, ip, time uint64) []byte {
	return entry(recordSample, words(ip, twoOf(pid, pid), time, 0, 1_000_000))
}

// inKernel is a record of the kernel.
func inKernel(record []byte) []byte {
	record[4] = 1 // PERF_RECORD_MISC_KERNEL
	return record
}

// bytes writes the file (tools/perf/Documentation/perf.data-file-format.txt).
func (r recording) bytes() []byte {
	const header, attrSize = 104, 64 + 16
	const sampled = 1 | 2 | 4 | 1<<7 | 1<<8 // IP, TID, TIME, CPU, PERIOD
	attr := append(words(twoOf(1, 64), 0, 1_000_000, sampled, 0, 0, 0, 0), words(header, 0)...)
	r.attrs = max(r.attrs, 1)
	at := uint64(header + attrSize*r.attrs)
	var bits [4]uint64
	ids := slices.Sorted(maps.Keys(r.features))
	for _, id := range ids {
		bits[id/64] |= 1 << (id % 64)
	}
	out := append([]byte("PERFILE2"), words(header, attrSize, header, uint64(attrSize*r.attrs), at,
		uint64(len(r.records)), 0, 0)...)
	out = append(out, words(bits[:]...)...)
	for range r.attrs {
		out = append(out, attr...)
	}
	out = append(out, r.records...)
	at = uint64(len(out) + 16*len(ids))
	for _, id := range ids {
		out = append(out, words(at, uint64(len(r.features[id])))...)
		at += uint64(len(r.features[id]))
	}
	for _, id := range ids {
		out = append(out, r.features[id]...)
	}
	return out
}

// patched puts numbers into a copy of a file: the place of the first, then those
// that follow each other.
func patched(data []byte, at int, numbers ...uint64) []byte {
	return slices.Concat(data[:at], words(numbers...), data[at+8*len(numbers):])
}

// pmus are n types without a name.
func pmus(n uint64) (b []byte) {
	for i := range n {
		b = append(b, words(i)...) // the type, and a name of no bytes
	}
	return b
}

// tracepoints are n formats without a field.
func tracepoints(n int) string {
	const page = "\x00\x10\x00\x00" // bytes
	text := "\x17\x08\x44tracing0.6\x00\x00\x08" + page + "header_page\x00" + string(words(0)) +
		"header_event\x00" + string(words(0)) + string(words(uint64(n))[:4])
	for i := range n {
		format := fmt.Sprintf("name: f\nID: %d\n", i&0xffff)
		text += string(words(uint64(len(format)))) + format
	}
	return text
}

func tasks(n uint32) []byte {
	return many(n, func(i uint32) []byte {
		return entry(recordComm, words(twoOf(i, i)), []byte(padded(fmt.Sprint(i))))
	})
}

func mappings(n uint32) []byte {
	return many(n, func(i uint32) []byte {
		return entry(recordMmap, words(twoOf(1, 1), uint64(i)<<13, 4096, 0), []byte(padded(fmt.Sprint("/", i))))
	})
}

func sampled(n uint32) []byte {
	return many(n, func(i uint32) []byte { return sampleAt(i, uint64(i)<<4, uint64(i)) })
}

func many(n uint32, of func(uint32) []byte) (b []byte) {
	for i := range n {
		b = append(b, of(i)...)
	}
	return b
}

// compressed are records as perf record -z writes them.
func compressed(t *testing.T, records []byte) (b []byte) {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for piece := range slices.Chunk(z.EncodeAll(records, nil), 60_000) {
		b = append(b, entry(recordCompressed, piece)...)
	}
	return b
}

// program64 is an ELF file of 4 MB: of two sections, the first of which says of the
// header how many there are, a table of symbols with long names, and size bytes in
// one of them.
func program64(section int, size uint64) []byte {
	const headers, names, symbols = 64, 512, 1 << 20
	out := make([]byte, 4<<20+24*300_000)
	copy(out, "\x7fELF\x02\x01\x01")
	copy(out[16:], words(twoOf(2|62<<16, 1), 0x400000, 0, headers, twoOf(0, 64)))
	binary.LittleEndian.PutUint16(out[52:], 64)
	binary.LittleEndian.PutUint16(out[58:], 64) // of a header of a section
	if section != 0 {
		binary.LittleEndian.PutUint16(out[60:], 4)
	}
	binary.LittleEndian.PutUint16(out[62:], 3) // names of sections
	for i, s := range [][4]uint64{
		{0, 0, 0, 0},
		{1, 6, 4096, 4096}, // code
		{2, 0, symbols, 24 * 300_000},
		{3, 0, names, symbols - names},
	} {
		if i == section {
			s[3] = size
		}
		link := uint64(0)
		if s[0] == 2 {
			link = 3
		}
		copy(out[headers+64*i:], words(s[0]<<32, s[1], 0x400000, s[2], s[3], link, 0, 24))
	}
	for i := names; i < symbols-1; i++ {
		out[i] = 'a'
	}
	for at := symbols; at+24 <= len(out); at += 24 {
		copy(out[at:], words(twoOf(1, 0x12|1<<16), 0x400000+uint64(at), 16))
	}
	return out
}

// What a program calls /tmp/perf-PID.map is read for names if it is a file, and
// neither waited for nor followed elsewhere.
func TestPerfMapOfOthers(t *testing.T) {
	const pid = 1<<22 + 4711 // more than a machine of today gives (pid_max)
	name := fmt.Sprintf("/tmp/perf-%d.map", pid)
	if _, err := os.Lstat(name); err == nil {
		t.Skip(name, " is there")
	}
	dir := t.TempDir()
	file, table := filepath.Join(dir, "perf.data"), filepath.Join(dir, "names")
	jitted := recording{records: slices.Concat(
		entry(recordMmap, words(twoOf(pid, pid), 0x10000, 0x1000, 0), []byte(padded("//anon"))),
		sampleAt(pid, 0x10008, 1000), sampleAt(pid, 0x10009, 2000))}
	for path, data := range map[string][]byte{file: jitted.bytes(), table: []byte("10000 20 made_at_run_time\n")} {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text := readFile(t, table)
	for what, c := range map[string]struct {
		make  func() error
		named bool
	}{
		"file": {func() error { return os.WriteFile(name, []byte(text), 0o644) }, true},
		"FIFO": {func() error { fifo(t, name); return nil }, false},
		"link": {func() error { return os.Symlink(table, name) }, false},
		"none": {func() error { return nil }, false},
	} {
		t.Run(what, func(t *testing.T) {
			if err := c.make(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Remove(name) })
			shown := make(chan string)
			go func() {
				code, stdout, stderr := cli("show", "--user", file)
				if code != exitOK {
					t.Error(stderr)
				}
				shown <- stdout
			}()
			select {
			case text := <-shown:
				named := strings.Contains(text, "made_at_run_time")
				if named != c.named || !strings.Contains(text, "samples") {
					t.Errorf("names of %s: %t, want %t:\n%s", name, named, c.named, text)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("it waits for a FIFO")
			}
		})
	}
}
