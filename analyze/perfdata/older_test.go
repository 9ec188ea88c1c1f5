package perfdata

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// oldAttr is the largest attr that perf 6.1 accepts.
const oldAttr = 128

// forOldPerf returns the recording in a form that perf 6.1 reads: attributes
// cut to the size it knows, records not compressed. Samples stay as they are.
func forOldPerf(t testing.TB, b []byte, f *File) []byte {
	t.Helper()
	if f.pipe != nil {
		out := slices.Clone(b[:pipeHeaderSize])
		f.eachRecord(t, func(rec []byte) {
			body := rec[headerSize:]
			if f.typeOf(rec) == recordHeaderAttr {
				body = shortAttr(body)
			}
			out = append(out, rec[:6]...)
			out = little.AppendUint16(out, uint16(headerSize+len(body)))
			out = append(out, body...)
		})
		return out
	}
	if f.streams[0].compressed {
		b = flatten(t, b, f)
	}
	out := slices.Clone(b)
	attrSize, attrs, n := int(little.Uint64(b[16:])), int(little.Uint64(b[24:])), int(little.Uint64(b[32:]))
	little.PutUint64(out[16:], oldAttr+16)
	little.PutUint64(out[24:], uint64(len(out)))
	little.PutUint64(out[32:], uint64(n/attrSize*(oldAttr+16)))
	for at := attrs; at < attrs+n; at += attrSize {
		out = append(out, shortAttr(b[at:at+attrSize])...)
	}
	return out
}

// shortAttr cuts the attr at the start of b and keeps what follows it.
func shortAttr(b []byte) []byte {
	size := int(little.Uint32(b[4:]))
	out := append(slices.Clone(b[:min(size, oldAttr)]), b[size:]...)
	little.PutUint32(out[4:], uint32(min(size, oldAttr)))
	return out
}

// olderTwin writes the twin that perf 6.1 reads and returns its path.
func olderTwin(t testing.TB, b []byte, f *File) (string, *File) {
	t.Helper()
	twin := forOldPerf(t, b, f)
	path := filepath.Join(t.TempDir(), "perf.data")
	if err := os.WriteFile(path, twin, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, openBytes(t, twin)
}
