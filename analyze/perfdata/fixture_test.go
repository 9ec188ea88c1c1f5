package perfdata

import (
	"bytes"
	"compress/zlib"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fixtureRoot is where the recordings of other projects lie. They are read
// there and never copied.
const fixtureRoot = "../../../shared/fixtures/perfdata"

// A fixture is one recording.
type fixture struct {
	name string // below root
	root string
	data []byte
}

// fixtures returns every recording there is, in fixtureRoot and in the
// directories that PERFDATA_FIXTURES names. KDAB's are packed as Qt packs: u32
// length, zlib.
func fixtures(t testing.TB) []fixture {
	t.Helper()
	out := kept(t)
	if out == nil {
		t.Skipf("no fixtures at %s: they are kept beside the project, not in it", fixtureRoot)
	}
	return out
}

// kept returns the same, nil if there are none.
func kept(t testing.TB) []fixture {
	t.Helper()
	out := fixturesBelow(t, fixtureRoot)
	for _, root := range filepath.SplitList(os.Getenv("PERFDATA_FIXTURES")) {
		out = append(out, fixturesBelow(t, root)...)
	}
	return out
}

func fixturesBelow(t testing.TB, root string) []fixture {
	t.Helper()
	var out []fixture
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "expected.txt.zlib") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, ".zlib") {
			r, err := zlib.NewReader(bytes.NewReader(b[4:]))
			if err != nil {
				return err
			}
			if b, err = io.ReadAll(r); err != nil {
				return err
			}
		}
		if bytes.HasPrefix(b, []byte("PERFILE2")) {
			name, _ := filepath.Rel(root, path)
			out = append(out, fixture{name, root, b})
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	slices.SortFunc(out, func(a, b fixture) int { return strings.Compare(a.name, b.name) })
	return out
}

// fixtureNamed returns one recording.
func fixtureNamed(t testing.TB, name string) []byte {
	t.Helper()
	for _, f := range fixtures(t) {
		if f.name == name {
			return f.data
		}
	}
	t.Skipf("no fixture %s", name)
	return nil
}

// openPath opens the file or directory at path.
func openPath(path string) (*File, error) {
	return OpenFS(os.DirFS(filepath.Dir(path)), filepath.Base(path))
}
