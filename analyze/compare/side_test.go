package compare

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestRefusals(t *testing.T) {
	before := Side{Name: "A",
		Must: map[string]string{"unit": "Gbit/s", "event": "cycles:k", "scenario": "ab12", "cpus": "1-4"}}
	after := Side{Name: "B",
		Must: map[string]string{"unit": "Gibit/s", "event": "cycles:k", "scenario": "cd34", "packets at": "SA"}}
	want := []Refusal{
		{"cpus", UnknownKey, "1-4", ""},
		{"packets at", UnknownKey, "", "SA"},
		{"scenario", DifferentKey, "ab12", "cd34"},
		{"unit", DifferentKey, "Gbit/s", "Gibit/s"},
	}
	if got := Refusals(before, after); !slices.Equal(got, want) {
		t.Errorf("refusals %v, want %v", got, want)
	}
	_, err := Admit(before, after, Options{})
	var refused *RefusedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "unit: Gbit/s before, Gibit/s after") ||
		!strings.Contains(err.Error(), "--force") {
		t.Errorf("error %v, want a refusal that names the unit and --force", err)
	}
	notes, err := Admit(before, after, Options{Force: true})
	if err != nil || len(notes) != 4 || notes[0].Code != Forced {
		t.Errorf("forced: %v, %v, want four notes", notes, err)
	}
	if notes, err := Admit(before, before, Options{}); notes != nil || err != nil {
		t.Errorf("with itself: %v, %v, want admitted", notes, err)
	}
}

func TestVariation(t *testing.T) {
	run := func(kv ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return m
	}
	before := Side{Runs: []map[string]string{
		run("kernel", "6.18", "governor", "performance", "rss", "a", "host", "west"),
		run("kernel", "6.18", "governor", "powersave", "rss", "a", "host", "west"),
	}}
	after := Side{Runs: []map[string]string{
		run("kernel", "6.18+1", "governor", "performance", "host", "west"),
		run("kernel", "6.18+1", "governor", "performance", "host", "west"),
	}}
	want := []Varied{
		{"kernel", Between, true, []ValueCount{{"6.18", true, 2}}, []ValueCount{{"6.18+1", true, 2}}},
		{"rss", Between, false, []ValueCount{{"a", true, 2}}, []ValueCount{{"", false, 2}}},
		{"governor", WithinBefore, false, []ValueCount{{"performance", true, 1}, {"powersave", true, 1}},
			[]ValueCount{{"performance", true, 2}}},
	}
	if got := Variation(before, after, "kernel"); !reflect.DeepEqual(got, want) {
		t.Errorf("variation %+v\nwant %+v", got, want)
	}
	if got := Variation(before, Side{}); len(got) != 1 || got[0].Where != WithinBefore {
		t.Errorf("against a side without runs: %+v, want what varies within before", got)
	}
}
