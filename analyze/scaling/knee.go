package scaling

import (
	"cmp"
	"fmt"

	"xfrmscope/analyze/compare"
)

// A Knee is where scaling ends: the first N measured at which efficiency is
// below Options.EfficiencyFloor or loss above Options.LossLimit.
type Knee struct {
	N int `json:"n"` // first N past the knee
	// N measured before it, 0 if the first one fails. With holes the knee is between the two
	LastGood int     `json:"last_good"`
	By       string  `json:"by"`              // "efficiency", "loss", "efficiency and loss"
	Text     string  `json:"text"`            // the figures
	Shown    bool    `json:"shown"`           // the interval of efficiency lies below the floor, or loss decided
	Doubt    string  `json:"doubt,omitempty"` // why it is not shown: "the interval of efficiency holds 0.90"
	Floor    float64 `json:"floor"`           // the efficiency asked for
	Limit    float64 `json:"limit"`           // the loss allowed

	// Missing is set if scaling does not end within the data.
	Missing *compare.Reason `json:"missing,omitempty"`
}

// Found reports whether there is a knee.
func (k Knee) Found() bool { return k.Missing == nil }

// Words are the figures of a knee, and that it is not shown if it is not.
func (k Knee) Words() string {
	if k.Shown {
		return k.Text
	}
	return fmt.Sprintf("%s (not shown: %s)", k.Text,
		cmp.Or(k.Doubt, "the interval of efficiency reaches above the floor"))
}

func findKnee(rows []Row, o Options) Knee {
	k := Knee{Floor: o.EfficiencyFloor, Limit: o.LossLimit}
	for _, r := range rows {
		slow := r.Efficiency.Known() && r.Efficiency.Value < o.EfficiencyFloor
		lossy := r.Loss != nil && *r.Loss > o.LossLimit
		if !slow && !lossy {
			k.LastGood = r.N
			continue
		}
		k.N = r.N
		k.Text = fmt.Sprintf("efficiency %.3f", r.Efficiency.Value)
		switch {
		case slow && lossy:
			k.By = "efficiency and loss"
		case slow:
			k.By = "efficiency"
		default:
			k.By = "loss"
		}
		if r.Loss != nil {
			k.Text += fmt.Sprintf(", loss %.2f %%", 100**r.Loss)
		}
		i := r.Efficiency.Interval
		switch {
		case lossy || i.Known() && !i.OpenHi && i.Hi < o.EfficiencyFloor:
			k.Shown = true
		case i.Known():
			k.Doubt = fmt.Sprintf("the interval of efficiency holds %.2f", o.EfficiencyFloor)
		default:
			k.Doubt = "efficiency has no interval: " + i.Missing.Text
		}
		return k
	}
	last := rows[len(rows)-1]
	k.Missing = compare.Because(compare.BeyondData, "efficiency %.0f %% or more%s up to N=%d, the largest measured",
		100*o.EfficiencyFloor, lossText(rows, o), last.N)
	return k
}

func lossText(rows []Row, o Options) string {
	for _, r := range rows {
		if r.Loss == nil {
			return " (loss not known everywhere)"
		}
	}
	return fmt.Sprintf(" and loss %.2g %% or less", 100*o.LossLimit)
}
