package reports

import (
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"

	pprof "github.com/google/pprof/profile"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// writeLockPprof writes the lock waits of a run as a pprof profile of the kind
// Go's mutex profile is: contentions/count and delay/nanoseconds. The leaf is
// the lock; its callers are those of the phase with stacks, whose shares of
// this lock's waiting are applied to what the wait probe counted. Labels: lock
// (its address), spi, pcpu.
//
// A packer takes a megabyte to make and there may be a thousand runs: zips has those that are done.
func writeLockPprof(w io.Writer, r *result.Run, zips *sync.Pool) error {
	p := &pprof.Profile{
		SampleType: []*pprof.ValueType{{Type: "contentions", Unit: "count"},
			{Type: "delay", Unit: "nanoseconds"}},
		DefaultSampleType: "delay",
		Comments: []string{"lock waits of run " + format.Name(r.Name) + ", by the wait probe (" +
			format.OrDash(format.Name(r.Locks.AttachMode)) + ")"},
	}
	for _, b := range r.Locks.Blind {
		p.Comments = append(p.Comments, "does not see "+format.Name(b))
	}
	for _, l := range r.Locks.Losses {
		p.Comments = append(p.Comments, "lost: "+format.Visible(view.LossText(l), 200))
	}
	frames := &pprofFrames{p: p, of: map[string]*pprof.Location{}}
	for _, l := range r.Locks.Rows {
		frames.addLock(l)
	}
	if err := p.CheckValid(); err != nil {
		return fmt.Errorf("lock waits of %s: %w", r.Name, err)
	}
	zw, ok := zips.Get().(*gzip.Writer)
	if ok {
		zw.Reset(w)
	} else {
		zw = gzip.NewWriter(w)
	}
	defer zips.Put(zw)
	if err := p.WriteUncompressed(zw); err != nil {
		return err
	}
	return zw.Close()
}

// pprofFrames gives each name one location.
type pprofFrames struct {
	p  *pprof.Profile
	of map[string]*pprof.Location
}

func (f *pprofFrames) location(name string) *pprof.Location {
	if l := f.of[name]; l != nil {
		return l
	}
	id := uint64(len(f.p.Function) + 1)
	fn := &pprof.Function{ID: id, Name: name, SystemName: name}
	l := &pprof.Location{ID: id, Line: []pprof.Line{{Function: fn}}}
	f.p.Function, f.p.Location, f.of[name] = append(f.p.Function, fn), append(f.p.Location, l), l
	return l
}

// addLock adds a sample for each caller of a lock, and one for the waits whose
// caller is not known.
func (f *pprofFrames) addLock(l result.Lock) {
	leaf := l.Name
	leaf = cmp.Or(leaf, l.Lock)
	leaf = cmp.Or(leaf, "a lock without a name")
	waits, delay := int64(min(l.Waits, math.MaxInt64)), int64(min(l.WaitNS, math.MaxInt64))
	left, leftDelay := waits, delay
	add := func(caller string, n, ns int64) {
		s := &pprof.Sample{Location: []*pprof.Location{f.location(format.Visible(leaf, 400))},
			Value: []int64{n, ns}, Label: map[string][]string{"lock": {format.Visible(l.Lock, 80)}}}
		if caller != "" {
			s.Location = append(s.Location, f.location(format.Visible(caller, 400)))
		}
		if l.SPI != 0 {
			s.Label["spi"] = []string{fmt.Sprintf("0x%08x", l.SPI)}
		}
		if l.PCPU != nil {
			s.NumLabel, s.NumUnit = map[string][]int64{"pcpu": {int64(*l.PCPU)}},
				map[string][]string{"pcpu": {"pcpu"}}
		}
		f.p.Sample = append(f.p.Sample, s)
	}
	for _, c := range l.Callers {
		share := format.ShareOf(c.Share)
		n, ns := min(int64(share*float64(waits)), left), min(int64(share*float64(delay)), leftDelay)
		if n <= 0 && ns <= 0 || strings.TrimSpace(c.Name) == "" {
			continue
		}
		add(c.Name, n, ns)
		left, leftDelay = left-n, leftDelay-ns
	}
	if left > 0 || leftDelay > 0 {
		add("", left, leftDelay)
	}
}
