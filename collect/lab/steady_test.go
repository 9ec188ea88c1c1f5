package lab

import (
	"context"
	"math"
	"os"
	"sync"
	"testing"
	"time"
)

// TestSteady: transfers per packet are known to 2 % from 5 seeds of 4 windows. The seed
// is the unit: windows of one boot follow one another. One sender moves nothing to itself,
// to the last line; what the CPU beside it takes goes by time, and stands apart in a run's
// rows. XFRMSCOPE_LAB_STEADY=1 takes every N, which costs a quarter of an hour.
func TestSteady(t *testing.T) {
	program, k := needKernel(t)
	ctx := context.Background()
	plugin, err := Plugin(ctx, cacheDir(t))
	need(t, err)
	const seeds, windows = 5, 4
	counts := []int{4}
	if os.Getenv("XFRMSCOPE_LAB_STEADY") != "" {
		counts = []int{1, 2, 4, 8}
	}
	for _, n := range counts {
		var totals [seeds]float64
		var group sync.WaitGroup
		machines := make(chan struct{}, 2)
		for i := range totals {
			group.Go(func() {
				machines <- struct{}{}
				defer func() { <-machines }()
				cell := Cell{Sender: Sender{Mode: ModePCPU, CPUs: n}, Seed: i + 1, Warm: warm,
					Count: 4000 * max(1, 4/n), Windows: windows, Limit: 10 * time.Minute}
				cell.Traffic = Traffic{Size: 64, Cipher: CipherGCM}
				c, err := k.Run(ctx, program, plugin, cell)
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				totals[i] = c.perPacket(metTransfer)
				if own := c.betweenSenders(); n == 1 && own != 0 {
					t.Errorf("seed %d: one sender moved %d lines to itself", cell.Seed, own)
				}
			})
		}
		group.Wait()
		mean, half := interval(totals[:])
		t.Logf("N=%d: %.3f transfers a packet, 95 %% interval +-%.3f (%.1f %%); of seeds: %.3f",
			n, mean, half, 100*half/mean, totals)
		if n > 1 && half > 0.02*mean {
			t.Errorf("N=%d: the interval is %.1f %% of the total", n, 100*half/mean)
		}
	}
}

// betweenSenders is how many lines moved that no other CPU had written.
func (c *Counts) betweenSenders() (n uint64) {
	for _, w := range c.windows {
		for _, s := range w.shares {
			if s.from>>w.senders == 0 {
				n += s.n
			}
		}
	}
	return n
}

// perPacket is how often something was counted on the senders, for a packet.
func (c *Counts) perPacket(kind int) float64 {
	var n, packets uint64
	for _, w := range c.windows {
		for _, cpu := range w.cpus[:w.senders] {
			packets += cpu.packets
		}
		for _, e := range w.counts {
			if e.cpu < w.senders {
				n += e.n[kind]
			}
		}
	}
	return float64(n) / float64(packets)
}

// interval is the mean of 5 and half its 95 % interval, by Student.
func interval(x []float64) (mean, half float64) {
	const student4 = 2.776 // of 4 degrees of freedom
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		half += (v - mean) * (v - mean) / float64(len(x)-1)
	}
	return mean, student4 * math.Sqrt(half/float64(len(x)))
}
