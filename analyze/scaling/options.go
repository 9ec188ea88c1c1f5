package scaling

import (
	"cmp"

	"xfrmscope/analyze/compare"
)

// Options are the rules. The zero value means the defaults.
type Options struct {
	compare.Options

	EfficiencyFloor float64 `json:"efficiency_floor"` // below it scaling has ended; 0.90
	LossLimit       float64 `json:"loss_limit"`       // above it scaling has ended; 0.001
	PlateauWidth    float64 `json:"plateau_width"`    // how far under the top a plateau may lie; 0.05
	Resamples       int     `json:"resamples"`        // of the bootstrap of a fit; 1000
	// smallest interesting growth of a cost; 0.05: at 16 CPUs +15 %
	MinExponent float64 `json:"min_exponent"`
	FloorShare  float64 `json:"floor_share"` // frames below it at every N are not tested; 0.002
}

// Defaults returns o with every zero field set to its default.
func (o Options) Defaults() Options {
	o.Options = o.Options.Defaults()
	o.EfficiencyFloor = cmp.Or(o.EfficiencyFloor, 0.90)
	o.LossLimit = cmp.Or(o.LossLimit, 0.001)
	o.PlateauWidth = cmp.Or(o.PlateauWidth, 0.05)
	o.MinExponent = cmp.Or(o.MinExponent, 0.05)
	o.FloorShare = cmp.Or(o.FloorShare, compare.FloorShare)
	if o.Resamples <= 0 {
		o.Resamples = 1000
	}
	return o
}
