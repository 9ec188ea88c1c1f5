package result

import (
	"math"
	"reflect"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/profile"
)

// SetHalves has every number of the runs say the half of its 95 % interval.
func (r *Result) SetHalves() {
	for _, run := range RunsPresent(r) {
		run.EachValue(func(v *metric.Value) {
			if half := v.Half(); !math.IsInf(half, 0) {
				v.Half95 = half
			}
		})
	}
}

// EachValue calls f with every metric.Value of the run.
func (r *Run) EachValue(f func(*metric.Value)) { eachValue(reflect.ValueOf(r).Elem(), f) }

func eachValue(v reflect.Value, f func(*metric.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		if _, large := v.Addr().Interface().(**profile.Profile); !large && !v.IsNil() { // it holds none
			eachValue(v.Elem(), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachValue(v.Index(i), f)
		}
	case reflect.Struct:
		if value, ok := v.Addr().Interface().(*metric.Value); ok {
			f(value)
			return
		}
		for i := range v.NumField() {
			if field := v.Field(i); field.CanInterface() {
				eachValue(field, f)
			}
		}
	}
}
