package procfs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"xfrmscope/collect/bundle"
)

// Units of bundle.Counter.
const (
	UnitCount = "count"
	UnitNS    = "ns"
)

// tickNS is the length of a tick of /proc/stat: USER_HZ is 100 on every
// architecture (include/asm-generic/param.h; on alpha 1024).
const tickNS = 10_000_000

// CPUTimes returns how long each CPU has done what since it came up, from
// /proc/stat (fs/proc/stat.c, 6.12). Guest time is within user time and not
// told apart.
func (r Root) CPUTimes() ([]bundle.Counter, error) {
	const source = "/proc/stat"
	data, err := r.Read(source)
	if err != nil {
		return nil, fmt.Errorf("reading CPU times: %w", err)
	}
	names := []string{"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"}
	var rows []bundle.Counter
	for line := range bytes.Lines(data) {
		fields := strings.Fields(string(line))
		if len(fields) == 0 || !strings.HasPrefix(fields[0], "cpu") || fields[0] == "cpu" {
			continue
		}
		cpu, err := strconv.Atoi(fields[0][len("cpu"):])
		if err != nil || cpu < 0 || cpu > bundle.MaxCPU {
			return rows, fmt.Errorf("%s: line %q is of no CPU", source, line)
		}
		for i, name := range names[:min(len(names), len(fields)-1)] {
			ticks, err := strconv.ParseUint(fields[i+1], 10, 64)
			if err != nil {
				return rows, fmt.Errorf("%s: %s of CPU %d: %w", source, name, cpu, err)
			}
			rows = append(rows, bundle.Counter{Source: source, CPU: &cpu, Name: name, Unit: UnitNS,
				Value: ticks * tickNS})
		}
	}
	return rows, nil
}

// softnetName names the columns of /proc/net/softnet_stat that mean something
// (net/core/net-procfs.c softnet_seq_show, 6.12).
func softnetName(column int) string {
	switch column {
	case 0:
		return "processed"
	case 1:
		return "dropped"
	case 2:
		return "time_squeeze"
	case 9:
		return "received_rps"
	case 10:
		return "flow_limit_count"
	case 11:
		return "backlog_len"
	case 13:
		return "input_qlen"
	case 14:
		return "process_qlen"
	}
	return ""
}

// softnetCPU is the column that holds the CPU, since 5.10; before, the lines
// are those of the online CPUs.
const softnetCPU = 12

// Softnet returns what each CPU's network softirq has done.
func (r Root) Softnet() ([]bundle.Counter, error) {
	const source = "/proc/net/softnet_stat"
	data, err := r.Read(source)
	if err != nil {
		return nil, fmt.Errorf("reading softirq counters: %w", err)
	}
	online, err := r.Online()
	if err != nil {
		return nil, err
	}
	var rows []bundle.Counter
	line := 0
	for text := range bytes.Lines(data) {
		columns, err := hexColumns(string(text))
		if err != nil {
			return rows, fmt.Errorf("%s:%d: %w", source, line+1, err)
		}
		cpu := -1
		if len(columns) > softnetCPU {
			if columns[softnetCPU] > bundle.MaxCPU {
				return rows, fmt.Errorf("%s:%d: is of no CPU", source, line+1)
			}
			cpu = int(columns[softnetCPU])
		} else if line < len(online) {
			cpu = online[line]
		}
		line++
		for i, value := range columns {
			if name := softnetName(i); name != "" && cpu >= 0 {
				rows = append(rows, bundle.Counter{Source: source, CPU: &cpu, Name: name,
					Unit: UnitCount, Value: value})
			}
		}
	}
	return rows, nil
}

func hexColumns(line string) ([]uint64, error) {
	var columns []uint64
	for _, field := range strings.Fields(line) {
		value, err := strconv.ParseUint(field, 16, 32)
		if err != nil {
			return nil, err
		}
		columns = append(columns, value)
	}
	return columns, nil
}

// XfrmStat returns XFRM's counters of the calling thread's network namespace
// (Documentation/networking/xfrm_proc.rst), whatever their names: see
// procfs.Root.InNetNS. It returns fs.ErrNotExist if the kernel was built without
// CONFIG_XFRM_STATISTICS.
func (r Root) XfrmStat() ([]bundle.Counter, error) {
	data, err := r.Read("/proc/thread-self/net/xfrm_stat")
	if err != nil {
		return nil, fmt.Errorf("reading XFRM's counters: %w", err)
	}
	const source = "/proc/net/xfrm_stat"
	var rows []bundle.Counter
	var errs []error
	for line := range bytes.Lines(data) {
		fields := strings.Fields(string(line))
		if len(fields) != 2 {
			errs = append(errs, fmt.Errorf("%s: line %q is no name and number", source, line))
			continue
		}
		value, err := strconv.ParseUint(fields[1], 10, 64)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", source, fields[0], err))
			continue
		}
		rows = append(rows, bundle.Counter{Source: source, Name: fields[0], Unit: UnitCount, Value: value})
	}
	return rows, errors.Join(errs...)
}

// Softirqs returns how often each CPU has run each kind of softirq, from
// /proc/softirqs (fs/proc/softirqs.c, 6.12).
func (r Root) Softirqs() ([]bundle.Counter, error) {
	const source = "/proc/softirqs"
	data, err := r.Read(source)
	if err != nil {
		return nil, fmt.Errorf("reading softirq counts: %w", err)
	}
	header, rest, _ := bytes.Cut(data, []byte("\n"))
	cpus, err := cpuColumns(string(header))
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", source, err)
	}
	var rows []bundle.Counter
	for line := range bytes.Lines(rest) {
		name, values, ok := strings.Cut(strings.TrimSpace(string(line)), ":")
		if !ok {
			return rows, fmt.Errorf("%s: line %q has no name", source, line)
		}
		for i, field := range strings.Fields(values) {
			value, err := strconv.ParseUint(field, 10, 64)
			if err != nil || i >= len(cpus) {
				return rows, fmt.Errorf("%s: %s: %q is no count of a CPU", source, name, field)
			}
			rows = append(rows, bundle.Counter{Source: source, CPU: &cpus[i], Name: name, Unit: UnitCount,
				Value: value})
		}
	}
	return rows, nil
}

// cpuColumns reads the head of a table by CPU: "CPU0 CPU2".
func cpuColumns(header string) ([]int, error) {
	var cpus []int
	for _, field := range strings.Fields(header) {
		number, ok := strings.CutPrefix(field, "CPU")
		cpu, err := strconv.Atoi(number)
		if !ok || err != nil || cpu < 0 || cpu > bundle.MaxCPU {
			return nil, fmt.Errorf("%q is no CPU", field)
		}
		cpus = append(cpus, cpu)
	}
	return cpus, nil
}

// Nstat returns the SNMP counters of the calling thread's network namespace, as
// `nstat -az` names them (net/ipv4/proc.c and net/ipv6/proc.c, 6.12). A file
// the kernel does not have is left out; values below 0 are no counts.
func (r Root) Nstat() ([]bundle.Counter, error) {
	var rows []bundle.Counter
	var errs []error
	for _, file := range []string{"snmp", "netstat", "snmp6"} {
		source := "/proc/net/" + file
		data, err := r.Read("/proc/thread-self/net/" + file)
		if errors.Is(err, fs.ErrNotExist) && file == "snmp6" {
			continue // IPv6 is off
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("reading protocol counters: %w", err))
			continue
		}
		parse := parseSNMP
		if file == "snmp6" {
			parse = parseSNMP6
		}
		found, err := parse(source, data)
		rows = append(rows, found...)
		errs = append(errs, err)
	}
	return rows, errors.Join(errs...)
}

// parseSNMP reads pairs of lines, "Ip: Forwarding DefaultTTL" and "Ip: 1 64".
func parseSNMP(source string, data []byte) ([]bundle.Counter, error) {
	var rows []bundle.Counter
	var names []string
	line := 0
	for text := range bytes.Lines(data) {
		line++
		fields := strings.Fields(string(text))
		if line%2 == 1 {
			names = fields
			continue
		}
		if len(fields) == 0 || len(fields) != len(names) || fields[0] != names[0] {
			return rows, fmt.Errorf("%s:%d: does not fit the line of names above it", source, line)
		}
		protocol := strings.TrimSuffix(fields[0], ":")
		for i := 1; i < len(fields); i++ {
			rows = appendCount(rows, source, protocol+names[i], fields[i])
		}
	}
	return rows, nil
}

// parseSNMP6 reads lines "Ip6InReceives    0".
func parseSNMP6(source string, data []byte) ([]bundle.Counter, error) {
	var rows []bundle.Counter
	line := 0
	for text := range bytes.Lines(data) {
		line++
		fields := strings.Fields(string(text))
		if len(fields) != 2 {
			return rows, fmt.Errorf("%s:%d: is no name and number", source, line)
		}
		rows = appendCount(rows, source, fields[0], fields[1])
	}
	return rows, nil
}

func appendCount(rows []bundle.Counter, source, name, text string) []bundle.Counter {
	value, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return rows // -1: TcpMaxConn has no limit
	}
	return append(rows, bundle.Counter{Source: source, Name: name, Unit: UnitCount, Value: value})
}
