package sweep

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
	"xfrmscope/collect/record"
	"xfrmscope/collect/scenario"
	"xfrmscope/collect/xfrm"
)

// steadyIntervals is how many rates in a row must agree.
const steadyIntervals = 3

// minPackets is the fewest packets of an interval by which a rate is judged.
const minPackets = 100

// A meter counts packets while the load warms up: by the packets file if there
// is one, else by what the measured CPUs' softirqs processed, else by the
// outbound SAs.
type meter struct {
	name string
	read func() (uint64, error)
	next *meter        // to be tried where this one does not move
	min  time.Duration // between two reads
}

func newMeter(root procfs.Root, plan *bundle.Plan) *meter {
	if plan.PacketsFile != "" {
		return &meter{name: plan.PacketsFile, read: func() (uint64, error) {
			t, err := record.ReadTraffic(plan.PacketsFile)
			if err != nil {
				return 0, err
			}
			return t.Packets, nil
		}}
	}
	// The kernel holds xfrm_state_lock while it fills a dump: once a second, see
	// xfrm.SAs.
	sas := &meter{name: "the outbound SAs", min: time.Second,
		read: func() (uint64, error) { return outbound(root, plan.NetNS) }}
	return &meter{name: "the softirqs of CPUs " + plan.CPUs.String(), next: sas,
		read: func() (uint64, error) { return processed(root, plan.CPUs) }}
}

// processed sums what the network softirq of each CPU has processed; the
// kernel's counters are 32 bits wide.
func processed(root procfs.Root, cpus bundle.CPUSet) (uint64, error) {
	rows, err := root.Softnet()
	sum := uint64(0)
	for _, r := range rows {
		if r.Name == "processed" && cpus.Contains(*r.CPU) {
			sum += r.Value
		}
	}
	return sum, err
}

func outbound(root procfs.Root, namespaces []string) (uint64, error) {
	sum := uint64(0)
	for _, ns := range namespaces {
		sas, err := xfrm.SAs(root, ns)
		if err != nil {
			return 0, err
		}
		for _, sa := range sas {
			if sa.Dir == "out" || sa.Dir == "" && sa.OSeq > 0 {
				sum += sa.Packets
			}
		}
	}
	return sum, nil
}

// A steadiness is what awaitSteady found; the zero value is that all is well.
type steadiness struct {
	notChecked string         // why it could not be found out
	notReached bundle.Warning // what was seen until the time was over
}

func (s steadiness) ok() bool { return s.notChecked == "" && s.notReached.Text == "" }

// note tells the manifest.
func (s steadiness) note(m *bundle.Manifest) {
	if s.notChecked != "" {
		m.Gaps = append(m.Gaps, bundle.Gap{What: "steadiness of the load", Why: s.notChecked})
	}
	if s.notReached.Text != "" {
		m.Warnings = append(m.Warnings, s.notReached)
	}
}

// awaitSteady returns when the rates of three intervals in a row differ by no
// more than the tolerance, or when the time is over. Where few packets are
// counted the tolerance is four times the counting error of one interval.
func awaitSteady(ctx context.Context, st *scenario.Steady, m *meter) steadiness {
	deadline := time.Now().Add(st.Within)
	var rates []float64
	last, err := m.read()
	at := time.Now()
	for {
		if err != nil {
			return steadiness{notChecked: err.Error()}
		}
		if !sleep(ctx, max(st.Interval, m.min)) {
			return steadiness{}
		}
		var now uint64
		now, err = m.read()
		if err != nil {
			continue
		}
		packets, seconds := now-last, time.Since(at).Seconds()
		last, at = now, time.Now()
		if packets > math.MaxInt64 {
			rates = nil // the counter was wrapped, or began again
			continue
		}
		if packets < minPackets {
			if m.next != nil {
				m, rates = m.next, nil
				last, err = m.read()
				at = time.Now()
				continue
			}
			if !time.Now().Before(deadline) {
				return steadiness{notChecked: fmt.Sprintf("%s counted %d packets in %.1f s", m.name,
					packets, seconds)}
			}
			rates = nil
			continue
		}
		rates = append(rates, float64(packets)/seconds)
		if len(rates) > steadyIntervals {
			rates = rates[1:]
		}
		spread := (slices.Max(rates) - slices.Min(rates)) / mean(rates)
		if len(rates) == steadyIntervals && spread <= max(st.Tolerance, 4/math.Sqrt(float64(packets))) {
			return steadiness{}
		}
		if !time.Now().Before(deadline) {
			if len(rates) < steadyIntervals {
				return steadiness{notChecked: fmt.Sprintf("%s gave %d rates in %s, and it takes %d",
					m.name, len(rates), st.Within, steadyIntervals)}
			}
			return steadiness{notReached: bundle.Warn("packet_rate", "the load was not steady %s after "+
				"its warm-up: the last %d rates by %s differ by %.0f %% (%.0f to %.0f packets/s)",
				st.Within, len(rates), m.name, 100*spread, slices.Min(rates), slices.Max(rates))}
		}
	}
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// sleep reports whether ctx lasted as long.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
