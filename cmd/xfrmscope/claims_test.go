package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xfrmscope/samples"
)

// iperfUDP is the result of a client, or of a server, that sent and lost so many
// datagrams in 10 s.
func iperfUDP(sent, lost int, server bool) string {
	start, tx := "", sent
	if server {
		start, tx = `"accepted_connection":{"host":"192.0.2.9"},`, 0
	}
	sum := func(packets, lost, bytes int) string {
		return fmt.Sprintf(`{"seconds":10,"bytes":%d,"bits_per_second":%d,"lost_packets":%d,"packets":%d}`,
			100*bytes, 80*bytes, lost, packets)
	}
	return fmt.Sprintf(
		`{"start":{%s"version":"iperf 3.17","test_start":{"protocol":"UDP","num_streams":1}},"end":{"sum":%s,`+
			`"sum_sent":%s,"sum_received":%s}}`+"\n",
		start, sum(sent, lost, sent), sum(tx, 0, tx), sum(sent, lost, sent-lost))
}

func trexRun(run, offered, sent, came int) string {
	return fmt.Sprintf(`{"flows":1,"run":%d,"tx_pps_req":%d,"duration":10,"direction":"fwd",
		"fwd_tx_opackets":%d,"fwd_rx_ipackets":%d,"fwd_l_pkts":%d}`, run, offered, sent, came, sent-came)
}

// valuesOf reports files and returns the values of a metric.
func valuesOf(t *testing.T, metric string, args ...string) []string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	if code, _, stderr := cli(append([]string{"report", "-o", dir}, args...)...); code != exitOK {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	data, err := os.ReadFile(filepath.Join(dir, "results.csv"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(data)) {
		cells := strings.Split(line, ",")
		if i := slices.Index(cells, metric); i >= 0 {
			out = append(out, cells[i+1])
		}
	}
	return out
}

// Packets are those that came, whatever was sent.
func TestDeliveredPackets(t *testing.T) {
	f := writeFiles(t, map[string]string{
		"client.json": iperfUDP(1000, 200, false),
		"server.json": iperfUDP(1000, 200, true),
		"three.json":  iperfUDP(1000, 200, false) + iperfUDP(1000, 100, false) + iperfUDP(1000, 0, false),
		"both.json": `[{"flows":1,"run":1,"duration":10,"fwd_tx_opackets":400,"fwd_rx_ipackets":300,"fwd_l_pkts":100,
			"rev_tx_opackets":600,"rev_rx_ipackets":601,"rev_l_pkts":-1}]`,
	})
	for name, want := range map[string][2]string{
		"client.json": {"80", "0.2"}, "server.json": {"80", "0.2"}, "three.json": {"80 90 100", "0.2 0.1 0"},
		"both.json": {"90.1", "0.1"},
	} {
		rate, loss := valuesOf(t, "packet_rate", f[name]), valuesOf(t, "loss", f[name])
		if got := [2]string{strings.Join(rate, " "), strings.Join(loss, " ")}; got != want {
			t.Errorf("%s: packets/s and loss %v, want %v", name, got, want)
		}
	}
}

// A patch that loses packets fails a gate on packets/s though as many are sent.
func TestLossFailsGate(t *testing.T) {
	dir := t.TempDir()
	for side, lost := range map[string]int{"before": 10, "after": 400} {
		texts := map[string]string{}
		for i := range 5 {
			texts[fmt.Sprintf("%d.json", i)] = iperfUDP(1000+i, lost, false)
		}
		args := []string{"import", "-o", filepath.Join(dir, side), "--label", "mode=pcpu"}
		for _, path := range writeFiles(t, texts) {
			args = append(args, path)
		}
		if code, _, stderr := cli(args...); code != exitOK {
			t.Fatalf("import: exit code %d, %s", code, stderr)
		}
	}
	code, out, _ := cli("compare", filepath.Join(dir, "before"), filepath.Join(dir, "after"), "--fail-on",
		"packet_rate<-2%")
	if code != exitRegression {
		t.Errorf("exit code %d, want %d\n%s", code, exitRegression, out)
	}
}

// Runs at other offered rates are no repeats: only those alike are compared.
func TestOfferedRates(t *testing.T) {
	var before, after []string
	for run := 1; run <= 5; run++ {
		before = append(before, trexRun(run, 100, 1000, 1000), trexRun(run, 900, 9000, 5000))
		after = append(after, trexRun(run, 100, 1000, 1000), trexRun(run, 50, 500, 500))
	}
	f := writeFiles(t, map[string]string{
		"before.json": "[" + strings.Join(before, ",\n") + "]", "after.json": "[" + strings.Join(after, ",\n") +
			"]",
		"slow.json": "[" + trexRun(1, 50, 500, 500) + "]", "fast.json": "[" + trexRun(1, 900, 9000, 9000) + "]",
	})
	code, out, stderr := cli("compare", f["before.json"], f["after.json"], "--fail-on", "packet_rate<-2%")
	if code != exitOK || !strings.Contains(out, "  offered pps ") {
		t.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	if code, out, _ := cli("compare", f["fast.json"], f["slow.json"], "--fail-on",
		"packet_rate<-2%"); code == exitRegression {
		t.Errorf("another rate was offered: a regression\n%s", out)
	}
	if code, out, stderr = cli("show", f["before.json"]); code != exitOK || strings.Contains(out, "times") ||
		!strings.Contains(out, "from 900 offered pps on packets are\nlost (44.4 %)") {
		t.Errorf("more that is offered brings no more: exit code %d\n%s%s", code, out, stderr)
	}
}

// Labels of an import place its run; several recordings are a sweep.
func TestLabelsPlaceRuns(t *testing.T) {
	dir := t.TempDir()
	fsys, err := samples.Open("shared")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"n1", "n4"} {
		src, err := fsys.Open(n + "/perf.data")
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(src)
		src.Close()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, n+".data"), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	table := filepath.Join(dir, "runs.txt")
	if err := os.WriteFile(table, []byte("file n mode\nn1.data 2 x\nn4.data 8 x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	one := writeFiles(t, map[string]string{"udp.json": iperfUDP(10, 0, false), "some.json": iperfUDP(10, 0, false)})
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{filepath.Join(dir, "n1.data"), filepath.Join(dir, "n4.data"), "--label", "mode=y"},
			"y n=1,y,1 y n=4,y,4"},
		{[]string{table}, "x n=2,x,2 x n=8,x,8"},
		{[]string{one["udp.json"], "--label", "n=16", "--label", "mode=z"}, "z n=16,z,16"},
	} {
		out := filepath.Join(t.TempDir(), "out")
		if code, _, stderr := cli(append([]string{"report", "-o", out}, tt.args...)...); code != exitOK {
			t.Fatalf("%v: exit code %d, %s", tt.args, code, stderr)
		}
		data, err := os.ReadFile(filepath.Join(out, "results.csv"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(string(data)) {
			cells := strings.SplitN(line, ",", 4)
			if key := strings.Join(cells[:3], ","); key != "run,mode,n" && !slices.Contains(got, key) {
				got = append(got, key)
			}
		}
		if text := strings.Join(got, " "); text != tt.want {
			t.Errorf("%v: runs %s, want %s", tt.args, text, tt.want)
		}
	}
	if code, _, _ := cli("import", one["udp.json"], "--label", "n=many", "-o",
		filepath.Join(dir, "x")); code != exitUsage {
		t.Errorf("n=many: exit code %d, want %d", code, exitUsage)
	}
}

// A text that names no CPU is of no number of CPUs, and a table of neper's runs
// is throughput.
func TestShownClaims(t *testing.T) {
	f := writeFiles(t, map[string]string{
		"zero.txt": "ping 7 [000] 2.000001:     0 cycles:\n\tffffffff81000010 xfrm_input " +
			"([kernel.kallsyms])\n\n",
		"no-cpu.txt": "ping 7 2.000001:     5000 cycles:\n\tffffffff81000010 xfrm_input " +
			"([kernel.kallsyms])\n\n",
		"one-sa.csv": "\xef\xbb\xbfFlows,Run 1,Run 2,Average\n2,1000.2,1001.4,1001\n",
		"pcpu.csv":   "Flows,Run 1,Run 2,Average\n2,3300,3302,3301\n",
	})
	code, out, stderr := cli("show", f["no-cpu.txt"])
	if code != exitOK || strings.Contains(out, "1 CPU") || !strings.Contains(out, "CPUs not recorded") {
		t.Errorf("exit code %d, %s\n%s", code, stderr, out)
	}
	code, out, stderr = cli("show", f["zero.txt"])
	if code != exitOK || !strings.Contains(out, "periods of all samples are 0") {
		t.Errorf("exit code %d, %s\n%s", code, stderr, out)
	}
	code, out, stderr = cli("compare", f["one-sa.csv"], f["pcpu.csv"])
	if code != exitOK || !strings.Contains(out, "1.00   3.30  +230%") || !strings.Contains(out, "Gbit/s") {
		t.Errorf("exit code %d, %s\n%s", code, stderr, out)
	}
}

// Whatever a recording lacks, what is shown of it is a document: no number of it is 0/0.
func TestShowsEveryRecording(t *testing.T) {
	files, err := filepath.Glob("../../../shared/fixtures/perfdata/quipper/perf.data.*")
	if err != nil || len(files) == 0 {
		t.Skipf("the recordings are not here: %v", err)
	}
	for _, path := range files {
		if slices.Contains([]string{".pb_text", ".buildids"}, filepath.Ext(path)) {
			continue
		}
		if code, out, stderr := cli("show", "--json", path); code != exitOK || !json.Valid([]byte(out)) {
			t.Errorf("%s: exit code %d, %s", path, code, stderr)
		}
	}
}

// A generator whose packets never came has no speed-up, is not linear, and lost them.
func TestNothingCame(t *testing.T) {
	var rows []string
	for i := range 16 {
		rows = append(rows, fmt.Sprintf(`{"flow":%d,"run":%d,"runs":4,"tx_opackets":100,"rx_ipackets":0,`+
			`"l_pkts":0,"rx_bps":0,"rx_pps":0,"rx_throughput_gibps":0,"frame_size":1440}`, 1<<(i/4), i%4+1))
	}
	f := writeFiles(t, map[string]string{"none.json": "[" + strings.Join(rows, ",") + "]",
		"errors.txt": "Params: count 9  min_pkt_size: 60  max_pkt_size: 60\n     ifname: eth0@0\nCurrent:\n" +
			"     pkts-sofar: 9  errors: 0\nResult: OK: 9(c9+d0) usec, 9 (60byte,0frags)\n" +
			"  1000pps 480Mb/sec (480000000bps) errors: 12\n"})
	code, out, stderr := cli("show", f["none.json"])
	if code != exitOK || strings.Contains(out, "times") || strings.Contains(out, "linear") ||
		!strings.Contains(out, "are no 0 lost") || strings.Contains(out, "a side are needed") {
		t.Errorf("exit code %d, %s\n%s", code, stderr, out)
	}
	if code, out, stderr = cli("show", f["errors.txt"]); code != exitOK ||
		!strings.Contains(out, "12 errors of sending") {
		t.Errorf("exit code %d, %s\n%s", code, stderr, out)
	}
}
