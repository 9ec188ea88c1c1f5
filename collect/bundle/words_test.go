package bundle

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The words of the contract that mean nothing else anywhere: no other package
// spells them.
var ownWords = []string{
	ManifestFile, PerfDataFile, TotalsFile, LocksFile, FindsFile, CountersFile, SAsFile,
	PoliciesFile, PlacementFile, LayoutsFile, TrafficFile, SweepFile, ScenarioFile,
	GateLostSamples, GateThrottled, GateMultiplexed, GateIRQDrift, GateIdleCPUs, GateGenerator, GateCoverage,
	TopicRule, TopicRSS, TopicXPS, TopicRPS, TopicQdisc, TopicIsolation, TopicTopology,
	TopicListener, TopicSysctl, "probe-start", "probe-end", "count-start", "count-end", "none-0-start",
	"none-0-end", "none-",
}

// Others are words of the contract where they stand: by the field or function
// they are given to or held against.
var (
	phases = []string{PhaseStart, PhaseEnd, PhaseSample}
	probes = append(Probes(), ProbeInbound)
	topics = []string{TopicIRQ, TopicNIC, TopicPause, TopicRing, TopicFeature, TopicStat, TopicLink,
		TopicGovernor, TopicIRQBalance, TopicIOMMU}
	labels = []string{LabelMode, LabelN, LabelRepeat, LabelSide, LabelHost}
	placed = map[string][]string{
		"Phase": append(slices.Clone(phases), probes...), "phase": append(slices.Clone(phases), probes...),
		"phaseProbe": probes,
		"Probe":      probes, "probe": probes, "Probes": probes, "spanOf": probes, "probeOf": probes,
		"noProbe": probes, "during": probes,
		"Topic": topics, "topic": topics, "ID": Gates(), "gate": Gates(),
		"Labels": labels, "labels": labels, "label": labels, "withLabel": labels,
	}
)

// What was read out of sentences made for people, which is what a typed value of
// collect/bundle or of the result says now; legacy.go alone still reads it.
var prose = []string{
	"inbound", "SPI", "of CPU", "x->", "net->", "LOST", "THROTTLE", "flows, run", "not supported", "miss",
	"misses", "cache", "cache misses",
	"written", "written by every packet", "every CPU", "function", "stage", "lock", "event", "not measured:",
	"gate failed:", "in doubt:", "clock",
	"SA counters", "(pid", "the next machine held this one back",
}

// readers are the functions of strings that look into a text.
var readers = []string{"Contains", "HasPrefix", "HasSuffix", "Cut", "CutPrefix", "CutSuffix", "TrimPrefix",
	"TrimSuffix", "Index", "LastIndex"}

// foreign are files that read what other programs say in such words.
var foreign = []string{"collect/perf/tool.go"}

// TestWordsOnce refuses words of the contract that are spelled beside it.
func TestWordsOnce(t *testing.T) {
	root := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "node_modules" || name == "testdata" || name == ".git" ||
				path == filepath.Join(root, "bpf") || path == filepath.Join(root, "collect", "bundle") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		complaints := strayWords(t, path, string(source))
		rel, err := filepath.Rel(root, path)
		if err == nil && !slices.Contains(foreign, filepath.ToSlash(rel)) {
			complaints = append(complaints, proseRead(t, path, string(source))...)
		}
		for _, complaint := range complaints {
			t.Error(complaint)
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files read: %v", files, err)
	}
}

// TestStrayWords shows that what TestWordsOnce looks for it finds.
func TestStrayWords(t *testing.T) {
	for _, test := range []struct {
		name, body string
		complain   bool
	}{
		{"a file", `open("locks.jsonl")`, true},
		{"a file of symbols", `open("symbols/kallsyms.gz")`, true},
		{"a gate", `g := "irq-drift"`, true},
		{"a topic compared", `if f.Topic == "irq" { g() }`, true},
		{"a phase switched on", `switch c.Phase { case "sample": g() }`, true},
		{"a probe as an argument", `spanOf(m, "count")`, true},
		{"a probe in a field", `p := bundle.Phase{Probe: "wait"}`, true},
		{"a label indexed", `x := r.Plan.Labels["mode"]`, true},
		{"labels as a map", `labels := map[string]string{"repeat": "1"}`, true},
		{"an end of text", `w.text("axis", "end")`, false},
		{"a unit", `v := Value{Unit: "count"}`, false},
		{"a column", `c := column{Text: "mode"}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := strayWords(t, "planted.go", "package planted\nfunc f() {\n"+test.body+"\n}\n")
			if len(got) > 0 != test.complain {
				t.Errorf("complaints %q, want any: %v", got, test.complain)
			}
		})
	}
}

// TestProseRead shows that what is read out of sentences is found.
func TestProseRead(t *testing.T) {
	for _, test := range []struct {
		body     string
		complain bool
	}{
		{`ok := strings.HasSuffix(l.Name, " inbound")`, true},
		{`name, _, _ := strings.Cut(l.Name, " of CPU ")`, true},
		{`ok := strings.Contains(l.What, "THROTTLE")`, true},
		{`who, rest, ok := strings.Cut(claim, ": ")`, true},
		{`ok := strings.HasPrefix(at.Of, "lock ")`, true},
		{`ok := strings.HasPrefix(name, "cpu")`, false},
		{`g := Gap{What: "cache misses"}`, false},
	} {
		got := proseRead(t, "reports/planted.go", "package planted\nfunc f() {\n"+test.body+"\n}\n")
		if len(got) > 0 != test.complain {
			t.Errorf("%s: complaints %q, want any: %v", test.body, got, test.complain)
		}
	}
}

func parsed(t *testing.T, path, source string) (*token.FileSet, *ast.File) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return fset, file
}

// proseRead returns a complaint for each place where a source looks for prose in a
// text. Findings and reports, which read no foreign text, part none at a colon.
func proseRead(t *testing.T, path, source string) (complaints []string) {
	t.Helper()
	fset, file := parsed(t, path, source)
	complain := func(at ast.Node, what string) {
		complaints = append(complaints, fset.Position(at.Pos()).String()+": "+what)
	}
	path = filepath.ToSlash(path)
	ours := strings.Contains(path, "reports/")
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || !slices.Contains(readers, nameOf(call.Fun)) {
			return true
		}
		for _, arg := range call.Args {
			s, ok := textOf(arg)
			cut := ours && s == ": " && strings.HasPrefix(nameOf(call.Fun), "Cut")
			if ok && (cut || slices.Contains(prose, strings.TrimSpace(s))) {
				complain(arg, strconv.Quote(s)+" is looked for in a text")
			}
		}
		return true
	})
	return complaints
}

// strayWords returns a complaint for each word of the contract in a source.
func strayWords(t *testing.T, path, source string) (complaints []string) {
	t.Helper()
	fset, file := parsed(t, path, source)
	complain := func(at ast.Node, what string) {
		complaints = append(complaints, fset.Position(at.Pos()).String()+": "+what)
	}
	refuse := func(e ast.Expr, words []string) {
		if s, ok := textOf(e); ok && slices.Contains(words, s) {
			complain(e, strconv.Quote(s)+" has a constant in collect/bundle")
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit:
			refuse(n, ownWords)
			if s, _ := textOf(n); strings.HasPrefix(s, SymbolsDir+"/") {
				complain(n, "a file of symbols has a constant in collect/bundle")
			}
		case *ast.IndexExpr:
			refuse(n.Index, labels)
		case *ast.BinaryExpr:
			refuse(n.X, placed[nameOf(n.Y)])
			refuse(n.Y, placed[nameOf(n.X)])
		case *ast.SwitchStmt:
			for _, c := range n.Body.List {
				for _, e := range c.(*ast.CaseClause).List {
					refuse(e, placed[nameOf(n.Tag)])
				}
			}
		case *ast.CallExpr:
			for _, e := range n.Args {
				refuse(e, placed[nameOf(n.Fun)])
			}
		case *ast.CompositeLit:
			_, isMap := n.Type.(*ast.MapType)
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					refuse(kv.Value, placed[nameOf(kv.Key)])
					if isMap {
						refuse(kv.Key, labels)
					}
				}
			}
		}
		return true
	})
	return complaints
}

// nameOf is the last name of an expression: of "m.Phases[i].Probe" "Probe".
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.CallExpr:
		return nameOf(e.Fun)
	case *ast.IndexExpr:
		return nameOf(e.X)
	}
	return ""
}

func textOf(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}
