package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/push"
)

type pushOptions struct {
	pyroscope, otlp, gateway, group, openMetrics string
	headers                                      []string
}

func newPush(io streams) *cobra.Command {
	var o pushOptions
	cmd := &cobra.Command{
		Use:   "push RUN|SWEEP...",
		Short: "Send profiles to Pyroscope or OpenTelemetry, figures to Prometheus",
		Long: `Push analyses runs and sweeps as report does, and sends them where many
reports are kept. Profiles and figures carry the same labels: host, kernel,
scenario, mode, n, side, run, and the run's own.

--pyroscope    one pprof profile per run and event, by Pyroscope's push API;
               service_name is xfrmscope
--otlp         the same as OTLP profiles (v1development, HTTP) to an OpenTelemetry
               collector; labels are resource attributes, CPU, task and stage
               attributes of samples
--pushgateway  every figure as a gauge xfrmscope_ID, unit and CPU as labels,
               its standard error as xfrmscope_ID_standard_error, to a Prometheus
               Pushgateway; what was not measured is xfrmscope_not_measured
--openmetrics  the same as a file, each figure at its run's own time, for
               promtool tsdb create-blocks-from openmetrics FILE DATA`,
		Example: `  xfrmscope push sweep --pyroscope http://localhost:4040
  xfrmscope push sweep --otlp http://localhost:4318
  xfrmscope push sweep --pushgateway http://localhost:9091 --group nightly
  xfrmscope push sample:shared sample:pcpu --openmetrics figures.txt`,
		Args: arguments(cobra.MinimumNArgs(1), "at least one RUN or SWEEP"),
		RunE: func(cmd *cobra.Command, args []string) error { return pushRuns(cmd.Context(), io, o, args) },
	}
	cmd.Flags().StringVar(&o.pyroscope, "pyroscope", "", "address of a Pyroscope server")
	cmd.Flags().StringVar(&o.otlp, "otlp", "", "address of an OpenTelemetry collector")
	cmd.Flags().StringVar(&o.gateway, "pushgateway", "", "address of a Prometheus Pushgateway")
	cmd.Flags().StringVar(&o.group, "group", "default",
		"label push of the figures; the next push of a group replaces its figures")
	cmd.Flags().StringVar(&o.openMetrics, "openmetrics", "", "file to write the figures to")
	cmd.Flags().StringArrayVar(&o.headers, "header", nil,
		"header of every request, \"Name: value\"; may be repeated")
	return cmd
}

func pushRuns(ctx context.Context, io streams, o pushOptions, paths []string) error {
	if o.pyroscope == "" && o.otlp == "" && o.gateway == "" && o.openMetrics == "" {
		return usagef("push needs somewhere to send to: add --pyroscope, --otlp, --pushgateway or " +
			"--openmetrics")
	}
	if o.group == "" {
		return usagef("--group may not be empty")
	}
	if o.openMetrics != "" {
		if err := keepOutOfRuns(filepath.Dir(o.openMetrics)); err != nil {
			return err
		}
	}
	header, err := headersOf(o.headers)
	if err != nil {
		return err
	}
	result, err := analyzePaths(ctx, paths, readOptions{})
	if err != nil {
		return err
	}
	if o.openMetrics != "" {
		if err := writeOpenMetrics(o.openMetrics, result); err != nil {
			return err
		}
		fmt.Fprintf(io.out, "figures of %d runs written to %s\n", len(result.Runs), o.openMetrics)
	}
	if o.gateway != "" {
		g := push.Gateway{URL: o.gateway, Group: o.group, Header: header}
		if err := g.Put(ctx, result); err != nil {
			return err
		}
		fmt.Fprintf(io.out, "figures of %d runs sent to %s, group %s\n", len(result.Runs), o.gateway, o.group)
	}
	if o.otlp != "" {
		c := push.OTLP{URL: o.otlp, Header: header}
		taken, all, err := c.Push(ctx, result)
		fmt.Fprintf(io.out, "%d of %d profiles sent to %s\n", taken, all, o.otlp)
		if err != nil {
			return err
		}
	}
	if o.pyroscope == "" {
		return nil
	}
	profiles, err := push.Profiles(result)
	if err != nil {
		return err
	}
	c := push.Pyroscope{URL: o.pyroscope, Header: header}
	taken, err := c.Push(ctx, profiles)
	fmt.Fprintf(io.out, "%d of %d profiles sent to %s\n", taken, len(profiles), o.pyroscope)
	return err
}

func writeOpenMetrics(name string, r *result.Result) error {
	var text bytes.Buffer
	if err := push.OpenMetrics(&text, r); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() { // /dev/stdout
		return os.WriteFile(name, text.Bytes(), 0o644)
	}
	return bundle.WriteWhole(name, text.Bytes())
}

func headersOf(lines []string) (http.Header, error) {
	header := http.Header{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(line, "\r\n") {
			return nil, usagef("%q is no header: write \"Name: value\"", line)
		}
		header.Add(name, strings.TrimSpace(value))
	}
	return header, nil
}
