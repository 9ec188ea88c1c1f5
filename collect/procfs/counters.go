package procfs

import (
	"bytes"
	"errors"
	"fmt"
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
			rows = append(rows, bundle.Counter{Source: source, CPU: &cpu, Name: name, Unit: UnitNS, Value: ticks * tickNS})
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
				rows = append(rows, bundle.Counter{Source: source, CPU: &cpu, Name: name, Unit: UnitCount, Value: value})
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
// netns.Do. It returns fs.ErrNotExist if the kernel was built without
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
