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
)

// A recording is a perf.data of one software clock, as perf record writes it. What
// it lacks perf would write, too.
type recording struct {
	attrs    int // more than one: the others count nothing
	records  []byte
	features map[int][]byte
}

const (
	recordMmap   = 1
	recordComm   = 3
	recordSample = 9

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
