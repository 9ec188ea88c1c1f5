package perfdata

import "slices"

// Deferred user chains: with defer_callchain the kernel writes a sample's
// chain up to contextUserDeferred and a cookie, and the user part once, when
// the task goes back to user space, as CALLCHAIN_DEFERRED for all samples of
// that cookie (kernel/events/core.c perf_event_callchain_deferred, 6.19). The
// record is behind the sample in time, and, as rings are copied one after
// another, before or behind it in the stream.

// A chainKey tells which samples a deferred chain belongs to
// (tools/perf/util/session.c evlist__deliver_deferred_samples, 6.19).
type chainKey struct {
	tid    int32
	cookie uint64
}

// deferredWindow is how many blocks back a chain may stand from the sample it
// belongs to; ahead of it there is no limit.
const deferredWindow = 8

// A joiner finds, in the first pass, the chains that stand in another block
// than their sample.
type joiner struct {
	waiting map[chainKey][]int // blocks with samples whose chain was not met yet
	current map[chainKey][]uint64
	recent  [deferredWindow]map[chainKey][]uint64
}

func newJoiner() *joiner {
	return &joiner{waiting: map[chainKey][]int{}, current: map[chainKey][]uint64{}}
}

// nextBlock moves on.
func (j *joiner) nextBlock() {
	if len(j.current) == 0 && j.recent[0] == nil {
		return
	}
	copy(j.recent[1:], j.recent[:])
	j.recent[0], j.current = j.current, map[chainKey][]uint64{}
}

// chain takes a CALLCHAIN_DEFERRED record: it goes to the earlier blocks that
// wait for it.
func (j *joiner) chain(k chainKey, ips []uint64, blocks []*Block) {
	ips = slices.Clone(ips)
	j.current[k] = ips
	for _, seq := range j.waiting[k] {
		if seq < len(blocks) {
			blocks[seq].join(k, ips)
		}
	}
	delete(j.waiting, k)
}

// sample takes a sample that waits for its chain, in block cur.
func (j *joiner) sample(k chainKey, cur *Block) {
	if _, here := j.current[k]; here {
		return // the decoder of the block finds it
	}
	for _, chains := range j.recent {
		if ips, ok := chains[k]; ok {
			cur.join(k, ips)
			return
		}
	}
	if w := j.waiting[k]; len(w) == 0 || w[len(w)-1] != cur.seq {
		j.waiting[k] = append(w, cur.seq)
	}
}

func (b *Block) join(k chainKey, ips []uint64) {
	if b.chains == nil {
		b.chains = map[chainKey][]uint64{}
	}
	b.chains[k] = ips
}

// deferredChain reads a CALLCHAIN_DEFERRED: u64 cookie, nr, ips, sample_id.
func deferredChain(rec []byte, id sampleID, o order, scratch *[]uint64) (k chainKey, ips []uint64, ok bool) {
	body := rec[headerSize : len(rec)-id.size]
	if len(body) < 16 {
		return k, nil, false
	}
	k = chainKey{id.tid, o.u64(body)}
	n := o.u64(body[8:])
	if n > uint64(len(body)-16)/8 {
		return k, nil, false
	}
	return k, words(body[16:16+8*n], o, scratch), true
}

// deferredCookie returns the cookie a chain ends with, if it does.
func deferredCookie(chain []uint64) (cookie uint64, ok bool) {
	n := len(chain)
	if n < 2 || chain[n-2] != contextUserDeferred {
		return 0, false
	}
	return chain[n-1], true
}

// begin makes ready for the records of a block: the counters as they stood
// before it, and the deferred chains in it.
func (d *Decoder) begin(b *Block, data []byte) {
	d.block = b
	if !d.f.indexed.deferred {
		return
	}
	clear(d.chains)
	for _, rec := range d.f.o.records(data) {
		if recordType(d.f.o.u32(rec)) != recordCallchainDeferred {
			continue
		}
		var own []uint64 // kept until the block is done
		id := sampleIDOf(rec, d.f.ids.ofOther(rec, d.f.o), d.f.o)
		if k, ips, ok := deferredChain(rec, id, d.f.o, &own); ok {
			d.chains[k] = ips
		}
	}
}

// joinDeferred puts the user part behind the chain's contextUserDeferred, in place of the cookie.
func (d *Decoder) joinDeferred(s *Sample) {
	cookie, ok := deferredCookie(s.Chain)
	if !ok {
		return
	}
	key := chainKey{s.TID, cookie}
	user, ok := d.chains[key]
	if !ok {
		user = d.block.chains[key]
	}
	s.Chain = s.Chain[:len(s.Chain)-1]
	if user == nil {
		d.Stats.ChainsMissing++
		return
	}
	d.joined = append(append(d.joined[:0], s.Chain...), user...)
	s.Chain = d.joined
}
