package page

import (
	"bytes"
	"encoding/json"
	"testing"
)

// TestColumns: what comes back is the same text, numbers to the last digit.
func TestColumns(t *testing.T) {
	for _, doc := range []string{
		`{}`, `[]`, `null`, `"a"`, `1.50`, `{"a":{"b":[1,2.0,0.1234567890123456789,-1e-9]}}`,
		`{"a.b":1,"a":{"b":2},"":{"":[[],[[1],[]],{}]}}`,
		`[{"a":1,"b c":null},{"a":[true,false],"b c":{"a":"x\ny \u003c"}},{"a":"[3"},"{"]`,
	} {
		packed, err := toColumns([]byte(doc))
		if err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		if got, err := fromColumns(packed); err != nil || string(got) != doc {
			t.Errorf("%s: got %s, %v of\n%s", doc, got, err, packed)
		}
	}
}

func TestColumnsRefuse(t *testing.T) {
	for _, text := range []string{
		"", "columns\n", "columns\n2 \"\"\n1\n",
		"columns\n-1 \"\"\n", "columns\n1 x\n1\n", "columns\n1 \"\"\n[2\n",
		"columns\n1 \"\"\n[9999999999999999999\n", "columns\n1 \"\"\n{\"a\"\n", "columns\n1 \"\"\n{a\n",
		"columns\n1 \"\"\n\n",
	} {
		if got, err := fromColumns([]byte(text)); err == nil {
			t.Errorf("%q: read as %s", text, got)
		}
	}
	deep := bytes.Repeat([]byte("["), 100)
	if _, err := toColumns(append(deep, bytes.Repeat([]byte("]"), 100)...)); err == nil {
		t.Error("100 arrays in each other are written")
	}
}

func FuzzColumns(f *testing.F) {
	for _, doc := range []string{`{"a":[1,{"b":null}]}`, `[[],{"":"x"}]`} {
		packed, err := toColumns([]byte(doc))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := fromColumns(text)
		if err != nil || !json.Valid(doc) {
			return
		}
		packed, err := toColumns(doc)
		if err != nil {
			t.Fatalf("%v: %s", err, doc)
		}
		again, err := fromColumns(packed)
		var want bytes.Buffer
		if json.Compact(&want, doc); err != nil || !sameJSON(again, want.Bytes()) {
			t.Fatalf("%v\n%s\n%s", err, again, doc)
		}
	})
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && quoted(x) == quoted(y)
}
