package perfdata

import (
	"cmp"
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"xfrmscope/collect/bundle"
)

// lossOf makes a loss of this package. Who knows more adds the event, the CPU, and of how many.
func lossOf(what string, count uint64, effect string) bundle.Loss {
	return bundle.Loss{Source: "perf", What: what, Count: count, Effect: effect}
}

// note keeps a loss that was found before any record. Who knows more adds it to what is returned.
func (f *File) note(what string, count uint64, effect string) *bundle.Loss {
	f.headLosses = append(f.headLosses, lossOf(what, count, effect))
	return &f.headLosses[len(f.headLosses)-1]
}

// The kinds of loss a recording reports about itself, in the order they are printed.
type lossKind int

const (
	lossRing lossKind = iota
	lossTotal
	lossSamples
	lossFiltered
	lossThrottle
	lossAuxTruncated
	lossAuxOverwrite
	lossAuxPartial
	lossAuxCollision
	lossAuxError
)

// loss makes a loss of the kind: what it means for the samples of its event (nothing, if of hardware traces), what was
// lost, what a reader must think of it.
func (k lossKind) loss(n uint64) bundle.Loss {
	t := [...]struct {
		means        bundle.LossKind
		what, effect string
	}{
		lossRing: {bundle.LossSamples, "records dropped in the ring (LOST)",
			"samples and side-band of that moment are missing; record with a larger -m or a lower -F"},
		lossTotal: {bundle.LossSamples, "records dropped in the ring (LOST_SAMPLES of perf record)",
			"they are missing from the event's total; record with a larger -m or a lower -F"},
		lossSamples: {bundle.LossSamples, "samples dropped by the kernel (LOST_SAMPLES)",
			"the event's total is too small by them"},
		lossFiltered: {bundle.LossFiltered, "samples dropped by a BPF filter (LOST_SAMPLES)",
			"dropped on request: shares are of what passed the filter"},
		lossThrottle: {bundle.LossThrottled, "throttled intervals (THROTTLE)",
			"the event was off until it was unthrottled: totals of that CPU are too small; " +
				"record with a lower -F"},
		lossAuxTruncated: {"", "AUX areas truncated (AUX)", "the hardware trace has gaps"},
		lossAuxOverwrite: {"", "AUX areas taken as snapshots (AUX)", "older trace was overwritten"},
		lossAuxPartial:   {"", "AUX areas with gaps (AUX)", "the hardware trace has gaps"},
		lossAuxCollision: {"", "AUX samples that collided (AUX)", "the hardware dropped samples"},
		lossAuxError:     {"", "errors in the hardware trace (AUXTRACE_ERROR)", "the hardware trace has gaps"},
	}[k]
	l := lossOf(t.what, n, t.effect)
	l.Kind = t.means
	return l
}

// A lossKey is what one loss is summed over.
type lossKey struct {
	kind  lossKind
	event *Event // nil if not known
	cpu   int32  // -1 if not known
}

// A lossCounter gathers losses of the first pass.
type lossCounter struct {
	sums        map[lossKey]uint64
	undecodable map[recordType]uint64
	notes       []bundle.Loss
}

func newLossCounter() lossCounter {
	return lossCounter{sums: map[lossKey]uint64{}, undecodable: map[recordType]uint64{}}
}

func (c *lossCounter) add(k lossKey, n uint64) {
	if n > 0 {
		c.sums[k] += n
	}
}

// lossRecord counts what the recording itself says is missing.
func (x *index) lossRecord(typ recordType, misc uint16, body *fields, id sampleID) {
	switch typ {
	case recordLost: // u64 id, u64 lost
		event := x.f.ids.event(body.u64())
		x.losses.add(lossKey{lossRing, event, id.cpu}, body.u64()) // 0 if it is not there
	case recordLostSamples:
		kind := lossSamples
		if id.timeNS == 0 && id.event != nil && id.event.layout.trailer.time > 0 {
			kind = lossTotal // no kernel wrote this: it has no time, and no CPU either
			id.cpu = -1
			if cpu, ok := x.cpus[id.id]; ok {
				id.cpu = cpu
			}
		}
		if misc&miscLostSamplesBPF != 0 {
			kind = lossFiltered
		}
		x.losses.add(lossKey{kind, id.event, id.cpu}, body.u64())
	case recordThrottle: // u64 time, id, stream id
		_ = body.u64()
		event := x.f.ids.event(body.u64())
		if event == nil {
			event = id.event
		}
		if !body.short {
			x.losses.add(lossKey{lossThrottle, event, id.cpu}, 1)
		}
	case recordAux: // u64 offset, size, flags (PERF_AUX_FLAG_*)
		_, _ = body.u64(), body.u64()
		flags := body.u64()
		for i, kind := range []lossKind{lossAuxTruncated, lossAuxOverwrite, lossAuxPartial, lossAuxCollision} {
			x.losses.add(lossKey{kind, id.event, id.cpu}, flags>>i&1)
		}
	}
}

// walk takes over what a pass could not hand out.
func (c *lossCounter) walk(s *stream, l walkLosses, unfinished bool) {
	where := ""
	if s.index > 0 {
		where = fmt.Sprintf(" of data.%d", s.index-1)
	}
	note := func(kind bundle.LossKind, what string, n int64, effect string) {
		if n > 0 {
			l := lossOf(what+where, uint64(n), effect)
			l.Kind = kind
			c.notes = append(c.notes, l)
		}
	}
	why := "the recording is cut off there"
	if unfinished {
		why = "perf record was stopped before it finished the file"
	}
	note(bundle.LossEnd, "bytes after the last whole record", l.tail, why)
	for _, d := range l.damaged {
		note("", "bytes that are no record", d.size,
			fmt.Sprintf("damage at byte %d; reading went on behind it", d.off))
	}
	note("", "compressed records that could not be decompressed", l.pieces,
		fmt.Sprintf("%d bytes of them; %v", l.pieceBytes, l.pieceErr))
	note(bundle.LossEnd, "decompressed bytes after the last whole record", l.inflatedTail, why)
}

// newer notes an event whose samples have fields newer than this reader. The kernel appends new fields, so the ones it
// knows are where they were.
func (c *lossCounter) newer(e *Event) {
	n := bits.OnesCount64(e.attr.SampleType &^ knownSampleType)
	l := lossOf("sample fields newer than this reader", uint64(n),
		fmt.Sprintf("sample_type %#x: the known fields were read, the others ignored", e.attr.SampleType))
	l.Event = e.Name
	c.notes = append(c.notes, l)
}

// list returns the losses in a fixed order: header, recording, reader. taken tells how many samples an event has, on
// one CPU or on all (-1).
func (c *lossCounter) list(head []bundle.Loss, taken func(e *Event, cpu int32) uint64) []bundle.Loss {
	out := slices.Clone(head)
	c.dropRepeats()
	keys := slices.SortedFunc(maps.Keys(c.sums), func(a, b lossKey) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(eventIndex(a.event), eventIndex(b.event)),
			cmp.Compare(a.cpu, b.cpu))
	})
	for _, k := range keys {
		l := k.kind.loss(c.sums[k])
		if cpu := int(k.cpu); cpu >= 0 {
			l.CPU = &cpu
		}
		if k.event != nil {
			l.Event = k.event.Name
			if k.kind <= lossFiltered {
				l.Of = l.Count + taken(k.event, k.cpu)
			}
		}
		out = append(out, l)
	}
	out = append(out, c.notes...)
	for _, typ := range slices.Sorted(maps.Keys(c.undecodable)) {
		out = append(out, lossOf(fmt.Sprintf("%v records too short for their fields", typ), c.undecodable[typ],
			"they were left out"))
	}
	return out
}

// dropRepeats removes what is counted twice: at the end perf record writes how many records each event lost in all
// (builtin-record.c record__read_lost_samples, 6.1), which are the same that the LOST records counted as they happened,
// but told apart by event.
func (c *lossCounter) dropRepeats() {
	var ring, total uint64
	for k, n := range c.sums {
		switch k.kind {
		case lossRing:
			ring += n
		case lossTotal:
			total += n
		}
	}
	if total == 0 {
		return
	}
	maps.DeleteFunc(c.sums, func(k lossKey, _ uint64) bool { return k.kind == lossRing })
	if ring > total {
		c.add(lossKey{kind: lossRing, cpu: -1}, ring-total)
	}
}

func eventIndex(e *Event) int {
	if e == nil {
		return -1
	}
	return e.Index
}
