package lab

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"xfrmscope/collect/record"
)

// The plugin's source. The Debian package has it built; else cc makes it at first use.
//
//go:embed plugin
var source embed.FS

// Installed is the directory where a package that has this program has the built plugin.
func Installed(program string) string {
	return filepath.Join(filepath.Dir(program), "../lib/xfrmscope")
}

// Plugin returns the path of the built plugin: the first of the directories that holds
// that of the same source has it, or else it is built in the last.
func Plugin(ctx context.Context, dirs ...string) (string, error) {
	files, err := fs.Glob(source, "plugin/*")
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "xfrmscope-lab-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	sum := sha256.New()
	for _, name := range files {
		data, err := source.ReadFile(name)
		if err != nil {
			return "", err
		}
		sum.Write(data)
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), data, 0o644); err != nil {
			return "", err
		}
	}
	var built string
	for _, dir := range dirs {
		built = filepath.Join(dir, "coherent-"+hex.EncodeToString(sum.Sum(nil)[:8])+".so")
		if _, err := os.Stat(built); err == nil {
			return built, nil
		}
	}
	if err := os.MkdirAll(filepath.Dir(built), 0o755); err != nil {
		return "", err
	}
	part := fmt.Sprintf("%s.%d", built, os.Getpid())
	c := filepath.Join(dir, "coherent.c")
	flags := []string{"-O2", "-fno-strict-aliasing", "-shared", "-fPIC", "-fvisibility=hidden",
		"-ftls-model=initial-exec"} // current_cpu is QEMU's
	if err := compile(ctx, append(flags, c, "-o", part)...); err != nil {
		return "", err
	}
	return built, os.Rename(part, built)
}

func compile(ctx context.Context, args ...string) error {
	cc, err := exec.LookPath("cc")
	if err != nil {
		why := "cc is not on the PATH, and QEMU's plugin is not built yet"
		return &record.Missing{What: "a C compiler", Why: why, Fix: "apt-get install gcc libc6-dev", Err: err}
	}
	if out, err := exec.CommandContext(ctx, cc, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("building the plugin: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
