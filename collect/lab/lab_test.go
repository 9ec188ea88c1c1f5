package lab

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"xfrmscope/collect/record"
)

// needKernel returns what a test with a machine needs, or skips with the reason.
func needKernel(t *testing.T) (program string, k *Kernel) {
	t.Helper()
	image, program := os.Getenv("XFRMSCOPE_LAB_KERNEL"), os.Getenv("XFRMSCOPE_LAB_PROGRAM")
	if image == "" || program == "" {
		t.Skip("XFRMSCOPE_LAB_KERNEL and XFRMSCOPE_LAB_PROGRAM are not set; make lab-test sets them")
	}
	build := Build{Image: image, Modules: os.Getenv("XFRMSCOPE_LAB_MODULES")}
	k, err := Learn(context.Background(), cacheDir(t), build, program, 3*time.Minute)
	need(t, err)
	t.Logf("%s, HZ %d, %d symbols, %d modules", k.Release, k.hz, len(k.symbols), len(k.mods))
	return program, k
}

func TestLearn(t *testing.T) {
	needKernel(t)
}

// A kernel that lacks what the guest needs says so in one line.
func TestKernelLacks(t *testing.T) {
	program, whole := needKernel(t)
	ctx := context.Background()
	plugin, err := Plugin(ctx, cacheDir(t))
	need(t, err)
	for module, want := range map[string]string{
		"esp4.ko":   "the kernel has no ESP: build it with CONFIG_INET_ESP",
		"pktgen.ko": "the kernel has no pktgen: build it with CONFIG_NET_PKTGEN",
	} {
		k := *whole
		k.mods = slices.DeleteFunc(slices.Clone(k.mods), func(f file) bool { return f.name == module })
		if len(k.mods) == len(whole.mods) {
			t.Skipf("%s is built in", module)
		}
		_, err := k.Run(ctx, program, plugin, Cell{Sender: Sender{Mode: ModeShared, CPUs: 1,
			Traffic: Traffic{Size: 64, Cipher: CipherGCM}}, Seed: 1, Windows: 1, Limit: 3 * time.Minute})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("without %s: %v\nwant %q", module, err, want)
		}
	}
}

// need ends the test if there is an error: it is skipped if something is not installed.
func need(t *testing.T, err error) {
	t.Helper()
	var missing *record.Missing
	if errors.As(err, &missing) {
		t.Skip(err)
	}
	if boot := (*BootError)(nil); errors.As(err, &boot) {
		t.Log(strings.Join(boot.Console, "\n"))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// cacheDir keeps what is built and learned between runs of the tests, if it is named.
func cacheDir(t *testing.T) string {
	if dir := os.Getenv("XFRMSCOPE_LAB_CACHE"); dir != "" {
		return dir
	}
	return t.TempDir()
}
