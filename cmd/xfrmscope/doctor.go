package main

import (
	"context"

	"github.com/spf13/cobra"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/doctor"
	"xfrmscope/collect/record"
)

type doctorOptions struct {
	json    bool
	cpus    string
	devices []string
	kconfig string
	netns   []string
}

func newDoctor(io streams) *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what can be measured here and what can't, with the fixing command",
		Long: `Doctor tries what record would use: privileges, perf and each default event,
BTF and each attach mode of the probes, XFRM. It then looks at what decides on
which CPU a packet is processed, and at the SAs that are there now. With -C it
prints the commands that give each of these CPUs a queue and a flow. It changes
nothing on the machine and runs none of them.

With --kconfig it reads a kernel's configuration instead, and says which options
are missing and what is lost without each.
Exit code 3 if nothing could be recorded.`,
		Example: `  xfrmscope doctor
  xfrmscope doctor -C 0-1 --netns west
  xfrmscope doctor -C 0-1 --dev eth0
  xfrmscope doctor --kconfig linux/.config
  xfrmscope doctor --json`,
		Args: arguments(cobra.NoArgs, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd.Context(), io, o) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "print the checks, the tables and the plan as JSON")
	f.StringVarP(&o.cpus, "cpus", "C", "", "CPUs that send, as 1-4,8: checks what concerns them, and prints a plan")
	f.StringArrayVar(&o.devices, "dev", nil,
		"interface that carries the traffic, repeatable (default: all that are up)")
	f.StringVar(&o.kconfig, "kconfig", "",
		"read this configuration of a kernel: its .config, /proc/config.gz, or - for stdin")
	f.StringArrayVar(&o.netns, "netns", nil, "network namespace to look at, repeatable (default: the current one)")
	return cmd
}

// doctorKconfig reads a kernel's configuration.
func doctorKconfig(io streams, o doctorOptions) error {
	if o.cpus != "" || len(o.devices) > 0 || len(o.netns) > 0 {
		return usagef("--kconfig asks for a kernel, -C, --dev and --netns for this machine: leave one out")
	}
	in := io.in
	if o.kconfig != "-" {
		file, err := bundle.OpenRegular(o.kconfig, 0)
		if err != nil {
			return usageError{err}
		}
		defer file.Close()
		in = file
	}
	var report doctor.Report
	var err error
	if report.Checks, err = doctor.Kconfig(in); err != nil {
		return usagef("%s: %w", o.kconfig, err)
	}
	if o.json {
		if err := io.printJSON(report.Checks); err != nil {
			return err
		}
	} else if err := report.WriteChecks(io.out); err != nil {
		return err
	}
	for _, c := range report.Checks {
		if c.State == doctor.Absent {
			return &record.Missing{What: c.ID, Why: c.Evidence, Fix: c.Fix}
		}
	}
	return nil
}

func runDoctor(ctx context.Context, io streams, o doctorOptions) error {
	if o.kconfig != "" {
		return doctorKconfig(io, o)
	}
	focus, err := focusOn(o.cpus, o.netns)
	if err != nil {
		return err
	}
	focus.Devices = o.devices
	if err := focus.CheckDevices(""); err != nil {
		return err
	}
	report := doctor.Examine(ctx, "", "", focus)
	if o.json {
		if err := io.printJSON(report); err != nil {
			return err
		}
	} else if err := report.Write(io.out); err != nil {
		return err
	}
	if report.CanRecord() {
		return nil
	}
	return &record.Missing{What: "recording", Why: "what it needs is absent here",
		Fix: "the checks above name each fix"}
}

// focusOn makes a focus of the flags -C and --netns.
func focusOn(cpus string, netns []string) (doctor.Focus, error) {
	focus := doctor.Focus{NetNS: netns}
	if cpus != "" {
		var err error
		if focus.CPUs, err = bundle.ParseCPUSet(cpus); err != nil {
			return focus, usageError{err}
		}
	}
	return focus, record.CheckPlaces("", focus.CPUs, focus.NetNS)
}
