package scaling

import "xfrmscope/analyze/compare"

// A Waterfall says where the rate went that N CPUs should have brought: from
// Ideal down to Measured, by what packets cost more. Rows, Unexplained and
// NotCost sum to Ideal - Measured.
type Waterfall struct {
	N           int            `json:"n"`
	Unit        string         `json:"unit"`  // of the rate
	Ideal       float64        `json:"ideal"` // rate at the base x N / base
	Measured    float64        `json:"measured"`
	Rows        []WaterfallRow `json:"rows"`        // in the order of the breakdown
	Unexplained float64        `json:"unexplained"` // cost that no key has
	// The rest: less busy weight was sampled than N times that of the base. Idle is the
	// part of it that was sampled as idle, nil if idle time has no samples; what was not
	// sampled at all, as samples are lost or late, is the other part.
	NotCost float64         `json:"not_cost"`
	Idle    *float64        `json:"idle,omitempty"`
	Missing *compare.Reason `json:"missing,omitempty"`
}

// A WaterfallRow is the rate that one key of the breakdown costs.
type WaterfallRow struct {
	Key  string  `json:"key"`
	Rate float64 `json:"rate"` // negative if the key got cheaper
}

// A Sampled is the rate at an N while it was sampled, and the idle weight then, in
// units of the busy weight, where the event has samples of idle time.
type Sampled struct {
	Rate, Idle float64
	IdleKnown  bool
}

// Fall turns a breakdown into missing rate. N busy CPUs with K cycles a second
// give N K / c packets at c cycles a packet; from c1 to cN they lose N K (cN -
// c1) / (c1 cN) = Ideal (cN - c1) / cN, which is linear in the breakdown's deltas.
// base and atN are the rates at the breakdown's base and N.
func Fall(b Breakdown, base, atN Sampled, unit string) Waterfall {
	w := Waterfall{N: b.N, Unit: unit}
	ideal := base.Rate * float64(b.N) / float64(max(b.Base, 1))
	if !(b.Total.AtN > 0) || !compare.Usable(ideal) || !compare.Usable(atN.Rate) {
		w.Missing = compare.Because(compare.ZeroCost, "no cost per packet or no rate at N=%d", b.N)
		return w
	}
	w.Ideal, w.Measured = ideal, atN.Rate
	per := w.Ideal / b.Total.AtN
	sum := 0.0
	for _, r := range b.Rows {
		row := WaterfallRow{r.Key, per * r.Delta.Value}
		sum += row.Rate
		w.Rows = append(w.Rows, row)
	}
	w.Unexplained = per * b.Unexplained.Delta.Value
	w.NotCost = w.Ideal - w.Measured - sum - w.Unexplained
	if base.IdleKnown && atN.IdleKnown {
		w.Idle = new(w.Measured*atN.Idle - per*b.Total.Base*base.Idle)
	}
	return w
}
