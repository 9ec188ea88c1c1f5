package locks

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
)

// addCallers says of each lock who entered its slow path, from the stacks of the
// phase in which stacks were taken.
func addCallers(l *result.Locks, s Source) {
	counts, totals := map[string]map[string]uint64{}, map[string]uint64{}
	for _, row := range s.Stacks {
		if counts[row.Lock] == nil {
			counts[row.Lock] = map[string]uint64{}
		}
		counts[row.Lock][waiterName(row.Frames, s.Kernel)] += row.Count
		totals[row.Lock] += row.Count
	}
	for i := range l.Rows {
		r := &l.Rows[i]
		total := totals[r.Lock]
		for _, name := range slices.Sorted(maps.Keys(counts[r.Lock])) {
			n := counts[r.Lock][name]
			if total == 0 {
				continue
			}
			p := float64(n) / float64(total)
			r.Callers = append(r.Callers, result.Share{
				Name:   name,
				Weight: metric.Estimate{Samples: n, Period: float64(n), VarSum: float64(n)},
				Share: metric.Value{ID: metric.CallerID, Value: p, Unit: "ratio",
					SE: math.Sqrt(p * (1 - p) / float64(total)), Samples: total},
				PerPacket: metric.NotMeasured(metric.CostID, "ns/packet",
					bundle.Gap{What: "wait per packet of a caller",
						Why: "stacks are sampled, waits by caller are not timed"}),
			})
		}
		slices.SortStableFunc(r.Callers, func(a, b result.Share) int {
			return cmp.Compare(b.Share.Value, a.Share.Value)
		})
	}
}

// waiterName is the first function above the lock primitives and above the
// trampolines of whoever traces them. Addresses are return addresses but for
// the leaf's, leaf first.
func waiterName(frames []string, kernel *symbols.Table) string {
	if kernel == nil {
		return profile.Unknown
	}
	for i, frame := range frames {
		addr, err := strconv.ParseUint(strings.TrimPrefix(frame, "0x"), 16, 64)
		if err != nil || addr == 0 {
			continue
		}
		if i > 0 {
			addr--
		}
		sym, ok := kernel.Lookup(addr)
		if ok && stage.LockKindOf(sym.Name) == stage.NoLock && !stage.IsTracing(sym.Name) {
			return sym.Name
		}
	}
	return profile.Unknown
}

// addSAs says which locks are an SA's x->lock: by the address the find probe
// saw, else by the name the recorder gave.
func addSAs(l *result.Locks, s Source) {
	byLock := map[string]*bundle.FindRow{}
	for i := range s.Finds {
		if f := &s.Finds[i]; f.Lock != "" && f.SPI != 0 {
			byLock[f.Lock] = f
		}
	}
	for i := range l.Rows {
		r := &l.Rows[i]
		if f := byLock[r.Lock]; f != nil {
			r.SPI, r.PCPU = f.SPI, f.PCPU
			continue
		}
		r.SPI = r.ID.SPI
		for _, sa := range s.SAs {
			if r.SPI != 0 && sa.SPI == r.SPI {
				r.PCPU = intOf(sa.PCPU)
			}
		}
	}
}
