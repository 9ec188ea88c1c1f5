package bundle

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func TestWarn(t *testing.T) {
	for _, tt := range []struct {
		got        Warning
		text, form string
		values     []float64
	}{
		{Warn("a", "changed by %+.0f %% in %s", 46.2, "CPU 3"), "changed by +46 % in CPU 3",
			"changed by {} % in CPU 3", []float64{46}},
		{Warn("a", "%d of %d (%.2f %%): %v", uint64(3), 8, 37.5, errors.New("no 7")), "3 of 8 (37.50 %): no 7",
			"{} of {} ({} %): no 7", []float64{3, 8, 37.5}},
		{Warn("a", "-0 is %.0f, %v", -.25, 1e21),
			"-0 is -0, 1e+21", "-0 is {}, 1e+21", []float64{math.Copysign(0, -1)}},
		// Names, sets, times and what is no decimal number are no figures.
		{Warn("a", "%s %x %s %v %v", CPUSet{1}, 10, 5*time.Second, nil, math.NaN()),
			"1 a 5s <nil> NaN", "", nil},
		{Warn("a", "%.0f", math.Inf(-1)), "-Inf", "", nil},
		{Warn("a", "no number"), "no number", "", nil},
		{Warn("a", "%d", uint64(math.MaxUint64)), "18446744073709551615", "", nil},
		// A name may hold what marks a figure.
		{Warn("a", "%s %d", "{}", 1), "{} 1", "", nil},
		{Warn("a", "%d %s", 1, "{}"), "1 {}", "{} {}", []float64{1}},
	} {
		var values []float64
		for _, f := range tt.got.Figures {
			values = append(values, f.Value)
		}
		if tt.got.Text != tt.text || tt.got.Form != tt.form || !reflect.DeepEqual(values, tt.values) {
			t.Errorf("%+v, want %q, %q, %v", tt.got, tt.text, tt.form, tt.values)
		}
		data, err := json.Marshal(tt.got)
		back := make([]Warning, 1)
		if err == nil {
			err = json.Unmarshal(data, &back[0])
		}
		LegacyWarnings(back)
		if err != nil || !reflect.DeepEqual(back[0], tt.got) {
			t.Errorf("%s becomes %+v: %v", data, back[0], err)
		}
	}
	behind := Warn("a", "%d lost", 3).Behind("perf 2: ")
	if behind.Text != "perf 2: 3 lost" || behind.With([]string{"3..5"}) != "perf 2: 3..5 lost" {
		t.Errorf("%+v", behind)
	}
	if behind = behind.Behind("{}: "); behind.Text != "{}: perf 2: 3 lost" || len(behind.Figures) > 0 {
		t.Errorf("%+v", behind)
	}
}

// TestOpenWarnings opens manifests of before there were figures, and of somebody who made them up.
func TestOpenWarnings(t *testing.T) {
	for _, tt := range []struct{ line, form, figures string }{
		{`"text": "busy 1.50 s (CPU 3: +95.5 %), 0-3, L1, 1e3 x"`, "busy {} s (CPU {}: {} %), 0-3, L1, 1e3 x",
			"1.50 3 +95.5"},
		{`"text": "none", "figures": null`, "", ""},
		{`"text": "of 4 runs", "figures": []`, "", ""},
		{`"text": "of 4 runs", "form": "of {} runs", "figures": ["4"]`, "of {} runs", "4"},
		{`"text": "4.0", "form": "{}", "figures": ["4.0"]`, "{}", "4.0"},
		// Not of the text, not in their place, no number, too many, too few.
		{`"text": "of 4 runs", "form": "all {} fine", "figures": ["4"]`, "", ""},
		{`"text": "4 of 5", "form": "{} of {}", "figures": ["5", "4"]`, "", ""},
		{`"text": "of x", "form": "of {}", "figures": ["x"]`, "", ""},
		{`"text": "of NaN", "form": "of {}", "figures": ["NaN"]`, "", ""},
		{`"text": "of +-4", "form": "of {}", "figures": ["+-4"]`, "", ""},
		{`"text": "of 4", "form": "of {}", "figures": ["4", "5"]`, "", ""},
		{`"text": "of {}", "form": "of {}", "figures": [""]`, "", ""},
		{`"text": "", "form": "{}{}{}"`, "", ""},
	} {
		manifest := `{"schema": 3, "status": "complete", "warnings": [{"weakens": "a", ` + tt.line + `}]}`
		run, err := Open(fstest.MapFS{ManifestFile: {Data: []byte(manifest)}}, "run")
		if err != nil {
			t.Fatal(err)
		}
		var figures []string
		for _, f := range run.Warnings[0].Figures {
			figures = append(figures, f.Text)
		}
		if got := strings.Join(figures, " "); got != tt.figures || run.Warnings[0].Form != tt.form {
			t.Errorf("%s is %+v", tt.line, run.Warnings[0])
		}
	}
}

// FuzzWarning: figures give the text or there are none, and reading them again changes nothing.
func FuzzWarning(f *testing.F) {
	f.Add("busy 1.50 s (CPU 3: +95 %)", "{}", "3", 3.0, false)
	f.Add("of {} 4", "of {} {}", "4", math.Inf(1), true)
	f.Fuzz(func(t *testing.T, text, form, figure string, value float64, given bool) {
		list := []Warning{{Text: text}}
		if given {
			list[0].Form, list[0].Figures = form, []Figure{{figure, value}}
		}
		LegacyWarnings(list)
		once := list[0]
		var texts []string
		for _, f := range once.Figures {
			texts = append(texts, f.Text)
		}
		if once.Text != text || len(texts) > 0 && once.With(texts) != text ||
			(len(texts) == 0) != (once.Form == "") {
			t.Fatalf("%+v", once)
		}
		if LegacyWarnings(list); !reflect.DeepEqual(list[0], once) {
			t.Fatalf("%+v becomes %+v", once, list[0])
		}
	})
}
