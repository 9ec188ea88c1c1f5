package importer

import (
	"bytes"
	"strings"
	"testing"
)

func TestFolded(t *testing.T) {
	const noEvent = " warning: unnamed event: the file does not name the event that was sampled; " +
		"stackcollapse-perf.pl keeps only the first of a recording and drops the others\n"
	for _, tt := range []struct {
		name, text, want string
	}{
		{"plain", "# comment\niperf;main;f 3\n\niperf;main 2\niperf;main;f 1\nswapper 5\n", `unnamed event in count
 cpu -1 iperf -1/-1: 4 = 4 (4) < f < main
 cpu -1 iperf -1/-1: 2 = 2 (2) < main
 cpu -1 swapper -1/-1: 5 = 5 (5) < [unknown]
` + noEvent},
		{"marked kernel frames", "Web Content-12/13;main;sys_read_[k];vfs_read_[k] 3\nWeb " +
			"Content-12/13;f_[j];g_[i] 1\n", `unnamed event in count
 cpu -1 Web Content-12/13 -1/-1: 3 = 3 (3) < vfs_read in [kernel] (kernel) < sys_read in [kernel] (kernel) < main in [user]
 cpu -1 Web Content-12/13 -1/-1: 1 = 1 (1) < g in [user] < f in [jit]
` + noEvent},
		{"files without symbols", "a;[libc.so.6];f_[k];[nf_conntrack]_[k] 1\na;[unknown];[kernel.kallsyms] 2\n",
			`unnamed event in count
 cpu -1 a -1/-1: 1 = 1 (1) < [unknown] in [nf_conntrack] (kernel) < f in [kernel] (kernel) < [unknown] in libc.so.6
 cpu -1 a -1/-1: 2 = 2 (2) < [unknown] in [kernel.kallsyms] (kernel) < [unknown] in [user]
` + noEvent},
		{"fractions", "a;f 1.25\na;f 2.5\na;g 3\n", `unnamed event in count
 cpu -1 a -1/-1: 0 = 4 (0) < f
 cpu -1 a -1/-1: 0 = 3 (0) < g
` + noEvent + ` warning: unnamed event: weights have fractions: they are no numbers of samples, and are rounded to whole ones a stack
 warning: unnamed event: the number of samples is not known: sampling errors are not given
`},
		{"periods", "a;f 4000000000\na;g 1000000\n", `unnamed event in count
 cpu -1 a -1/-1: 0 = 4000000000 (0) < f
 cpu -1 a -1/-1: 0 = 1000000 (0) < g
` + noEvent + ` warning: unnamed event: weights are sums of periods, of an event the file does not name: taken for samples, 4,001,000,000 would be 12 days of one CPU at 4000 Hz
 warning: unnamed event: the number of samples is not known: sampling errors are not given
`},
		{"one bad line", "a;f 1\na;g 2\nnone\n", `unnamed event in count
 cpu -1 a -1/-1: 1 = 1 (1) < f
 cpu -1 a -1/-1: 2 = 2 (2) < g
 loss: 1 of 3 lines of the folded text without a stack and count, the first at input:3
` + noEvent},
		{"weights too many for so few stacks", "a;f 250000\na;g 999\n", `unnamed event in count
 cpu -1 a -1/-1: 0 = 250000 (0) < f
 cpu -1 a -1/-1: 0 = 999 (0) < g
` + noEvent + ` warning: unnamed event: weights are sums of periods, of an event the file does not name: taken for samples, 250,999 are more than 2 stacks have
 warning: unnamed event: the number of samples is not known: sampling errors are not given
`},
		{"names of many kinds", "Web Content;operator new;std::f(int const&) const 1\n" +
			"node;LazyCompile:~f /x/y.js:12 2\nVM Thread;block in each 3\n", `unnamed event in count
 cpu -1 Web Content -1/-1: 1 = 1 (1) < std::f(int const&) const < operator new
 cpu -1 node -1/-1: 2 = 2 (2) < LazyCompile:~f /x/y.js:12
 cpu -1 VM Thread -1/-1: 3 = 3 (3) < block in each
` + noEvent},
		{"names with spaces and numbers", "a;operator new(unsigned long) 12\na;thread 7 1\n", `unnamed event in count
 cpu -1 a -1/-1: 12 = 12 (12) < operator new(unsigned long)
 cpu -1 a -1/-1: 1 = 1 (1) < thread 7
` + noEvent},
		{"windows line ends, no last one", "a;f 1\r\na;f 2",
			"unnamed event in count\n cpu -1 a -1/-1: 3 = 3 (3) < f\n" + noEvent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			im, err := Read(strings.NewReader(tt.text), Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range im.Profiles {
				checkProfile(t, p)
			}
			if got := dumpAll(im); im.Format != foldedText || got != tt.want {
				t.Errorf("read as %v, got\n%s\nwant\n%s", im.Format, got, tt.want)
			}
		})
	}
}

// The collapsed text of a perf script text gives the same weights as that
// text's first event.
func TestFoldedAgreesWithScript(t *testing.T) {
	for _, name := range []string{"script/perf-cycles-instructions-01", "script/perf-iperf-stacks-pidtid-01"} {
		text := fixture(t, name+".txt")
		script := mustRead(t, name, text[:bytes.LastIndex(text, []byte("\n\n"))+2]).Profiles[0]
		folded := mustRead(t, name, fixture(t, name+"-collapsed-kernel.txt")).Profiles[0]
		if diff := lineDiff(fold(folded, foldStyle{}), fold(script, foldStyle{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
