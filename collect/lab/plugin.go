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

// The plugin's source; cc makes it at first use.
//
//go:embed plugin
var source embed.FS

// Plugin returns the path of the built plugin, which it builds unless the cache
// directory holds that of the same source.
func Plugin(ctx context.Context, cache string) (string, error) {
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
	built := filepath.Join(cache, "coherent-"+hex.EncodeToString(sum.Sum(nil)[:8])+".so")
	if _, err := os.Stat(built); err == nil {
		return built, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
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
