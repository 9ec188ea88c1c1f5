package sample

import (
	"reflect"
	"sync"
	"testing"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/sides"
)

// Comparison compares two full sweeps: the shared SA got faster.
func Comparison(t testing.TB, repeats int) *result.Result {
	t.Helper()
	if repeats == 4 {
		return comparison4()
	}
	return compared(t, fullOf("", repeats, 1), fullOf("", repeats, 1.3))
}

// comparison4 and same4 take seconds to make; nothing may change them.
var (
	comparison4 = sync.OnceValue(func() *result.Result {
		return mustCompare(fullOf("", 4, 1), fullOf("", 4, 1.3))
	})
	same4 = sync.OnceValue(func() *result.Result { return mustCompare(fullOf("", 4, 1), fullOf("", 4, 1)) })
	full4 = sync.OnceValue(func() *result.Result { return fullOf("", 4, 1) })
)

func mustCompare(before, after *result.Result) *result.Result {
	r, err := comparedSides(before, after)
	if err != nil {
		panic(err)
	}
	return r
}

// SameTwice compares a sweep with itself: nothing changed.
func SameTwice(t testing.TB) *result.Result {
	t.Helper()
	return same4()
}

func compared(t testing.TB, before, after *result.Result) *result.Result {
	t.Helper()
	r, err := comparedSides(before, after)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func comparedSides(before, after *result.Result) (*result.Result, error) {
	for _, r := range after.Runs {
		r.Config = map[string]string{"kernel": "6.18.5-patched", "irqbalance": "active"}
	}
	for _, r := range before.Runs {
		r.Config = map[string]string{"kernel": "6.18.5", "irqbalance": "inactive"}
	}
	return sides.Compare(before, after, sides.CompareOptions{Options: compare.Options{Force: true},
		Before: "6.18.5", After: "6.18.5-patched", Expected: []string{"kernel"}})
}

// hostileComparison has a hostile name in every string of a comparison.
func hostileComparison(t testing.TB) *result.Result {
	r := Comparison(t, 1)
	EveryString(reflect.ValueOf(r), Hostile)
	return r
}
