package compare

import (
	"cmp"
	"maps"
	"slices"
)

// A Varied is a key of the configuration that does not have one value in all
// runs: it may explain a change, or hide one.
type Varied struct {
	Key      string       `json:"key"`
	Where    Where        `json:"where"`
	Expected bool         `json:"expected,omitempty"` // the change under test
	Before   []ValueCount `json:"before"`             // by value
	After    []ValueCount `json:"after"`
}

// Where says between what a configuration differs.
type Where string

// The places.
const (
	Between      Where = "between the sides" // each side has one value of its own
	WithinBefore Where = "within before"
	WithinAfter  Where = "within after"
	WithinBoth   Where = "within both sides"
)

// A ValueCount is a value and the number of runs that have it. Known is false
// for runs that do not record the key.
type ValueCount struct {
	Value string `json:"value"`
	Known bool   `json:"known"`
	Runs  int    `json:"runs"`
}

// Variation returns the keys that do not have one and the same value in all
// runs of both sides, those that differ between the sides first, then by key.
// Keys that are the change under test ("kernel") are marked.
func Variation(before, after Side, expected ...string) []Varied {
	var out []Varied
	keys := map[string]string{}
	for _, run := range slices.Concat(before.Runs, after.Runs) {
		maps.Copy(keys, run)
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		b, a := valueCounts(before.Runs, k), valueCounts(after.Runs, k)
		where, varies := whereVaried(b, a)
		if !varies {
			continue
		}
		out = append(out, Varied{k, where, slices.Contains(expected, k), b, a})
	}
	within := func(v Varied) int { return cmp.Compare(v.Where, Between) } // "between" is before "within"
	slices.SortStableFunc(out, func(x, y Varied) int { return cmp.Compare(within(x), within(y)) })
	return out
}

func valueCounts(runs []map[string]string, key string) []ValueCount {
	var out []ValueCount
	for _, run := range runs {
		v, known := run[key]
		i := slices.IndexFunc(out, func(c ValueCount) bool { return c.Value == v && c.Known == known })
		if i < 0 {
			i = len(out)
			out = append(out, ValueCount{Value: v, Known: known})
		}
		out[i].Runs++
	}
	// A value that is not known is "", and before one that is "" and known.
	slices.SortFunc(out, func(x, y ValueCount) int {
		if x.Value == y.Value && x.Known != y.Known {
			return map[bool]int{false: -1, true: 1}[x.Known]
		}
		return cmp.Compare(x.Value, y.Value)
	})
	return out
}

func whereVaried(b, a []ValueCount) (Where, bool) {
	switch {
	case len(b) > 1 && len(a) > 1:
		return WithinBoth, true
	case len(b) > 1:
		return WithinBefore, true
	case len(a) > 1:
		return WithinAfter, true
	case len(b) == 0 || len(a) == 0:
		return Between, false // a side without runs
	}
	return Between, b[0].Value != a[0].Value || b[0].Known != a[0].Known
}
