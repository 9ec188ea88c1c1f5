package lab

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"xfrmscope/collect/bundle"
)

// TestSender: the CPUs get equal shares, in which a packet costs each the same, ticks are
// few, windows agree, all that moved is in the lines, and the fields are named.
func TestSender(t *testing.T) {
	program, k := needKernel(t)
	ctx := context.Background()
	plugin, err := Plugin(ctx, cacheDir(t))
	need(t, err)
	cell := Cell{Sender: Sender{Mode: ModePCPU, CPUs: 4, Traffic: Traffic{Size: 64, Cipher: CipherGCM}},
		Seed: 1, Warm: warm, Count: 1000, Windows: 2, Limit: 10 * time.Minute}
	c, err := k.Run(ctx, program, plugin, cell)
	need(t, err)
	defer c.Close()
	var perPacket []float64
	for i, w := range c.windows {
		least, most := w.cpus[0], w.cpus[0]
		var packets, insns, tickInsns, transfers uint64
		for _, c := range w.cpus[:w.senders] {
			least.packets, most.packets = min(least.packets, c.packets), max(most.packets, c.packets)
			least.cycles, most.cycles = min(least.cycles, c.cycles), max(most.cycles, c.cycles)
			packets += c.packets
			tickInsns += c.tickInsns
		}
		for _, c := range w.counts {
			if c.cpu < w.senders {
				insns += c.n[countInsns]
				transfers += c.n[metTransfer]
			}
		}
		ticks, each := float64(tickInsns)/float64(insns), float64(transfers)/float64(packets)
		t.Logf("window %d: %d packets, %d to %d a CPU; cycles %d to %d", i, packets,
			least.packets, most.packets, least.cycles, most.cycles)
		t.Logf("window %d: ticks are %.2f %% of instructions; %.3f transfers a packet", i, 100*ticks, each)
		if most.cycles-least.cycles > 1000 {
			t.Error("the CPUs' clocks differ by more than some time slices")
		}
		costs := c.packetCosts(w)
		t.Logf("window %d: cycles a packet but for what is deferred: %.0f", i, costs)
		if slices.Max(costs) > 1.05*slices.Min(costs) {
			t.Error("a packet costs one CPU 5 % more than another")
		}
		if ticks > 0.01 {
			t.Error("ticks are more than 1 % of the instructions")
		}
		perPacket = append(perPacket, each)
	}
	if r := perPacket[0] / perPacket[1]; r < 0.9 || r > 1.1 {
		t.Errorf("two windows differ by more than 10 %%: %v transfers a packet", perPacket)
	}
	checkContexts(t, cell, c)
	checkLines(t, k, cell, c)
}

// TestReceiver: each packet is sent, arrives and is forwarded again.
func TestReceiver(t *testing.T) {
	program, k := needKernel(t)
	ctx := context.Background()
	plugin, err := Plugin(ctx, cacheDir(t))
	need(t, err)
	for _, traffic := range []Traffic{
		{Receiver: true, Size: 64, Cipher: CipherGCM},
		{Receiver: true, Size: 64, Cipher: CipherNull, IPv6: true},
	} {
		cell := Cell{Sender: Sender{Mode: ModePCPU, CPUs: 2, Traffic: traffic},
			Seed: 1, Warm: 200, Count: 500, Windows: 1, Limit: 10 * time.Minute}
		c, err := k.Run(ctx, program, plugin, cell)
		need(t, err)
		defer c.Close()
		functions := newFunctions(c.kallsyms)
		calls := map[string]uint64{}
		var packets uint64
		for _, w := range c.windows {
			for cpu := range w.senders {
				packets += w.cpus[cpu].packets
			}
			for _, e := range w.counts {
				if e.cpu < w.senders {
					calls[functions.of(w.contexts[e.context].function).name] += e.n[countCalls]
				}
			}
		}
		forward := Sender{Traffic: Traffic{IPv6: traffic.IPv6}}.packetFunction()
		for name, each := range map[string]uint64{"xfrm_output": 1, "xfrm_input": 1, forward: 2} {
			t.Logf("%d packets, %d calls of %s", packets, calls[name], name)
			// But for those at the window's ends.
			if want := each * packets; calls[name] < want-10 || calls[name] > want+10 {
				t.Errorf("%d packets, and %d calls of %s, want %d", packets, calls[name], name, want)
			}
		}
		t.Logf("%.2f transfers a packet", c.perPacket(metTransfer))
	}
}

// packetCosts are each CPU's cycles for a packet, without what comes in bursts that a
// window has or has not: the frees that RCU put off, and pages cleared for a slab.
func (c *Counts) packetCosts(w *window) []float64 {
	functions := newFunctions(c.kallsyms)
	costs := make([]float64, w.senders)
	for cpu := range costs {
		costs[cpu] = float64(w.cpus[cpu].cycles)
	}
	for _, e := range w.counts {
		for at := e.context; at != 0 && e.cpu < w.senders; at = w.contexts[at].parent {
			name := functions.of(w.contexts[at].function).name
			clears := strings.HasPrefix(name, "clear_") && strings.Contains(name, "page")
			if clears || name == "rcu_do_batch" {
				costs[e.cpu] -= float64(e.n[countCycles])
				break
			}
		}
	}
	for cpu := range costs {
		costs[cpu] /= float64(w.cpus[cpu].packets)
	}
	return costs
}

// checkContexts: each packet is forwarded once, and a sender is in pktgen's thread.
func checkContexts(t *testing.T, cell Cell, c *Counts) {
	t.Helper()
	functions := newFunctions(c.kallsyms)
	var packets, forwarded, insns, inPktgen uint64
	for _, w := range c.windows {
		under := func(number int, name string) bool {
			for ; number != 0; number = w.contexts[number].parent {
				if functions.of(w.contexts[number].function).name == name {
					return true
				}
			}
			return false
		}
		for cpu := range w.senders {
			packets += w.cpus[cpu].packets
		}
		for _, e := range w.counts {
			if e.cpu >= w.senders {
				continue
			}
			if functions.of(w.contexts[e.context].function).name == cell.packetFunction() {
				forwarded += e.n[countCalls]
			}
			insns += e.n[countInsns]
			if under(e.context, "pktgen_thread_worker") {
				inPktgen += e.n[countInsns]
			}
		}
	}
	t.Logf("%d packets, %d calls of %s; %.2f %% of instructions are under pktgen's thread",
		packets, forwarded, cell.packetFunction(), 100*float64(inPktgen)/float64(insns))
	if forwarded < packets-8 || forwarded > packets+8 { // those at the windows' ends
		t.Errorf("%d packets, and %d calls of %s", packets, forwarded, cell.packetFunction())
	}
	if float64(inPktgen) < 0.95*float64(insns) {
		t.Error("contexts are lost")
	}
}

func checkLines(t *testing.T, k *Kernel, cell Cell, c *Counts) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	if err := k.Save(dir, "test", cell, 1, c); err != nil {
		t.Fatal(err)
	}
	run, err := bundle.Open(os.DirFS(dir), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Verify(); err != nil || run.Status != bundle.Complete || len(run.Gaps) > 0 {
		t.Errorf("the run is %s, %v, gaps %v", run.Status, err, run.Gaps)
	}
	lines, err := run.Lines()
	if err != nil {
		t.Fatal(err)
	}
	totals, err := run.Totals()
	if err != nil {
		t.Fatal(err)
	}
	var moved, total, named uint64
	for _, l := range lines {
		moved += l.Transfers
		if strings.Contains(l.Read, ".") {
			named += l.Transfers
		}
	}
	for _, row := range totals {
		if row.Event == bundle.SimPrefix+"transfers" {
			total += row.Value
		}
	}
	if moved != total {
		t.Errorf("the lines have %d transfers, the CPUs %d", moved, total)
	}
	t.Logf("%d lines, %.0f %% of transfers are of named fields", len(lines), 100*float64(named)/float64(moved))
	if float64(named) < 0.7*float64(moved) {
		t.Errorf("fields are named of %d of %d transfers", named, moved)
	}
}
