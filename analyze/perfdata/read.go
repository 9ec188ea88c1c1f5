package perfdata

import "iter"

// A ReadValue is one counter in the READ field of a sample.
type ReadValue struct {
	Value uint64
	ID    uint64 // of the event; 0 if the recording does not say
	Lost  uint64 // records the event lost so far, with FormatLost
}

// readEnd returns the end of the READ field that begins at l.fixedEnd, -1 if
// the record is too short for it.
func (l *layout) readEnd(rec []byte, o order) int {
	n := uint64(1)
	if l.readGroup {
		if l.fixedEnd+8 > len(rec) {
			return -1
		}
		n = o.u64(rec[l.fixedEnd:])
	}
	if n > uint64(len(rec)/8) {
		return -1
	}
	end := l.fixedEnd + 8*(l.readHead+int(n)*l.readEntry)
	if end > len(rec) {
		return -1
	}
	return end
}

// readValues yields the counters of a sample in their order. A group has nr
// and the times before the counters; a single counter has its times between
// value and id (struct read_format).
func (l *layout) readValues(rec []byte, o order) iter.Seq[ReadValue] {
	return func(yield func(ReadValue) bool) {
		end := l.readEnd(rec, o)
		if end < 0 {
			return
		}
		if !l.readGroup {
			yield(l.readOne(rec[l.fixedEnd:end], o))
			return
		}
		for at := l.fixedEnd + 8*l.readHead; at < end; at += 8 * l.readEntry {
			if !yield(l.readOne(rec[at:end], o)) {
				return
			}
		}
	}
}

// readOne reads the counter at the start of b.
func (l *layout) readOne(b []byte, o order) ReadValue {
	v := ReadValue{Value: o.u64(b)}
	at := 8
	if !l.readGroup {
		at += 8 * l.readHead
	}
	if l.readID {
		v.ID = o.u64(b[at:])
		at += 8
	}
	if l.readEntry > 2 || l.readEntry > 1 && !l.readID {
		v.Lost = o.u64(b[at:])
	}
	return v
}
