package locks

import (
	"xfrmscope/analyze/result"
)

// Like reports whether a run is of the same side, host and kernel.
func Like(r *result.Run, o *result.Run) bool {
	h, other := &r.Manifest.Host, &o.Manifest.Host
	return r.Side == o.Side && h.Name == other.Name && h.BuildID == other.BuildID
}
