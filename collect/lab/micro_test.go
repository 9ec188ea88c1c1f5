package lab

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// theory is what each operation of testdata/micro.c moves, by N.
var theory = []struct {
	name                string
	transfers, upgrades func(n float64) float64
}{
	{"op_counter", one, none},       // the line is always another's
	{"op_false_sharing", one, one},  // a plain load shares the line, the store takes it
	{"op_line_each", none, none},    //
	{"op_one_writer", perOp, perOp}, // of a round: the first reader gets it from the writer, who takes it back
	{"op_ticket_lock", two, one},    // the lock's line, which xadd takes at once, and the data's
	{"op_all_read", none, none},     //
}

func none(float64) float64    { return 0 }
func one(float64) float64     { return 1 }
func two(float64) float64     { return 2 }
func perOp(n float64) float64 { return 1 / n }

// TestTheory counts operations whose transfers are known.
func TestTheory(t *testing.T) {
	_, k := needKernel(t)
	cache, program := cacheDir(t), compileMicro(t)
	for _, n := range []int{2, 4, 8} {
		t.Run(fmt.Sprint("N=", n), func(t *testing.T) { checkTheory(t, k, cache, program, n) })
	}
}

func checkTheory(t *testing.T, k *Kernel, cache, program string, n int) {
	const rounds = 2000
	ops := functionsOf(t, program)
	raw := micro(t, k, cache, program, n, rounds, ops)
	w, err := readWindow(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	slowest, fastest := w.cpus[0].cycles, w.cpus[0].cycles
	for _, c := range w.cpus[:n] {
		slowest, fastest = min(slowest, c.cycles), max(fastest, c.cycles)
	}
	t.Logf("cycles of the CPUs: %d to %d", slowest, fastest)
	if fastest-slowest > 1000 {
		t.Errorf("the CPUs are %d cycles apart, want some time slices", fastest-slowest)
	}
	for _, want := range theory {
		var calls, transfers, upgrades uint64
		for _, c := range w.counts {
			if w.contexts[c.context].function == ops[want.name] {
				calls += c.n[countCalls]
				transfers += c.n[metTransfer]
				upgrades += c.n[metUpgrade]
			}
		}
		if calls < uint64(n*rounds*9/10) {
			t.Errorf("%s: %d calls, want %d", want.name, calls, n*rounds)
			continue
		}
		got := [2]float64{float64(transfers) / float64(calls), float64(upgrades) / float64(calls)}
		theory := [2]float64{want.transfers(float64(n)), want.upgrades(float64(n))}
		t.Logf("%-17s N=%d: %d calls, %.4f transfers (theory %.4f), %.4f upgrades (theory %.4f)",
			want.name, n, calls, got[0], theory[0], got[1], theory[1])
		for i, what := range []string{"transfers", "upgrades"} {
			if math.Abs(got[i]-theory[i]) > 0.01*max(theory[i], 1/float64(n)) {
				t.Errorf("%s, N=%d: %.4f %s, theory says %.4f", want.name, n, got[i], what, theory[i])
			}
		}
	}
}

// TestRepeats: the same seed gives the same counts, byte for byte.
func TestRepeats(t *testing.T) {
	_, k := needKernel(t)
	cache, program := cacheDir(t), compileMicro(t)
	ops := functionsOf(t, program)
	first := micro(t, k, cache, program, 4, 100, ops)
	again := micro(t, k, cache, program, 4, 100, ops)
	if !bytes.Equal(first, again) {
		t.Errorf("two runs differ: %x, %x", sha256.Sum256(first), sha256.Sum256(again))
	}
}

func compileMicro(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "micro")
	need(t, compile(context.Background(), "-O2", "-static", "-pthread", "testdata/micro.c", "-o", program))
	return program
}

// micro boots testdata/micro.c with the model on and returns its one window.
func micro(t *testing.T, k *Kernel, cache, program string, n, rounds int, ops map[string]uint64) []byte {
	t.Helper()
	ctx := context.Background()
	plugin, err := Plugin(ctx, cache)
	need(t, err)
	binary, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	var a initramfs
	a.console()
	a.file("init", binary)
	// A tick keeps a CPU from its operation, and the others' then meet no line of it: few are wanted.
	line, poke, err := k.timing(12e6 * uint64(n))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	out, names := filepath.Join(dir, "window"), filepath.Join(dir, "functions")
	table := &functions{}
	for name, addr := range ops {
		table.all = append(table.all, function{addr: addr, name: name})
	}
	slices.SortFunc(table.all, func(a, b function) int { return cmp.Compare(a.addr, b.addr) })
	if err := os.WriteFile(names, table.starts(), 0o644); err != nil {
		t.Fatal(err)
	}
	m := machine{kernel: k.Image, initrd: a.bytes(), cpus: n + 1, seed: 1, limit: 5 * time.Minute,
		append: fmt.Sprintf("%s -- %d %d", line, n, rounds),
		plugin: fmt.Sprintf("%s,out=%s,functions=%s,packet=%x,senders=%d,warm=1,count=%d,windows=1,user=1,%s",
			plugin, out, names, ops["each_op"], n, ((len(theory)+1)*rounds-10)*n, poke)}
	mem, _, err := m.boot(ctx)
	need(t, err)
	mem.close()
	raw, err := os.ReadFile(out + ".0")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// functionsOf are the functions of a program; the kernel is one that follows them.
func functionsOf(t *testing.T, program string) map[string]uint64 {
	t.Helper()
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]uint64{"the kernel": 1 << 63}
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC {
			out[s.Name] = s.Value
		}
	}
	return out
}
