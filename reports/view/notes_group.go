package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

// Kinds puts notes together that say the same in other figures: each becomes
// one, with the ranges of its figures and the runs of all. The first on each
// subject come before those that say something else on it.
func (n Notes) Kinds() Notes {
	out := n.together(func(x note) string {
		return fmt.Sprintf("%d\x00%s\x00%s", len(x.Figures), cmp.Or(x.Form, x.Text), x.Fix)
	}, func(group Notes) note {
		x := group[0]
		x.Text = group.ranges()
		return x
	})
	var first, rest Notes
	for _, x := range out {
		if x.Weakens != "" && slices.ContainsFunc(first, func(o note) bool { return o.Weakens == x.Weakens }) {
			rest = append(rest, x)
			continue
		}
		first = append(first, x)
	}
	return append(first, rest...)
}

// Weakening are the places of the notes on one of some subjects, metrics by their id
// or what else a warning names; with a run only those that hold for it.
func (n Notes) Weakening(run *result.Run, subjects ...string) []int {
	var out []int
	for i, x := range n {
		if slices.Contains(subjects, x.Weakens) &&
			(run == nil || len(x.Runs) == 0 || slices.Contains(x.Runs, run)) {
			out = append(out, i)
		}
	}
	return out
}

// CostSubjects are what weakens the costs and shares of some events.
func CostSubjects(events ...*result.Event) []string {
	list := []string{metric.CostID, metric.ShareID, metric.SpinID, "samples", "cost per packet and lock waits"}
	for _, e := range events {
		list = result.AppendNew(list, e.Name)
	}
	return list
}

// ByCause puts gaps together that have one cause in the same runs: what was
// not measured is listed, the cause is said once and without its details.
func (n Notes) ByCause() Notes {
	return n.together(func(x note) string {
		if x.Cause == "" {
			return x.Text
		}
		return x.Cause + "\x00" + strings.Join(x.labels(), "\x00")
	}, func(group Notes) note {
		x := group[0]
		var subjects []string
		for _, o := range group {
			subjects = result.AppendNew(subjects, o.Weakens)
		}
		if len(subjects) > 1 {
			x.Text = strings.Join(subjects, ", ") + ": " + x.Cause
		}
		return x
	})
}

// together merges the notes that have the same key, in order of first use.
func (n Notes) together(key func(note) string, merge func(Notes) note) Notes {
	var keys []string
	groups := map[string]Notes{}
	for _, x := range n {
		k := key(x)
		if len(groups[k]) == 0 {
			keys = append(keys, k)
		}
		groups[k] = append(groups[k], x)
	}
	var out Notes
	for _, k := range keys {
		x := merge(groups[k])
		x.Runs = groups[k].runs()
		out = append(out, x)
	}
	return out
}

// runs returns the runs of all notes, each once; none if one of them holds for
// all together.
func (n Notes) runs() []*result.Run {
	var out []*result.Run
	for _, x := range n {
		if len(x.Runs) == 0 {
			return nil
		}
		for _, r := range x.Runs {
			out = result.AppendNew(out, r)
		}
	}
	return out
}

// ranges is the text of notes of one form: a figure that differs becomes the lowest and
// the highest, "-19..+46".
func (n Notes) ranges() string {
	low, high := slices.Clone(n[0].Figures), slices.Clone(n[0].Figures)
	if len(low) == 0 {
		return n[0].Text
	}
	for _, x := range n[1:] {
		for i, f := range x.Figures {
			if f.Value < low[i].Value {
				low[i] = f
			}
			if f.Value > high[i].Value {
				high[i] = f
			}
		}
	}
	texts := make([]string, len(low))
	for i := range low {
		texts[i] = low[i].Text
		if texts[i] != high[i].Text {
			texts[i] += ".." + high[i].Text
		}
	}
	return n[0].With(texts)
}
