package sides

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/curves"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
	"xfrmscope/collect/bundle"
)

// A comparer fills a Comparison.
type comparer struct {
	*result.Comparison
	headline []string // metric ids named beforehand; empty: the usual two
}

func newComparer(c *result.Comparison, headline []string) *comparer {
	return &comparer{Comparison: c, headline: headline}
}

func (c *comparer) compare(modes []modePair) {
	var wg sync.WaitGroup
	wg.Go(func() { c.AA = c.sameSide(modes) })
	defer wg.Wait()
	c.Notes = append(c.Notes, fewBoots(modes)...)
	for i := range modes {
		m := &modes[i]
		c.headlines(m.last())
		c.costs(m.last())
		c.parts(m.last())
		c.functions(m.last())
		c.law(m)
	}
	for _, id := range rateIDs {
		if id == metric.RateID && curves.RatingOf(modes[0].last().all()).ID == metric.ThroughputID {
			continue // the generator's packets/s are its bit/s over the frame's size
		}
		c.rates(id, modes)
	}
	slices.SortStableFunc(c.Worse, func(a, b result.CompareAt) int {
		return cmp.Compare(magnitude(&b.C), magnitude(&a.C))
	})
}

// rateIDs are what is compared at every N.
var rateIDs = []string{metric.RateID, metric.ThroughputID, metric.LossID}

// headlines tests plainly what was named beforehand: the metrics of the
// scenario, else the rate and what a packet costs, or, without packets, the
// share of time that waits for locks.
func (c *comparer) headlines(at *cell) {
	ids := c.headline
	if len(ids) == 0 {
		ids = []string{curves.RatingOf(at.all()).ID, metric.CostID}
		measured := func(event string) bool { s := at.costs(event); return !s.unmeasured() }
		if !slices.ContainsFunc(at.pmus(), measured) {
			ids[1] = metric.SpinID
		}
	}
	for _, id := range ids {
		var t tested
		for _, want := range at.readings() {
			if want.ID != id {
				continue
			}
			s := at.reading(want)
			c.leftOut(&s)
			t.add(s, "", want.Of)
		}
		for i, one := range c.plainly(id, t.pairs, at) {
			c.settle(&one, at, t.of[i])
			c.Headline = append(c.Headline, result.CompareAt{Mode: at.mode, N: at.n, Of: t.of[i], C: one})
		}
		if len(t.pairs) == 0 && len(c.headline) > 0 {
			c.Notes = append(c.Notes, *compare.Because(compare.NoRuns,
				"%s: %s, named as a headline beforehand, was not measured on both sides",
				at.name(), id))
		}
	}
}

// plainly tests a metric named beforehand. If there are several of it, events or
// locks, they are a family.
func (c *comparer) plainly(id string, pairs []compare.Pair, at *cell) []compare.Comparison {
	if len(pairs) == 1 {
		return []compare.Comparison{compare.Compare(pairs[0].Before, pairs[0].After, c.Options)}
	}
	return compare.CompareFamily(metric.FormulaOf(id).Name+" at "+at.name(), pairs, c.Options).Comparisons
}

// rates compares one metric at every N: one family.
func (c *comparer) rates(id string, modes []modePair) {
	var t tested
	var cells []*cell
	for i := range modes {
		for j := range modes[i].cells {
			at := &modes[i].cells[j]
			s := at.reading(Reading{ID: id})
			if !s.unmeasured() {
				c.leftOut(&s)
			}
			if t.add(s, at.name(), result.Subject{}) {
				cells = append(cells, at)
			}
		}
	}
	if len(t.pairs) == 0 {
		return
	}
	f := result.CompareFamily{Keys: t.keys,
		Family: compare.CompareFamily(metric.FormulaOf(id).Name+" at each N", t.pairs, c.Options)}
	if len(modes) == 1 {
		f.Mode = modes[0].mode
	}
	for i := range f.Family.Comparisons {
		c.settleRow(&f.Family, i, cells[i], result.Subject{})
	}
	c.Rates = append(c.Rates, f)
}

// costs compares every number of the runs as a whole at one N: one family, and one of
// each PMU of a hybrid CPU.
func (c *comparer) costs(at *cell) {
	pmus := at.pmus()
	for _, event := range pmus {
		c.costsOf(at, event, pmus)
	}
	if len(pmus) > 1 {
		c.costsOf(at, "", pmus)
	}
}

func (c *comparer) costsOf(at *cell, event string, pmus []string) {
	var t tested
	for _, want := range at.readings() {
		pmu, key := "", headText(want)
		if want.Of.Kind == bundle.OfEvent && slices.Contains(pmus, want.Of.Name) {
			pmu, key = want.Of.Name, metric.FormulaOf(want.ID).Name
		}
		if pmu != event {
			continue
		}
		if want.total || slices.Contains(rateIDs, want.ID) || want.Of.Kind == bundle.OfLock {
			continue
		}
		s := at.reading(want)
		if s.unmeasured() {
			continue
		}
		c.leftOut(&s)
		if isShare(want.ID) && at.perPacket(want.Of.Name) {
			s.pair.Before.Better, s.pair.After.Better = "", ""
		}
		t.add(s, key, want.Of)
	}
	name := "per packet, waits and misses"
	if event != "" {
		name = "per packet, " + event
	}
	c.family(&c.Costs, name, event, t, at)
}

// A tested is what is tested together: its rows are called keys and are of something.
type tested struct {
	pairs []compare.Pair
	keys  []string
	of    []result.Subject
}

// add adds a row if both sides have a value.
func (t *tested) add(s sided, key string, of result.Subject) bool {
	if s.tested() {
		t.pairs, t.keys, t.of = append(t.pairs, s.pair), append(t.keys, key), append(t.of, of)
	}
	return s.tested()
}

// family tests rows of one cell, and of one event if it is named, and appends them to a
// table if there are any.
func (c *comparer) family(table *[]result.CompareFamily, name, event string, t tested, at *cell) {
	if len(t.pairs) == 0 {
		return
	}
	f := result.CompareFamily{Mode: at.mode, N: at.n, Event: event, Keys: t.keys,
		Family: compare.CompareFamily(name+" at "+at.name(), t.pairs, c.Options)}
	for i := range f.Family.Comparisons {
		c.settleRow(&f.Family, i, at, t.of[i])
	}
	*table = append(*table, f)
}

// parts compares stages and locks at one N.
func (c *comparer) parts(at *cell) {
	for _, event := range at.pmus() {
		c.stages(at, event)
	}
	c.locks(at)
	c.lines(at)
}

// stages compares those of a main event at one N: one family.
func (c *comparer) stages(at *cell, event string) {
	perPacket := at.perPacket(event)
	if s := at.costs(event); !perPacket && at.sampled() {
		why := "no packets were counted"
		if len(s.missing) > 0 {
			why = s.missing[0].Text
		}
		c.Notes = result.AppendNew(c.Notes, *compare.Because(compare.NotApplicable, "%s: stages and functions "+
			"are compared as shares of busy time, which cannot tell a part that grew from others that "+
			"shrank: %s", at.name(), why))
	}
	var t tested
	for _, name := range at.stages(event) {
		s := at.series(partID(perPacket), partBetter(perPacket), event,
			func(r *result.Run) metric.Value { return stageOf(r, event, name, perPacket) })
		t.add(s, name, result.Subject{Kind: bundle.OfStage, Name: named(name, event)})
	}
	c.family(&c.Stages, named("stages", event), event, t, at)
}

// leastLine is the share of the lines moved below which a field is not compared.
const leastLine = 0.005

// lines compares how often the lines of each field moved at one N: one family. Where a
// run has no row of a field, its lines did not move.
func (c *comparer) lines(at *cell) {
	most := map[string]float64{}
	for _, r := range at.all() {
		if r.Lines == nil {
			continue
		}
		for _, f := range r.Lines.Fields {
			most[f.Name] = max(most[f.Name], f.Share.Value)
		}
	}
	var t tested
	names := slices.SortedFunc(maps.Keys(most), func(a, b string) int {
		return cmp.Or(cmp.Compare(most[b], most[a]), cmp.Compare(a, b))
	})
	for _, name := range names {
		if most[name] < leastLine {
			continue
		}
		s := at.series(metric.TransferID, "lower", "",
			func(r *result.Run) metric.Value { return movedLines(r, name) })
		t.add(s, name, result.Subject{Kind: bundle.OfField, Name: name})
	}
	c.family(&c.Lines, "cache lines by field", "", t, at)
}

// movedLines is how often the lines of a field moved per packet.
func movedLines(r *result.Run, name string) metric.Value {
	if r.Lines == nil {
		return metric.NotMeasured(metric.TransferID, "", result.MissingReading)
	}
	if f := r.Lines.Field(name); f != nil {
		return f.PerPacket
	}
	v := r.Lines.PerPacket
	if v.Measured() {
		v.Value, v.SE, v.Samples = 0, 0, 0
	}
	return v
}

// locks compares what was measured of each class of locks at one N: one family.
func (c *comparer) locks(at *cell) {
	var t tested
	add := func(s sided, key, name string) {
		// Nothing on both sides is no change, and makes the family larger.
		some := func(v float64) bool { return v != 0 }
		if slices.ContainsFunc(slices.Concat(s.pair.Before.Values, s.pair.After.Values), some) {
			t.add(s, key, result.Subject{Kind: bundle.OfLock, Name: name})
		}
	}
	names := at.locks()
	for _, name := range names {
		add(at.series(metric.WaitPacketID, "lower", "",
			func(r *result.Run) metric.Value { return lockWait(r, name) }), name, name)
	}
	for _, id := range []string{metric.ContentionID, metric.BounceID} {
		for _, name := range names {
			add(at.reading(Reading{ID: id, Of: result.Subject{Kind: bundle.OfLock, Name: name}}),
				name+", "+metric.FormulaOf(id).Name, name)
		}
	}
	c.family(&c.Locks, "locks", "", t, at)
}

func partID(perPacket bool) string {
	if perPacket {
		return metric.CostID
	}
	return metric.StageID
}

// partBetter: less cost is better, a smaller share is only another share.
func partBetter(perPacket bool) string {
	if perPacket {
		return "lower"
	}
	return ""
}

// law compares the scaling law of both sides, if the mode has several N.
func (c *comparer) law(m *modePair) {
	by := curves.RatingOf(slices.Concat(m.before, m.after))
	b, a := curves.RateCurve(m.mode, inTime(m.before), by), curves.RateCurve(m.mode, inTime(m.after), by)
	if len(curves.Distinct(b.Points)) < 2 || len(curves.Distinct(a.Points)) < 2 ||
		result.Offered(m.before[0].Factor) {
		return
	}
	change := scaling.FitBoth(b, a, scaling.Options{Options: c.Options})
	var runs []*result.Run
	for _, at := range m.cells {
		runs = append(append(runs, at.before...), at.after...)
		if at.boots().few() != nil {
			change.Sigma.Significant, change.Kappa.Significant = false, false
		}
	}
	if why := checks.BlameOf(runs, by.ID); why != "" {
		for _, p := range []*scaling.ParameterChange{&change.Sigma, &change.Kappa} {
			if p.Significant {
				p.Significant = false
				c.Blanked = result.AppendNew(c.Blanked,
					result.Blank{Figure: cmp.Or(m.mode, "the") + " scaling law", Why: why})
			}
		}
	}
	c.USL = append(c.USL, result.CompareUSL{Mode: m.mode, Change: change})
}

// settle takes the significance of a row if a gate failed, and notes what got worse and
// holds.
func (c *comparer) settle(one *compare.Comparison, at *cell, of result.Subject) {
	c.gate(one, at, of)
	if why := compare.Noted(one.After.Notes, compare.OtherBasis); why != "" {
		one.Notes = append(one.Notes, *compare.Because(compare.OtherBasis, "%s", why))
		c.Notes = result.AppendNew(c.Notes, *compare.Because(compare.OtherBasis, "%s: %s", at.name(), why))
	}
	if one.Significant && one.Effect == "worse" && !c.hasWorse(one.Metric, at, of) {
		c.Worse = append(c.Worse, result.CompareAt{Mode: at.mode, N: at.n, Of: of, C: *one})
	}
}

func (c *comparer) hasWorse(id string, at *cell, of result.Subject) bool {
	return slices.ContainsFunc(c.Worse, func(x result.CompareAt) bool {
		return x.Mode == at.mode && x.N == at.n && x.Of == of && x.C.Metric == id
	})
}

// settleRow settles a row of a family, whose count of significant rows follows.
func (c *comparer) settleRow(f *compare.Family, i int, at *cell, of result.Subject) {
	held := f.Comparisons[i].Significant
	c.settle(&f.Comparisons[i], at, of)
	if at.boots().few() != nil {
		f.Detectable = 0 // of any row: no change of this one could have been shown
	}
	if held && !f.Comparisons[i].Significant {
		f.Significant--
	}
}

// magnitude orders changes by their ratio; from nothing is the largest.
func magnitude(c *compare.Comparison) float64 {
	if !c.Ratio.Known() || c.Ratio.Value <= 0 {
		return 1e300
	}
	return max(c.Ratio.Value, 1/c.Ratio.Value)
}

// headText is how a table names a reading: "cost/packet, event cycles:k".
func headText(r Reading) string {
	if r.Of == (result.Subject{}) {
		return metric.FormulaOf(r.ID).Name
	}
	return metric.FormulaOf(r.ID).Name + ", " + r.Of.String()
}

// leftOut notes runs that lack a number which others have.
func (c *comparer) leftOut(s *sided) {
	for _, m := range s.missing {
		c.Notes = result.AppendNew(c.Notes, m)
	}
}
