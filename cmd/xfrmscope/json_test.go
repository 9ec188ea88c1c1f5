package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/top"
)

// jsonOf runs a command line and returns the document that it prints.
func jsonOf(t *testing.T, code int, args ...string) string {
	t.Helper()
	got, stdout, stderr := cli(append(args, "--json")...)
	if got != code || (stderr == "") != (code == exitOK) || !json.Valid([]byte(stdout)) {
		t.Fatalf("%v: exit %d, want %d; %s\n%.400s", args, got, code, stderr, stdout)
	}
	return stdout
}

var (
	halves = regexp.MustCompile(`,(\n *)?"half_95": ?[0-9.e+-]+`)
	sizes  = regexp.MustCompile(`("size_bytes": ?)[1-9][0-9]*`)
	tools  = regexp.MustCompile(`("tool": ?)"xfrmscope [^"]*"`)
)

// What show and compare print is results.json with the half of each interval; read
// and printed again it is the same.
func TestJSONIsResults(t *testing.T) {
	for _, args := range [][]string{
		{"show", "sample:pcpu"},
		{"compare", "sample:shared", "sample:pcpu", "--fail-on", "cost_per_packet>5%", "--fail-on",
			"mpkc@4>1%"},
	} {
		dir := t.TempDir()
		code, write := exitOK, []string{"report", "sample:pcpu", "-o", dir}
		if args[0] == "compare" {
			code, write = exitInvalid, append(args, "-o", dir)
		}
		if got, _, stderr := cli(write...); got != code {
			t.Fatal(stderr)
		}
		doc := jsonOf(t, code, args...)
		if halves.ReplaceAllString(doc, "") != readFile(t, filepath.Join(dir, "results.json")) {
			t.Errorf("%v: not what results.json holds", args)
		}
		file := filepath.Join(dir, "printed.json")
		if err := os.WriteFile(file, []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
		if jsonOf(t, exitOK, "show", file) != doc {
			t.Errorf("%v: read and printed again it differs", args)
		}
		if n := checkHalves(t, decoded(t, doc)); n < 100 {
			t.Errorf("%v: %d numbers have an interval", args, n)
		}
	}
}

func decoded(t *testing.T, doc string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(doc), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// checkHalves counts the numbers that say the half of their interval: all that have
// a standard error.
func checkHalves(t *testing.T, v any) (n int) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			n += checkHalves(t, x)
		}
	case map[string]any:
		se, _ := v["se"].(float64)
		if _, spread := v["df"]; v["id"] != nil && v["unit"] != nil && se > 0 && !spread {
			half, _ := v["half_95"].(float64)
			if n++; math.Abs(half/se-1.96) > 1e-9 {
				t.Errorf("%v: half %v of the standard error %v", v["id"], half, se)
			}
		}
		for _, x := range v {
			n += checkHalves(t, x)
		}
	}
	return n
}

func TestJSONGolden(t *testing.T) {
	for name, doc := range map[string]string{
		"list.json":   jsonOf(t, exitOK, "list", "sample:pcpu"),
		"verify.json": jsonOf(t, exitInvalid, "verify", "sample:pcpu", "--strict"),
		"show.json":   jsonOf(t, exitOK, "show", stacksFile(t, t.TempDir())),
	} {
		doc = tools.ReplaceAllString(doc, `$1""`)
		golden(t, name, sizes.ReplaceAllString(doc, "${1}0")) // samples may be packed better
	}
}

// A damaged run is in the document, and the exit code is what it is without.
func TestJSONOfDamage(t *testing.T) {
	dir := sampleDir(t, "pcpu")
	if err := os.WriteFile(filepath.Join(dir, "n2", "sas.jsonl"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	doc := decoded(t, jsonOf(t, exitInvalid, "verify", dir)).(map[string]any)
	damaged := doc["runs"].([]any)[1].(map[string]any)
	if !strings.Contains(damaged["damaged"].(string), "sas.jsonl") || doc["error"] == "" || doc["gates"] != nil {
		t.Errorf("%v", doc)
	}
	for _, args := range [][]string{{"compare", dir, dir, "--ktap"}, {"list", dir, "/nowhere"}} {
		if code, stdout, _ := cli(append(args, "--json")...); code == exitOK || stdout != "" {
			t.Errorf("%v: exit %d, %s", args, code, stdout)
		}
	}
	mail := "> xfrmscope report: 6 runs, modes a\n>   host west\n"
	var out, errw bytes.Buffer
	if code := run(t.Context(), []string{"show", "-", "--json"}, strings.NewReader(mail), &out, &errw); code !=
		exitUsage || out.Len() > 0 {
		t.Errorf("a digest: exit %d, %s%s", code, out.String(), errw.String())
	}
}

// Addresses are masked unless they are asked for, in all frames of top alike.
func TestJSONAddresses(t *testing.T) {
	address := regexp.MustCompile(`0xff[0-9a-f]{14}`)
	for _, args := range [][]string{{"show", "sample:pcpu"}, {"compare", "sample:shared", "sample:pcpu"}} {
		masked := jsonOf(t, exitOK, args...)
		if address.MatchString(masked) || !strings.Contains(masked, "rcu_state") {
			t.Errorf("%v: %q", args, address.FindString(masked))
		}
		if !address.MatchString(jsonOf(t, exitOK, append(args, "--addresses")...)) {
			t.Errorf("%v: no address with --addresses", args)
		}
	}
	var out bytes.Buffer
	o := jsonOptions{json: true}
	masked := o.masking()
	for _, lock := range []string{"0xff15df9ac0057800", "0xffffffffa5d0f300", "0xff15df9ac0057800"} {
		f := topFrame{Frame: top.Frame{Locks: []top.LockRate{{Lock: lock}},
			Losses: []bundle.Loss{{What: "\u202e\u009b\U000e0001"}}}}
		if err := (streams{binary: &out}).writeJSON(&f, masked, ""); err != nil {
			t.Fatal(err)
		}
	}
	var locks []string
	for line := range strings.Lines(out.String()) {
		frame := decoded(t, line).(map[string]any)
		locks = append(locks, frame["locks"].([]any)[0].(map[string]any)["lock"].(string))
		what := frame["losses"].([]any)[0].(map[string]any)["what"]
		if what != "\u202e\u009b\U000e0001" || strings.ContainsAny(line, "\u202e\u009b\U000e0001") {
			t.Errorf("%q", line)
		}
	}
	if got := strings.Join(locks, " "); got != "0x1 0x2 0x1" {
		t.Errorf("locks %s", got)
	}
}
