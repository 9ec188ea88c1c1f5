package profile

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"xfrmscope/analyze/perfdata"
)

// spaces knows what files each process had mapped at each moment of a
// recording. It is read-only once made.
type spaces struct {
	files    []userFile
	index    map[fileKey]int32
	epochs   map[int32][]epoch // by PID, in order of time
	count    uint32
	buildIDs map[string]string // by file, for recordings that have them apart

	current map[int32]*layout // while it is made
}

// A userFile is what a user mapping is of.
type userFile struct {
	fileKey
	names *fileSymbols
}

type fileKey struct {
	name    string // "/usr/lib/libc.so.6", "[vdso]", "/tmp/perf-42.map"
	buildID string
	pid     int32 // of a perf-PID.map, else 0
}

// An epoch is the time from which on a process has a layout.
type epoch struct {
	fromNS uint64
	layout *layout
}

// A layout is the executable mappings of a process, sorted and disjoint.
type layout struct {
	number uint32 // from 1; forks share their parent's
	madeNS uint64
	shared bool
	ranges []mapped
}

type mapped struct {
	start, end uint64
	offset     uint64 // of start in the file
	file       int32
}

const protExec = 4

// newSpaces follows FORK and MMAP in time; at one time the process is born
// first. A program that a process enters is laid over the one before: nothing
// says what was unmapped, and while the kernel loads the new program the task
// still has its addresses in the old one. perf does the same.
func newSpaces(sb *perfdata.Sideband) *spaces {
	type change struct {
		timeNS uint64
		do     func()
	}
	s := &spaces{buildIDs: map[string]string{}, index: map[fileKey]int32{}, epochs: map[int32][]epoch{},
		current: map[int32]*layout{}}
	for _, b := range sb.BuildIDs {
		if !b.Kernel {
			s.buildIDs[b.File] = b.ID
		}
	}
	var changes []change
	for i := range sb.Forks {
		changes = append(changes, change{sb.Forks[i].TimeNS, func() { s.fork(&sb.Forks[i]) }})
	}
	for i := range sb.Mmaps {
		changes = append(changes, change{sb.Mmaps[i].TimeNS, func() { s.mmap(&sb.Mmaps[i]) }})
	}
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.timeNS, b.timeNS) })
	for _, c := range changes {
		c.do()
	}
	s.current = nil
	return s
}

// enter gives a process a layout from its time on.
func (s *spaces) enter(pid int32, l *layout) {
	s.count++
	l.number = s.count
	s.current[pid] = l
	s.epochs[pid] = append(s.epochs[pid], epoch{l.madeNS, l})
}

func (s *spaces) fork(f *perfdata.Task) {
	parent := s.current[f.PPID]
	if f.PID == f.PPID || parent == nil || f.TimeNS == 0 && s.current[f.PID] != nil {
		return
	}
	parent.shared = true
	s.current[f.PID] = parent
	s.epochs[f.PID] = append(s.epochs[f.PID], epoch{f.TimeNS, parent})
}

func (s *spaces) mmap(m *perfdata.Mmap) {
	if m.PID < 0 || m.Len == 0 || m.Start+m.Len < m.Start || m.Data || m.Prot != 0 && m.Prot&protExec == 0 {
		return
	}
	r := mapped{m.Start, m.Start + m.Len, m.PgOff, s.file(m)}
	l := s.current[m.PID]
	switch {
	case l == nil:
		s.enter(m.PID, &layout{madeNS: m.TimeNS, ranges: []mapped{r}})
	case l.shared || l.madeNS != m.TimeNS:
		s.enter(m.PID, &layout{madeNS: m.TimeNS, ranges: overlay(l.ranges, r)})
	default: // nothing was sampled in between
		l.ranges = overlay(l.ranges, r)
	}
}

// file returns the number of the file that is mapped. Memory that is of no
// file may hold code made at run time: perf looks for its names in
// /tmp/perf-PID.map (map__new, tools/perf/util/map.c, 6.1).
func (s *spaces) file(m *perfdata.Mmap) int32 {
	f := fileKey{m.File, cmp.Or(m.BuildID, s.buildIDs[m.File]), 0}
	if anonymous(m.File) {
		f = fileKey{fmt.Sprintf("/tmp/perf-%d.map", m.PID), "", m.PID}
	}
	i, ok := s.index[f]
	if !ok {
		i = int32(len(s.files))
		s.files = append(s.files, userFile{f, &fileSymbols{}})
		s.index[f] = i
	}
	return i
}

func anonymous(file string) bool {
	for _, p := range []string{"//anon", "/dev/zero", "/anon_hugepage"} {
		if strings.HasPrefix(file, p) {
			return true
		}
	}
	return file == ""
}

// overlay returns the ranges with r put over them, in a new slice.
func overlay(ranges []mapped, r mapped) []mapped {
	out := make([]mapped, 0, len(ranges)+2)
	for _, o := range ranges {
		if o.start < r.start {
			left := o
			left.end = min(o.end, r.start)
			out = append(out, left)
		}
		if o.end > r.end {
			right := o
			right.start = max(o.start, r.end)
			right.offset += right.start - o.start
			out = append(out, right)
		}
	}
	i := sort.Search(len(out), func(i int) bool { return out[i].start > r.start })
	return slices.Insert(out, i, r)
}

// at returns the layout a process had at a time, nil if none is known.
func (s *spaces) at(pid int32, timeNS uint64) *layout {
	es := s.epochs[pid]
	i := sort.Search(len(es), func(i int) bool { return es[i].fromNS > timeNS })
	if i == 0 {
		return nil
	}
	return es[i-1].layout
}

// find returns the mapping that holds an address.
func (l *layout) find(addr uint64) (mapped, bool) {
	if l == nil {
		return mapped{}, false
	}
	i := sort.Search(len(l.ranges), func(i int) bool { return l.ranges[i].start > addr }) - 1
	if i < 0 || addr >= l.ranges[i].end {
		return mapped{}, false
	}
	return l.ranges[i], true
}
