package record

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
)

// CheckPlan reports the first part of the plan that this machine cannot carry
// out, as a *PlanError. It opens nothing and needs no privileges; what the
// kernel and the tools can do is found out by DryRun and Record.
func CheckPlan(plan bundle.Plan, opt Options) error {
	online, err := opt.Root.Online()
	if err != nil {
		return err
	}
	if len(plan.CPUs) == 0 {
		return &PlanError{"CPUs", "none is named",
			fmt.Sprintf("online are %s: choose the sending ones, for example -C %s", online, online)}
	}
	if err := checkOnline("CPUs", plan.CPUs, online); err != nil {
		return err
	}
	if plan.DurationNS <= 0 {
		return &PlanError{"duration", fmt.Sprintf("%s is no time to measure in", plan.DurationNS),
			"ask for at least a second, for example -d 20s"}
	}
	if plan.WarmUpNS < 0 {
		return &PlanError{"warm-up", fmt.Sprintf("%s is negative", plan.WarmUpNS),
			"leave it out or ask for some seconds"}
	}
	if plan.FrequencyHz < 0 {
		return &PlanError{"sampling frequency", fmt.Sprintf("%d Hz is negative", plan.FrequencyHz),
			fmt.Sprintf("leave it out for %d Hz", DefaultFrequencyHz)}
	}
	if err := checkProbes(plan); err != nil {
		return err
	}
	return checkRest(plan, online, opt)
}

func checkRest(plan bundle.Plan, online bundle.CPUSet, opt Options) error {
	if len(plan.Events) == 0 {
		return &PlanError{"events", "none is named", "cpu-clock opens everywhere; `perf list` names others"}
	}
	for _, event := range plan.Events {
		if strings.TrimSpace(event) == "" || strings.HasPrefix(event, "-") {
			return &PlanError{fmt.Sprintf("event %q", event), "it is no event",
				"`perf list` names those there are"}
		}
	}
	if err := checkNamespaces(plan.NetNS, opt.Root); err != nil {
		return err
	}
	if plan.Load == nil {
		return nil
	}
	if len(plan.Load.Argv) == 0 || plan.Load.Argv[0] == "" {
		return &PlanError{"load", "it names no program", "give a command, or leave the load out"}
	}
	if err := checkProgram(plan.Load); err != nil {
		return err
	}
	return checkOnline("load's CPUs", plan.Load.CPUs, online)
}

// CheckPlaces reports a CPU that is not online or a namespace that does not
// exist, as a *PlanError.
func CheckPlaces(root procfs.Root, cpus bundle.CPUSet, netns []string) error {
	if len(cpus) > 0 {
		online, err := root.Online()
		if err != nil {
			return err
		}
		if err := checkOnline("CPUs", cpus, online); err != nil {
			return err
		}
	}
	return checkNamespaces(netns, root)
}

func checkNamespaces(names []string, root procfs.Root) error {
	for _, ns := range names {
		if _, err := root.NetNSPath(ns); err != nil {
			return &PlanError{"network namespace " + ns, err.Error(),
				"`ip netns list` names those there are; a process id names that process's"}
		}
	}
	return nil
}

// checkProgram reports a load that cannot be started.
func checkProgram(load *bundle.Load) error {
	if _, err := exec.LookPath(load.Argv[0]); err != nil {
		return &PlanError{"load " + load.Argv[0], err.Error(), "name a program on the PATH or its path"}
	}
	return nil
}

func checkOnline(what string, set, online bundle.CPUSet) error {
	offline := slices.DeleteFunc(slices.Clone(set), online.Contains)
	if len(offline) == 0 {
		return nil
	}
	verb := "is"
	if len(offline) > 1 {
		verb = "are"
	}
	return &PlanError{
		What: what + " " + set.String(),
		Why:  fmt.Sprintf("%s %s not online here", offline, verb),
		Fix:  fmt.Sprintf("online are %s", online),
	}
}

// frequency returns the sampling frequency the plan asks for.
func frequency(plan bundle.Plan) int {
	if plan.FrequencyHz > 0 {
		return plan.FrequencyHz
	}
	return DefaultFrequencyHz
}

// seconds prints a duration as a reader would say it: "2 s", "0.5 s".
func seconds(d time.Duration) string {
	return fmt.Sprintf("%g s", d.Seconds())
}
