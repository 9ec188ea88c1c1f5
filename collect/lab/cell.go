package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
)

// A Cell is one boot of a sender: the windows that are counted in it.
type Cell struct {
	Sender
	Seed    int
	Warm    int // packets of all CPUs before the first window
	Count   int // and in a window, at least
	Windows int
	Limit   time.Duration // a cell that takes longer hangs

	NoFields bool // no fields.jsonl, which is most of a run
}

// packetFunction is called once for each packet.
func (s Sender) packetFunction() string {
	if s.Receiver {
		return "__dev_forward_skb" // from one end of black to the other; both gateways call ip_forward
	}
	if s.IPv6 {
		return "ip6_forward"
	}
	return "ip_forward"
}

// tickInsns is how many instructions a CPU executes from tick to tick. Less would
// make ticks more than 1 % of them, more would put off the frees of RCU, which wait
// for ticks, by more packets than a window has.
const tickInsns = 400_000

// Counts is what a cell counted.
type Counts struct {
	windows []*window
	sas     []bundle.SA // as the sender was set up
	memory  *ram        // of the guest at its end

	modules  []byte // its /proc/modules
	kallsyms []byte // its text symbols, as in /proc/kallsyms
}

// Close lets go of the guest's memory.
func (c *Counts) Close() { c.memory.close() }

// Run boots a cell and counts. program is a static binary that obeys GuestCommand,
// plugin is the path of the built plugin.
func (k *Kernel) Run(ctx context.Context, program, plugin string, cell Cell) (*Counts, error) {
	initrd, err := pack(program, order{Task: "send", Sender: cell.Sender}, k.mods)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "xfrmscope-lab-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	options, line, err := k.model(cell)
	if err != nil {
		return nil, err
	}
	out, table := filepath.Join(dir, "window"), filepath.Join(dir, "functions")
	if err := unix.Mkfifo(table, 0o600); err != nil {
		return nil, fmt.Errorf("%s: %w", table, err)
	}
	c := &Counts{}
	m := machine{kernel: k.Image, initrd: initrd, cpus: cell.CPUs + 1, append: line, seed: cell.Seed,
		limit: cell.Limit, plugin: fmt.Sprintf("%s,out=%s,functions=%s,%s", plugin, out, table, options),
		table: table, tell: func(mem *ram) ([]byte, error) { return k.accept(c, mem) }}
	mem, console, err := m.boot(ctx)
	if err != nil {
		return nil, err
	}
	c.memory = mem
	if err := c.read(out, cell); err != nil {
		mem.close()
		if why := failure(console); why != nil {
			return nil, why
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &BootError{Why: "the guest ended before it had sent its packets", Console: console}
		}
		return nil, err
	}
	return c, nil
}

// model returns the plugin's options but its output, and the kernel's command line.
func (k *Kernel) model(cell Cell) (options, line string, err error) {
	line, poke, err := k.timing(tickInsns * uint64(cell.CPUs))
	if err != nil {
		return "", "", err
	}
	options = fmt.Sprintf("senders=%d,warm=%d,count=%d,windows=%d,%s",
		cell.CPUs, cell.Warm, cell.Count, cell.Windows, poke)
	for _, o := range []struct{ option, symbol string }{
		{"packet", cell.packetFunction()},
		{"alloc", "dst_alloc"}, {"free", "dst_destroy_rcu"},
		{"tick", "asm_sysvec_apic_timer_interrupt"}, {"tick_end", "irq_exit_rcu"},
	} {
		at, err := k.symbol(o.symbol)
		if err != nil {
			return "", "", err
		}
		options += fmt.Sprintf(",%s=%x", o.option, at)
	}
	return options, line, nil
}

func (c *Counts) read(out string, cell Cell) error {
	for i := range cell.Windows {
		f, err := os.Open(fmt.Sprintf("%s.%d", out, i))
		if err != nil {
			return err
		}
		w, err := readWindow(f)
		f.Close()
		if err == nil && (w.senders != cell.CPUs || len(w.cpus) < cell.CPUs) {
			err = fmt.Errorf("a window of %d senders and %d CPUs, want %d senders",
				w.senders, len(w.cpus), cell.CPUs)
		}
		if err != nil {
			return err
		}
		c.windows = append(c.windows, w)
	}
	return nil
}

// accept takes what the guest left when its modules were loaded, and returns the
// plugin's table of where functions begin.
func (k *Kernel) accept(c *Counts, mem *ram) ([]byte, error) {
	message, err := mem.message()
	if err != nil {
		return nil, err
	}
	files, err := untar(message)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(files[fileSAs], &c.sas); err != nil {
		return nil, fmt.Errorf("the guest's SAs: %w", err)
	}
	c.modules = files[fileModules]
	c.kallsyms = k.textSymbols(c.modules)
	return newFunctions(c.kallsyms).starts(), nil
}

// starts is the plugin's table of functions: where each begins, and what it is.
func (f *functions) starts() []byte {
	var b bytes.Buffer
	last := uint64(0)
	for _, e := range f.all {
		kind := 'f'
		switch {
		case e.interrupts():
			kind = 'i'
		case strings.HasPrefix(e.name, "entry_SYSCALL"), strings.HasPrefix(e.name, "ret_from_fork"):
			kind = 'r'
		}
		if e.addr != last {
			fmt.Fprintf(&b, "%x %c\n", e.addr, kind)
		}
		last = e.addr
	}
	return b.Bytes()
}
