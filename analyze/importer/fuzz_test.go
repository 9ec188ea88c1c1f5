package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// fuzzFormat feeds a reader whatever comes: it must not panic, and what it
// returns must hold together, be the same twice, and print as JSON.
func fuzzFormat(f *testing.F, format Format, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		im, err := readAs(format, bytes.NewReader(data), Options{Name: "fuzz"})
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) && compressionOf(data) == nil {
				t.Fatalf("error without a position: %v", err)
			}
			return
		}
		checkImport(t, im)
		again, err := readAs(format, bytes.NewReader(data), Options{Name: "fuzz"})
		if err != nil || dumpAll(again) != dumpAll(im) {
			t.Fatalf("the second reading differs: %v", err)
		}
	})
}

func checkImport(t *testing.T, im *Import) {
	t.Helper()
	seen := map[string]bool{}
	for _, p := range im.Profiles {
		checkProfile(t, p)
		if seen[p.Event.Name] {
			t.Fatalf("two profiles of event %q", p.Event.Name)
		}
		seen[p.Event.Name] = true
	}
	for _, part := range []any{im.Traffic, im.Locks, im.Losses, im.Warnings} {
		if _, err := json.Marshal(part); err != nil {
			t.Fatalf("does not print as JSON: %v", err)
		}
	}
}

func FuzzScript(f *testing.F) {
	fuzzFormat(f, scriptText,
		"# event : name = cycles:P, , id = { 1 }, { sample_period, sample_freq } = 4000, freq = 1\nx y 3/4 "+
			"[000] 1.000000: 7 cycles:P: \n\tff f+0x1 (inlined)\n\tff g+0x1 ([k])\n\n",
		"x 3 [000] 1.000000: PERF_RECORD_LOST lost 17\nProcessed 1 events and lost 4 chunks!\n",
		"           false 39654 19115.489713:          1 cycles:u:  ffffffff9b201293 [unknown] ([unknown])\n",
		"java 25607 cycles: \n  a.c:12\n\tff\n",
		"x 3 [2] 1.000000: 7 mem-loads: ff 60 |OP LOAD|LVL L3|BLK  N/A 31 ffffffff81000010 f+0x10 (k) 1f 4K\n")
}

func FuzzFolded(f *testing.F) {
	fuzzFormat(f, foldedText, "a;b_[k];c 12\na;b 1.5\n", "a 1\n#\n\n", "a;b 1 2\na;c 3 4\n",
		"a;b 18446744073709551615\n")
}

func FuzzSVG(f *testing.F) {
	fuzzFormat(f, flameSVG,
		`<svg width="1200"><g><title>all (100 samples, 100%)</title><rect x="10" width="1180" `+
			`y="100"/></g><g><title>a (50 samples, 50%)</title><rect x="10" width="590" y="84"/></g></svg>`,
		`<svg xmlns:fg="x"><svg id="frames" width="1180"><g><title>all (1,000 ns, 100%)</title><rect x="0%" `+
			`width="100%" y="1" fg:x="0" fg:w="1000"/></g></svg></svg>`)
}

func FuzzTRexCSV(f *testing.F) {
	fuzzFormat(f, trexTable,
		"# frame size 1440,pps 286458,tx per flow 3.3G\n#flows,run_1,run_2,avg_2\n1,3.13,3.12,3.12\n",
		"#flows,run_1,cum_error\n1,nan,\n")
}

func FuzzTRexJSON(f *testing.F) {
	fuzzFormat(f, trexSweep, `[[{"tx_opackets": 1, "rx_ipackets": 1, "l_pkts": 0, "flow": 1, "run": 1}]]`,
		`[{"fwd_tx_opackets": 1e3, "fwd_tx_pps": 1.5, "rev_tx_opackets": 2, "flows": 3}]`)
}

func FuzzIPerf3(f *testing.F) {
	fuzzFormat(f, iperfJSON,
		`{"start":{"test_start":{"num_streams":1}},"end":{"sum":{"seconds":10,"bytes":1,`+
			`"bits_per_second":3e9,"lost_packets":100,"packets":1000}}}`,
		`{"event":"start","data":{}}`+"\n"+`{"event":"end","data":{"sum_sent":{"bits_per_second":1}}}`)
}

func FuzzPktgen(f *testing.F) {
	fuzzFormat(f, pktgenText, "Params: count 5\n ifname: eth0@3\nResult: OK: 15430(c15405+d25) usec, 100000 "+
		"(60byte,0frags)\n  6480562pps 3110Mb/sec (3110669760bps) errors: 2\n",
		"/proc/net/pktgen/e@1:Result: Idle\n")
}

func FuzzLockCSV(f *testing.F) {
	fuzzFormat(f, lockTable, "# output: contended, total wait, max wait, avg wait, type, caller\n201, 1234567, "+
		"9876, 6142, spinlock, f+0x1f2\n# debug: total=208, bad=4\n",
		"# output: contended; pid; comm\n1; 2; 3\n")
}

// FuzzRead goes through the detection, with names that decide as well.
func FuzzRead(f *testing.F) {
	f.Add([]byte("a;b 1\n"), "x.folded")
	f.Add([]byte("\x0a\x00"), "x.pb.gz")
	f.Add([]byte("\x1f\x8b\x08\x00"), "x.svg")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		im, err := Read(bytes.NewReader(data), Options{Name: name})
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Fatal("an error that says nothing")
			}
			return
		}
		checkImport(t, im)
	})
}
