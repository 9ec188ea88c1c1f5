package analyze

import (
	"testing"

	"xfrmscope/analyze/locks"
	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

func TestLocksWithoutProbe(t *testing.T) {
	gap := bundle.Gap{What: "lock waits", Why: "no BTF"}
	l, _, _ := locks.New(locks.Source{Manifest: &bundle.Manifest{Gaps: []bundle.Gap{gap}},
		Rate: metric.Value{Value: 10}, Probed: metric.Value{Value: 10}})
	if l.Waits.Measured() || l.Gap == nil || l.Gap.Why != "no BTF" {
		t.Errorf("locks = %+v, want not measured: no BTF", l)
	}
}
