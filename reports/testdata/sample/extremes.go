package sample

import (
	"fmt"
	"math"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// WithoutAnything is a run of which nothing was measured.
func WithoutAnything() *result.Result {
	packets := bundle.Gap{What: "packets", Why: "no outbound SA was read and no packet counts were given",
		Fix: "record with --netns NAME"}
	locks := bundle.Gap{What: "lock waits", Why: "the kernel has no BTF", Fix: "CONFIG_DEBUG_INFO_BTF=y"}
	return NewResult(&result.Run{
		Name: "bare", N: 1, Manifest: bundle.Manifest{Status: bundle.Partial, Why: "interrupted"},
		Packets: result.Packets{Total: metric.NotMeasured(metric.PacketsID, "packets", packets),
			Rate: metric.NotMeasured(metric.RateID, "packets/s", packets)},
		Locks: result.Locks{Gap: &locks, Waits: metric.NotMeasured(metric.WaitsID, "waits", locks),
			WaitNS: metric.NotMeasured(metric.WaitID, "ns", locks),
			PerPkt: metric.NotMeasured(metric.WaitPacketID, "ns/packet", locks)},
	})
}

// Extremes are Results that break layouts.
func Extremes(t testing.TB) map[string]*result.Result {
	many := make([]*result.Run, 0, 64)
	for i := range 64 {
		r := NewRun(Spec{Mode: []string{"pcpu", "shared"}[i/32], N: 1 + i%32/8, RatePer: 90_000 +
			10*float64(i%7), Spin: .01, Seconds: 1, Noise: i % 3})
		r.Name = fmt.Sprintf("%s rep=%d", r.Name, i%8)
		many = append(many, r)
	}
	wide := NewRun(Spec{Mode: "shared", N: 256, RatePer: 900, Spin: .9, Seconds: 1})
	return map[string]*result.Result{
		"nothing":            WithoutAnything(),
		"no runs":            {},
		"zero samples":       zeroSamples(),
		"no symbols":         noSymbols(),
		"one CPU":            NewResult(NewRun(Spec{Mode: "pcpu", N: 1, RatePer: 91_000, Seconds: 10})),
		"256 CPUs":           NewResult(wide),
		"64 runs":            NewResult(many...),
		"hostile":            HostileResult(t),
		"hostile full":       HostileFull(),
		"full":               Full(),
		"comparison":         Comparison(t, 4),
		"one a side":         Comparison(t, 1),
		"same twice":         SameTwice(t),
		"hostile comparison": hostileComparison(t),
		"not a number":       NotNumbers(),
	}
}

func zeroSamples() *result.Result {
	r := NewRun(Spec{Mode: "shared", N: 2, RatePer: 1000, Seconds: 10})
	b := NewProfileBuilder("cpu-clock", "nanoseconds")
	r.Events = []*result.Event{NewEvent(b.P, 10, 2000, nil)}
	return NewResult(r)
}

func noSymbols() *result.Result {
	r := NewRun(Spec{Mode: "shared", N: 2, RatePer: 1000, Seconds: 10})
	p := NewProfile(Spec{Mode: "shared", N: 2, Spin: .2, Seconds: 10})
	for i := range p.Locations {
		p.Locations[i].Function = -1
	}
	p.Functions = nil
	r.Events = []*result.Event{NewEvent(p, 10, 2000, nil)}
	return NewResult(r)
}

// NotNumbers holds what no analysis should return.
func NotNumbers() *result.Result {
	r := Sweep()
	for i, run := range r.Runs {
		bad := []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e300, 0}[i%6]
		run.Packets.Rate.Value, run.Packets.Rate.SE = bad, bad
		run.Locks.PerPkt.Value = bad
		e := run.Events[0]
		e.All.SpinShare.Value, e.All.PerPacket.SE = bad, bad
		e.CPUs[0].SpinShare.SE = bad
		e.All.Stages[0].PerPacket.Value = bad
	}
	return r
}

// HostileResult has a hostile name in every string field.
func HostileResult(t testing.TB) *result.Result {
	r := Sweep()
	r.Tool = Hostile
	for i := range r.Findings {
		f := &r.Findings[i]
		f.ID, f.Claim, f.NotProven, f.Next, f.Evidence = Hostile, Hostile, Hostile, Hostile,
			[]string{Hostile, Long(t)}
	}
	r.Warnings = []bundle.Warning{bundle.Warn(Hostile, "%s", Hostile)}
	for i := range r.Curves {
		r.Curves[i].Mode = Hostile
	}
	for _, run := range r.Runs {
		hostileRun(run, Long(t))
	}
	return r
}

func hostileRun(run *result.Run, long string) {
	loss := []bundle.Loss{{Source: Hostile, What: Hostile, Count: 3, Of: 9, Event: Hostile, Effect: Hostile}}
	gap := bundle.Gap{What: Hostile, Why: Hostile, Fix: Hostile}
	warn := []bundle.Warning{bundle.Warn(Hostile, "%s", Hostile)}
	run.Name, run.Path, run.Mode, run.Packets.Source = Hostile, Hostile, Hostile, Hostile
	run.Labels = map[string]string{Hostile: Hostile}
	run.Losses, run.Gaps, run.Warnings, run.Locks.Losses = loss, []bundle.Gap{gap}, warn, loss
	run.Drops = []result.Drop{{NetNS: Hostile, Name: Hostile, Delta: 7}}
	m := &run.Manifest
	m.Tool, m.Source, m.Why, m.Status = Hostile, Hostile, Hostile, bundle.Partial
	m.Host = bundle.Host{Name: Hostile, Kernel: Hostile, Version: Hostile, Arch: Hostile, BuildID: Hostile,
		CPUModel: Hostile, CmdLine: Hostile}
	m.Plan.Events, m.Plan.Labels = []string{Hostile}, run.Labels
	m.Events = []bundle.Event{{Asked: Hostile, Opened: Hostile + "x", Why: Hostile}}
	m.Commands = []bundle.Command{{Argv: []string{Hostile, Hostile}, Exit: 1, Log: Hostile}}
	m.Probes = []bundle.Probe{{Name: Hostile, AttachMode: Hostile, Blind: []string{Hostile}}}
	m.Files = []bundle.File{{Name: Hostile, SHA256: Hostile}}
	m.Losses, m.Warnings, m.Gaps = loss, warn, []bundle.Gap{gap}
	run.Locks.AttachMode, run.Locks.Blind = Hostile, []string{Hostile}
	for i := range run.Locks.Rows {
		run.Locks.Rows[i].Lock, run.Locks.Rows[i].Name = Hostile, Hostile
	}
	for i := range run.SAs {
		s := &run.SAs[i]
		s.NetNS, s.Src, s.Dst, s.Proto, s.Mode, s.Dir = Hostile, Hostile, Hostile, Hostile, Hostile, Hostile
	}
	for _, e := range run.Events {
		e.Name, e.Unit, e.Losses, e.Warnings = Hostile, Hostile, loss, warn
		e.Profile.Event.Name, e.Profile.Event.Unit, e.Profile.Comms = Hostile, Hostile, []string{Hostile}
		e.Profile.Losses = loss
		e.All.PerPacket.Unit = Hostile
		for i := range e.Profile.Functions {
			e.Profile.Functions[i].Name += Hostile
		}
		for i := range e.Profile.Mappings {
			e.Profile.Mappings[i].File = Hostile
		}
		for _, list := range [][]result.Share{e.All.Stages, e.All.Functions, e.All.SpinCallers, e.Unmatched} {
			for i := range list {
				list[i].Name, list[i].Module = Hostile+long[:i*20], Hostile
			}
		}
	}
}

// LongValues has figures as wide as they come.
func LongValues() *result.Result {
	r := Probed()
	for _, run := range r.Runs {
		run.Packets.Rate.Value, run.Locks.PerPkt.Value = 148_809_523, 1_119_149.5
		a := &run.Events[0].All
		a.PerPacket.Value, a.PerPacket.SE = 1_259_727, 13_172
	}
	return r
}

// WithPMU gives the runs of a sweep a miss event; one has no instructions.
func WithPMU() *result.Result {
	r := Sweep()
	gap := bundle.Gap{What: "misses per 1000 instructions", Why: "the run has no event that counts instructions"}
	for i, run := range r.Runs[1:] {
		run.Gaps = nil
		b := NewProfileBuilder("L1-dcache-load-misses:k", "count")
		b.Add(testRoot+";ip_forward;ip_forward_finish;xfrm4_output;xfrm_output_resume;esp_output;skb_cow_data",
			0, 70)
		b.Add(testRoot+";ip_forward;__xfrm_route_forward;xfrm_lookup_with_ifid;xfrm_state_find", 0, 30)
		run.Events = append(run.Events, NewEvent(b.P, 10, 0, nil))
		for cpu := -1; cpu < run.N; cpu++ {
			m := result.Miss{
				Event: "L1-dcache-load-misses:k",
				CPU:   cpu,
				PerKiloCycle: metric.Value{ID: metric.MPKCID, Value: 12.25 + float64(cpu),
					SE: .5, Unit: "1/1000 cycles", Samples: 600},
				PerKiloInstructions: metric.Value{ID: metric.MPKIID, Value: 31.75, SE: 1.5,
					Unit: "1/1000 instructions", Samples: 600},
				PerPacket: metric.Value{ID: metric.CostID, Value: 41.5 + float64(i), SE: 2,
					Unit: "events/packet", Samples: 600},
			}
			if i == 0 {
				m.PerKiloInstructions = metric.NotMeasured(metric.MPKIID, "1/1000 instructions", gap)
			}
			if cpu < 0 {
				share := metric.Value{ID: metric.ShareID, Value: .4, SE: .02, Unit: "ratio",
					Samples: 240}
				m.Functions = []result.Intensity{{Name: "esp_output_tail", Misses: share, Work: share,
					Value: metric.Value{ID: metric.IntensityID, Value: 3.75, SE: .25, Unit: "1"}}}
			}
			run.Misses = append(run.Misses, m)
		}
		run.Counted = []result.Total{{
			Event: "L1-dcache-load-misses:k", PerSecond: metric.Value{ID: metric.CountRateID,
				Value: 8.125e6, Unit: "1/s"},
			PerPacket: metric.Value{ID: metric.CountedID, Value: 44.25, Unit: "events/packet"},
			PerKiloCycle: metric.NotMeasured(metric.CountedKID, "1/1000 cycles",
				bundle.Gap{What: "counts per 1000 cycles", Why: "no cycles were counted"}),
			Running: metric.Value{ID: metric.RunningID, Value: .625, Unit: "ratio"},
		}}
	}
	return r
}

// Probed gives each run of a sweep a warning of its own numbers.
func Probed() *result.Result {
	r := Sweep()
	for i, run := range r.Runs {
		if i == 0 {
			continue
		}
		run.Locks.Effect = metric.Value{ID: metric.EffectID, Value: float64(i)/10 - .3, Unit: "ratio"}
		run.Warnings = append(run.Warnings, bundle.Warn(metric.WaitsID,
			"packets/s changed by %+d %% while probed", 10*i-30))
		run.Gaps = append(run.Gaps, bundle.Gap{What: "instructions",
			Why: "no hardware counters: instructions: ENOENT", Fix: "run on a machine with a PMU"})
	}
	r.Runs[0].Gaps = append(r.Runs[0].Gaps, r.Runs[1].Gaps[1])
	r.Runs[3].Warnings = append(r.Runs[3].Warnings, bundle.Warn(metric.WaitsID, "something else"))
	return r
}
