package bundle

import (
	"bufio"
	"encoding/json"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"xfrmscope/samples"
)

// Names of older bundles become what a new one would hold.
func TestLegacyLockID(t *testing.T) {
	three := 3
	for _, test := range []struct {
		name, class string
		want        LockID
	}{
		{"", "", LockID{}},
		{"x->lock SPI 0x1001", "x->lock", LockID{Kind: LockOfSA, Name: "lock", SPI: 0x1001}},
		{"x->lock SPI 0x1001 pcpu 3 inbound", "x->lock", LockID{Kind: LockOfSA, Name: "lock", SPI: 0x1001,
			PCPU: &three, Inbound: true}},
		{"x->mtimer+0x10 SPI 0x0", "x->mtimer+0x10", LockID{Kind: LockOfSA, Name: "mtimer+0x10"}},
		{"net->xfrm.xfrm_state_lock", "net->xfrm.xfrm_state_lock", LockID{Kind: LockOfNet,
			Name: "xfrm.xfrm_state_lock"}},
		{"net->xfrm.xfrm_state_lock of inode 8", "net->xfrm.xfrm_state_lock of inode 8",
			LockID{Kind: LockOfNet, Name: "xfrm.xfrm_state_lock", NetNS: "inode 8"}},
		{"rt_uncached_list+0x40 of CPU 3", "rt_uncached_list+0x40", LockID{Kind: LockPerCPU,
			Name: "rt_uncached_list+0x40", CPU: &three}},
		{"in xfrm_output_resume", "in xfrm_output_resume", LockID{Kind: LockOfCaller,
			Name: "xfrm_output_resume"}},
		{"tasklist_lock+0x10", "tasklist_lock+0x10", LockID{Kind: LockSymbol, Name: "tasklist_lock+0x10"}},
		{"x->lock SPI what", "x->lock SPI what", LockID{Kind: LockSymbol, Name: "x->lock SPI what"}},
		{"a of CPU many", "a of CPU many", LockID{Kind: LockSymbol, Name: "a of CPU many"}},
	} {
		id := LegacyLockID(test.name)
		if !reflect.DeepEqual(id, test.want) || id.String() != test.name || id.Class() != test.class {
			t.Errorf("%q is %+v, called %q, of class %q, want %+v, %q", test.name, id, id.String(),
				id.Class(), test.want, test.class)
		}
		data, err := json.Marshal(LockRow{ID: id})
		var back LockRow
		if err == nil {
			err = json.Unmarshal(data, &back)
		}
		if err != nil || !reflect.DeepEqual(back.ID, id) {
			t.Errorf("%+v comes back as %+v: %v", id, back.ID, err)
		}
	}
}

// TestLegacySamples reads every lock of the samples, which were recorded with
// names, and calls it as they do.
func TestLegacySamples(t *testing.T) {
	kinds := map[LockKind]int{}
	read := func(fsys fs.FS, path string) error {
		f, err := fsys.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			var line struct{ Row, Acquire *struct{ Name string } }
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				return err
			}
			for _, row := range []*struct{ Name string }{line.Row, line.Acquire} {
				if row == nil {
					continue
				}
				id := LegacyLockID(row.Name)
				kinds[id.Kind]++
				if id.String() != row.Name || strings.Contains(row.Name, "SPI") && id.SPI == 0 {
					t.Errorf("%s: %q is %+v, called %q", path, row.Name, id, id.String())
				}
			}
		}
		return lines.Err()
	}
	for _, name := range []string{"shared", "pcpu"} {
		fsys, err := samples.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		files, err := fs.Glob(fsys, "*/"+LocksFile)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			if err := read(fsys, path); err != nil {
				t.Errorf("%s of %s: %v", path, name, err)
			}
		}
	}
	if kinds[LockOfSA] == 0 || kinds[LockOfNet]+kinds[LockPerCPU]+kinds[LockSymbol] == 0 {
		t.Errorf("locks by kind %v", kinds)
	}
	t.Log(kinds)
}
