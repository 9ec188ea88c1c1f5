package metric

import (
	"math"
	"strings"
	"testing"
)

func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Catalogue() {
		if f.ID == "" || f.Name == "" || f.Text == "" || f.Source == "" || seen[f.ID] {
			t.Errorf("%+v: every metric has one id, a name, a formula and a source", f)
		}
		if f.Better != "" && f.Better != "lower" && f.Better != "higher" {
			t.Errorf("%s: better %q", f.ID, f.Better)
		}
		seen[f.ID] = true
	}
}

func TestWithLoss(t *testing.T) {
	v := Value{ID: ContentionID, Value: 0.5, Unit: "ratio"}
	for _, tt := range []struct {
		lost   uint64
		ranged bool
		gone   bool
	}{{0, false, false}, {10, false, false}, {11, true, false}, {50, true, false}, {51, false, true}} {
		got := v.WithLoss("waits", tt.lost, 1000, 0.5, 0.6)
		if got.Ranged() != tt.ranged || got.Measured() == tt.gone {
			t.Errorf("%d of 1000 lost: %+v, want range %v, refused %v", tt.lost, got, tt.ranged, tt.gone)
		}
		if tt.ranged && (got.Low != 0.5 || got.High != 0.6) {
			t.Errorf("%d lost: %v..%v, want 0.5..0.6", tt.lost, got.Low, got.High)
		}
		if tt.gone && !strings.Contains(got.Missing.Why, "51 of 1000 waits (5.1 %) were lost") {
			t.Errorf("refused because %q", got.Missing.Why)
		}
	}
}

// Shares of parts sum to 1 and their error is that of a binomial.
func TestShare(t *testing.T) {
	part, whole := Estimate{Samples: 25, Period: 25, VarSum: 25}, Estimate{Samples: 100, Period: 100, VarSum: 100}
	s, se := Share(part, whole)
	if s != 0.25 || math.Abs(se-math.Sqrt(0.25*0.75/100)) > 1e-12 {
		t.Errorf("share %v +- %v", s, se)
	}
	if s, se := Share(part, Estimate{}); s != 0 || se != 0 {
		t.Errorf("share of nothing: %v +- %v", s, se)
	}
}
