package result

import (
	"encoding/json"
	"testing"

	"xfrmscope/collect/bundle"
)

// A result holds subjects and blanks as text: whatever a mode or a function is
// called, they come back as they were.
func TestSubjectsOfResults(t *testing.T) {
	type kept struct {
		Of    Subject `json:"of,omitzero"`
		Blank Blank   `json:"blank"`
	}
	for _, test := range []struct {
		kept kept
		want string
	}{
		{kept{Blank: Blank{"pcpu: v2 patch N=4, packets/s", "gate failed: pause (1 of 12 runs)"}},
			`{"blank":"pcpu: v2 patch N=4, packets/s: gate failed: pause (1 of 12 runs)"}`},
		{kept{Subject{bundle.OfFunction, "lock f"}, Blank{"the scaling law", "in doubt: fails cross-check x"}},
			`{"of":"function lock f","blank":"the scaling law: in doubt: fails cross-check x"}`},
		{kept{Subject{bundle.OfLock, "in f"}, Blank{"a", "gate failed: b; in doubt: c"}},
			`{"of":"lock in f","blank":"a: gate failed: b; in doubt: c"}`},
		{kept{Subject{Kind: bundle.OfFunctions}, Blank{"a", "in doubt: c"}},
			`{"of":"all functions","blank":"a: in doubt: c"}`},
	} {
		data, err := json.Marshal(test.kept)
		var back kept
		if err == nil {
			err = json.Unmarshal(data, &back)
		}
		if err != nil || string(data) != test.want || back != test.kept {
			t.Errorf("%s, back %+v: %v, want %s", data, back, err, test.want)
		}
	}
}
