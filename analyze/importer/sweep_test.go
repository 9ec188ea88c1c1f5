package importer

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func TestReadRuns(t *testing.T) {
	for text, want := range map[string]string{
		"# runs of monday\nfile  n  mode\na.data 1 x\nb.data\t4 -\n": "[{a.data map[mode:x n:1]} {b.data " +
			"map[n:4]}]",
		"\xef\xbb\xbfFile,n,kernel\nmy a.data, 2, 6.12 rc\n": "[{my a.data map[kernel:6.12 rc n:2]}]",
		"a;b 1\n": "[]", "file\n": "[]", "": "[]", "PERFILE2\x00" + strings.Repeat("x", maxLine): "[]",
	} {
		rows, err := ReadRuns(strings.NewReader(text), "t")
		got := "["
		for i, r := range rows {
			got += strings.Repeat(" ", min(i, 1)) + fmt.Sprintf("{%s %v}", r.Path, r.Labels)
		}
		if got += "]"; err != nil || got != want {
			t.Errorf("%.40q: %s, %v, want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"file n\na 1 2\n": "t:2: a row of 3", "file n\na x\n": `t:2: n is "x"`,
		"file n\na 0\n": `t:2: n is "0"`, "file n\n": "t: a table",
		"file,n,\na,1,2\n": "t:1: a column",
	} {
		if _, err := ReadRuns(strings.NewReader(text), "t"); err == nil ||
			!strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// Recordings are runs of a sweep where their names or labels tell N; what is of
// none of them is refused.
func TestGroupRecordings(t *testing.T) {
	recording := func(path string, labels ...string) File {
		f := File{Path: path, Import: &Import{Format: Recording}, Labels: map[string]string{}}
		for _, l := range labels {
			key, value, _ := strings.Cut(l, "=")
			f.Labels[key] = value
		}
		return f
	}
	traffic := recording("n2.json")
	traffic.Import = &Import{Format: iperfJSON, Traffic: &Traffic{Points: []Point{{N: 1}}}}
	stray := traffic
	stray.Path = "all.json"
	for _, tt := range []struct {
		files []File
		want  string
	}{
		{[]File{recording("n1.data"), recording("a/n=4.data"), recording("n8/perf.data"),
			recording("16cpus.data")},
			"n1 map[n:1] 1; n_4 map[n:4] 1; perf map[n:8] 1; 16cpus map[n:16] 1; "},
		{[]File{recording("n1.data", "mode=x"), recording("b/n1.data", "mode=x"), recording("n2.data"),
			traffic},
			"n1 map[mode:x n:1] 1; n1-2 map[mode:x n:1 repeat:2] 1; n2 map[n:2] 2; "},
		{[]File{recording("n1.data"), recording("n2.data"), stray}, "cannot be told"},
		{[]File{recording("a.data"), recording("n2.data")}, "a run has one perf.data"},
		{[]File{recording("a.data", "n=3"), recording("n2.data")}, "a map[n:3] 1; n2 map[n:2] 1; "},
	} {
		groups, err := Groups(tt.files, nil)
		got := ""
		for _, g := range groups {
			got += fmt.Sprintf("%s %v %d; ", g.Dir, g.Labels, len(g.Files))
		}
		if err != nil {
			got = err.Error()
			var format *FormatError
			if !errors.As(err, &format) {
				t.Errorf("%v is no FormatError", err)
			}
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s, want %s", got, tt.want)
		}
	}
}

// A label n is of one run: results of several N are not.
func TestGroupsLabelN(t *testing.T) {
	f := File{Path: "t.csv", Labels: map[string]string{"n": "4"}, Import: readText(t, trexTable, "t.csv", rates)}
	if _, err := Groups([]File{f}, nil); err == nil || !strings.Contains(err.Error(), "n=4 is of one") {
		t.Errorf("%v", err)
	}
}

func TestReadZstd(t *testing.T) {
	var out bytes.Buffer
	zw, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30000 { // more than the head that tells the format
		fmt.Fprintf(zw, "a;f%d 1\n", i*i)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	im, err := Read(bytes.NewReader(out.Bytes()), Options{})
	if err != nil || total(im.Profiles[0]) != 30000 {
		t.Fatalf("%v", err)
	}
}
