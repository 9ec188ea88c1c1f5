package view

import (
	"slices"
	"strconv"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

// Kinds puts notes together that say the same in other numbers: each becomes
// one, with the ranges of its numbers and the runs of all. The first on each
// subject come before those that say something else on it.
func (n Notes) Kinds() Notes {
	out := n.together(func(x note) string { return wording(x.Text) + "\x00" + x.Fix }, func(group Notes) note {
		x := group[0]
		var texts []string
		for _, o := range group {
			texts = append(texts, o.Text)
		}
		x.Text = ranges(texts)
		return x
	})
	var first, rest Notes
	for _, x := range out {
		if x.Subject != "" && slices.ContainsFunc(first, func(o note) bool { return o.Subject == x.Subject }) {
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
		if slices.Contains(subjects, x.Subject) &&
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
			subjects = result.AppendNew(subjects, o.Subject)
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

// wording is a sentence without its numbers.
func wording(text string) string {
	words := strings.Fields(text)
	for i, w := range words {
		if before, number, after := cutNumber(w); number != "" {
			words[i] = before + "\x00" + after
		}
	}
	return strings.Join(words, " ")
}

// ranges writes sentences of one wording as one: a number that differs becomes
// the lowest and the highest, "-19..+46".
func ranges(texts []string) string {
	words := strings.Fields(texts[0])
	for i, w := range words {
		before, low, after := cutNumber(w)
		if low == "" {
			continue
		}
		high := low
		for _, t := range texts[1:] {
			_, number, _ := cutNumber(strings.Fields(t)[i])
			if number == "" { // a name that imitates a wording
				continue
			}
			if value(number) < value(low) {
				low = number
			}
			if value(number) > value(high) {
				high = number
			}
		}
		if low != high {
			words[i] = before + low + ".." + high + after
		}
	}
	return strings.Join(words, " ")
}

// cutNumber finds the number that a word is, with a bracket before and
// punctuation after it; "L1" and "0-3" are none.
func cutNumber(word string) (before, number, after string) {
	rest := strings.TrimLeft(word, "(")
	number = strings.TrimRight(rest, ").,:;%")
	if strings.Trim(number, "+-.0123456789") != "" {
		return word, "", ""
	}
	if _, err := strconv.ParseFloat(number, 64); err != nil {
		return word, "", ""
	}
	return word[:len(word)-len(rest)], number, rest[len(number):]
}

// value is the value of what cutNumber found.
func value(number string) float64 {
	v, _ := strconv.ParseFloat(number, 64)
	return v
}
