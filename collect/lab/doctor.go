package lab

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Config is the fragment of a kernel's configuration that the lab needs.
//
//go:embed kernel.config
var Config string

// A Check is one thing the lab needs.
type Check struct {
	What string
	Have string // what was found
	Err  error  // why it will not do
}

// Doctor looks at what the lab needs; of a kernel, if one is named, by booting it.
func Doctor(ctx context.Context, cache, program string, build Build) []Check {
	var checks []Check
	add := func(what, have string, err error) { checks = append(checks, Check{what, have, err}) }
	qemu, err := findQEMU(ctx)
	add("QEMU", qemu, err)
	plugin, err := Plugin(ctx, Installed(program), cache)
	origin := "built by cc"
	if filepath.Dir(plugin) == Installed(program) {
		origin = "of the package"
	}
	add("plugin", fmt.Sprintf("%s, %s", plugin, origin), err)
	_, err = loaded(program)
	add("first program", program, err)
	if build.Image == "" {
		return checks
	}
	k, err := Learn(ctx, cache, build, program, 3*time.Minute)
	if err != nil {
		add("kernel", build.Image, err)
		return checks
	}
	add("kernel", fmt.Sprintf("%s, HZ %d, %d modules", k.Release, k.hz, len(k.mods)), nil)
	_, _, err = k.model(Cell{Sender: Sender{CPUs: 1}})
	add("symbols", fmt.Sprintf("%d in kallsyms", len(k.symbols)), err)
	if len(k.btf) == 0 {
		err = fmt.Errorf("%s is not there, by which fields are named: set CONFIG_DEBUG_INFO_BTF", fileBTF)
	}
	add("BTF", fmt.Sprintf("%d bytes", len(k.btf)), err)
	return checks
}

// Modules returns where the modules of a kernel usually are: beside it, or where
// its name says; "" if they are not there.
func Modules(image string) string {
	release := strings.TrimPrefix(filepath.Base(image), "vmlinuz-")
	for _, dir := range []string{filepath.Dir(image), filepath.Join("/lib/modules", release)} {
		if _, err := os.Stat(filepath.Join(dir, "modules.dep")); err == nil {
			return dir
		}
	}
	return ""
}
