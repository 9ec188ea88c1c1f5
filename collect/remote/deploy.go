package remote

import (
	"context"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"strings"

	"xfrmscope/collect/bundle"
)

// deploy copies the program into the host's cache directory, under its hash,
// and returns its path there. One that is there already is not copied again.
func (o *SSH) deploy(ctx context.Context, h Host, program string) (string, error) {
	f, err := os.Open(program)
	if err != nil {
		return "", err
	}
	defer f.Close()
	content, err := bundle.SumOfFile(f)
	if err != nil {
		return "", err
	}
	sum := content.SHA256
	machine, err := machineOf(program)
	if err != nil {
		return "", err
	}
	const place = `d=${XDG_CACHE_HOME:-$HOME/.cache}/xfrmscope; f=$d/`
	check := place + sum + `; uname -m; echo "$f"; [ -x "$f" ] && sha256sum < "$f" | cut -d' ' -f1; true`
	answer, err := o.run(ctx, h, check, nil)
	if err != nil {
		return "", err
	}
	lines := strings.Split(answer, "\n")
	if len(lines) < 2 {
		return "", fmt.Errorf("%q is no answer of a POSIX shell", oneLine(answer))
	}
	if lines[0] != machine {
		return "", fmt.Errorf("the host is %s, %s is built for %s; build it for the host (GOARCH) and name "+
			"it with --host-program %s=FILE", lines[0], program, machine, h.Name)
	}
	quoted := "'" + strings.ReplaceAll(lines[1], "'", `'\''`) + "'"
	if len(lines) > 2 && lines[2] == sum {
		return quoted, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	_, err = o.run(ctx, h, place+sum+
		`; umask 077; mkdir -p "$d" && cat > "$f.$$" && chmod 700 "$f.$$" && mv "$f.$$" "$f"`, f)
	return quoted, err
}

// machineOf returns what `uname -m` says on a machine that runs the program.
func machineOf(program string) (string, error) {
	f, err := elf.Open(program)
	if err != nil {
		return "", fmt.Errorf("%s: %w", program, err)
	}
	defer f.Close()
	switch f.Machine {
	case elf.EM_X86_64:
		return "x86_64", nil
	case elf.EM_AARCH64:
		return "aarch64", nil
	}
	return "", fmt.Errorf("%s is built for %s; there are builds for x86_64 and aarch64", program, f.Machine)
}
