package lab

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/record"
)

// learned are the files of the guest that tell the host about its kernel.
var learned = []string{fileKallsyms, fileModules, fileBTF, fileVersion, fileHZ, fileNotes}

const (
	fileKallsyms = "/proc/kallsyms"
	fileModules  = "/proc/modules"
	fileBTF      = "/sys/kernel/btf/vmlinux"
	fileVersion  = "/proc/sys/kernel/osrelease"
	fileNotes    = "/sys/kernel/notes"
	fileHZ       = "/proc/sys/net/ipv4/route/error_cost"
)

// textBase is where the kernel's image is mapped, as nokaslr leaves it
// (__START_KERNEL_map, arch/x86/include/asm/page_64_types.h, 7.3).
const textBase = 0xffffffff80000000

// A Build is the files of a kernel's build.
type Build struct {
	Image   string // bzImage
	Vmlinux string // with symbols and BTF, if the running kernel does not tell all; or ""
	Modules string // directory with modules.dep, or "": it has none
}

// A Kernel is a kernel that was booted once, to learn its symbols.
type Kernel struct {
	Build
	Release string
	btf     []byte // nil if it has none
	sum     string // of the image and the modules
	files   map[string][]byte
	symbols map[string]uint64 // of the kernel itself
	mods    []file
	hz      int
}

// Learn boots the kernel once, with its modules, unless the cache directory holds what
// it learned of the same before. program is a static binary that obeys GuestCommand; a
// boot that takes longer than limit hangs.
func Learn(ctx context.Context, cache string, build Build, program string, limit time.Duration) (*Kernel, error) {
	k := &Kernel{Build: build, symbols: map[string]uint64{}}
	var err error
	if build.Modules != "" {
		if k.mods, err = modules(build.Modules); err != nil {
			return nil, err
		}
	}
	known, err := k.cacheName(cache)
	if err != nil {
		return nil, err
	}
	message, err := os.ReadFile(known)
	if err != nil {
		if message, err = k.ask(ctx, program, limit); err != nil {
			return nil, err
		}
		if err := writeCache(known, message); err != nil {
			return nil, err
		}
	}
	if err := k.read(message); err != nil {
		return nil, err
	}
	if build.Vmlinux != "" {
		err = k.readVmlinux()
	}
	return k, err
}

// cacheName is of the kernel and of the modules, as they are.
func (k *Kernel) cacheName(cache string) (string, error) {
	data, err := bundle.ReadRegular(k.Image, maxImage)
	if err != nil {
		return "", err
	}
	if err := checkImage(k.Image, data); err != nil {
		return "", err
	}
	sum := sha256.New()
	sum.Write(data)
	for _, m := range k.mods {
		fmt.Fprintf(sum, "%s %d\n", m.name, len(m.data))
		sum.Write(m.data)
	}
	k.sum = hex.EncodeToString(sum.Sum(nil))
	return filepath.Join(cache, "kernel-"+k.sum[:16]+".tar"), nil
}

// What a kernel is made of may be no larger: an image has 15 MB, a module 5 MB and
// the BTF of all modules 30 MB.
const (
	maxImage  = 256 << 20
	maxModule = 64 << 20
	maxBTF    = 256 << 20
)

// checkImage tells a file that QEMU can't boot (Documentation/arch/x86/boot.rst, 7.3).
func checkImage(name string, data []byte) error {
	const magicAt = 0x202
	switch {
	case bytes.HasPrefix(data, []byte(elf.ELFMAG)):
		return fmt.Errorf("%s is an ELF file: want the image, arch/x86/boot/bzImage of the build", name)
	case len(data) < magicAt+4 || string(data[magicAt:magicAt+4]) != "HdrS":
		return fmt.Errorf("%s is no kernel for x86: want a bzImage or a vmlinuz", name)
	}
	return nil
}

// writeCache writes a file that others may read at any moment.
func writeCache(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	part := fmt.Sprintf("%s.%d", name, os.Getpid())
	if err := os.WriteFile(part, data, 0o644); err != nil {
		return err
	}
	return os.Rename(part, name)
}

// ask boots the kernel and returns what the guest left.
func (k *Kernel) ask(ctx context.Context, program string, limit time.Duration) ([]byte, error) {
	initrd, err := pack(program, order{Task: "learn"}, k.mods)
	if err != nil {
		return nil, err
	}
	m := machine{kernel: k.Image, initrd: initrd, cpus: 1, limit: limit}
	mem, console, err := m.boot(ctx)
	if err != nil {
		return nil, err
	}
	defer mem.close()
	if err := failure(console); err != nil {
		return nil, err
	}
	message, err := mem.message()
	if err != nil {
		return nil, &BootError{Why: err.Error(), Console: console}
	}
	return message, nil
}

func (k *Kernel) read(message []byte) error {
	var err error
	if k.files, err = untar(message); err != nil {
		return err
	}
	k.btf, k.Release = k.files[fileBTF], strings.TrimSpace(string(k.files[fileVersion]))
	for line := range strings.Lines(string(k.files[fileKallsyms])) {
		f := strings.Fields(line)
		if len(f) != 3 { // four: of a module
			continue
		}
		addr, err := strconv.ParseUint(f[0], 16, 64)
		if err != nil {
			return fmt.Errorf("%s: %w", fileKallsyms, err)
		}
		if _, twice := k.symbols[f[2]]; !twice {
			k.symbols[f[2]] = addr
		}
	}
	// Its default is HZ, as a plain number (ip_rt_error_cost, net/ipv4/route.c, 7.3).
	if _, err := fmt.Sscan(string(k.files[fileHZ]), &k.hz); err != nil || k.hz < 24 || k.hz > 10000 {
		return &record.Missing{What: "the kernel's HZ", Why: "the guest has no usable " + fileHZ, Err: err,
			Fix: "build it with CONFIG_SYSCTL and CONFIG_INET"}
	}
	return nil
}

// untar returns the files of a guest's message.
func untar(message []byte) (map[string][]byte, error) {
	files := map[string][]byte{}
	r := tar.NewReader(bytes.NewReader(message))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err == nil {
			files[h.Name], err = io.ReadAll(r)
		}
		if err != nil {
			return nil, fmt.Errorf("the guest's message: %w", err)
		}
	}
}

// textSymbols returns the text symbols in the form of /proc/kallsyms, for a boot
// with this /proc/modules: the kernel's are where they were learned, a module's
// are moved with its text. Where a module lies depends on what was freed before.
func (k *Kernel) textSymbols(modules []byte) []byte {
	then, now := moduleBases(k.files[fileModules]), moduleBases(modules)
	var b bytes.Buffer
	for line := range strings.Lines(string(k.files[fileKallsyms])) {
		f := strings.Fields(line)
		if len(f) < 3 || !strings.Contains("tTwW", f[1]) {
			continue
		}
		if len(f) == 3 {
			b.WriteString(line)
			continue
		}
		module := strings.Trim(f[3], "[]")
		at, err := strconv.ParseUint(f[0], 16, 64)
		if base, ok := now[module]; ok && err == nil {
			fmt.Fprintf(&b, "%016x %s %s\t%s\n", at-then[module]+base, f[1], f[2], f[3])
		}
	}
	return b.Bytes()
}

// moduleBases reads where each module lies out of /proc/modules.
func moduleBases(text []byte) map[string]uint64 {
	bases := map[string]uint64{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 6 {
			if base, err := strconv.ParseUint(f[5], 0, 64); err == nil {
				bases[f[0]] = base
			}
		}
	}
	return bases
}

// symbol returns an address, or what the kernel lacks without it.
func (k *Kernel) symbol(name string) (uint64, error) {
	if at, ok := k.symbols[name]; ok {
		return at, nil
	}
	return 0, &record.Missing{What: "the kernel " + k.Release, Why: "it has no symbol " + name,
		Fix: "build it with CONFIG_KALLSYMS_ALL"}
}

// timing returns the command line and the plugin's option that set how fast the
// guest's time goes: from one tick of a CPU to its next all CPUs together execute so
// many instructions. Nothing is calibrated, which would take as long and end
// elsewhere each time.
func (k *Kernel) timing(tick uint64) (append, poke string, err error) {
	start, err := k.symbol("start_kernel")
	if err != nil {
		return "", "", err
	}
	period, err := k.symbol("lapic_timer_period")
	if err != nil {
		return "", "", err
	}
	// An instruction is a nanosecond of QEMU's, by which its TSC and its APIC timer count.
	return fmt.Sprintf("tsc_early_khz=%d cpu_init_udelay=0 tsc=reliable lpj=%d", tick*uint64(k.hz)/1000, tick),
		fmt.Sprintf("ram=/proc/self/fd/3,poke=%x:%x:%d", start, period-textBase, tick), nil
}

// loaded returns what of a binary is loaded when it starts, which leaves out what a
// debugger reads: a guest has it in memory twice. A binary that the guest can't start is
// an error.
func loaded(program string) ([]byte, error) {
	binary, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	f, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil {
		return nil, fmt.Errorf("%s as the guest's first program: %w", program, err)
	}
	if f.Machine != elf.EM_X86_64 {
		return nil, &record.Missing{What: "the guest's first program", Why: program + " is not for x86-64",
			Fix: "run the lab on an x86-64 machine"}
	}
	end := uint64(0)
	for _, p := range f.Progs {
		end = max(end, p.Off+p.Filesz)
		if p.Type == elf.PT_INTERP {
			return nil, &record.Missing{What: "the guest's first program", Why: program + " is not static",
				Fix: "build it with CGO_ENABLED=0"}
		}
	}
	return binary[:min(end, uint64(len(binary)))], nil
}
