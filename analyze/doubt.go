package analyze

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/stage"
)

// A doubt is why some numbers of a run are not to be believed, though they were
// measured.
type doubt struct {
	marks []string // metric ids
	name  string   // "sum cost-per-packet"
	why   string
}

// doubts are the sums of a run that are broken.
func (r *Run) doubts() []doubt {
	var out []doubt
	for _, i := range r.Identities {
		if i.Verdict == Broken {
			out = append(out, doubt{i.Marks, "sum " + i.ID,
				fmt.Sprintf("%s is %+.0f %% off %s, more than %.0f %%", i.Left.Text, 100*i.Residual, i.Right.Text, 100*i.Limit)})
		}
	}
	return out
}

// doubted are the names of the doubts that a metric hangs on.
func (r *Run) doubted(id string) []string {
	var out []string
	for _, d := range r.doubts() {
		if slices.Contains(d.marks, id) {
			out = append(out, d.name)
		}
	}
	return out
}

// markDoubts marks every number of the run that hangs on a doubt, and warns.
func (r *Run) markDoubts() {
	for _, d := range r.doubts() {
		r.warn(d.marks[0], fmt.Sprintf("%s is broken: %s; what hangs on it is marked !", d.name, d.why))
		eachValue(reflect.ValueOf(r).Elem(), func(v *metric.Value) {
			if v.Measured() && slices.Contains(d.marks, v.ID) {
				v.Doubt = cmp.Or(v.Doubt, d.name+" is broken: "+d.why)
			}
		})
	}
}

// eachValue calls f with every metric.Value that v holds.
func eachValue(v reflect.Value, f func(*metric.Value)) {
	switch x := v.Addr().Interface().(type) {
	case *metric.Value:
		f(x)
		return
	case **profile.Profile, **stage.Classifier: // large, and hold none
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
