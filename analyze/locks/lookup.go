package locks

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// NewLookups sums what the find probe saw, nil if it did not run. sas are those of
// the run: whether a CPU has an SA of its own.
func NewLookups(m *bundle.Manifest, raw bundle.Finds, sas []result.SA) *result.Lookups {
	if len(raw.Accounts) == 0 {
		return nil
	}
	phase := packets.SpanOf(m, bundle.ProbeFind)
	sum := sumAccounts(raw.Accounts)
	f := &result.Lookups{NoSA: sum.NoSA, WalkMax: sum.WalkMax, Hist: sum.Hist, Inbound: inbound(raw.Inbound)}
	calls := float64(sum.Calls)
	all := sum.Calls + phase.Skipped
	f.Calls = metric.Value{ID: metric.FindID, Value: calls, Unit: "count"}.CountWithLoss(phase.Skipped, all,
		float64(all))
	f.PerPacket = findsPerPacket(calls, phase)
	f.PerPacket = f.PerPacket.WithLoss("calls", phase.Skipped, all, f.PerPacket.Value,
		f.PerPacket.Value*float64(all)/math.Max(1, calls))
	shares(f, raw.Rows, sas, all-min(all, sum.NoSA))
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

func findsPerPacket(calls float64, phase packets.Span) metric.Value {
	if !phase.Counted || phase.Packets == 0 {
		return metric.NotMeasured(metric.FindPacketID, "calls/packet",
			bundle.Gap{What: "calls per packet", Why: "no packets were counted in the find probe's phase"})
	}
	return metric.Value{ID: metric.FindPacketID, Value: calls / float64(phase.Packets), Unit: "calls/packet"}
}

// shares sets what part of the calls returned the fallback SA or another CPU's,
// of those that returned one. Which it was is not known where it found no slot,
// or where the call's begin or end was not seen.
func shares(f *result.Lookups, rows []bundle.FindRow, sas []result.SA, returned uint64) {
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
func ownSA(rows []bundle.FindRow, sas []result.SA) map[cpuOf]bool {
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
		return metric.NotMeasured(id, "ratio",
			bundle.Gap{What: "SAs by call", Why: "no call of xfrm_state_find returned an SA"})
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
		return metric.NotMeasured(metric.CacheEmptyID, "ratio",
			bundle.Gap{What: "the policy's list of cached SAs",
				Why: "this kernel has no pol->state_cache_list (Linux 6.13), or the probe could not " +
					"read it"})
	}
	p := float64(empty) / float64(calls)
	return metric.Value{ID: metric.CacheEmptyID, Value: p, Unit: "ratio",
		SE: math.Sqrt(p * (1 - p) / float64(calls)), Samples: calls}
}

func findMean(sum bundle.FindAccount) metric.Value {
	if sum.Timed == 0 {
		return metric.NotMeasured(metric.FindMeanID, "ns",
			bundle.Gap{What: "time of xfrm_state_find", Why: "no call was timed"})
	}
	n := float64(sum.Timed)
	return metric.Value{ID: metric.FindMeanID, Value: float64(sum.TimedNS) / n, Unit: "ns",
		SE: math.Sqrt(histVariance(sum.Hist, 1) / n), Samples: sum.Timed}
}

func walkLength(sum bundle.FindAccount) metric.Value {
	if sum.Walked == 0 {
		return metric.NotMeasured(metric.WalkID, "SAs",
			bundle.Gap{What: "SAs in the bucket", Why: "the probe walked no bucket"})
	}
	v := metric.Value{ID: metric.WalkID, Value: float64(sum.WalkSum) / float64(sum.Walked), Unit: "SAs",
		Samples: sum.Walked}
	if sum.WalkCut > 0 {
		v.Losses = []bundle.Loss{{Source: "probe find", What: "walks that ended at the probe's bound",
			Count: sum.WalkCut, Of: sum.Walked, Effect: "the mean is too small"}}
	}
	return v
}

// inbound is packets by SA: SPIs are one destination's, so that two namespaces,
// or two addresses, may have the same. An SA is told by its lock.
func inbound(rows []bundle.InboundRow) []result.Inbound {
	type key struct {
		packets.SAName
		lock string
	}
	bySA := map[key]map[int]uint64{}
	for _, r := range rows {
		k := key{packets.SAName{NetNS: r.NetNS, SPI: r.SPI}, r.Lock}
		if bySA[k] == nil {
			bySA[k] = map[int]uint64{}
		}
		bySA[k][r.CPU] += r.Packets
	}
	var out []result.Inbound
	for _, k := range slices.SortedFunc(maps.Keys(bySA), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.NetNS, b.NetNS), cmp.Compare(a.SPI, b.SPI), cmp.Compare(a.lock, b.lock))
	}) {
		in := result.Inbound{NetNS: k.NetNS, SPI: k.SPI, CPUs: slices.Sorted(maps.Keys(bySA[k]))}
		for _, cpu := range in.CPUs {
			in.Packets = append(in.Packets, bySA[k][cpu])
		}
		out = append(out, in)
	}
	return out
}

// NewMatrix is calls by SA and CPU, nil if the find probe saw no SA. CPUs that
// were measured stand in it even if they called nothing, and so do outbound SAs
// that no call returned.
func NewMatrix(rows []bundle.FindRow, sas []result.SA, cpus []int) *result.Matrix {
	type key struct {
		packets.SAName
		pcpu int // math.MaxInt: the fallback SA, last
	}
	const fallback = math.MaxInt
	calls := map[key]map[int]uint64{}
	at := func(netns string, spi uint32, pcpu *int) map[int]uint64 {
		k := key{packets.SAName{NetNS: netns, SPI: spi}, fallback}
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
	m := &result.Matrix{Source: "find probe", CPUs: slices.Compact(seen)}
	for _, k := range slices.SortedFunc(maps.Keys(calls), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.pcpu, b.pcpu), cmp.Compare(a.SPI, b.SPI), cmp.Compare(a.NetNS, b.NetNS))
	}) {
		row := result.MatrixRow{NetNS: k.NetNS, SPI: k.SPI, PCPU: &k.pcpu}
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
