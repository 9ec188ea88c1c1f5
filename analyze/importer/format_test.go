package importer

import (
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"
)

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	zw := gzip.NewWriter(&out)
	if _, err := zw.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestDetect(t *testing.T) {
	for _, tt := range []struct {
		head, name string
		want       Format
	}{
		{"PERFILE2\x68\x00", "x", Recording},
		{"2ELIFREP\x00", "x", Recording},
		{"swapper     0 [001] 202513.231817:    1001001 cpu-clock: \n\tff f ([k])\n", "", scriptText},
		{"# ========\n# captured on: now\n", "", scriptText},
		{"# comment only\nfalse 39654 19115.489713:          1 cycles:u:  ff [unknown] ([unknown])\n", "",
			scriptText},
		{"java 25607 cycles: \n\tff f ([k])\n", "", scriptText},
		{"java 25607/25608 [001]   1001001 \n\t              ff f\n", "", scriptText}, // by -F
		{"java 7.123456: cycles: \n\t              ff f\n", "", scriptText},
		{"Chapter 1\n\ta book (old)\n", "", ""},
		{"iperf;main;f 3\n", "", foldedText},
		{"swapper 5\n", "", ""},
		{"swapper 5\n", "x.folded", foldedText},
		{"a;f " + strings.Repeat("1", HeadBytes), "", ""},
		{strings.Repeat("a;f 1\n", HeadBytes/6) + "a;é"[:4], "", foldedText},
		{"#flows,run_1,avg_1\n", "", trexTable},
		{"\xef\xbb\xbf# frame size 1440,pps 1,tx per flow 1G\n#flows,run_1\n", "", trexTable},
		{"<?xml version=\"1.0\"?>\n<svg width=\"1200\">", "", flameSVG},
		{"  [ [ {\"tx_opackets\": 1", "", trexSweep},
		{"{\"start\":\t{\"connected\":\t[{", "", iperfJSON},
		{"\x0a\x0b\x08\x01\x10\x02 rest", "", pprofProto},
		{"prose without end", "x.folded", foldedText},
		{"prose without end", "x.svg.gz", flameSVG},
		{"prose without end", "x.pb.gz", pprofProto},
		{"prose without end", "x.txt", ""},
		{"{\"a\": 1}", "x.json", ""},
		{" \n\n", "x.folded", ""},
		{"", "x.folded", ""},
	} {
		got, err := Detect([]byte(tt.head), tt.name)
		if got != tt.want {
			t.Errorf("Detect(%.40q, %q) = %v, want %v", tt.head, tt.name, got, tt.want)
		}
		var unknown *FormatError
		if (tt.want == "") != errors.As(err, &unknown) {
			t.Errorf("Detect(%.40q, %q): error is %v", tt.head, tt.name, err)
		}
	}
}

func TestUnknownFormatNamesTheKnown(t *testing.T) {
	_, err := Read(strings.NewReader("prose"), Options{Name: "notes.txt"})
	if err == nil {
		t.Fatal("prose was read")
	}
	for _, want := range []string{"notes.txt", `"prose"`, "perf script text", "folded stacks", "flame graph SVG",
		"pprof", "TRex CSV", "iperf3 JSON", "pktgen result", "perf lock contention CSV"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %s", err, want)
		}
	}
	if _, err := Read(strings.NewReader("PERFILE2"), Options{}); err == nil {
		t.Error("a perf.data was read as text")
	}
}

func TestReadGzip(t *testing.T) {
	im, err := Read(bytes.NewReader(zipped(t, "a;f 1\na;g 2\n")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n := total(im.Profiles[0]); n != 3 {
		t.Errorf("%d samples, want 3", n)
	}
	cut := zipped(t, strings.Repeat("a;f 1\na;g 2\n", 10000))
	if im, err = Read(bytes.NewReader(cut[:len(cut)-20]), Options{Name: "cut"}); err == nil ||
		!strings.Contains(err.Error(), "cut") {
		t.Errorf("error of a cut gzip is %v", err)
	}
	if im == nil {
		t.Error("nothing of a cut gzip was kept")
	}
}
