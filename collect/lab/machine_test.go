package lab

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/record"
)

// standIn makes this program QEMU's stand-in; what it does is its value.
const standIn = "XFRMSCOPE_LAB_STAND_IN"

func TestMain(m *testing.M) {
	if what := os.Getenv(standIn); what != "" {
		os.Exit(standInForQEMU(what))
	}
	os.Exit(m.Run())
}

// standInForQEMU says and leaves what a guest would.
func standInForQEMU(what string) int {
	args := strings.Join(os.Args[1:], " ")
	if args == "--version" {
		version := "10.0.2"
		if what == "old" {
			version = "8.2.1"
		}
		fmt.Println("QEMU emulator version " + version)
		return 0
	}
	value := func(pattern string) string {
		return append(regexp.MustCompile(pattern).FindStringSubmatch(args), "", "")[1]
	}
	say := func(lines ...string) {
		_ = os.WriteFile(value(`-serial file:(\S+)`), []byte(strings.Join(lines, "\r\n")+"\r\n"), 0o644)
	}
	out := value(`out=([^,]+)`)
	if what == "second hangs" && out != "" && strings.Contains(args, "-seed 2 ") {
		what = "hangs"
	}
	switch what {
	case "panics":
		say("[    0.1] Run /init as init process",
			"[    0.2] Kernel panic - not syncing: No working init found.",
			"[    0.3] RBP: 00002003644dbeb0 R08: 0000000000000000", "[    0.3]  </TASK>",
			"[    0.3] Kernel Offset: disabled", "[    0.3] ---[ end Kernel panic ]---")
	case "hangs":
		say("[    0.1] Booting", "[    0.2] Waiting")
		time.Sleep(time.Minute)
	case "silent":
	case "breaks":
		fmt.Fprintln(os.Stderr, "qemu: could not set up the machine")
		return 1
	case "no ESP":
		if out == "" {
			leaveLearned()
			return 0
		}
		say(said + "the kernel has no ESP: build it with CONFIG_INET_ESP (protocol not supported)")
	default:
		if out == "" {
			leaveLearned()
			return 0
		}
		leaveIn(3, file{fileSAs, []byte("[]")}, file{fileModules, nil})
		if table, err := os.ReadFile(value(`functions=([^,]+)`)); err != nil || len(table) == 0 {
			fmt.Fprintf(os.Stderr, "a table of %d bytes: %v\n", len(table), err)
			return 1
		}
		_ = os.WriteFile(out+".0", []byte(someWindow), 0o644)
	}
	return 0
}

func leaveLearned() {
	names := []string{"start_kernel", "lapic_timer_period", "ip_forward", "dst_alloc", "dst_destroy_rcu",
		"asm_sysvec_apic_timer_interrupt", "irq_exit_rcu"}
	var symbols bytes.Buffer
	for i, name := range names {
		fmt.Fprintf(&symbols, "%x T %s\n", uint64(textBase)+0x1000*uint64(i+1), name)
	}
	leaveIn(3, file{fileKallsyms, symbols.Bytes()}, file{fileHZ, []byte("250\n")},
		file{fileVersion, []byte("7.3\n")})
}

// leaveIn puts a message into the guest's memory, as leave does.
func leaveIn(fd int, files ...file) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		_ = w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.data))})
		_, _ = w.Write(f.data)
	}
	_ = w.Close()
	mem, err := unix.Mmap(fd, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	copy(mem[3*pageSize:], b.Bytes())
	head := mem[pageSize:]
	binary.LittleEndian.PutUint64(head[markSize:], uint64(b.Len()))
	binary.LittleEndian.PutUint64(head[markSize+8:], 2)
	for i := range (b.Len() + pageSize - 1) / pageSize {
		binary.LittleEndian.PutUint64(mem[2*pageSize+8*i:], uint64(3+i))
	}
	copy(head, mark())
}

// withStandIn puts the stand-in on the PATH and returns a kernel's build.
func withStandIn(t *testing.T, what string) (build Build, program string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "qemu-system-x86_64")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv(standIn, what)
	image := make([]byte, 0x300)
	copy(image[0x202:], "HdrS")
	build.Image = filepath.Join(dir, "bzImage")
	if err := os.WriteFile(build.Image, image, 0o644); err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(dir, "program")
	elf := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 57)...) // a header for x86-64, and no more
	elf[16], elf[18], elf[20], elf[52], elf[54], elf[58] = 2, 62, 1, 64, 56, 64
	if err := os.WriteFile(program, elf, 0o755); err != nil {
		t.Fatal(err)
	}
	return build, program
}

// sweepOf makes a sweep with the stand-in.
func sweepOf(ctx context.Context, build Build, program, cache, out string, begun func(string)) error {
	k, err := Learn(ctx, cache, build, program, 2*time.Second)
	if err != nil {
		return err
	}
	plan := Plan{CPUs: []int{2}, Modes: []string{ModeShared}, Repeats: 2, Seed: 1,
		Traffic: Traffic{Size: 64, Cipher: CipherGCM}, Count: 10, Windows: 1}
	return k.Sweep(ctx, out, plan, Options{Program: program, Plugin: "plugin.so", Tool: "test", Parallel: 1,
		Limit: 2 * time.Second, Ended: func(string, time.Duration) {},
		Begun: func(name string, _ int) { begun(name) }})
}

func TestWhatFails(t *testing.T) {
	for _, c := range []struct {
		what, want string
		missing    bool
	}{
		{"old", "qemu-system-x86_64 is version 8.2.1, want 10 or newer", true},
		{"panics", "the guest's kernel panicked; the console ends with: [    0.1] Run /init as init process" +
			" | [    0.2] Kernel panic - not syncing: No working init found.", false},
		{"hangs", "the guest did not end within 2s; the console ends with: [    0.1] Booting" +
			" | [    0.2] Waiting", false},
		{"silent", "its console is empty: is this a kernel for x86-64 with a serial console", false},
		{"breaks", "could not set up the machine", false},
		{"no ESP", "in the guest: the kernel has no ESP: build it with CONFIG_INET_ESP", false},
	} {
		t.Run(c.what, func(t *testing.T) {
			build, program := withStandIn(t, c.what)
			began := time.Now()
			out := filepath.Join(t.TempDir(), "sweep")
			err := sweepOf(context.Background(), build, program, t.TempDir(), out, func(string) {})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("after %v: %v\nwant %q", time.Since(began), err, c.want)
			}
			if missing := (*record.Missing)(nil); errors.As(err, &missing) != c.missing {
				t.Errorf("is it something missing? %v", err)
			}
		})
	}
}

// What was done stays, and the same command goes on with the rest.
func TestSweepGoesOn(t *testing.T) {
	build, program := withStandIn(t, "second hangs")
	cache, out := t.TempDir(), filepath.Join(t.TempDir(), "sweep")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	err := sweepOf(ctx, build, program, cache, out, func(name string) {
		if name == "shared-n2-r2" {
			time.AfterFunc(200*time.Millisecond, stop)
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	if got := runsOf(t, out); !slices.Equal(got, []string{"shared-n2-r1"}) {
		t.Fatalf("runs after the interruption: %v", got)
	}
	t.Setenv(standIn, "works")
	var made []string
	err = sweepOf(context.Background(), build, program, cache, out, func(name string) { made = append(made, name) })
	if err != nil || !slices.Equal(made, []string{"shared-n2-r2"}) {
		t.Errorf("made %v, %v", made, err)
	}
	if got := runsOf(t, out); !slices.Equal(got, []string{"shared-n2-r1", "shared-n2-r2"}) {
		t.Errorf("runs at the end: %v", got)
	}
}

func runsOf(t *testing.T, sweep string) []string {
	t.Helper()
	s, err := bundle.ReadSweep(os.DirFS(sweep), sweep)
	if err != nil {
		t.Fatal(err)
	}
	return s.Dirs
}
