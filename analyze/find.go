package analyze

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

// Finds is what xfrm_state_find was seen to do, all CPUs.
type Finds struct {
	Calls      metric.Value `json:"calls"`       // count
	PerPacket  metric.Value `json:"per_packet"`  // calls per packet of the phase
	NoSA       uint64       `json:"no_sa"`       // calls that returned none
	Fallback   metric.Value `json:"fallback"`    // ratio of calls that returned an SA of any CPU although one of this CPU exists
	WrongCPU   metric.Value `json:"wrong_cpu"`   // ratio of calls that returned an SA of another CPU
	CacheEmpty metric.Value `json:"cache_empty"` // ratio of calls that found pol->state_cache_list empty
	P50        metric.Value `json:"p50_ns"`      // latency of timed calls, upper ends of bins
	P99        metric.Value `json:"p99_ns"`
	Mean       metric.Value `json:"mean_ns"`
	Walk       metric.Value `json:"walk_length"`    // mean SAs in the bucket
	WalkMax    uint64       `json:"walk_max"`       // in the longest bucket walked
	Hist       []uint64     `json:"hist,omitempty"` // log2 ns
	Inbound    []Inbound    `json:"inbound,omitempty"`
}

// An Inbound is one inbound SA and the CPUs its packets came in on.
type Inbound struct {
	NetNS   string   `json:"netns,omitempty"`
	SPI     uint32   `json:"spi"`
	CPUs    []int    `json:"cpus"`
	Packets []uint64 `json:"packets"` // in the order of CPUs
}

// A Matrix is outbound packets, or calls of xfrm_state_find where SAs were not
// told apart by CPU otherwise, by SA and sending CPU.
type Matrix struct {
	Source string      `json:"source"` // "find probe"
	CPUs   []int       `json:"cpus"`
	Rows   []MatrixRow `json:"rows"` // per-CPU SAs by pcpu, then the fallback
}

// A MatrixRow is one SA.
type MatrixRow struct {
	NetNS string   `json:"netns,omitempty"`
	SPI   uint32   `json:"spi"`
	PCPU  *int     `json:"pcpu,omitempty"` // nil: the fallback SA
	Calls []uint64 `json:"calls"`          // in the order of Matrix.CPUs
}

// A Heat is the main event by CPU and time: equal slices of the window.
type Heat struct {
	Event   string      `json:"event"`
	SliceNS int64       `json:"slice_ns"`
	CPUs    []int       `json:"cpus"`
	Busy    [][]float64 `json:"busy"` // [cpu][slice]: share of the samples that are not idle; -1 without samples
	Spin    [][]float64 `json:"spin"` // share of the busy weight in slow paths; -1 without
}

// A Layout is a structure of the running kernel, from its BTF: which of the
// fields the packet path touches share a cache line.
type Layout struct {
	Struct string        `json:"struct"` // "xfrm_state"
	Size   uint32        `json:"size"`
	Source string        `json:"source"` // "kernel BTF, as recorded"
	Fields []LayoutField `json:"fields"` // hot fields by offset
}

// A LayoutField is one field.
type LayoutField struct {
	Name   string `json:"name"`
	Offset uint32 `json:"offset"`
	Size   uint32 `json:"size"`
	Line   uint32 `json:"line"` // Offset / 64
	Use    string `json:"use"`  // "written by every packet (spin lock)", "read", ...
	Access Access `json:"-"`    // what Use says
}

// newFinds sums what the find probe saw, nil if it did not run. sas are those of
// the run: whether a CPU has an SA of its own.
func newFinds(m *bundle.Manifest, raw bundle.Finds, sas []SA) *Finds {
	if len(raw.Accounts) == 0 {
		return nil
	}
	phase := spanOf(m, bundle.ProbeFind)
	sum := sumAccounts(raw.Accounts)
	f := &Finds{NoSA: sum.NoSA, WalkMax: sum.WalkMax, Hist: sum.Hist, Inbound: inbound(raw.Inbound)}
	calls := float64(sum.Calls)
	all := sum.Calls + phase.skipped
	f.Calls = metric.Value{ID: metric.FindID, Value: calls, Unit: "count"}.CountWithLoss(phase.skipped, all, float64(all))
	f.PerPacket = findsPerPacket(calls, phase)
	f.PerPacket = f.PerPacket.WithLoss("calls", phase.skipped, all, f.PerPacket.Value, f.PerPacket.Value*float64(all)/math.Max(1, calls))
	f.shares(raw.Rows, sas, all-min(all, sum.NoSA))
	f.CacheEmpty = cacheEmpty(raw.Accounts)
	f.P50 = quantile(metric.FindP50ID, sum.Hist, 0.50, 0)
	f.P99 = quantile(metric.FindP99ID, sum.Hist, 0.99, 0)
	f.Mean = findMean(sum)
	f.Walk = walkLength(sum)
	return f
}

func sumAccounts(accounts []bundle.FindAccount) bundle.FindAccount {
	var s bundle.FindAccount
	for _, a := range accounts {
		s.Calls += a.Calls
		s.Other += a.Other
		s.NoSA += a.NoSA
		s.Timed += a.Timed
		s.TimedNS += a.TimedNS
		s.Hist = addHist(s.Hist, a.Hist)
		s.Walked += a.Walked
		s.WalkSum += a.WalkSum
		s.WalkMax = max(s.WalkMax, a.WalkMax)
		s.WalkCut += a.WalkCut
		s.Mismatched += a.Mismatched
		s.Nested += a.Nested
	}
	return s
}

func findsPerPacket(calls float64, phase span) metric.Value {
	if !phase.counted || phase.packets == 0 {
		return metric.NotMeasured(metric.FindPacketID, "calls/packet", bundle.Gap{What: "calls per packet", Why: "no packets were counted in the find probe's phase"})
	}
	return metric.Value{ID: metric.FindPacketID, Value: calls / float64(phase.packets), Unit: "calls/packet"}
}

// shares sets what part of the calls returned the fallback SA or another CPU's,
// of those that returned one. Which it was is not known where it found no slot,
// or where the call's begin or end was not seen.
func (f *Finds) shares(rows []bundle.FindRow, sas []SA, returned uint64) {
	own := ownSA(rows, sas)
	var found, fallback, wrong uint64
	for _, r := range rows {
		if r.State == "" {
			continue
		}
		found += r.Count
		switch {
		case r.PCPU == nil && own[cpuOf{r.NetNS, r.CPU}]:
			fallback += r.Count
		case r.PCPU != nil && *r.PCPU != r.CPU:
			wrong += r.Count
		}
	}
	lost := returned - min(returned, found)
	f.Fallback = callShare(metric.FallbackID, fallback, found, lost)
	f.WrongCPU = callShare(metric.WrongCPUID, wrong, found, lost)
}

// A cpuOf is a CPU in a network namespace.
type cpuOf struct {
	netns string
	cpu   int
}

// ownSA tells which CPUs have an outbound SA of their own.
func ownSA(rows []bundle.FindRow, sas []SA) map[cpuOf]bool {
	own := map[cpuOf]bool{}
	for _, s := range sas {
		if s.Outbound && s.PCPU != nil {
			own[cpuOf{s.NetNS, int(*s.PCPU)}] = true
		}
	}
	for _, r := range rows {
		if r.PCPU != nil && *r.PCPU >= 0 {
			own[cpuOf{r.NetNS, *r.PCPU}] = true
		}
	}
	return own
}

// callShare is part/whole with the error of a binomial. lost calls are of no
// row.
func callShare(id string, part, whole, lost uint64) metric.Value {
	if whole == 0 {
		return metric.NotMeasured(id, "ratio", bundle.Gap{What: "SAs by call", Why: "no call of xfrm_state_find returned an SA"})
	}
	n := float64(whole)
	p := float64(part) / n
	all := float64(whole + lost)
	v := metric.Value{ID: id, Value: p, Unit: "ratio", SE: math.Sqrt(p * (1 - p) / n), Samples: whole}
	return v.WithLoss("calls", lost, whole+lost, float64(part)/all, float64(part+lost)/all)
}

func cacheEmpty(accounts []bundle.FindAccount) metric.Value {
	var calls, empty uint64
	for _, a := range accounts {
		if a.CacheKnown {
			calls += a.Calls
			empty += a.CacheEmpty
		}
	}
	if calls == 0 {
		return metric.NotMeasured(metric.CacheEmptyID, "ratio", bundle.Gap{What: "the policy's list of cached SAs", Why: "this kernel has no pol->state_cache_list (Linux 6.13), or the probe could not read it"})
	}
	p := float64(empty) / float64(calls)
	return metric.Value{ID: metric.CacheEmptyID, Value: p, Unit: "ratio", SE: math.Sqrt(p * (1 - p) / float64(calls)), Samples: calls}
}

func findMean(sum bundle.FindAccount) metric.Value {
	if sum.Timed == 0 {
		return metric.NotMeasured(metric.FindMeanID, "ns", bundle.Gap{What: "time of xfrm_state_find", Why: "no call was timed"})
	}
	n := float64(sum.Timed)
	return metric.Value{ID: metric.FindMeanID, Value: float64(sum.TimedNS) / n, Unit: "ns", SE: math.Sqrt(histVariance(sum.Hist, 1) / n), Samples: sum.Timed}
}

func walkLength(sum bundle.FindAccount) metric.Value {
	if sum.Walked == 0 {
		return metric.NotMeasured(metric.WalkID, "SAs", bundle.Gap{What: "SAs in the bucket", Why: "the probe walked no bucket"})
	}
	v := metric.Value{ID: metric.WalkID, Value: float64(sum.WalkSum) / float64(sum.Walked), Unit: "SAs", Samples: sum.Walked}
	if sum.WalkCut > 0 {
		v.Losses = []bundle.Loss{{Source: "probe find", What: "walks that ended at the probe's bound", Count: sum.WalkCut, Of: sum.Walked, Effect: "the mean is too small"}}
	}
	return v
}

// inbound is packets by SA: SPIs are one destination's, so that two namespaces,
// or two addresses, may have the same. An SA is told by its lock.
func inbound(rows []bundle.InboundRow) []Inbound {
	type key struct {
		saName
		lock string
	}
	bySA := map[key]map[int]uint64{}
	for _, r := range rows {
		k := key{saName{r.NetNS, r.SPI}, r.Lock}
		if bySA[k] == nil {
			bySA[k] = map[int]uint64{}
		}
		bySA[k][r.CPU] += r.Packets
	}
	var out []Inbound
	for _, k := range slices.SortedFunc(maps.Keys(bySA), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.netns, b.netns), cmp.Compare(a.spi, b.spi), cmp.Compare(a.lock, b.lock))
	}) {
		in := Inbound{NetNS: k.netns, SPI: k.spi, CPUs: slices.Sorted(maps.Keys(bySA[k]))}
		for _, cpu := range in.CPUs {
			in.Packets = append(in.Packets, bySA[k][cpu])
		}
		out = append(out, in)
	}
	return out
}

// newMatrix is calls by SA and CPU, nil if the find probe saw no SA. CPUs that
// were measured stand in it even if they called nothing, and so do outbound SAs
// that no call returned.
func newMatrix(rows []bundle.FindRow, sas []SA, cpus []int) *Matrix {
	type key struct {
		saName
		pcpu int // math.MaxInt: the fallback SA, last
	}
	const fallback = math.MaxInt
	calls := map[key]map[int]uint64{}
	at := func(netns string, spi uint32, pcpu *int) map[int]uint64 {
		k := key{saName{netns, spi}, fallback}
		if pcpu != nil {
			k.pcpu = *pcpu
		}
		if calls[k] == nil {
			calls[k] = map[int]uint64{}
		}
		return calls[k]
	}
	seen := slices.Clone(cpus)
	for _, r := range rows {
		if r.State != "" {
			at(r.NetNS, r.SPI, r.PCPU)[r.CPU] += r.Count
			seen = append(seen, r.CPU)
		}
	}
	if len(calls) == 0 {
		return nil
	}
	for _, s := range sas {
		if s.Outbound {
			at(s.NetNS, s.SPI, intOf(s.PCPU))
		}
	}
	slices.Sort(seen)
	m := &Matrix{Source: "find probe", CPUs: slices.Compact(seen)}
	for _, k := range slices.SortedFunc(maps.Keys(calls), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.pcpu, b.pcpu), cmp.Compare(a.spi, b.spi), cmp.Compare(a.netns, b.netns))
	}) {
		row := MatrixRow{NetNS: k.netns, SPI: k.spi, PCPU: &k.pcpu}
		if k.pcpu == fallback {
			row.PCPU = nil
		}
		for _, cpu := range m.CPUs {
			row.Calls = append(row.Calls, calls[k][cpu])
		}
		m.Rows = append(m.Rows, row)
	}
	return m
}

func intOf(p *uint32) *int {
	if p == nil {
		return nil
	}
	n := int(*p)
	return &n
}
