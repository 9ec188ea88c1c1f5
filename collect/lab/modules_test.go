package lab

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What a directory of modules holds is not trusted: not that it ends, nor its sizes.
func TestModulesOfOthers(t *testing.T) {
	write := func(t *testing.T, name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range maxModule>>20 + 1 {
		if _, err := z.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		deps, module, want string
		data               []byte
	}{
		"a ring":   {"esp4.ko: ctr.ko\nctr.ko: esp4.ko\n", "esp4.ko", "", []byte("e")},
		"a bomb":   {"esp4.ko.gz:\n", "esp4.ko.gz", "more than 67108864 bytes inside", bomb.Bytes()},
		"too long": {"esp4.ko:\n", "esp4.ko", "has more than 67108864 bytes", make([]byte, maxModule+1)},
		"a FIFO":   {"esp4.ko:\n", "", "it is no regular file", nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "modules.dep"), []byte(c.deps))
			write(t, filepath.Join(dir, "ctr.ko"), []byte("c"))
			if c.module == "" {
				if err := syscall.Mkfifo(filepath.Join(dir, "esp4.ko"), 0o600); err != nil {
					t.Fatal(err)
				}
			} else {
				write(t, filepath.Join(dir, c.module), c.data)
			}
			mods, err := modules(dir)
			if c.want == "" && (err != nil || len(mods) != 2) ||
				c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%d modules, %v; want %q", len(mods), err, c.want)
			}
		})
	}
}

// An image that has no end is refused.
func TestImageWithoutEnd(t *testing.T) {
	k := Kernel{Build: Build{Image: "/dev/zero"}}
	if _, err := k.cacheName(t.TempDir()); err == nil || !strings.Contains(err.Error(), "it is no regular file") {
		t.Error(err)
	}
}
