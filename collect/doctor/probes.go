package doctor

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/probe"
	"xfrmscope/collect/procfs"
)

// probes loads and attaches the wait probe by each attach mode, and the others by the
// best.
func (e *exam) probes(context.Context) []Check {
	var checks []Check
	for i, mode := range probe.WaitModes() {
		c := Check{ID: fmt.Sprintf("XS%03d", 20+i), Title: "wait probe by " + string(mode), State: OK,
			Evidence: "loads and attaches"}
		w, err := probe.LoadWaitBy(mode)
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			c.State = Absent
			_, c.Evidence, _ = strings.Cut(probe.Attempt{Mode: mode, Err: err}.String(), ": ")
			c.Fix = e.probeFix(mode)
		}
		checks = append(checks, c)
	}
	load := probe.NewLoader()
	return append(checks,
		attachable(e, "XS024", "count probe", load.Count),
		attachable(e, "XS025", "time probe", load.Time),
		attachable(e, "XS026", "find probe",
			func() (*probe.Lookup, []probe.Attempt) { return load.Lookup(probe.DefaultOneIn) }),
		attachable(e, "XS027", "inbound probe", load.Inbound),
		attachable(e, "XS028", "stacks probe", load.Stacks),
	)
}

// attachable loads and attaches a probe by the best attach mode there is.
func attachable[T any, P interface {
	*T
	probe.Probe
}](e *exam, id, title string, load func() (P, []probe.Attempt)) Check {
	p, passed := load()
	if p == nil {
		return Check{ID: id, Title: title, State: Absent, Evidence: probe.WhyNot(passed),
			Fix: e.probeFix(probe.Fentry)}
	}
	c := Check{ID: id, Title: title, State: OK, Evidence: "loads and attaches by " + string(p.Mode())}
	if len(passed) > 0 {
		c.State, c.Evidence, c.Fix = Degraded, c.Evidence+"; not by "+probe.WhyNot(passed),
			e.probeFix(probe.Fentry)
	}
	if err := p.Close(); err != nil {
		c.State, c.Evidence, c.Fix = Unknown, err.Error(), ""
	}
	return c
}

func (e *exam) probeFix(mode probe.AttachMode) string {
	switch {
	case !e.caps.Has(unix.CAP_BPF) || !e.caps.Has(unix.CAP_PERFMON):
		return runAsRoot
	case mode == probe.Fentry:
		return "boot without lockdown, a kernel with CONFIG_DEBUG_INFO_BTF and CONFIG_FUNCTION_TRACER; the " +
			"next attach mode, if there is one, is used meanwhile"
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
