package perfdata

import (
	"cmp"
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"xfrmscope/collect/bundle"
)

// The kinds of loss a recording reports about itself, in the order they are
// printed.
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

func (k lossKind) text() (what, effect string) {
	switch k {
	case lossRing:
		return "records dropped in the ring (LOST)", "samples and side-band of that moment are missing; record with a larger -m or a lower -F"
	case lossTotal:
		return "records dropped in the ring (LOST_SAMPLES of perf record)", "they are missing from the event's total; record with a larger -m or a lower -F"
	case lossSamples:
		return "samples dropped by the kernel (LOST_SAMPLES)", "the event's total is too small by them"
	case lossFiltered:
		return "samples dropped by a BPF filter (LOST_SAMPLES)", "dropped on request: shares are of what passed the filter"
	case lossThrottle:
		return "throttled intervals (THROTTLE)", "the event was off until it was unthrottled: totals of that CPU are too small; record with a lower -F"
	case lossAuxTruncated:
		return "AUX areas truncated (AUX)", "the hardware trace has gaps"
	case lossAuxOverwrite:
		return "AUX areas taken as snapshots (AUX)", "older trace was overwritten"
	case lossAuxPartial:
		return "AUX areas with gaps (AUX)", "the hardware trace has gaps"
	case lossAuxCollision:
		return "AUX samples that collided (AUX)", "the hardware dropped samples"
	}
	return "errors in the hardware trace (AUXTRACE_ERROR)", "the hardware trace has gaps"
}

// meaning is what the loss means for the samples of its event, "" if nothing.
func (k lossKind) meaning() bundle.LossKind {
	switch k {
	case lossRing, lossTotal, lossSamples:
		return bundle.LossSamples
	case lossFiltered:
		return bundle.LossFiltered
	case lossThrottle:
		return bundle.LossThrottled
	}
	return ""
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
	undecodable map[RecordType]uint64
	notes       []lossNote
}

func newLossCounter() lossCounter {
	return lossCounter{sums: map[lossKey]uint64{}, undecodable: map[RecordType]uint64{}}
}

func (c *lossCounter) add(k lossKey, n uint64) {
	if n > 0 {
		c.sums[k] += n
	}
}

// aux counts the flags of an AUX record (PERF_AUX_FLAG_*).
func (c *lossCounter) aux(flags uint64, id sampleID) {
	for i, kind := range []lossKind{lossAuxTruncated, lossAuxOverwrite, lossAuxPartial, lossAuxCollision} {
		if flags>>i&1 != 0 {
			c.add(lossKey{kind, id.event, id.cpu}, 1)
		}
	}
}

// walk takes over what a pass could not hand out.
func (c *lossCounter) walk(s *stream, l walkLosses, unfinished bool) {
	where := ""
	if s.index > 0 {
		where = fmt.Sprintf(" of data.%d", s.index-1)
	}
	note := func(what string, n int64, effect string) {
		if n > 0 {
			c.notes = append(c.notes, lossNote{what: what + where, count: uint64(n), effect: effect})
		}
	}
	why := "the recording is cut off there"
	if unfinished {
		why = "perf record was stopped before it finished the file"
	}
	note("bytes after the last whole record", l.tail, why)
	for _, d := range l.damaged {
		note("bytes that are no record", d.size, fmt.Sprintf("damage at byte %d; reading went on behind it", d.off))
	}
	if l.pieces > 0 {
		c.notes = append(c.notes, lossNote{what: "compressed records that could not be decompressed" + where, count: l.pieces,
			effect: fmt.Sprintf("%d bytes of them; %v", l.pieceBytes, l.pieceErr)})
	}
	note("decompressed bytes after the last whole record", l.inflatedTail, why)
}

// newer notes an event whose samples have fields newer than this reader. The
// kernel appends new fields, so the ones it knows are where they were.
func (c *lossCounter) newer(e *Event) {
	c.notes = append(c.notes, lossNote{what: "sample fields newer than this reader", count: uint64(bits.OnesCount64(e.Attr.SampleType &^ knownSampleType)),
		event: e.Name, effect: fmt.Sprintf("sample_type %#x: the known fields were read, the others ignored", e.Attr.SampleType)})
}

// list returns the losses in a fixed order: header, recording, reader. taken
// tells how many samples an event has, on one CPU or on all (-1).
func (c *lossCounter) list(head []lossNote, taken func(e *Event, cpu int32) uint64) []bundle.Loss {
	var out []bundle.Loss
	for _, n := range head {
		out = append(out, n.loss())
	}
	c.dropRepeats()
	keys := slices.SortedFunc(maps.Keys(c.sums), func(a, b lossKey) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(eventIndex(a.event), eventIndex(b.event)), cmp.Compare(a.cpu, b.cpu))
	})
	for _, k := range keys {
		what, effect := k.kind.text()
		n := lossNote{kind: k.kind.meaning(), what: what, count: c.sums[k], effect: effect, cpu: k.cpu, hasCPU: k.cpu >= 0}
		if k.event != nil {
			n.event = k.event.Name
			if k.kind <= lossFiltered {
				n.of = n.count + taken(k.event, k.cpu)
			}
		}
		out = append(out, n.loss())
	}
	for _, n := range c.notes {
		out = append(out, n.loss())
	}
	for _, typ := range slices.Sorted(maps.Keys(c.undecodable)) {
		out = append(out, lossNote{what: fmt.Sprintf("%v records too short for their fields", typ), count: c.undecodable[typ], effect: "they were left out; File.Records has them"}.loss())
	}
	return out
}

// dropRepeats removes what is counted twice: at the end perf record writes how
// many records each event lost in all (builtin-record.c
// record__read_lost_samples, 6.1), which are the same that the LOST records
// counted as they happened, but told apart by event.
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
