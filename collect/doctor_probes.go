package collect

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/doctor"
	"xfrmscope/collect/probe"
	"xfrmscope/collect/procfs"
)

// probes loads and attaches the wait probe by each rung.
func (e *exam) probes(context.Context) []doctor.Check {
	var checks []doctor.Check
	for i, rung := range probe.Ladder() {
		c := doctor.Check{ID: fmt.Sprintf("XS%03d", 20+i), Title: "wait probe by " + string(rung), State: doctor.OK, Evidence: "loads and attaches"}
		w, err := probe.LoadWaitBy(rung)
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			c.State = doctor.Absent
			_, c.Evidence, _ = strings.Cut(probe.Attempt{Rung: rung, Err: err}.String(), ": ")
			c.Fix = e.probeFix(rung)
		}
		checks = append(checks, c)
	}
	return checks
}

func (e *exam) probeFix(rung probe.Rung) string {
	switch {
	case !e.caps.has(unix.CAP_BPF) || !e.caps.has(unix.CAP_PERFMON):
		return runAsRoot
	case rung == probe.Fentry:
		return "boot without lockdown, a kernel with CONFIG_DEBUG_INFO_BTF and CONFIG_FUNCTION_TRACER; the next rung is used meanwhile"
	}
	return "boot a kernel of 5.19 or newer; in a container, seccomp may forbid bpf()"
}

// kernelLog returns what is left of the kernel's log, "" if it may not be read.
func kernelLog(root procfs.Root) string {
	if root != "" {
		return root.ReadTrimmed("/var/log/dmesg")
	}
	size, err := unix.Klogctl(unix.SYSLOG_ACTION_SIZE_BUFFER, nil)
	if err != nil || size <= 0 {
		return ""
	}
	buf := make([]byte, size)
	n, err := unix.Klogctl(unix.SYSLOG_ACTION_READ_ALL, buf)
	if err != nil {
		return ""
	}
	var log strings.Builder
	for line := range strings.Lines(string(buf[:n])) {
		_, text, _ := strings.Cut(line, ">") // "<5>[    0.105282] ..."
		log.WriteString(text)
	}
	return log.String()
}
