package importer

import (
	"math"
	"testing"
)

func TestRate(t *testing.T) {
	for _, tt := range []struct {
		in   Rate
		want float64
	}{
		{Rate{Value: 22.66, Unit: gibitPerSecond}, 24.331e9},
		{Rate{Value: 3e9, Unit: bitPerSecond}, 3e9},
	} {
		if got := tt.in.BPS(); math.Abs(got-tt.want) > 1e-4*tt.want {
			t.Errorf("%v is %v bit/s, want %v", tt.in, got, tt.want)
		}
	}
	if (Rate{Value: 1, Unit: "Gbps"}).Known() || (Rate{Value: 1}).Known() {
		t.Error("a rate without a known unit is known")
	}
	if got := (Rate{}).String(); got != "not known" {
		t.Errorf("the zero rate prints %q", got)
	}
	if got := (Rate{Value: 22.664, Unit: gibitPerSecond}).String(); got != "22.66 Gibit/s" {
		t.Errorf("prints %q", got)
	}
}
