package testrun

import (
	"math"
	"strings"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/profile"
)

// A Row is samples of one kernel stack, root first, separated by semicolons. A
// function "app:main" is a user function.
type Row struct {
	CPU   int
	Stack string
	Count uint64
}

// At returns the samples of one stack on one CPU.
func At(cpu int, stack string, count uint64) Row { return Row{CPU: cpu, Stack: stack, Count: count} }

// Profile builds a cpu-clock profile of 1 kHz: every sample is 1 ms.
func Profile(rows ...Row) *profile.Profile {
	const period = 1e6
	p := &profile.Profile{
		Event:    profile.Event{Name: "cpu-clock", Unit: "nanoseconds", PeriodFixed: period},
		Mappings: []profile.Mapping{{File: "[kernel.kallsyms]", Kernel: true}, {File: "/bin/app"}},
	}
	index := map[string]int32{}
	location := func(name string) int32 {
		if i, ok := index[name]; ok {
			return i
		}
		mapping := 0
		short, isUser := strings.CutPrefix(name, "app:")
		if isUser {
			mapping = 1
		}
		i := int32(len(p.Locations))
		p.Functions = append(p.Functions, profile.Function{Name: short, Mapping: mapping})
		p.Locations = append(p.Locations, profile.Location{Mapping: mapping, Function: int(i)})
		index[name] = i
		return i
	}
	for i, r := range rows {
		var s profile.Stack
		frames := strings.Split(r.Stack, ";")
		for j := len(frames) - 1; j >= 0; j-- {
			s = append(s, location(frames[j]))
		}
		p.Stacks = append(p.Stacks, s)
		p.Cells = append(p.Cells, profile.Cell{
			Stack: int32(i), CPU: int32(r.CPU), Comm: -1,
			Count: r.Count, Period: r.Count * period, PeriodSq: float64(r.Count) * period * period,
		})
	}
	return p
}

func WantValue(t *testing.T, name string, got metric.Value, want float64) {
	t.Helper()
	if !got.Measured() || math.Abs(got.Value-want) > 1e-9*math.Max(1, want) {
		t.Errorf("%s = %+v, want %v", name, got, want)
	}
}

func PCPU(n uint32) *uint32 { return &n }
