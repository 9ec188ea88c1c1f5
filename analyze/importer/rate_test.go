package importer

import (
	"math"
	"testing"
)

func TestRateUnits(t *testing.T) {
	for _, tt := range []struct {
		in   Rate
		to   Unit
		want float64
	}{
		{Rate{Value: 22.66, Unit: GibitPerSecond}, GbitPerSecond, 24.331},
		{Rate{Value: 1, Unit: GibitPerSecond}, BitPerSecond, 1 << 30},
		{Rate{Value: 1, Unit: GbitPerSecond}, BitPerSecond, 1e9},
		{Rate{Value: 1, Unit: GbitPerSecond}, GibitPerSecond, 0.93132},
		{Rate{Value: 1, Unit: MibitPerSecond}, KibitPerSecond, 1024},
		{Rate{Value: 1, Unit: MbitPerSecond}, KbitPerSecond, 1000},
		{Rate{Value: 3_000_000_000, Unit: BitPerSecond}, GbitPerSecond, 3},
	} {
		got := tt.in.In(tt.to)
		if got.Unit != tt.to || math.Abs(got.Value-tt.want) > 1e-4*tt.want {
			t.Errorf("%v in %s is %v, want %v", tt.in, tt.to, got.Value, tt.want)
		}
		if back := got.In(tt.in.Unit); math.Abs(back.Value-tt.in.Value) > 1e-9*tt.in.Value {
			t.Errorf("%v in %s and back is %v", tt.in, tt.to, back)
		}
	}
	if (Rate{Value: 1, Unit: "Gbps"}).Known() || (Rate{Value: 1}).Known() {
		t.Error("a rate without a known unit is known")
	}
	if got := (Rate{}).String(); got != "not known" {
		t.Errorf("the zero rate prints %q", got)
	}
	if got := (Rate{Value: 22.664, Unit: GibitPerSecond}).String(); got != "22.66 Gibit/s" {
		t.Errorf("prints %q", got)
	}
}

func TestRateLayers(t *testing.T) {
	wire := Rate{Value: 1464, Unit: BitPerSecond, Layer: Wire}
	for layer, want := range map[Layer]float64{Wire: 1464, FCS: 1444, Frame: 1440} {
		got, err := wire.At(layer, 1440)
		if err != nil || got.Layer != layer || math.Abs(got.Value-want) > 1e-9 {
			t.Errorf("%v at %s is %v, %v; want %v", wire, layer, got, err, want)
		}
	}
	for _, r := range []Rate{{Value: 1, Unit: GbitPerSecond, Layer: Payload}, {Value: 1, Unit: GbitPerSecond}} {
		if got, err := r.At(Wire, 1440); err == nil {
			t.Errorf("%v of layer %q on the wire is %v, want an error", r, r.Layer, got)
		}
	}
	if _, err := wire.At(Payload, 1440); err == nil {
		t.Error("payload told from the wire")
	}
	if _, err := wire.At(Frame, 0); err == nil {
		t.Error("converted without a frame size")
	}
}
