package reports

import (
	"bytes"
	"strings"
	"testing"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/digest"
	"xfrmscope/reports/format"
	"xfrmscope/reports/testdata/sample"
)

func TestShow(t *testing.T) {
	for name, r := range sample.Extremes(t) {
		var b bytes.Buffer
		if err := digest.Show(&b, r, digest.ShowOptions{Top: 5}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for line := range strings.Lines(b.String()) {
			if len(line) > 101 || strings.Trim(line, "\n") != format.ASCII(strings.Trim(line, "\n"), 100) {
				t.Errorf("%s: %q", name, line)
			}
		}
	}
	var b bytes.Buffer
	if err := digest.Show(&b, sample.Sweep(), digest.ShowOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"shared N=4: functions by self share", "55.41 +-0.49",
		"native_queued_spin_lock_slowpath", "x->lock SPI 0x1001", "0x00001001", "192.1.2.23 -> 192.1.2.45"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// TestFindDigest: a digest comes back from a mail, quoted twice or not at all.
func TestFindDigest(t *testing.T) {
	for name, r := range map[string]*result.Result{"sweep": sample.Sweep(), "comparison": sample.Comparison(t,
		4)} {
		want := digestText(t, r)
		for _, prefix := range []string{"", "> ", "> > ", "  "} {
			mail := "Hi,\n\nmeasured it:\n" + prefix + strings.ReplaceAll(strings.TrimSuffix(want, "\n"),
				"\n", "\n"+prefix) + "\n-- \nme\n"
			if prefix != "" {
				// mailers cut blanks
				mail = strings.ReplaceAll(mail, prefix+"\n", strings.TrimRight(prefix, " ")+"\n")
			}
			got, ok := digest.FindDigest(mail)
			if !ok || !strings.HasPrefix(got, want[:len(want)/2]) || prefix != "" && got != want {
				t.Errorf("%s quoted %q gave\n%s", name, prefix, got)
			}
		}
	}
	if _, ok := digest.FindDigest("xfrmscope is a tool\n"); ok {
		t.Error("a digest was found in a sentence")
	}
}

// TestRecomputed finds a number that was changed.
func TestRecomputed(t *testing.T) {
	n := Recomputed(sample.Sweep(), sample.Sweep())
	if n.Checked < 400 || len(n.Differ) != 0 || n.Runs != 6 {
		t.Errorf("%d numbers of %d runs, %d differ", n.Checked, n.Runs, len(n.Differ))
	}
	forged := sample.Sweep()
	forged.Runs[5].Packets.Rate.Value *= 1.001
	forged.Runs[5].Events[0].CPUs[1].SpinShare.Value = .2
	if n := Recomputed(sample.Sweep(), forged); len(n.Differ) != 2 || !strings.Contains(n.Differ[0],
		"packet_rate") {
		t.Errorf("of two forged numbers were found %q", n.Differ)
	}
	other := sample.Sweep()
	other.Runs[2].Name = "another"
	if n := Recomputed(sample.Sweep(), other); len(n.Unmatched) != 1 || n.Runs != 5 {
		t.Errorf("unmatched: %q, %d runs", n.Unmatched, n.Runs)
	}
}
