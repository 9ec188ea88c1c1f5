package importer

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"xfrmscope/collect/bundle"
)

// readAs reads r as a format without asking what it looks like.
func readAs(name Format, r io.Reader, opt Options) (*Import, error) {
	i := slices.IndexFunc(formats(), func(f format) bool { return f.name == name })
	return formats()[i].readAll(r, opt)
}

func readText(t *testing.T, f Format, name, text string) *Import {
	t.Helper()
	im, err := readAs(f, strings.NewReader(text), Options{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// line prints what a point tells, for comparison.
func (p Point) line() string {
	s := fmt.Sprintf("%d %s", p.N, p.Factor)
	if p.Run > 0 {
		s += fmt.Sprintf(" run %d", p.Run)
	}
	if p.Setting != "" {
		s += ", " + p.Setting
	}
	if p.Direction != "" {
		s += " " + p.Direction
	}
	if p.Device != "" {
		s += fmt.Sprintf(" %s cpu %d", p.Device, p.CPU)
	}
	s += fmt.Sprintf("; tx %s; rx %s", p.Tx.text(), p.Rx.text())
	if p.LostPackets != nil {
		s += fmt.Sprintf("; lost %d", *p.LostPackets)
	}
	if p.LossShare != nil {
		s += fmt.Sprintf("; loss %.4f", *p.LossShare)
	}
	return s
}

func (s Side) text() string {
	out := s.Rate.String()
	if s.Rate.Known() {
		out += " " + string(s.Rate.Layer)
	}
	if s.Packets != nil {
		out += fmt.Sprintf(" %d packets", *s.Packets)
	}
	return out
}

func pointLines(im *Import) string {
	var out strings.Builder
	for _, p := range im.Traffic.Points {
		out.WriteString(p.line() + "\n")
		for _, w := range p.Warnings {
			out.WriteString("warning: " + w.Text + "\n")
		}
	}
	for _, w := range im.Warnings {
		out.WriteString("warning: " + w.Text + "\n")
	}
	for _, l := range im.Losses {
		fmt.Fprintf(&out, "loss: %d of %d %s\n", l.Count, l.Of, l.What)
	}
	return out.String()
}

// serverStart begins a result that a server of iperf3 wrote.
const serverStart = `{"start":{"accepted_connection":{"host":"a"},"test_start":{"num_streams":1}},"end":`

// datagrams is a sum of iperf3 over 4 s of UDP.
func datagrams(bytes, lost, packets int) string {
	return fmt.Sprintf(`{"seconds":4,"bytes":%d,"bits_per_second":%d,"lost_packets":%d,"packets":%d}`,
		bytes, 2*bytes, lost, packets)
}

// sentAs is a result of iperf3 with some settings.
func sentAs(settings string, bps int) string {
	return fmt.Sprintf(`{"start":{"test_start":{"num_streams":1,%s}},"end":{"sum_sent":{"bits_per_second":%d}}}`,
		settings, bps) + "\n"
}

func TestTrafficFormats(t *testing.T) {
	for _, tt := range []struct {
		name   string
		format Format
		text   string
		want   string
	}{
		{"TRex CSV", trexTable, `# frame size 1440,pps 100,tx per flow 3.3G
#flows,run_1,run_2,avg_2
1,3.13,3.11,3.12
2,6.26,,6.20
3,9.30,nan,9.30
`, `1 flows run 1; tx not known; rx 3.13 Gibit/s wire
1 flows run 2; tx not known; rx 3.11 Gibit/s wire
2 flows run 1; tx not known; rx 6.26 Gibit/s wire
3 flows run 1; tx not known; rx 9.30 Gibit/s wire
warning: column avg_2 says 6.20 at 2 flows, the mean of its 1 runs is 6.260 (t:4)
loss: 2 of 6 cells of the sweep without a number
`},
		{"TRex CSV of loss", trexTable, "#flows,run_1,cum_error\n6,1.99,1.99\n",
			"6 flows run 1; tx not known; rx not known; loss 0.0199\n"},
		{"TRex JSON, older", trexSweep,
			`[[{"tx_pps": 100.0, "tx_bps": 1155200, "tx_throughput_gibps": 0.00109, "tx_opackets": 1000, "tx_obytes": 1444000,
 "rx_pps": 90.0, "rx_bps": 1039680, "rx_throughput_gibps": 0.000981688, "rx_ipackets": 900, "rx_ibytes": 1299600,
 "l_pkts": 100, "l_pkts_percent": 10.0, "frame_size": 1440, "tx_pps_req": 50, "flow": 2, "run": 1}],
 [{"tx_opackets": 10, "rx_ipackets": 8, "l_pkts": 3, "flow": 3, "run": 1}]]`,
			`2 flows run 1; tx 0.00 Gibit/s wire 1000 packets; rx 0.00 Gibit/s wire 900 packets; lost 100; loss 0.1000
3 flows run 1; tx not known 10 packets; rx not known 8 packets; lost 3; loss 0.3000
warning: 10 packets sent and 8 received are no 3 lost (3 flows, run 1, t:4)
`},
		{"TRex JSON, newer, both directions", trexSweep, `[
  {"fwd_tx_pps": 100, "fwd_tx_throughput_gibps": 3.5, "fwd_tx_opackets": 1000, "fwd_rx_pps": 50, "fwd_rx_bps": 1e9, "fwd_rx_throughput_gibps": 3.4, "fwd_rx_ipackets": 900, "fwd_l_pkts": 100, "fwd_l_pkts_percent": 10,
   "rev_tx_opackets": 20, "rev_rx_ipackets": 21, "rev_l_pkts": -1, "direction": "bidir", "flows": 4, "run": 2, "elapsed_runtime": 30.5, "tx_pps_req": 50, "cpu_load_total": 12.5}
]`, `4 flows run 2 fwd; tx 3.50 Gibit/s wire 1000 packets; rx 3.40 Gibit/s wire 900 packets; lost 100; loss 0.1000
warning: the throughput of 3.40 Gibit/s is not rx_bps and preambles on the wire (0.93 Gibit/s): another layer is meant (4 flows, run 2, t:2)
warning: by rates 50.0 % of the packets came, by counts 90.0 %: TRex's rates are those of its last seconds, not of the run (4 flows, run 2, t:2)
4 flows run 2 rev; tx not known 20 packets; rx not known 21 packets; lost -1; loss 0.0000
warning: 1 more packets came than were sent in direction rev: counted as none lost (4 flows, run 2, t:2)
`},
		{"iperf3 TCP", iperfJSON,
			`{"start":{"version":"iperf 3.16","test_start":{"protocol":"TCP","num_streams":4,"blksize":131072,"reverse":1}},
"intervals":[{"sum":{"bits_per_second":5e9,"omitted":true}},{"sum":{"bits_per_second":3e9,"omitted":false}}],
"end":{"sum_sent":{"seconds":10,"bytes":3750000000,"bits_per_second":3e9,"retransmits":12},"sum_received":{"seconds":10,"bytes":3700000000,"bits_per_second":2.96e9},"cpu_utilization_percent":{"host_total":99.5,"remote_total":10}}}`,
			"4 streams rev; tx 3000000000.00 bit/s payload; rx 2960000000.00 bit/s payload\n"},
		{"iperf3 UDP", iperfJSON,
			`{"start":{"test_start":{"protocol":"UDP","num_streams":1,"blksize":1394,"target_bitrate":3000000000}},
"end":{"sum":{"seconds":10,"bytes":1394000,"bits_per_second":3e9,"lost_packets":100,"packets":1000},"sum_sent":{"seconds":10,"bytes":1394000,"bits_per_second":3e9,"lost_packets":0,"packets":1000},"sum_received":{"seconds":10,"bytes":1254600,"bits_per_second":2.7e9,"lost_packets":100,"packets":1000}}}`,
			"1 streams; tx 3000000000.00 bit/s payload 1000 packets; rx 2700000000.00 bit/s payload 900 " +
				"packets; lost 100; loss 0.1000\n"},
		{"iperf3 UDP, older", iperfJSON,
			`{"start":{"test_start":{"num_streams":1}},"end":{"sum":{"seconds":10,"bytes":1394000,` +
				`"bits_per_second":3e9,"lost_packets":100,"packets":1000}}}`,
			"1 streams; tx 3000000000.00 bit/s payload 1000 packets; rx 2700000000.00 bit/s payload 900 " +
				"packets; lost 100; loss 0.1000\n"},
		{"iperf3 UDP, older, a server's", iperfJSON,
			serverStart + `{"sum":` + datagrams(0, 100, 1000) + "}}",
			"1 streams; tx not known; rx not known 900 packets; lost 100; loss 0.1000\n"},
		{"iperf3 UDP, a server's, nothing arrived", iperfJSON,
			serverStart + `{"sum":` + datagrams(0, 0, 0) + `,"sum_sent":` + datagrams(0, 0, 0) +
				`,"sum_received":` + datagrams(0, 0, 0) + "}}",
			"1 streams; tx not known; rx 0.00 bit/s payload 0 packets\n"},
		{"iperf3 UDP --bidir, a server's", iperfJSON,
			serverStart + `{"sum_sent":` + datagrams(0, 0, 0) +
				`,"sum_received":` + datagrams(8000, 2, 10) +
				`,"sum_sent_bidir_reverse":` + datagrams(5000, 0, 5) +
				`,"sum_received_bidir_reverse":` + datagrams(0, 0, 0) + "}}",
			"1 streams fwd; tx not known; rx 16000.00 bit/s payload 8 packets; lost 2; loss 0.2000\n" +
				"warning: direction rev is left out: a server does not know what of " +
				"its 10000.00 bit/s " +
				"came (t:1)\n"},
		{"iperf3 UDP, a client that was stopped", iperfJSON,
			`{"start":{"test_start":{"num_streams":1}},"end":{"sum":` + datagrams(80000, 0, 100) +
				`,"sum_sent":` + datagrams(80000, 0, 100) + `,"sum_received":` + datagrams(0, 0, 0) +
				`},"error":"interrupt - the client has terminated"}`,
			"1 streams; tx 160000.00 bit/s payload 100 packets; rx not known\n" +
				"warning: iperf3 says \"interrupt - the client has terminated\" (t:1)\n"},
		{"iperf3 UDP, fewer than none lost", iperfJSON,
			`{"start":{"test_start":{"num_streams":1}},"end":{"sum":` + datagrams(80000, -3, 100) +
				`,"sum_sent":` + datagrams(80000, 0, 100) +
				`,"sum_received":` + datagrams(80000, -3, 100) + `}}`,
			"1 streams; tx 160000.00 bit/s payload 100 packets; rx 160000.00 bit/s payload 100 packets; " +
				"lost -3; loss 0.0000\nwarning: iperf3 counts -3 datagrams lost: out " +
				"of order or twice " +
				"they are taken off, and none is counted as lost (t:1)\n"},
		{"iperf3, rates and protocols in one file", iperfJSON,
			sentAs(`"protocol":"UDP","target_bitrate":1000,"blksize":100`, 1) +
				sentAs(`"protocol":"UDP","target_bitrate":2000,"blksize":100`, 2) +
				sentAs(`"protocol":"UDP","target_bitrate":2000,"blksize":100`, 3) +
				sentAs(`"protocol":"TCP","reverse":1,"blksize":9`, 4),
			`1 streams, UDP, forward, 1000 bit/s offered a stream; tx 1.00 bit/s payload; rx not known
1 streams run 1, UDP, forward, 2000 bit/s offered a stream; tx 2.00 bit/s payload; rx not known
1 streams run 2, UDP, forward, 2000 bit/s offered a stream; tx 3.00 bit/s payload; rx not known
1 streams, TCP, reverse, as much as it can rev; tx 4.00 bit/s payload; rx not known
`},
		{"TRex JSON, losses below none", trexSweep,
			`[{"flows":1,"run":1,"tx_opackets":10,"rx_ipackets":12},
{"flows":1,"run":2,"tx_opackets":10,"l_pkts_percent":-0.5},
{"flows":1,"run":3,"tx_opackets":10,"rx_ipackets":8,"rx_pps":4,"rx_bps":360}]`,
			"1 flows run 1; tx not known 10 packets; rx not known 12 packets; lost -2; loss 0.0000\n" +
				"warning: 2 more packets came than were sent: " +
				"counted as none lost (1 flows, run 1, t:1)\n" +
				"1 flows run 2; tx not known 10 packets; rx not known; loss 0.0000\n" +
				"warning: -0.5 % of the packets were lost: " +
				"counted as none lost (1 flows, run 2, t:2)\n" +
				"1 flows run 3; tx not known 10 packets; rx 1000.00 bit/s wire 8 " +
				"packets; lost 2; loss 0.2000\n"},
		{"TRex CSV of loss, below none", trexTable, "#flows,run_1,cum_error\n6,-0.01,-0.01\n",
			"6 flows run 1; tx not known; rx not known; loss 0.0000\n" +
				"warning: -0.01 % of the packets were lost: " +
				"counted as none lost (6 flows, run 1, t:2)\n"},
		{"iperf3, two results, one unhappy", iperfJSON, `{"end":{"sum_sent":{"bits_per_second":1}}}
{"end":{"sum_sent":{"bits_per_second":2}},"error":"control socket has closed unexpectedly"}`,
			"0 streams run 1; tx 1.00 bit/s payload; rx not known\n0 streams run 2; tx 2.00 bit/s " +
				"payload; rx not known\nwarning: iperf3 says \"control socket has closed " +
				"unexpectedly\" (t:2)\n"},
		{"iperf3 --json-stream",
			iperfJSON, `{"event":"start","data":{"version":"iperf 3.17","test_start":{"num_streams":2}}}
{"event":"interval","data":{"sum":{"bits_per_second":3e9}}}
{"event":"end","data":{"sum_sent":{"bits_per_second":3e9,"retransmits":0},"sum_received":{"bits_per_second":2e9}}}
`, "2 streams; tx 3000000000.00 bit/s payload; rx 2000000000.00 bit/s payload\n"},
		{"iperf3 UDP, a server's",
			iperfJSON, `{"start":{"accepted_connection":{"host":"a"},"test_start":{"num_streams":2}},
"end":{"sum":{"seconds":4,"bytes":0,"bits_per_second":9,"lost_packets":20,"packets":100},"sum_sent":{"seconds":4,"bytes":0,"bits_per_second":0,"lost_packets":0,"packets":0},
"sum_received":{"seconds":4,"bytes":80000,"bits_per_second":160000,"lost_packets":20,"packets":100}}}`,
			"2 streams; tx not known; rx 160000.00 bit/s payload 80 packets; lost 20; loss 0.2000\n"},
		{"iperf3 UDP, a server that sends", iperfJSON,
			`{"start":{"accepted_connection":{"host":"a"},"test_start":{"num_streams":1,"reverse":1}},
"end":{"sum":{"seconds":4,"bytes":80000,"bits_per_second":160000,"lost_packets":0,"packets":100},"sum_sent":{"seconds":4,"bytes":80000,"bits_per_second":160000,"lost_packets":0,"packets":100},
"sum_received":{"seconds":4,"bytes":0,"bits_per_second":0,"lost_packets":0,"packets":0}}}`,
			"1 streams rev; tx 160000.00 bit/s payload 100 packets; rx not known\n"},
		{"iperf3 UDP, nothing arrived", iperfJSON, `{"start":{"test_start":{"num_streams":1}},
"end":{"sum":{"seconds":4,"bytes":80000,"bits_per_second":160000,"lost_packets":0,"packets":100},"sum_sent":{"seconds":4,"bytes":80000,"bits_per_second":160000,"lost_packets":0,"packets":100},
"sum_received":{"seconds":4,"bytes":0,"bits_per_second":0,"lost_packets":0,"packets":0}}}`,
			"1 streams; tx 160000.00 bit/s payload 100 packets; rx 0.00 bit/s payload 0 packets; lost " +
				"100; loss 1.0000\n"},
		{"iperf3, text around", iperfJSON, `warning: the window is small
{"end":{"sum_sent":{"bits_per_second":1,"bytes":7}}}
and $ iperf3 -J
{"end": {"sum_sent": {"bits_per_second":3}}}{"end":{"sum_sent":{"bits_per_second":2}}}
bye
`, `0 streams run 1; tx 1.00 bit/s payload; rx not known
0 streams run 2; tx 3.00 bit/s payload; rx not known
0 streams run 3; tx 2.00 bit/s payload; rx not known
warning: lines of text beside the JSON are passed over: 3, the first at t:1
`},
		{"iperf3, a list of results", iperfJSON,
			"[\n {\"end\":{\"sum_sent\":{\"bits_per_second\":1}}},{\"end\":{\"sum_sent\":" +
				"{\"bits_per_second\":2}}}\n,\n{\"end\":{\"sum_sent\":{\"bits_per_second\":3}}}]\n",
			"0 streams run 1; tx 1.00 bit/s payload; rx not known\n0 streams run 2; tx 2.00 bit/s " +
				"payload; rx not known\n0 streams run 3; tx 3.00 bit/s payload; rx not known\n"},
		{"iperf3, the last of three cut off", iperfJSON, `{"end":{"sum_sent":{"bits_per_second":1}}}
{"error":"interrupt - the client has terminated"}
{"end":{"sum_sent":{`, `0 streams; tx 1.00 bit/s payload; rx not known
warning: t:2: iperf3 failed: interrupt - the client has terminated; repeat the run: only the other results are used
warning: t:3: the JSON ends too early; the run may have been interrupted: only the other results are used
`},
		{"iperf3 --bidir of 3.7, keys twice", iperfJSON,
			`{"end":{"sum_sent":{"bits_per_second":1},"sum_received":{"bits_per_second":1,"bytes":1},` +
				`"sum_sent":{"bits_per_second":2},"sum_received":{"bits_per_second":2,"bytes":1}}}`,
			"0 streams fwd; tx 1.00 bit/s payload; rx 1.00 bit/s payload\n0 streams rev; tx 2.00 bit/s " +
				"payload; rx 2.00 bit/s payload\n"},
		{"iperf3 --bidir", iperfJSON,
			`{"end":{"sum_sent":{"bits_per_second":1},"sum_received":{"bits_per_second":1},` +
				`"sum_sent_bidir_reverse":{"bits_per_second":2},` +
				`"sum_received_bidir_reverse":{"bits_per_second":2}}}`,
			"0 streams fwd; tx 1.00 bit/s payload; rx 1.00 bit/s payload\n0 streams rev; tx 2.00 bit/s " +
				"payload; rx 2.00 bit/s payload\n"},
		{"TRex JSON, offered rates of one flow",
			trexSweep, `[{"flows":1,"run":1,"fwd_tx_opackets":9,"tx_pps_req":2000,"src_ports":4},
{"flows":1,"run":1,"fwd_tx_opackets":9,"tx_pps_req":4000,"src_ports":4}]`,
			"1 flows run 1, 2000 packets/s offered fwd; tx not known 9 packets; rx not known\n" +
				"1 flows run 1, 4000 packets/s offered fwd; tx not known 9 packets; rx not known\n"},
		{"a table of neper's runs", trexTable,
			"\xef\xbb\xbfFlows,Run 1,Run 2,Average\n4,1200.5,1300.5,1250\n8,2000,2100,1900\n",
			"4 flows run 1; tx not known; rx 1200.50 Mbit/s payload\n4 flows run 2; tx not known; rx " +
				"1300.50 Mbit/s payload\n" +
				"8 flows run 1; tx not known; rx 2000.00 Mbit/s payload\n8 flows run 2; tx not " +
				"known; rx 2100.00 Mbit/s payload\n" +
				"warning: column average says 1900 at 8 flows, the mean of its 2 runs is " +
				"2050.000 (t:3)\n"},
		{"pktgen", pktgenText, `Params: count 100000  min_pkt_size: 60  max_pkt_size: 60
     frags: 0  delay: 0  clone_skb: 0  ifname: eth0@3
     flows: 0 flowlen: 0
Current:
     pkts-sofar: 100000  errors: 0
     started: 7us  stopped: 15437us idle: 25us
Result: OK: 15430(c15405+d25) usec, 100000 (60byte,0frags)
  6480562pps 3110Mb/sec (3110669760bps) errors: 2
`, "1 threads eth0@3 cpu 3; tx 3110669760.00 bit/s frame 100000 packets; rx not known\n" +
			"warning: 2 errors of sending on eth0@3, packets the driver did not take (t:8)\n"},
		{"pktgen by grep, one idle",
			pktgenText, `/proc/net/pktgen/eth0@0:Params: count 5  min_pkt_size: 60  max_pkt_size: 60
/proc/net/pktgen/eth0@0:     frags: 0  delay: 0  clone_skb: 0  ifname: eth0@0
/proc/net/pktgen/eth0@0:Result: OK: 10(c10+d0) usec, 5 (60byte,0frags)
/proc/net/pktgen/eth0@0:  500000pps 240Mb/sec (240000000bps) errors: 0
/proc/net/pktgen/eth0@1:Params: count 5  min_pkt_size: 60  max_pkt_size: 60
/proc/net/pktgen/eth0@1:     frags: 0  delay: 0  clone_skb: 0  ifname: eth0@1
/proc/net/pktgen/eth0@1:Result: OK: 20(c10+d10) usec, 7 (60byte,0frags)
/proc/net/pktgen/eth0@1:  350000pps 168Mb/sec (168000000bps) errors: 0
/proc/net/pktgen/eth0@2:Params: count 5  min_pkt_size: 60  max_pkt_size: 60
/proc/net/pktgen/eth0@2:     frags: 0  delay: 0  clone_skb: 0  ifname: eth0@2
/proc/net/pktgen/eth0@2:Result: Idle
`, `2 threads eth0@0 cpu 0; tx 240000000.00 bit/s frame 5 packets; rx not known
2 threads eth0@1 cpu 1; tx 168000000.00 bit/s frame 7 packets; rx not known
warning: eth0@2 has no result (t:11): Idle
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if f, err := Detect([]byte(tt.text), "t"); f != tt.format {
				t.Errorf("detected %v, %v", f, err)
			}
			if got := pointLines(readText(t, tt.format, "t", tt.text)); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestTrafficRefuses(t *testing.T) {
	for _, tt := range []struct {
		format Format
		text   string
		want   string // start of the error
	}{
		{trexTable, "# frame size 1440\n1,3.13\n", "f:2: a row before"},
		{trexTable, "#flows,run_1\n1,3.13\n2\n", "f:3: a row of 1 cells"},
		{trexTable, "#flows,run_1\n1,3.13\nx,3\n", `f:3: "x" for a number of flows`},
		{trexTable, "#flows,run_1\n1,3,13\n", "f:2: a row of 3 cells"},
		{trexTable, "#flows,run_1\n1,+Inf\n", `f:2: "+Inf" in column run_1`},
		{trexTable, "# nothing\n", "f: no line #flows"},
		{iperfJSON, "{\"end\":{\"sum\":{}}}\n{\"end\": {\"sum\":{}}}", "f:2: the same result stands at line 1"},
		{iperfJSON, "{\"end\":{\"sum\":\n{\"lost_percent\": -nan}}}",
			"f:2: no JSON: invalid character 'n' in numeric literal: nan is"},
		{trexSweep, "[\n[\n{\"tx_opackets\": 1,\n", "f:4: the JSON ends too early"},
		{trexSweep, "[\n\n{\"tx_opackets\": 1, \"flow\": \"x\"}]", "f:3: flow is x, not a number"},
		{trexSweep, "[\n{\"tx_opackets\": -1}]", "f:2: tx_opackets is -1, not a count"},
		{trexSweep, "[\n{\"a\": 1}]", "f:2: an object without tx_opackets"},
		{trexSweep, "[1]", "f:1: 1 where an object"},
		{trexSweep, "[\n}", "f:2: no JSON: "},
		{trexSweep, "[[[[[[[[[[", "f:1: arrays nested too deep"},
		{trexSweep, "[]", "f: no run with"},
		{iperfJSON, `{"error": "unable to connect to server: Connection refused"}`,
			"f:1: iperf3 failed: unable to connect"},
		{iperfJSON, "{\n\"start\":{}\n", "f:3: the JSON ends too early"},
		{iperfJSON, "{\n\"end\":\n3}", "f:1: end is no object"},
		{iperfJSON, `{"event":"end","data":[]}`, `f:1: event "end" of a JSON stream`},
		{iperfJSON, "", "f: no result of iperf3"},
		{pktgenText, "Params: count\nResult: OK: 1(c usec, \n", "f:2: "},
		{pktgenText, "Result: Idle\n", "f: no result of pktgen"},
		{lockTable, "1, 2\n", "f:1: a row before"},
		{lockTable, "# output: contended, total wait, type, caller\n1, 2\n", "f:2: a row of 2 cells"},
		{lockTable, "# output: contended, total wait, type, caller\n1, x, mutex, f\n",
			`f:2: "x" in column "total wait"`},
		{lockTable, "# nothing\n", "f: no line"},
		{lockTable, "3, 120, 60, 40, mutex, f\n3, 120, 60, 41, mutex, f\n", "f:2: no row of the columns"},
		{foldedText, "a;b 1\nno count\n", "f:2: no stack and count"},
		{foldedText, "a;b 1\na;b 99999999999999999999999\n", "f:2: a weight of"},
		{foldedText, "a;b 18446744073709551615\na;b 1\n", "f:2: a weight of"},
		{foldedText, "a;b 1 2\na;c 1 3\n", "f: every line has two counts"},
		{flameSVG, "<svg>\n<g>\n<rect/></g></svg>", "f: an SVG without a frame"},
		{flameSVG, "<svg>\n<g>\n<title>all (1 samples, 100%)</title><rect x=\"a\" y=\"1\" " +
			"width=\"2\"/></g></svg>", "f:3: a frame's rectangle has x=\"a\""},
		{flameSVG, "<svg>\n\n<g <", "f:3: "},
	} {
		_, err := readAs(tt.format, strings.NewReader(tt.text), Options{Name: "f"})
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%v %q: error is %v, want one that starts with %q", tt.format, tt.text, err, tt.want)
		}
	}
}

func TestLockCSV(t *testing.T) {
	const guessed = "warning: the line \"# output: ...\" that names the columns is missing: they are taken for " +
		"those that perf prints without -F, as the mean of each row is its total over its waits\n"
	for _, tt := range []struct{ name, text, want string }{
		{"by caller", `# output: contended, total wait, max wait, avg wait, type, caller
201, 1234567, 9876, 6142, spinlock, iommu_dma_alloc_iova+0x1f2
3, 120, 60, 40, rwlock:R, xfrm_policy_lookup
# debug: total=208, bad=4, bad_task=1, bad_stack=3, bad_time=0, bad_data=0
`, `{-1  iommu_dma_alloc_iova+0x1f2 1 201 1234567 9876 []}
{-1  xfrm_policy_lookup 3 3 120 60 []}
loss: 4 of 208
`},
		{"by address, another separator",
			`# output: contended;; total wait;; max wait;; avg wait;; address;; symbol;; type
5;; 50;; 20;; 10;; ffff888100001234;; x->lock;; spinlock
`, "{-1 0xffff888100001234 x->lock 1 5 50 20 []}\n"},
		{"without the line that names the columns",
			"201, 1234567, 9876, 6142, spinlock, f+0x1\n3, 120, 60, 40, rwlock:R, g\n",
			"{-1  f+0x1 1 201 1234567 9876 []}\n{-1  g 3 3 120 60 []}\n" + guessed},
		{"without it, by address",
			"5;; 50;; 20;; 10;; ffff888100001234;; x->lock;; spinlock\n# debug: total=5\n",
			"{-1 0xffff888100001234 x->lock 1 5 50 20 []}\n" + guessed},
		{"by task", "# output: contended, total wait, pid, comm\n5, 50, 77, a, b\n", "{-1   0 5 50 0 []}\n"},
		{"with stacks and owners", "# output: contended, total wait, type, caller, stacktrace\n5, 50, mutex, " +
			"f+0x1, 0x1 f+0x1: 0x2 g\n# owner stack trace:\n5, 50, mutex, h\n",
			"{-1  f+0x1 32 5 50 0 []}\n{-1  h 32 5 50 0 []}\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if f, err := Detect([]byte(tt.text), "t"); f != lockTable {
				t.Errorf("detected %v, %v", f, err)
			}
			im := readText(t, lockTable, "t", tt.text)
			got := ""
			for _, w := range im.Locks {
				got += fmt.Sprintln(struct {
					CPU, Lock, ID, Flags, Count, WaitNS, MaxNS,
					Hist any
				}{w.CPU, w.Lock, w.ID, w.Flags, w.Count, w.WaitNS, w.MaxNS, w.Hist})
			}
			for _, l := range im.Losses {
				got += fmt.Sprintf("loss: %d of %d\n", l.Count, l.Of)
			}
			for _, w := range im.Warnings {
				got += "warning: " + w.Text + "\n"
			}
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestModeOf(t *testing.T) {
	for name, want := range map[string]string{
		"trex_results-16-3.3g-1440-one-sa.csv": "shared", "a/trex-20250728-pcpu-lp.csv": "pcpu",
		"x-no-ipsec.json": "plain",
		"results/20260319-single-sa/udp-1500-10G-1.json": "", "iperf.json": "", "phone-sage.csv": "",
	} {
		if got := modeOf(name); got != want {
			t.Errorf("modeOf(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestSumPackets(t *testing.T) {
	im := readText(t, pktgenText, "t", "ifname: eth0@0\nResult: OK: 10(c10+d0) usec, 5 (60byte,0frags)\nParams: "+
		"\nifname: eth0@1\nResult: OK: 20(c10+d10) usec, 7 (60byte,0frags)\n")
	got, ok := SumPackets(im.Traffic.Points, "pktgen")
	if text := fmt.Sprint(got.Source, got.Packets, got.PerCPU); !ok || text != "pktgen, sent12 [{0 5} {1 7}]" {
		t.Errorf("got %s, %v", text, ok)
	}
	if b, ok := SumPackets(nil, "x"); ok {
		t.Errorf("no point became a run: %v", b)
	}
}

// The published sweeps: every cell of the CSV is the JSON's received Gibit/s
// to its two decimals. What contradicts itself in them: one rate TRex took at a
// bad moment, the "percent" of losses without IPsec, which is a share, and a run
// that received a packet more than was sent.
func TestSeedSweeps(t *testing.T) {
	wantWarnings := map[string]int{"no-ipsec": 2, "one-sa": 1, "pcpu": 0}
	wantMode := map[string]string{"no-ipsec": "plain", "one-sa": "shared", "pcpu": "pcpu"}
	for name, warnings := range wantWarnings {
		csv := mustRead(t, "trex-20250728-"+name+".csv", fixture(t, "seed/trex-20250728-"+name+".csv"))
		js := mustRead(t, "trex-20250728-"+name+".json", fixture(t, "seed/trex-20250728-"+name+".json"))
		if csv.Traffic.Mode != wantMode[name] || js.Traffic.Mode != wantMode[name] {
			t.Errorf("%s: modes are %q and %q", name, csv.Traffic.Mode, js.Traffic.Mode)
		}
		if len(csv.Traffic.Points) != 80 || len(js.Traffic.Points) != 80 {
			t.Fatalf("%s: %d and %d points, want 16 x 5", name, len(csv.Traffic.Points),
				len(js.Traffic.Points))
		}
		for i, p := range csv.Traffic.Points {
			o := js.Traffic.Points[i]
			if p.N != o.N || p.Run != o.Run || p.FrameBytes != o.FrameBytes ||
				p.RequestedPPS != o.RequestedPPS || math.Abs(p.Rx.Rate.Value-o.Rx.Rate.Value) > 0.005 {
				t.Errorf("%s: CSV has %s of %d bytes at %.0f/s, JSON %s of %d bytes at %.0f/s", name,
					p.line(), p.FrameBytes, p.RequestedPPS, o.line(), o.FrameBytes, o.RequestedPPS)
			}
		}
		got := [2][]bundle.Warning{csv.Warnings, js.Warnings}
		for i, im := range []*Import{csv, js} {
			for _, p := range im.Traffic.Points {
				got[i] = append(got[i], p.Warnings...)
			}
		}
		if len(got[0]) != 0 || len(got[1]) != warnings {
			t.Errorf("%s: warnings %v and %v, want none and %d", name, got[0], got[1], warnings)
		}
	}
}

func TestSeedLoss(t *testing.T) {
	csv := mustRead(t, "pcpu.csv", fixture(t, "seed/trex-20250728-pcpu.csv")).Traffic
	loss := mustRead(t, "pcpu-lp.csv", fixture(t, "seed/trex-20250728-pcpu-lp.csv")).Traffic
	js := mustRead(t, "pcpu.json", fixture(t, "seed/trex-20250728-pcpu.json")).Traffic
	csv, err := MergeTraffic([]TrafficFile{{"loss", loss}, {"rates", csv}})
	if err != nil || len(csv.Points) != 80 {
		t.Fatalf("%v, %d points, want 80: a run and its loss are one", err, len(csv.Points))
	}
	for i, p := range csv.Points {
		within(t, p.line(), *p.LossShare, *js.Points[i].LossShare, 0.00005)
		if !p.Rx.Rate.Known() {
			t.Errorf("%s lost its rate", p.line())
		}
	}
}

// TCP to 3 Gbit/s; UDP to 3 with 1.28 % lost, to 10 with 17.4 %.
func TestSeedIPerf3(t *testing.T) {
	for name, want := range map[string]string{
		"iperf3-tcp-1500-3G-1": "1 streams; tx 2999816481.74 bit/s payload; rx 2999779585.12 bit/s payload",
		"iperf3-udp-1500-3G-1": "1 streams; tx 2999793687.08 bit/s payload 2689966 packets; rx " +
			"2961209690.26 bit/s payload 2655400 packets; lost 34566; loss 0.0128",
		"iperf3-udp-1500-10G-1": "1 streams; tx 6465679767.23 bit/s payload 5797867 packets; rx " +
			"5337161395.87 bit/s payload 4786546 packets; lost 1011321; loss 0.1744",
	} {
		im := mustRead(t, name, fixture(t, "seed/"+name+".json"))
		p := im.Traffic.Points[0]
		if len(im.Traffic.Points) != 1 || p.line() != want {
			t.Errorf("%s: got %s\nwant %s", name, p.line(), want)
		}
		if len(im.Warnings) > 0 {
			t.Errorf("%s: warnings %v", name, im.Warnings)
		}
		// What came is what the receiver's bytes say.
		if p.Rx.Packets != nil && *p.Rx.Bytes%*p.Rx.Packets != 0 {
			t.Errorf("%s: %d datagrams of one size are not %d bytes", name, *p.Rx.Packets, *p.Rx.Bytes)
		}
	}
}

// TestSetFactor: the one setting that varies over all runs of a report is what N counts.
func TestSetFactor(t *testing.T) {
	sweep := func(flows string, settings ...string) string {
		var runs []string
		for _, s := range settings {
			runs = append(runs, fmt.Sprintf(`{"flows":%s,"run":1,"fwd_tx_opackets":9,%s}`, flows, s))
		}
		return "[" + strings.Join(runs, ",") + "]"
	}
	for name, tt := range map[string]struct {
		files []string
		want  string
	}{
		"offered rate": {[]string{sweep("2", `"tx_pps_req":100`, `"tx_pps_req":300`)},
			"100 offered pps, 300 offered pps"},
		"offered rate, a file each": {[]string{sweep("2", `"tx_pps_req":100`), sweep("2", `"tx_pps_req":300`)},
			"100 offered pps, 300 offered pps"},
		"ports": {[]string{sweep("2", `"tx_pps_req":100,"src_ports":1`, `"tx_pps_req":100,"src_ports":8`)},
			"1 source ports, 8 source ports"},
		"flows": {[]string{sweep("2", `"tx_pps_req":200`), sweep("3", `"tx_pps_req":300`)}, "2 flows, 3 flows"},
		"two vary": {[]string{sweep("2", `"tx_pps_req":100,"frame_size":64`,
			`"tx_pps_req":300,"frame_size":99`)},
			"2 flows of 100 packets/s offered, 64 bytes a frame, 2 flows of 300 packets/s offered, " +
				"99 bytes a frame"},
		"no whole number": {[]string{sweep("2", `"tx_pps_req":0.5`, `"tx_pps_req":300`)},
			"2 flows of 0.5 packets/s offered, 2 flows of 300 packets/s offered"},
		"nothing": {[]string{sweep("2", `"tx_pps_req":100`, `"tx_pps_req":100`)}, "2 flows, 2 flows"},
	} {
		var runs [][]Point
		for _, text := range tt.files {
			runs = append(runs, readText(t, trexSweep, "t", text).Traffic.Runs()...)
		}
		SetFactor(runs)
		var got []string
		for _, run := range runs {
			for _, p := range run {
				s := fmt.Sprintf("%d %s", p.N, p.Factor)
				if p.Setting != "" {
					s += " of " + p.Setting
				}
				got = append(got, s)
			}
		}
		if s := strings.Join(got, ", "); s != tt.want {
			t.Errorf("%s: %s, want %s", name, s, tt.want)
		}
	}
	SetFactor(nil)
}
