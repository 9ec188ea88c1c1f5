package perf

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/sched"
)

// StatArgv returns the command line StartCounting runs: the events of o, grouped
// as they are sampled, but counted. It prints to standard error.
func (t *Tool) StatArgv(o Options) []string {
	args := []string{t.Path, "stat", "-x", ",", "-A", "-C", o.CPUs.String()}
	for _, event := range o.Events {
		args = append(args, "-e", counted(event))
	}
	return append(args, "-D", "-1", "--control", "fd:3,4")
}

// counted is an event without the modifiers that are of sampling: precise, and
// the group's S.
func counted(event string) string {
	if members, modifiers, ok := splitGroup(event); ok {
		for i, member := range members {
			members[i] = withModifiers(counted(member), modifiers)
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	if strings.HasSuffix(event, "/") || strings.Contains(event, "/:") {
		return event // a PMU's event: what follows is its own
	}
	name, modifiers, _ := strings.Cut(event, ":")
	return withModifiers(name, modifiers)
}

// A Counting is a running perf stat.
type Counting struct {
	*child
	log string
}

// StartCounting runs perf stat on the CPUs of pin and returns when it is ready
// to be enabled, or when ctx ends. Counters that are not enabled leave their hardware to perf
// record. What it prints, counts too, goes to log.
func (t *Tool) StartCounting(ctx context.Context, o Options, pin bundle.CPUSet, log *os.File) (*Counting, error) {
	c, err := startChild(ctx, t.StatArgv(o), pin, log)
	if err != nil {
		return nil, err
	}
	return &Counting{c, log.Name()}, nil
}

// Stop ends perf stat and returns what it counted.
func (c *Counting) Stop() ([]bundle.Total, error) {
	// It prints when interrupted, and then ends by that signal (builtin-stat.c
	// sig_atexit, 6.1).
	if err := sched.Signal(c.cmd, unix.SIGINT); err != nil {
		c.Kill()
		return nil, fmt.Errorf("ending perf stat: %w", err)
	}
	select {
	case <-c.done:
		c.control.Close()
	case <-time.After(c.limit):
		c.Kill()
		return nil, fmt.Errorf("perf stat did not end within %s of being interrupted", c.limit)
	}
	if code := c.ExitCode(); code != 0 && code != 128+int(unix.SIGINT) {
		return nil, fmt.Errorf("perf stat: %w", c.err)
	}
	text, err := os.ReadFile(c.log)
	if err != nil {
		return nil, err
	}
	return parseTotals(string(text))
}

// parseTotals reads the lines of `perf stat -x , -A`: CPU, count, unit, event,
// ns the counter was on, percent of the time it was enabled (tools/perf/util/
// stat-display.c print_running, 6.1). An event's name may hold commas. An
// event that was never on has no count, only a line. perf's messages, which name
// no CPU, are left out.
func parseTotals(text string) ([]bundle.Total, error) {
	var out []bundle.Total
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "CPU") {
			continue
		}
		total, err := parseTotal(line)
		if err != nil {
			return out, fmt.Errorf("perf stat, line %d: %w: %.100q", n, err, line)
		}
		out = append(out, total)
	}
	return out, nil
}

func parseTotal(line string) (t bundle.Total, err error) {
	fields := strings.Split(line, ",")
	percent := percentField(fields)
	if percent < 0 {
		return t, errors.New("not CPU, count, unit, event, ns, percent")
	}
	if t.CPU, err = strconv.Atoi(strings.TrimPrefix(fields[0], "CPU")); err != nil || t.CPU < 0 {
		return t, errors.New("no CPU")
	}
	t.Event = strings.Join(fields[3:percent-1], ",")
	if strings.HasPrefix(fields[1], "<not ") {
		return t, nil
	}
	value, verr := strconv.ParseFloat(fields[1], 64)
	running, rerr := strconv.ParseUint(fields[percent-1], 10, 63)
	share, serr := strconv.ParseFloat(fields[percent], 64)
	if err := errors.Join(verr, rerr, serr); err != nil {
		return t, err
	}
	if fields[2] == "msec" { // clocks alone have a unit
		value *= 1e6
	}
	if !(value >= 0 && value < math.MaxInt64) || !(share >= 0 && share <= 100.01) {
		return t, errors.New("a count or a percent out of range")
	}
	t.Value, t.RunningNS, t.Running = uint64(math.Round(value)), int64(running), min(1, share/100)
	return t, nil
}

// percentField finds the percent: the one field of two decimals after one of
// digits, behind the event.
func percentField(fields []string) int {
	for i := 5; i < len(fields); i++ {
		whole, frac, ok := strings.Cut(fields[i], ".")
		if ok && len(frac) == 2 && digits(whole) && digits(frac) && digits(fields[i-1]) {
			return i
		}
	}
	return -1
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
