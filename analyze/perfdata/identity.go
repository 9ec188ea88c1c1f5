package perfdata

import "slices"

// An identity tells which event a record belongs to, by the id in it.
type identity struct {
	first  *Event // of records that carry no id, or id 0
	single bool   // one event: every record is its

	dense []int32 // id - base -> slot + 1
	base  uint64
	wide  map[uint64]int32 // when ids are far apart
	slots []idSlot

	samplePos  []int // places an id may have in a sample, usually one
	trailerPos []int // the same from the end of other records
}

// An idSlot is one id. Slots number the ids densely, in order of the events.
type idSlot struct {
	id    uint64
	event *Event
}

// denseLimit bounds the table that maps ids directly.
const denseLimit = 1 << 20

func newIdentity(events []*Event) *identity {
	t := &identity{single: len(events) == 1}
	for _, e := range events {
		if t.first == nil || t.first.IsDummy() && !e.IsDummy() {
			t.first = e
		}
		t.samplePos = addPlace(t.samplePos, e.layout.idPos)
		t.trailerPos = addPlace(t.trailerPos, e.layout.trailer.id)
		for _, id := range e.ids {
			t.slots = append(t.slots, idSlot{id, e})
		}
	}
	t.build()
	return t
}

func addPlace(places []int, p int) []int {
	if p <= 0 || slices.Contains(places, p) {
		return places
	}
	return append(places, p)
}

// build makes the table from the slots: an array when the ids lie close
// together, which ids of one boot do, else a map.
func (t *identity) build() {
	if len(t.slots) == 0 {
		return
	}
	lo, hi := t.slots[0].id, t.slots[0].id
	for _, s := range t.slots {
		lo, hi = min(lo, s.id), max(hi, s.id)
	}
	if span := hi - lo; span < denseLimit && span < 64*uint64(len(t.slots))+1024 {
		t.base = lo
		t.dense = make([]int32, span+1)
	} else {
		t.wide = make(map[uint64]int32, len(t.slots))
	}
	for i, s := range t.slots {
		if t.slot(s.id) >= 0 {
			continue // an id twice: the first event has it, as in perf's hash list
		}
		if t.dense != nil {
			t.dense[s.id-t.base] = int32(i) + 1
		} else {
			t.wide[s.id] = int32(i)
		}
	}
}

// slot returns the number of an id, -1 if no event has it.
func (t *identity) slot(id uint64) int32 {
	if t.dense != nil {
		if i := id - t.base; i < uint64(len(t.dense)) {
			return t.dense[i] - 1
		}
		return -1
	}
	if s, ok := t.wide[id]; ok {
		return s
	}
	return -1
}

// event returns the event with the id, nil if there is none.
func (t *identity) event(id uint64) *Event {
	if s := t.slot(id); s >= 0 {
		return t.slots[s].event
	}
	return nil
}

// ofSample returns the event a sample belongs to, nil if its id is unknown
// (tools/perf/util/evlist.c evlist__event2evsel, 6.1). Events that keep the
// id in different places are told apart by asking each place for an id whose
// event keeps it there.
func (t *identity) ofSample(rec []byte, o order) *Event {
	if t.single {
		return t.first
	}
	if len(t.samplePos) == 0 {
		return t.first
	}
	for _, at := range t.samplePos {
		if at+8 > len(rec) {
			continue
		}
		id := o.u64(rec[at:])
		if id == 0 && len(t.samplePos) == 1 {
			return t.first
		}
		if e := t.event(id); e != nil && e.layout.idPos == at {
			return e
		}
	}
	return nil
}

// ofOther returns the event a record other than a sample belongs to, nil if
// none can be told.
func (t *identity) ofOther(rec []byte, o order) *Event {
	if t.single {
		return t.first
	}
	for _, at := range t.trailerPos {
		if at+headerSize > len(rec) {
			continue
		}
		id := o.u64(rec[len(rec)-at:])
		if e := t.event(id); e != nil && e.layout.trailer.id == at {
			return e
		}
	}
	return t.first
}
