package record

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
)

// counterName names a counter within its source.
func counterName(k bundle.CounterKey) string {
	if k.CPU < 0 {
		return k.Name
	}
	return fmt.Sprintf("%s of CPU %d", k.Name, k.CPU)
}

// isGauge reports whether a counter's value may fall: lengths, limits and numbers that
// stand among the counters, and times the kernel is known to take back
// (Documentation/filesystems/proc.rst of iowait, 6.12).
func isGauge(name string) bool {
	switch name {
	case "backlog_len", "input_qlen", "process_qlen", "idle", "iowait",
		"IpForwarding", "IpDefaultTTL", "TcpRtoAlgorithm", "TcpRtoMin", "TcpRtoMax", "TcpMaxConn",
		"TcpCurrEstab", "MPTcpExtMPCurrEstab":
		return true
	}
	return false
}

// unsteady warns of counters that fell between the start and the end, or that
// were there at the start only: a difference of theirs means nothing. One
// warning names all of a source.
func unsteady(rows []bundle.Counter) []bundle.Warning {
	end := map[bundle.CounterKey]uint64{}
	read := map[[2]string]bool{} // the sources that could be read at the end, by namespace
	for _, c := range rows {
		if c.Phase == bundle.PhaseEnd {
			end[c.Key()] = c.Value
			read[[2]string{c.Source, c.NetNS}] = true
		}
	}
	names := map[[3]string][]string{} // by source, namespace, and what happened
	for _, c := range rows {
		if c.Phase != bundle.PhaseStart || !read[[2]string{c.Source, c.NetNS}] {
			continue
		}
		key := c.Key()
		value, ok := end[key]
		switch {
		case !ok:
			group := [3]string{c.Source, c.NetNS, "vanished"}
			names[group] = append(names[group], counterName(key))
		case value < c.Value && !isGauge(key.Name):
			group := [3]string{c.Source, c.NetNS, "fell"}
			names[group] = append(names[group], counterName(key))
		}
	}
	var warnings []bundle.Warning
	for _, group := range slices.SortedFunc(maps.Keys(names),
		func(a, b [3]string) int { return slices.Compare(a[:], b[:]) }) {
		where := ""
		if group[1] != "" {
			where = " in " + procfs.NetNSName(group[1])
		}
		warnings = append(warnings, bundle.Warn(group[0],
			"%s%s %s during the window: the difference is no count", few(names[group]), where, group[2]))
	}
	return warnings
}

// few lists the first of many names.
func few(names []string) string {
	const most = 6
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// withoutIdle leaves out the protocol counters, hundreds, that are 0 at both
// ends.
func withoutIdle(rows []bundle.Counter) []bundle.Counter {
	used := map[bundle.CounterKey]bool{}
	for _, c := range rows {
		if c.Value > 0 {
			used[c.Key()] = true
		}
	}
	return slices.DeleteFunc(rows, func(c bundle.Counter) bool {
		protocol := c.Source == "/proc/net/snmp" || c.Source == "/proc/net/netstat" ||
			c.Source == "/proc/net/snmp6"
		return protocol && !used[c.Key()]
	})
}

// withoutIdleFacts leaves out the counters of interfaces, thousands, that are 0
// at both ends, but those of pause frames and drops: 0 of them is a result.
func withoutIdleFacts(facts []bundle.Fact) []bundle.Fact {
	type key struct{ topic, subject, name string }
	used := map[key]bool{}
	for _, f := range facts {
		if f.Value != "0" || bundle.IsPause(f.Name) || bundle.IsDrop(f.Name) {
			used[key{f.Topic, f.Subject, f.Name}] = true
		}
	}
	return slices.DeleteFunc(facts, func(f bundle.Fact) bool {
		return f.Counter && !used[key{f.Topic, f.Subject, f.Name}]
	})
}
