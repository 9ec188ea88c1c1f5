package profile

import (
	"fmt"
	"math"
	"sort"

	"xfrmscope/analyze/perfdata"
)

// tasks knows what each task was called at each moment of a recording. It is
// read-only once made.
type tasks struct {
	names map[int32][]naming // by TID, in order of time
	comms []string
	index map[string]int32
}

// A naming says that a task has a name from a time on.
type naming struct {
	fromNS uint64
	comm   int32
}

// idleComm is what perf calls the idle tasks, PID 0, which no record names
// (perf_session__register_idle_thread, tools/perf/util/session.c).
const idleComm = "swapper"

// newTasks follows the COMM and FORK records in time: a new task has its
// parent's name until it takes another.
func newTasks(sb *perfdata.Sideband) *tasks {
	t := &tasks{names: map[int32][]naming{}, index: map[string]int32{}}
	t.set(0, 0, idleComm)
	comms, forks := sb.Comms, sb.Forks
	for len(comms) > 0 || len(forks) > 0 {
		if len(forks) == 0 || len(comms) > 0 && commFirst(&comms[0], &forks[0]) {
			t.set(comms[0].TID, comms[0].TimeNS, comms[0].Name)
			comms = comms[1:]
			continue
		}
		t.fork(forks[0])
		forks = forks[1:]
	}
	return t
}

// commFirst orders records of one time: nothing has a name before it exists,
// but the records without a time that perf makes of the tasks already there
// name all of them.
func commFirst(c *perfdata.Comm, f *perfdata.Task) bool {
	return c.TimeNS < f.TimeNS || c.TimeNS == 0 && f.TimeNS == 0
}

func (t *tasks) fork(f perfdata.Task) {
	parent := t.names[f.PTID]
	if f.TID == f.PTID || len(parent) == 0 || f.TimeNS == 0 && len(t.names[f.TID]) > 0 {
		return
	}
	t.add(f.TID, naming{f.TimeNS, parent[len(parent)-1].comm})
}

func (t *tasks) set(tid int32, timeNS uint64, name string) {
	i, ok := t.index[name]
	if !ok {
		i = int32(len(t.comms))
		t.comms = append(t.comms, name)
		t.index[name] = i
	}
	t.add(tid, naming{timeNS, i})
}

func (t *tasks) add(tid int32, n naming) {
	l := t.names[tid]
	switch k := len(l); {
	case k > 0 && l[k-1].comm == n.comm:
		return
	case k > 0 && l[k-1].fromNS == n.fromNS:
		l[k-1] = n
	default:
		t.names[tid] = append(l, n)
	}
}

// unnamed is the number of the name of a task no record has named yet.
const unnamed = -1

// at returns the number of the name a task had at a time, and the times from
// and before which that holds.
func (t *tasks) at(tid int32, timeNS uint64) (comm int32, from, before uint64) {
	l := t.names[tid]
	i := sort.Search(len(l), func(i int) bool { return l[i].fromNS > timeNS })
	comm, before = unnamed, math.MaxUint64
	if i < len(l) {
		before = l[i].fromNS
	}
	if i > 0 {
		comm, from = l[i-1].comm, l[i-1].fromNS
	}
	return comm, from, before
}

// name returns the name of a task, perf's ":TID" if it has none.
func (t *tasks) name(k task) string {
	if k.comm == unnamed {
		return fmt.Sprintf(":%d", k.tid)
	}
	return t.comms[k.comm]
}

// A task is one thread under one name.
type task struct{ pid, tid, comm int32 }

// A namer finds the tasks of one worker's samples. Tasks run for a while: it
// remembers who ran on each CPU last.
type namer struct {
	tasks  *tasks
	recent []recentTask // by CPU + 1
}

type recentTask struct {
	pid, tid     int32
	from, before uint64
	number       uint32
	valid        bool
}

// maxRecent bounds the CPUs remembered one by one.
const maxRecent = 8192

// number returns the number of the task of a sample in the list of all.
func (x *namer) number(s *perfdata.Sample, all *taskList) uint32 {
	cpu := min(uint32(s.CPU)+1, maxRecent)
	for int(cpu) >= len(x.recent) {
		x.recent = append(x.recent, recentTask{})
	}
	r := &x.recent[cpu]
	if r.valid && r.tid == s.TID && r.pid == s.PID && s.TimeNS >= r.from && s.TimeNS < r.before {
		return r.number
	}
	comm, from, before := x.tasks.at(s.TID, s.TimeNS)
	*r = recentTask{s.PID, s.TID, from, before, all.number(task{s.PID, s.TID, comm}), true}
	return r.number
}
