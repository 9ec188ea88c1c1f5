package view

import (
	"fmt"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// HostName names a run's host. "(none)" is what Linux calls one that was given
// no name (UTS_NODENAME, include/linux/uts.h, 6.12).
func HostName(r *result.Run) string {
	if r.Manifest.Host.Name == "(none)" {
		return "unnamed"
	}
	return r.Manifest.Host.Name
}

// WhereText says on what was measured, and what.
func WhereText(runs []*result.Run) (host, what string) {
	host = Common(runs, HostName)
	kernel := Common(runs, func(r *result.Run) string {
		return strings.TrimSpace(r.Manifest.Host.Kernel + " " + r.Manifest.Host.Arch)
	})
	cpu := Common(runs, func(r *result.Run) string { return r.Manifest.Host.CPUModel })
	event := Common(runs, func(r *result.Run) string {
		if e := r.Main(); e != nil {
			return e.Name + " (" + e.Unit + ")"
		}
		return "none"
	})
	host = fmt.Sprintf("host %s, kernel %s, %s", format.OrUnknown(host), format.OrUnknown(kernel), format.OrUnknown(cpu))
	what = fmt.Sprintf("event %s, -F %s, %s s", event, format.OrUnknown(Common(runs, Frequency)), format.OrUnknown(Common(runs, Seconds)))
	if event == "none" {
		what = "no samples were taken"
	}
	if source := Common(runs, func(r *result.Run) string { return r.Packets.Source }); source != "" {
		if len(runs) > 1 && event != "none" {
			what += " a run"
		}
		what += "; packets: " + source
	}
	return host, what
}

func Frequency(r *result.Run) string {
	if hz := r.Manifest.Plan.FrequencyHz; hz > 0 {
		return fmt.Sprint(hz)
	}
	if e := r.Main(); e != nil && e.Profile != nil && e.Profile.Event.FrequencyHz > 0 {
		return fmt.Sprint(e.Profile.Event.FrequencyHz)
	}
	return ""
}

func Seconds(r *result.Run) string {
	if s := r.Manifest.Window.Seconds(); s > 0 {
		return format.Decimals(s, 1)
	}
	return ""
}
