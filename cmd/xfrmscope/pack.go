package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/pack"
)

type packOptions struct {
	file    string
	publish bool
	logs    bool
}

func newPack(io streams) *cobra.Command {
	var o packOptions
	cmd := &cobra.Command{
		Use:   "pack RUN|SWEEP -o FILE" + pack.Extension,
		Short: "Put a run or a sweep into one file, on request without its names",
		Long: `Pack writes one file for mail or upload, a tar compressed with zstd. Report,
compare, show, verify and list open it as it is; tar --zstd -x unpacks it.

--publish masks IP and Ethernet addresses, the names of hosts and interfaces,
SPIs and keys, equal ones equally in all files. Of perf.data it masks the host's
name and perf's command line. Names of network namespaces, of processes and of
files, kernel addresses and times stay. Free text (labels, the load, the scenario)
is printed as it stays: read it. Logs are left out, and so is a file that cannot
be masked.`,
		Example: `  xfrmscope pack sweep -o sweep.tar.zst
  xfrmscope pack sweep --publish -o public.tar.zst
  xfrmscope verify public.tar.zst`,
		Args: arguments(cobra.ExactArgs(1), "one RUN or SWEEP"),
		RunE: func(_ *cobra.Command, args []string) error { return packBundle(io, o, args[0]) },
	}
	cmd.Flags().StringVarP(&o.file, "output", "o", "", "file to write (required)")
	cmd.Flags().BoolVar(&o.publish, "publish", false,
		"mask addresses, names of hosts and interfaces, SPIs and keys")
	cmd.Flags().BoolVar(&o.logs, "logs", false, "with --publish: keep the logs, masked")
	return cmd
}

func packBundle(io streams, o packOptions, dir string) error {
	if o.file == "" {
		return usagef("pack needs a file to write to: add -o FILE%s", pack.Extension)
	}
	if err := keepOutOfRuns(filepath.Dir(o.file)); err != nil {
		return err
	}
	if _, err := os.Lstat(o.file); err == nil {
		return &bundle.ExistsError{Path: o.file}
	}
	if o.publish {
		tmp, err := os.MkdirTemp(filepath.Dir(o.file), ".xfrmscope-publish-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		to := filepath.Join(tmp, strings.TrimSuffix(filepath.Base(o.file), pack.Extension))
		notes, err := pack.Publish(dir, to, o.logs)
		if err != nil {
			return err
		}
		for _, note := range notes {
			fmt.Fprintln(io.out, inLine(note))
		}
		dir = to
	}
	if err := writePacked(o.file, dir); err != nil {
		return err
	}
	info, err := os.Stat(o.file)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "%s: %.1f MB\n", o.file, float64(info.Size())/1e6)
	return nil
}

// writePacked writes the whole file or none. It is its maker's alone, as what it
// holds is.
func writePacked(name, dir string) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".xfrmscope-pack-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(pack.Write(f, dir), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
