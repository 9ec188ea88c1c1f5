package sample

import (
	"fmt"
	"math"
	"reflect"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/view"
)

// Full is a sweep of which everything was measured: three modes at four N,
// repeated.
func Full() *result.Result { return full4() }

// fullOf makes a full sweep of one side. factor is the rate of the shared SA
// against the invented one.
func fullOf(side string, repeats int, factor float64) *result.Result {
	spin := map[int]float64{1: 0, 2: .24, 4: .55, 8: .8}
	var runs []*result.Run
	for _, mode := range []string{"pcpu", "plain", "shared"} {
		for _, n := range []int{1, 2, 4, 8} {
			for i := range repeats {
				wobble := 1 + .004*float64(i%4-1) + .001*float64(i/4)
				s := Spec{Mode: mode, N: n, Seconds: 4, Noise: i}
				switch mode {
				case "pcpu":
					s.RatePer, s.Spin = (91_400-600*float64(n))*wobble, .0009*float64(n-1)
				case "plain":
					s.RatePer = 320_000 * wobble / (1 + .03*float64(n-1))
				case "shared":
					s.RatePer, s.Spin = 90_800*(1-spin[n])*wobble*factor, spin[n]/factor
				}
				r := Fill(NewRun(s), s)
				r.Side, r.Labels = side, map[string]string{"mode": mode, "repeat": fmt.Sprint(i + 1)}
				runs = append(runs, r)
			}
		}
	}
	r := NewResult(runs...)
	for i := range r.Curves {
		scaled(r, &r.Curves[i])
	}
	for i := range r.Curves {
		if c := &r.Curves[i]; c.Mode != "plain" {
			ceiling := scaling.CompareCeiling(rateCurve(r, *c), rateCurve(r, r.Curves[1]),
				scaling.Options{})
			c.Ceiling = &ceiling
		}
	}
	return r
}

func rateCurve(r *result.Result, c result.Curve) scaling.Curve {
	out := scaling.Curve{Name: c.Mode, Unit: "packets/s"}
	for _, i := range c.Runs {
		out.Points = append(out.Points, scaling.Point{N: r.Runs[i].N,
			Values: []float64{r.Runs[i].Packets.Rate.Value}})
	}
	return out
}

// scaled fills what package analyze makes of a curve.
func scaled(r *result.Result, c *result.Curve) {
	rates := rateCurve(r, *c)
	s, u := scaling.Scale(rates, scaling.Options{}), scaling.FitUSL(rates, scaling.Options{})
	c.Scaling, c.USL = &s, &u
	var stages, functions, locks []scaling.Costs
	for _, i := range c.Runs {
		a := view.AllCPUs(r.Runs[i])
		stages = append(stages, testCosts(r.Runs[i].N, a, a.Stages))
		functions = append(functions, testCosts(r.Runs[i].N, a, a.Functions))
		locks = append(locks, scaling.Costs{N: r.Runs[i].N,
			Runs: []map[string]float64{{"x->lock": r.Runs[i].Locks.PerPkt.Value}}})
	}
	c.StageBreakdowns, c.LockBreakdowns = scaling.Breakdowns(stages, "ns/packet", scaling.Options{}),
		scaling.Breakdowns(locks, "ns/packet", scaling.Options{})
	frames := scaling.Frames(functions, "ns/packet", scaling.Options{})
	c.Frames = &frames
	for _, b := range c.StageBreakdowns {
		base, at := 0.0, 0.0
		for _, row := range s.Rows {
			switch row.N {
			case b.Base:
				base = row.Rate.Median
			case b.N:
				at = row.Rate.Median
			}
		}
		c.Falls = append(c.Falls, scaling.Fall(b, scaling.Sampled{Rate: base}, scaling.Sampled{Rate: at}, "packets/s"))
	}
	c.Walk = &scaling.Walk{PerSA: compare.Estimate{Value: 3.2, Interval: compare.Interval{Lo: 2.6, Hi: 3.9,
		Level: .95}}, Walks: true, Share: .12, Most: 9}
}

func testCosts(n int, c result.CPU, parts []result.Share) scaling.Costs {
	costs := map[string]float64{}
	for _, s := range parts {
		costs[s.Name] += s.PerPacket.Value
	}
	return scaling.Costs{N: n, Runs: []map[string]float64{costs}, Totals: []float64{c.PerPacket.Value},
		Resolution: []float64{c.PerPacket.Value / float64(c.Busy.Samples)}}
}

// Fill adds to a run what the further probes and checks give.
func Fill(r *result.Run, s Spec) *result.Run {
	value := func(id string, v float64, unit string) metric.Value {
		return metric.Value{ID: id, Value: v, Unit: unit}
	}
	calls := uint64(r.Packets.Total.Value)
	f := &result.Lookups{
		Calls: value("find_calls", float64(calls), "calls"), PerPacket: value("find_calls_per_packet", 1,
			"calls/packet"),
		Fallback: value("fallback_share", .0004, "ratio"), WrongCPU: value("wrong_cpu_share", 0, "ratio"),
		CacheEmpty: value("cache_empty", .02, "ratio"),
		P50:        value("find_p50", 256, "ns"), P99: value("find_p99", 2048, "ns"), Mean: value("find_mean",
			301, "ns"), Walk: value("find_walk", 2.5, "SAs"),
		Hist:    []uint64{0, 0, 0, 0, 0, 0, 9, 60, 200, 90, 12, 2},
		Inbound: []result.Inbound{{SPI: 0x2001, CPUs: []int{0, 1}, Packets: []uint64{calls / 2, calls / 2}}},
	}
	r.Lookups, r.Matrix, r.Heat = f, testMatrix(s, calls), testHeat(s)
	r.CPUTimes = testTimes(s)
	f.WalkMax = 9
	r.Packets.Jain = value("jain", .98, "ratio")
	for i := range r.SAs {
		sa := &r.SAs[i].SA
		sa.Replay, sa.Flags, sa.Encap, sa.Offload, sa.OSeq, sa.LastUsedS = 4096, []string{"esn"},
			"udp 4500 4500", "crypto eth0", 12345678, 1_760_000_000
	}
	for i := range r.Locks.Rows {
		l := &r.Locks.Rows[i]
		l.P50, l.P99 = value("lock_wait_p50", 2048, "ns"), value("lock_wait_p99", 16384, "ns")
		l.Acquisitions, l.Contention = value("acquisitions", float64(calls), "acquisitions"),
			value("contention_ratio", s.Spin*.3, "ratio")
		l.Bounce = value("bounce_ns_per_packet", 41*float64(s.N-1), "ns/packet")
		l.FastHist = []uint64{0, 0, 0, 0, 0, 0, 0, 0, 0, 40, 300, 90, 10, 0, 60, 200, 70, 3}
		if s.N > 1 {
			l.Floor = &result.Floor{Of: "x->lock", Own: true, NS: 32, SE: 1.5, Runs: 2,
				Hist: []uint64{0, 0, 0, 0, 0, 0, 0, 0, 0, 90, 600, 170, 8}}
		}
		l.Callers = []result.Share{{Name: "xfrm_output_resume", Module: "[kernel.kallsyms]",
			Share: value(metric.ShareID, .9, "ratio")}, {Name: "xfrm_replay_overflow",
			Share: value(metric.ShareID, .1, "ratio")}}
	}
	if len(r.Locks.Rows) > 0 {
		r.Locks.Rows[0].SPI = 0x1001
	}
	r.Phases = []result.Phase{
		{Name: "samples", Seconds: s.Seconds, Rate: r.Packets.Rate, Effect: value("effect", 0, "ratio")},
		{Name: "wait", Probe: "wait", Seconds: 2, Rate: r.Packets.Rate, Effect: value("effect", -.004,
			"ratio")},
		{Name: "find", Probe: "find", Seconds: 2, SAReads: 2, Rate: r.Packets.Rate, Effect: value("effect",
			-.031, "ratio"), OneIn: 64, Skipped: 12},
	}
	busy := view.AllCPUs(r).Busy.Period / 1e9 / s.Seconds
	r.ConsistencyChecks = []result.ConsistencyCheck{
		{ID: "functions-sum", Left: result.Side{Text: "sum of functions", Value: view.AllCPUs(r).Busy.Period,
			Unit: "ns"}, Right: result.Side{Text: "event total", Value: view.AllCPUs(r).Busy.Period,
			Unit: "ns"}, Limit: 1e-9, Verdict: "holds"},
		{ID: "cycles-per-packet", Left: result.Side{Text: "cost per packet",
			Value: view.AllCPUs(r).PerPacket.Value, Unit: "ns/packet"},
			Right: result.Side{Text: "CPUs busy / rate", Value: busy * 1e9 / r.Packets.Rate.Value,
				Unit: "ns/packet"}, Residual: .0003, Limit: .02, Verdict: "holds"},
		{ID: "lock-packets", Verdict: "not measured", Why: "no count probe ran: fentry refused", Limit: .02},
	}
	r.Gates = []result.Gate{{ID: "pause", Status: "ok", Evidence: "0 pause frames"}, {ID: "drops", Status: "ok",
		Evidence: "xfrm_stat and rings: 0"}, {ID: "throttled", Status: "not measured",
		Evidence: "no throttle counter in a guest", Next: "run on the machine itself"}}
	if s.Mode == "shared" && s.N == 8 {
		r.Gates = append(r.Gates, result.Gate{ID: "idle-cpus", Status: "failed",
			Evidence: "CPU 7 was idle 41 % of the window", Next: "check RSS: ethtool -x IFACE"})
		r.ConsistencyChecks = append(r.ConsistencyChecks, result.ConsistencyCheck{ID: "spin-probe-samples",
			Left:  result.Side{Text: "slow-path time by probe", Value: 4.1e9, Unit: "ns"},
			Right: result.Side{Text: "by samples", Value: 5.2e9, Unit: "ns"}, Residual: -.21, Limit: .1,
			Verdict: "broken", Marks: []string{metric.WaitPacketID}})
		r.Drift = []result.Drift{{Topic: "irq", Subject: "eth0-rx-3", Name: "CPU", Start: "3", End: "1"}}
	}
	r.Layouts = []result.Layout{testLayout()}
	return r
}

func testLayout() result.Layout {
	l := result.Layout{Struct: "xfrm_state", Size: 832, Source: "kernel BTF, as recorded"}
	for _, f := range []struct {
		name         string
		offset, size uint32
		use          string
		access       result.Access
	}{
		{"refcnt", 56, 4, "written by every lookup", result.EveryPacket},
		{"lock", 60, 4, "written by every packet (spin lock)", result.EveryPacket},
		{"id", 64, 24, "read", 0}, {"sel", 88, 56, "read", 0}, {"curlft", 320, 32, "written by every packet",
			result.EveryPacket},
		{"replay", 360, 12, "written by every packet", result.EveryPacket}, {"type", 376, 8, "read", 0},
		{"pcpu_num", 820, 4, "read", 0},
	} {
		l.Fields = append(l.Fields, result.LayoutField{Name: f.name, Offset: f.offset, Size: f.size,
			Line: f.offset / 64, Use: f.use, Access: f.access})
	}
	return l
}

func testMatrix(s Spec, calls uint64) *result.Matrix {
	m := &result.Matrix{Source: "find probe"}
	for cpu := range s.N {
		m.CPUs = append(m.CPUs, cpu)
	}
	fallback := result.MatrixRow{SPI: 0x1000, Calls: make([]uint64, s.N)}
	for cpu := range s.N {
		row := result.MatrixRow{SPI: 0x1001 + uint32(cpu), PCPU: &m.CPUs[cpu], Calls: make([]uint64, s.N)}
		row.Calls[cpu] = calls / uint64(s.N)
		if s.Mode == "pcpu" {
			m.Rows = append(m.Rows, row)
		}
		fallback.Calls[cpu] = 12
		if s.Mode != "pcpu" {
			fallback.Calls[cpu] = calls / uint64(s.N)
		}
	}
	m.Rows = append(m.Rows, fallback)
	return m
}

func testTimes(s Spec) *result.CPUTimes {
	t := &result.CPUTimes{}
	shares := func(i int) result.TimeShares {
		idle := .02 + .01*float64(i%3)
		return result.TimeShares{Seconds: s.Seconds, System: .05, Softirq: .93 - idle, Idle: idle, Steal: .02}
	}
	for cpu := range s.N {
		t.CPUs = append(t.CPUs, result.CPUTime{CPU: cpu, Softirqs: map[string]uint64{"NET_RX": 4000},
			TimeShares: shares(cpu)})
	}
	for i := range int(s.Seconds) {
		t.Steps = append(t.Steps, result.TimeStep{StartS: float64(i), EndS: float64(i + 1),
			TimeShares: shares(i)})
	}
	return t
}

func testHeat(s Spec) *result.Heat {
	h := &result.Heat{Event: "cpu-clock", SliceNS: 50e6}
	for cpu := range s.N {
		h.CPUs = append(h.CPUs, cpu)
		var busy, spin []float64
		for i := range int(s.Seconds * 20) {
			busy = append(busy, .97+.03*math.Sin(float64(i*cpu)))
			v := math.Min(1, s.Spin*(1+.4*math.Sin(float64(i)/7+float64(cpu))))
			if i == 30 && cpu == 1 {
				v = -1
			}
			spin = append(spin, math.Max(v, -1))
		}
		h.Busy, h.Spin = append(h.Busy, busy), append(h.Spin, spin)
	}
	return h
}

// EveryString sets every string below a value, the keys of maps as well: a
// field that is added later is attacked, too.
func EveryString(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			EveryString(v.Elem(), s)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				EveryString(v.Field(i), s)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			EveryString(v.Index(i), s)
		}
	case reflect.Map:
		if v.Type().Key().Kind() == reflect.String && v.Type().Elem().Kind() == reflect.String && v.Len() > 0 {
			m := reflect.MakeMap(v.Type())
			m.SetMapIndex(reflect.ValueOf(s).Convert(v.Type().Key()),
				reflect.ValueOf(s).Convert(v.Type().Elem()))
			v.Set(m)
		}
	case reflect.String:
		if v.CanSet() {
			v.SetString(s)
		}
	}
}

// HostileFull has a hostile name in every string of a full sweep.
func HostileFull() *result.Result {
	r := fullOf("", 1, 1)
	r.Warnings = []bundle.Warning{{}}
	r.Runs[len(r.Runs)-1].Manifest.Gaps = []bundle.Gap{{}}
	EveryString(reflect.ValueOf(r), Hostile)
	return r
}
