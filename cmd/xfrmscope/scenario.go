package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"xfrmscope/collect/scenario"
	"xfrmscope/samples"
)

func newScenario(io streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scenario",
		Short: "List, print and check the descriptions of sweeps, and a testbed for them",
		Args:  arguments(cobra.NoArgs, "list, print, schema or testbed"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newScenarioList(io), newScenarioPrint(io), newScenarioSchema(io), newScenarioTestbed(io))
	return cmd
}

func newScenarioList(io streams) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "Name the example scenarios in the program",
		Example: "  xfrmscope scenario list",
		Args:    arguments(cobra.NoArgs, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			for _, name := range samples.Scenarios() {
				text, _ := samples.Scenario(name)
				fmt.Fprintf(io.out, "%-10s %s\n", name, firstComment(text))
			}
			return nil
		},
	}
}

func firstComment(text []byte) string {
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimPrefix(line, "# ")
}

func newScenarioPrint(io streams) *cobra.Command {
	var set []string
	var source bool
	cmd := &cobra.Command{
		Use:   "print SCENARIO.yaml|NAME",
		Short: "Print a scenario as it is carried out here, every default filled in",
		Long: `Print writes the resolved scenario: with every default, and every set of CPUs
spelled out for this machine. Its SHA-256, as sha256sum(1) has it, stands in
every run and every sweep made by it. The output is a scenario itself.`,
		Example: `  xfrmscope scenario print iperf3 --source > my.yaml
  xfrmscope scenario print my.yaml --set window=5s | sha256sum`,
		Args: arguments(cobra.ExactArgs(1), "one SCENARIO.yaml, or the name of an example"),
		RunE: func(_ *cobra.Command, args []string) error {
			if source {
				return printSource(io, args[0])
			}
			s, err := readScenario(args[0], set)
			if err != nil {
				return err
			}
			cpus, err := scenario.ReadMachine("")
			if err != nil {
				return err
			}
			if s, err = resolveScenario(s, cpus); err != nil {
				return err
			}
			text, err := s.Text()
			if err != nil {
				return err
			}
			_, err = io.out.Write(text)
			return err
		},
	}
	cmd.Flags().StringArrayVar(&set, "set", nil, "change a value, as window=5s or modes.pcpu.setup=CMD; repeatable")
	cmd.Flags().BoolVar(&source, "source", false, "print an example as it is, with its comments")
	return cmd
}

func printSource(io streams, name string) error {
	text, ok := samples.Scenario(name)
	if !ok {
		return usagef("there is no example %q; there are: %s", name, strings.Join(samples.Scenarios(), ", "))
	}
	_, err := io.out.Write(text)
	return err
}

func newScenarioTestbed(io streams) *cobra.Command {
	return &cobra.Command{
		Use:   "testbed",
		Short: "Print commands that make two namespaces with per-CPU SAs",
		Long: `Testbed prints the commands of ip(8) that make two network namespaces, xs-west and
xs-east, and between them an SA for each CPU. It runs none of them.`,
		Example: "  xfrmscope scenario testbed\n" +
			"  xfrmscope scenario testbed > testbed.sh && bash -n testbed.sh",
		Args: arguments(cobra.NoArgs, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(io.out, samples.Testbed())
			return err
		},
	}
}

func newScenarioSchema(io streams) *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON schema of a scenario, for editors",
		Example: "  xfrmscope scenario schema > xfrmscope.schema.json",
		Args:    arguments(cobra.NoArgs, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			text, err := scenario.Schema()
			if err != nil {
				return err
			}
			_, err = io.out.Write(text)
			return err
		},
	}
}
