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
	switch x := v.Addr().Interface().(type) {
	case *metric.Value:
		f(x)
		return
	case **profile.Profile: // large, and holds none
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachValue(v.Elem(), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachValue(v.Index(i), f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				eachValue(v.Field(i), f)
			}
		}
	}
}
