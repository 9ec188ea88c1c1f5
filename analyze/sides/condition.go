package sides

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// A Condition says from which change on a comparison counts as a regression:
// "lock_wait_ns_per_packet>5%", "packet_rate@4<-2%", "cost_per_packet>50 ns",
// "headline>1%".
type Condition struct {
	Text     string
	Metric   string  // id of the catalogue, or "headline"
	N        int     // 0: the largest N of each mode
	Below    bool    // a change below Limit, else above
	Limit    float64 // of after/before - 1, or of after - before in Unit
	Relative bool
	Unit     string // of an absolute limit, as written; "" for none
}

// Headline stands for all metrics that were named beforehand.
const headlineCondition = "headline"

var conditionSyntax = regexp.MustCompile(
	`^([a-z][a-z0-9_]*)(?:@([0-9]{1,6}))?\s*([<>])\s*([-+]?[0-9]+(?:\.[0-9]+)?)\s*(%|[A-Za-z/]+(?:/[A-Za-z]+)?)?$`)

// ParseCondition reads a condition. It refuses one that an improvement would
// meet: for packets/s a regression is a change below 0.
func ParseCondition(text string) (Condition, error) {
	m := conditionSyntax.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return Condition{}, fmt.Errorf("%q is no condition: write METRIC>5%%, METRIC@N<-5%% or METRIC>50 ns",
			text)
	}
	c := Condition{Text: strings.TrimSpace(text), Metric: m[1], Below: m[3] == "<", Relative: m[5] == "%"}
	if m[2] != "" {
		if c.N, _ = strconv.Atoi(m[2]); c.N == 0 {
			return Condition{}, fmt.Errorf("%q is no condition: no run has N=0", text)
		}
	}
	limit, err := strconv.ParseFloat(m[4], 64)
	if err != nil || math.IsInf(limit, 0) {
		return Condition{}, fmt.Errorf("%q is no condition: %q is no number", text, m[4])
	}
	c.Limit = limit
	if c.Relative {
		c.Limit /= 100
	} else {
		c.Unit = m[5]
	}
	if c.Metric == headlineCondition {
		if c.Below || !c.Relative || c.Limit < 0 || c.N != 0 {
			return Condition{}, fmt.Errorf("%q: headline metrics have several units and directions: "+
				"write headline>5%%, which is worse by more than that", text)
		}
		return c, nil
	}
	return c, c.check()
}

func (c Condition) check() error {
	if why := NotComparable(c.Metric); why != "" {
		return fmt.Errorf("%q: %s; there are %s, %s", c.Text, why, headlineCondition,
			strings.Join(ComparableIDs(), ", "))
	}
	f := metric.FormulaOf(c.Metric)
	switch {
	case !c.Relative && f.Unit != "" && !unitMatches(c.Unit, f.Unit):
		return fmt.Errorf("%q: the limit is in %s, %s is in %s", c.Text, cmp.Or(c.Unit, "no unit"),
			c.Metric, f.Unit)
	case f.Better == "lower" && (c.Below || c.Limit < 0):
		return fmt.Errorf("%q: %s is better when lower, so this is met by an improvement: write %s>5%%", c.Text,
			c.Metric, c.Metric)
	case f.Better == "higher" && (!c.Below || c.Limit > 0):
		return fmt.Errorf("%q: %s is better when higher, so this is met by an improvement: write %s<-5%%",
			c.Text, c.Metric, c.Metric)
	}
	return nil
}

// Judge applies the condition to a comparison, at every mode. It is decided by
// the medians; where the interval holds the limit, Unclear says so. A number that
// one side does not have is an outcome of its own.
func (c Condition) Judge(r *result.Result) []result.Judgement {
	if r.Comparison == nil {
		return []result.Judgement{c.missing("", 0, "nothing was compared")}
	}
	if c.Metric == headlineCondition {
		return c.judgeHeadline(r.Comparison)
	}
	m := matching{options: r.Comparison.Options}
	modes, err := m.pair(ofSide(r, Before), ofSide(r, After))
	if err != nil {
		return []result.Judgement{c.missing("", 0, err.Error())}
	}
	var out []result.Judgement
	for i := range modes {
		at := modes[i].last()
		if c.N != 0 {
			j := slices.IndexFunc(modes[i].cells, func(x cell) bool { return x.n == c.N })
			if j < 0 {
				out = append(out, c.missing(modes[i].mode, c.N, "not both sides have runs at this N"))
				continue
			}
			at = &modes[i].cells[j]
		}
		out = append(out, c.judgeAt(at, r.Comparison.Options)...)
	}
	return out
}

func (c Condition) judgeAt(at *cell, o compare.Options) []result.Judgement {
	var out, locks []result.Judgement
	for _, want := range at.readings() {
		if want.ID != c.Metric {
			continue
		}
		s := at.reading(want)
		if s.tested() {
			out = append(out, c.decide(result.CompareAt{Mode: at.mode, N: at.n, Of: want.Of,
				C: compare.Compare(s.pair.Before, s.pair.After, o)}))
			continue
		}
		why := "not measured"
		if len(s.missing) > 0 {
			why = s.missing[0].Text
		}
		missing := c.missing(at.mode, at.n, why)
		missing.Of = want.Of
		if want.Of.Kind == bundle.OfLock {
			locks = append(locks, missing)
		} else {
			out = append(out, missing)
		}
	}
	switch {
	case len(out) > 0 && len(locks) > 0: // locks that one side does not have decide nothing
		var names []string
		for _, j := range locks {
			names = append(names, j.Of.Name)
		}
		left := c.missing(at.mode, at.n, "not measured on both sides of "+strings.Join(names, ", "))
		left.Outcome = result.LeftOut
		out = append(out, left)
	case len(out) > 0:
	case len(locks) > 0:
		out = locks[:1]
	default:
		out = []result.Judgement{c.missing(at.mode, at.n, "no run has it")}
	}
	return out
}

func (c Condition) judgeHeadline(all *result.Comparison) []result.Judgement {
	var out []result.Judgement
	for _, h := range all.Headline {
		one := c
		if h.C.Better == "higher" {
			one.Below, one.Limit = true, -c.Limit
		}
		out = append(out, one.decide(h))
	}
	if len(out) == 0 {
		out = append(out, c.missing("", 0, "no headline metric was measured on both sides"))
	}
	return out
}

func (c Condition) missing(mode string, n int, why string) result.Judgement {
	nothing := compare.Series{Name: c.Metric}
	return result.Judgement{Condition: c.Text, Outcome: result.Unmeasured, Why: why, CompareAt: result.CompareAt{
		Mode: mode, N: n, C: compare.Compare(nothing, nothing, compare.Options{})}}
}

// decide sets the change against the limit.
func (c Condition) decide(at result.CompareAt) result.Judgement {
	j := result.Judgement{Condition: c.Text, CompareAt: at, Outcome: result.Held}
	change, center := at.C.Difference, 0.0
	if c.Relative {
		change, center = at.C.Ratio, 1
		if !change.Known() && at.C.Difference.Known() && at.C.Before.Median == 0 {
			// From nothing: any rise is more than any share of it.
			change, center = at.C.Difference, 0
			if at.C.Difference.Value == 0 {
				return j
			}
			c.Limit = 0
		}
	} else if !unitMatches(c.Unit, at.C.Unit) {
		return c.missing(at.Mode, at.N, fmt.Sprintf("the limit is in %s, the number in %s",
			cmp.Or(c.Unit, "no unit"), at.C.Unit))
	}
	if !change.Known() {
		return c.missing(at.Mode, at.N, change.Missing.Text)
	}
	limit := center + c.Limit
	if over := change.Value > limit; !c.Below && over || c.Below && change.Value < limit {
		j.Outcome = result.Regression
	}
	i := change.Interval
	j.Unclear = !i.Known() || i.Contains(limit)
	return j
}

// unitMatches reports whether a limit's unit is that of the number: "ns" will do
// for "ns/packet"; a ratio has none.
func unitMatches(have, want string) bool {
	return have == want || want == "ratio" && have == "" || have != "" && strings.HasPrefix(want, have+"/")
}

func ofSide(r *result.Result, side string) []*result.Run {
	return slices.DeleteFunc(result.RunsPresent(r), func(run *result.Run) bool { return run.Side != side })
}
