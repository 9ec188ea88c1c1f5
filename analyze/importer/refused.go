package importer

import (
	"bytes"
	"regexp"
	"slices"
)

// refused tells an input that is often at hand and holds nothing that can be
// imported: what it is, and the export that can.
func refused(head []byte) (why, use string) {
	const (
		stacks = "`perf record -a -g`, then the perf.data or `perf script`"
		locks  = "`perf lock contention -x,`"
		script = "the perf.data, or `perf script`"
		fields = "`perf script` without -F, or with -F comm,pid,tid,cpu,time,event,ip,sym,dso"
		record = "`xfrmscope record`, which reads them at both ends of its window"
		digest = "the results.json beside it"
		memory = "the perf.data, or " + memoryExport
		perf1  = "it is a perf.data of the first kind, which perf wrote until 2012"
		rows   = "rows of perf lock contention without the line \"# output: ...\" that names their columns"
		bcc    = "it is text of klockstat"
		list   = "it is a list of counters, as ethtool -S prints it"
		maps   = "it is a map of bpftrace without stacks"
		folded = "`stackcollapse-bpftrace.pl`, whose output is folded stacks"
		neper  = "a table Flows,Run 1,Run 2,Average of its throughputs in Mbit/s"
	)
	has := func(words ...string) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !bytes.Contains(head, []byte(w)) })
	}
	missing := lacking(head)
	for _, known := range []struct {
		is       bool
		why, use string
	}{
		{bytes.HasPrefix(head, []byte("xfrmscope: ")) || bytes.HasPrefix(head, []byte("xfrmscope ")),
			"it is a digest of xfrmscope", digest},
		{bytes.HasPrefix(head, []byte("\x7fELF")), "it is a program or a library (ELF)", stacks},
		{bytes.HasPrefix(head, []byte("PERFFILE")), perf1, "`perf script` of a perf of that age"},
		{has("linux-perf-json-version"), "it is JSON of `perf data convert`", stacks},
		{has("speedscope.app"), "it is a profile of speedscope", "the folded stacks it was made of"},
		{has("Shared Data Cache Line Table") || has("Load Local HITM") || has("Cacheline address"),
			"it is text of perf c2c report: percents of its own samples, of which none is left", memory},
		{has("Overhead", "Memory access") || has("Overhead", "Data Symbol") || has("# PID, TID, IP, ADDR, "),
			"it is text of perf mem report, which tells neither CPUs nor periods", memory},
		{has("PerfTop:") || has("Samples:", "Event count (approx.)", "drop:"),
			"it is the screen of perf top", stacks},
		{has("Overhead", "Symbol") || has("Overhead", "Command") || has("Children", "Self", "Symbol"),
			"it is text of perf report", script},
		{has("Performance counter stats for") || has("seconds time elapsed"),
			"it is text of perf stat, which knows no functions", stacks},
		{matches(head, `^\s*\d+\.\d+ \(.*?\): \S+/\d+ \w+\(`), "it is text of perf trace", stacks},
		{has("# tracer:"), "it is text of ftrace", stacks},
		{has("contended", "total wait", "avg wait"), "it is the table of perf lock for people", locks},
		{has("acquired", "contended", "avg wait"), "it is the table of perf lock for people", locks},
		{matches(head, `^\s*\d+ +[\d.]+ [num]?s +[\d.]+ [num]?s +[\d.]+ [num]?s +[\w:-]+ +\S`),
			"it is the table of perf lock for people", locks},
		{matches(head, `^\d+\S? .*\S? (spinlock|mutex|rwlock:[RW]|rwsem:[RW]|rt-mutex|pcpu-sem:[RW])\b`),
			rows, locks + " without -q, all of its output"},
		{has("lock_stat version"), "it is /proc/lock_stat", locks},
		{has("Caller", "Avg Wait") || has("Caller", "Avg Spin") || has("Caller", "Avg Hold"), bcc, locks},
		{matches(head, `^src \S+ dst \S+`) && has("proto ", "spi "), "it is text of ip xfrm", record},
		{has("NIC statistics:") || onlyLines(head, `^\s*[\w.\[\]-]+: \d+$`), list, record},
		{onlyLines(head, `^(@\w*(\[.*\])?: -?\d+|Attaching \d+ probes?\.\.\.)$`), maps, stacks},
		{matches(head, `^@\w*\[$`), "it is text of bpftrace", folded},
		{has("[ ID] Interval") || has("iperf Done.") || has("Client connecting to"), "it is text of iperf",
			"`iperf3 -J`"},
		{looksJSON(head) && has(`"opackets"`), "it is statistics of TRex's ports, of no run with a length",
			"a list of runs with tx_opackets, rx_ipackets, flows and duration"},
		{has("throughput=") && has("num_flows="), "it is text of neper", neper},
		{matches(head, `^(tid|time),(flow_id|tid),`), "it is samples of neper", neper},
		{missing != "", "it is text of perf script without " + missing, fields},
	} {
		if known.is {
			return known.why, known.use
		}
	}
	return "", ""
}

func matches(head []byte, pattern string) bool {
	return regexp.MustCompile("(?m)" + pattern).Match(head)
}

// onlyLines reports whether all lines match, and there is one.
func onlyLines(head []byte, pattern string) bool {
	line, seen := regexp.MustCompile(pattern), false
	for text := range bytes.Lines(wholeLines(head)) {
		if text = bytes.TrimRight(text, "\r\n"); len(text) == 0 {
			continue
		}
		if !line.Match(text) {
			return false
		}
		seen = true
	}
	return seen
}
