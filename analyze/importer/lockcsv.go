package importer

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"xfrmscope/collect/bundle"
)

// A lockWait is a row of perf lock contention -x: the waits for a lock, or of a
// caller, a task or a cgroup. Columns not printed are zero or "".
type lockWait struct {
	kind    string // "spinlock", "rwlock:R", "mutex"
	caller  string // "xfrm_state_find+0x1f2"
	address uint64 // with -l
	symbol  string // with -l: of the lock

	contended, waitNS, maxNS, meanNS uint64
}

// lockFlags are the LCB_F_* of include/trace/events/lock.h by perf's names of
// them (lock_type_table, tools/perf/builtin-lock.c, 6.17).
func lockFlags(kind string) uint32 {
	const spin, read, write, rt, percpu, mutex = 1, 2, 4, 8, 16, 32
	switch kind {
	case "spinlock":
		return spin
	case "rwlock:R", "rwlock":
		return spin | read
	case "rwlock:W":
		return spin | write
	case "rwsem:R", "rwsem":
		return read
	case "rwsem:W":
		return write
	case "rt-mutex":
		return rt
	case "rwlock-rt:R", "rwlock-rt":
		return rt | read
	case "rwlock-rt:W":
		return rt | write
	case "pcpu-sem:R", "percpu-rwsem":
		return percpu | read
	case "pcpu-sem:W":
		return percpu | write
	case "mutex":
		return mutex
	case "mutex:spin", "mutex-spin":
		return mutex | spin
	}
	return 0
}

// row returns the wait as a bundle keeps it. perf does not tell CPUs apart:
// CPU is -1; without -l the lock has no address and is named by its caller.
func (w *lockWait) row() bundle.LockRow {
	r := bundle.LockRow{
		CPU: -1, ID: lockNamed(w.caller), Flags: lockFlags(w.kind),
		Count: w.contended, WaitNS: w.waitNS, MaxNS: w.maxNS,
	}
	if w.address != 0 {
		r.Lock, r.ID = fmt.Sprintf("%#x", w.address), lockNamed(w.symbol)
	}
	return r
}

// lockNamed is a lock that perf names.
func lockNamed(name string) bundle.LockID {
	if name == "" {
		return bundle.LockID{}
	}
	return bundle.LockID{Kind: bundle.LockSymbol, Name: name}
}

// readLockCSV reads the output of perf lock contention -x SEP. Times are ns.
func readLockCSV(r io.Reader, opt Options) (*Import, error) {
	c := lockCSV{im: &Import{}, opt: opt}
	l := newLines(r, opt.Name)
	for line := range l.all {
		if err := c.line(trimSpaces(line), l.num); err != nil {
			return nil, err
		}
	}
	if c.columns == nil && l.failure() == nil {
		return nil, opt.bad(0, "no line \"# output: contended, total wait, ...\"").fix(namesColumns)
	}
	if c.guessed {
		c.im.warn("locks", "the line \"# output: ...\" that names the columns is missing: they are taken for "+
			"those that perf prints without -F, as the mean of each row is its total over its waits")
	}
	return c.im, l.failure()
}

const namesColumns = "it names the columns; perf -q and a grep leave it out"

type lockCSV struct {
	im      *Import
	opt     Options
	sep     string
	columns []string
	guessed bool // the columns, as no line names them
	owners  bool
}

// lockKeys are the numbers perf can print, by their headers.
var lockKeys = [...]string{"contended", "total wait", "max wait", "min wait", "avg wait"}

// parseLockHeader reads "# output: contended, total wait, type, caller".
func parseLockHeader(line []byte) (lockCSV, bool) {
	text, ok := bytes.CutPrefix(line, []byte("# output: "))
	if !ok {
		return lockCSV{}, false
	}
	for _, key := range lockKeys {
		rest, ok := bytes.CutPrefix(text, []byte(key))
		sep, _, spaced := bytes.Cut(rest, []byte(" "))
		if !ok || !spaced || len(sep) == 0 {
			continue
		}
		c := lockCSV{sep: string(sep)}
		for _, column := range strings.Split(string(text), c.sep) {
			c.columns = append(c.columns, strings.TrimSpace(column))
		}
		return c, true
	}
	return lockCSV{}, false
}

func (c *lockCSV) line(line []byte, num int) error {
	if h, ok := parseLockHeader(line); ok {
		c.sep, c.columns = h.sep, h.columns
		return nil
	}
	switch text := string(line); {
	case text == "":
	case strings.HasPrefix(text, "# debug: "):
		c.debug(text[len("# debug: "):])
	case strings.HasPrefix(text, "# owner stack trace"):
		c.owners = true
	case text[0] == '#':
	case c.columns == nil:
		if c.sep, c.columns = columnsOf(text); c.columns == nil {
			return c.opt.bad(num, "a row before the line \"# output: ...\" that names the columns").
				fix(namesColumns)
		}
		c.guessed = true
		return c.row(text, num)
	default:
		return c.row(text, num)
	}
	return nil
}

// columnsOf returns the columns of a row if it can only have those that perf
// prints without -F, by caller or with -l by address: a type of lock stands in
// its place, and the mean of the waits, rounded down, is the last of the numbers.
func columnsOf(text string) (sep string, columns []string) {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	sep, _, spaced := strings.Cut(text[digits:], " ")
	if digits == 0 || sep == "" || !spaced {
		return "", nil
	}
	for _, last := range [][]string{{"type", "caller"}, {"address", "symbol", "type"}} {
		columns := append([]string{"contended", "total wait", "max wait", "avg wait"}, last...)
		cells := strings.SplitN(text, sep, len(columns))
		var w lockWait
		ok := len(cells) == len(columns)
		for i := 0; ok && i < len(cells); i++ {
			ok = w.set(columns[i], strings.TrimSpace(cells[i]))
		}
		mean := w.waitNS / max(w.contended, 1)
		if ok && lockFlags(w.kind) != 0 && w.meanNS == mean && w.maxNS >= mean {
			return sep, columns
		}
	}
	return "", nil
}

func (c *lockCSV) row(text string, num int) error {
	if c.guessed {
		if sep, columns := columnsOf(text); sep != c.sep || !slices.Equal(columns, c.columns) {
			return c.opt.bad(num, "no row of the columns that perf prints without -F").fix(namesColumns)
		}
	}
	cells := strings.SplitN(text, c.sep, len(c.columns))
	if len(cells) < len(c.columns) && !c.owners {
		return c.opt.bad(num, "a row of %d cells under %d columns", len(cells), len(c.columns))
	}
	var w lockWait
	for i, cell := range cells {
		if !w.set(c.columns[i], strings.TrimSpace(cell)) {
			return c.opt.bad(num, "%.80q in column %q", strings.TrimSpace(cell), c.columns[i])
		}
	}
	c.im.Locks = append(c.im.Locks, w.row())
	return nil
}

// set fills the field of a column; false if the cell is not of its kind.
func (w *lockWait) set(column, cell string) bool {
	number := func(to *uint64) (ok bool) {
		*to, ok = parseUint([]byte(cell))
		return ok
	}
	switch column {
	case "contended":
		return number(&w.contended)
	case "total wait":
		return number(&w.waitNS)
	case "max wait":
		return number(&w.maxNS)
	case "avg wait":
		return number(&w.meanNS)
	case "min wait", "pid":
		var ignored uint64
		return number(&ignored)
	case "address":
		n, ok := parseHex([]byte(strings.TrimPrefix(cell, "0x")))
		w.address = n
		return ok
	case "type":
		w.kind = cell
	case "caller":
		w.caller = cell
	case "symbol":
		w.symbol = cell
	}
	return true
}

// debug reads "total=1234, bad=5, bad_task=0, ...": waits perf could not pair.
func (c *lockCSV) debug(text string) {
	numbers := map[string]uint64{}
	for _, part := range strings.Split(text, c.sep) {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		numbers[key], _ = parseUint([]byte(value))
	}
	if bad := numbers["bad"]; bad > 0 && bad < math.MaxInt64 {
		c.im.Losses = append(c.im.Losses, bundle.Loss{
			Source: "perf lock", What: "waits whose begin or end was missed",
			Count: bad, Of: numbers["total"], Effect: "they are in no row",
		})
	}
}
