package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"xfrmscope/analyze/importer"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/digest"
)

type showOptions struct {
	jsonOptions
	user   bool
	fields string
	labels map[string]string
	top    int
}

func newShow(io streams) *cobra.Command {
	var o showOptions
	cmd := &cobra.Command{
		Use:   "show FILE|RUN|SWEEP...",
		Short: "Print the digest, the top functions, locks and SAs to the terminal",
		Long: `Show prints what report writes to digest.txt, then the functions, locks and
SAs of each mode at its largest N. It takes what report takes, files of other
programs, and a results.json or report.html.

"-" reads stdin: folded stacks, any other file that can be imported, or a mail
with a digest in it, quoted or not, which is printed clean.

--json prints results.json, and of each number the half of its 95 % interval,
half_95, too.`,
		Example: `  xfrmscope show run
  xfrmscope show sample:shared sample:pcpu
  xfrmscope show out/report.html --top 30
  xfrmscope show - < mail.txt`,
		Args: arguments(cobra.MinimumNArgs(1), "at least one FILE, RUN or SWEEP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(cmd.Context(), io, o, args)
		},
	}
	cmd.Flags().BoolVar(&o.user, "user", false, userUsage)
	cmd.Flags().StringVar(&o.fields, "fields", "", fieldsUsage)
	cmd.Flags().StringToStringVar(&o.labels, "label", nil, labelUsage)
	cmd.Flags().IntVar(&o.top, "top", digest.DefaultTop, "rows of each table")
	o.flags(cmd.Flags())
	return cmd
}

func show(ctx context.Context, io streams, o showOptions, paths []string) error {
	var result *result.Result
	var err error
	if len(paths) == 1 && paths[0] == "-" {
		var digest string
		if result, digest, err = readStdin(ctx, io.in, o.user); digest != "" {
			if o.json {
				return usagef("stdin has a digest: leave --json out, or give what it was made of")
			}
			_, err = fmt.Fprint(io.out, digest)
			return err
		}
	} else {
		result, err = analyzePaths(ctx, paths, readOptions{user: o.user, labels: o.labels, fields: o.fields})
	}
	if err != nil {
		return err
	}
	if o.json {
		if !o.addresses {
			result.MaskAddresses()
		}
		return io.writeResult(result)
	}
	return digest.Show(io.out, result, digest.ShowOptions{Top: o.top})
}

// What show reads from stdin is kept: a mail in memory, all else in a file.
const (
	maxMail  = 16 << 20
	maxStdin = 1 << 30
)

// readStdin reads results, a file to import, or a mail with a digest.
func readStdin(ctx context.Context, in io.Reader, user bool) (*result.Result, string, error) {
	head, err := io.ReadAll(io.LimitReader(in, maxMail))
	if err != nil {
		return nil, "", fmt.Errorf("reading stdin: %w", err)
	}
	if len(bytes.TrimSpace(head)) == 0 {
		return nil, "",
			errors.New("stdin is empty: pipe folded stacks, a recording or a mail with a digest into it")
	}
	if digest, ok := digest.FindDigest(string(head)); ok {
		return nil, digest, nil
	}
	if len(head) == maxMail { // before more is taken
		if _, err := importer.Detect(head[:importer.HeadBytes], "stdin"); err != nil {
			return nil, "", err
		}
	}
	dir, err := os.MkdirTemp("", temporary())
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "stdin")
	if err := spool(path, io.MultiReader(bytes.NewReader(head), in)); err != nil {
		return nil, "", err
	}
	allowMemory(sizeOf(path))
	r, err := analyzePaths(ctx, []string{path}, readOptions{user: user})
	return r, "", err
}

// spool writes what it reads to a file, up to maxStdin.
func spool(path string, in io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(in, maxStdin+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("reading stdin: %w", err)
	}
	if n > maxStdin {
		return fmt.Errorf("stdin has more than %d bytes: give the file by its name", maxStdin)
	}
	return nil
}
