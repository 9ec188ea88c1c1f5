package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// readers says of each function that reads a file, or of its package, which row of
// TestMemory bounds what that costs, or after "=" why it needs none.
func readers() map[string]string {
	const kernels = "= of the kernel"
	return map[string]string{
		"analyze/importer.document":     "iperf3: intervals",
		"analyze/profile.ReadPprof":     "pprof: samples",
		"analyze/symbols.ReadELF":       "ELF: symbols",
		"analyze/symbols.miniDebugInfo": "= ReadELF's, unpacked up to 64 MB",
		"analyze/symbols.ReadPerfMap":   "= as long as kallsyms may be; the file is of this machine's /tmp",
		"analyze.read":                  "kallsyms of a run",

		"cmd/xfrmscope.copyFile":      "= copied, not kept",
		"cmd/xfrmscope.digestBeside":  "results.json of verify",
		"cmd/xfrmscope.doctorKconfig": "configuration of a kernel",
		"cmd/xfrmscope.formatOf":      "= a head of 64 kB",
		"cmd/xfrmscope.isPacked":      "= a head",
		"cmd/xfrmscope.kernelSymbols": "kallsyms: symbols",
		"cmd/xfrmscope.readForeign":   "folded: stacks",
		"cmd/xfrmscope.readScenario":  "scenario: runs",
		"cmd/xfrmscope.readResult":    "results.json: runs",
		"cmd/xfrmscope.readStdin":     "stdin",
		"cmd/xfrmscope.readTable":     "table: rows",
		"cmd/xfrmscope.unpack":        "perf.data: packed as a whole",

		"collect/bundle.Open":        "= a file system: who reads from it has a row",
		"collect/bundle.ReadRegular": "= its callers have rows",
		"collect/bundle.readBounded": "sweep.json: runs",
		"collect/bundle.readLines":   "rows: locks",
		"collect/bundle.sameFile":    "= hashed, not kept",
		"collect/bundle.syncDir":     "= synced, not read",
		"collect/doctor.Kconfig":     "configuration of a kernel",
		"collect/pack.Open":          "pack: rows",
		"collect/pack.add":           "= copied, not kept",
		"collect/pack.contains":      "= read in pieces of 1 MB",
		"collect/pack.others":        "pack --publish: scenario",
		"collect/record.LastLines":   "= a log of a command of this user",
		"collect/record.ReadTraffic": "= 1 MB at most",
		"collect/scenario.ReadFile":  "scenario: runs",
		"reports.filesOfReport":      "= a page that this program wrote",
		"reports.written":            "= synced, not read",
		"reports/page.Files":         "= names in a page, 4 MB at most",
		"reports/page.Results":       "report.html: runs",
		"reports/page.unpacked":      "= columns of a page, 32 MB at most; the JSON of them is no longer",
		"reports/push.send":          "= what a server answers, 4 kB",

		"collect/lab":          "= images and modules of bounded size, see there; the guest's memory",
		"collect/perf":         "= what the own perf prints",
		"collect/placement":    kernels,
		"collect/probe":        kernels,
		"collect/procfs":       kernels,
		"collect/remote":       "= the own program, and the runs that it sends",
		"collect/sweep":        "= its own files, and results that are copied",
		"collect/xfrm":         kernels,
		"reports/flame":        "= embedded",
		"samples":              "= embedded",
		"cmd/xfrmscope/topics": "= embedded",
	}
}

// Whoever adds a reader says what bounds it.
func TestReadersAreNamed(t *testing.T) {
	rows, known, used := readFile(t, "memory_test.go"), readers(), map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if slices.Contains([]string{"testdata", "node_modules", ".ci", "out"}, d.Name()) {
				return fs.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		pkg := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), "../../"))
		for _, name := range readingFunctions(t, path) {
			key := pkg + "." + name
			if _, ok := known[key]; !ok {
				key = pkg
			}
			if used[key] = true; known[key] == "" {
				t.Errorf("%s reads a file, and readers does not say what bounds it", pkg+"."+name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key, row := range known {
		if !used[key] {
			t.Errorf("%s reads no file any more", key)
		}
		if row[0] != '=' && !strings.Contains(rows, `{"`+row+`", `) {
			t.Errorf("%s: TestMemory has no row %q", key, row)
		}
	}
}

// readingFunctions are those of a file that open or read files or streams as a whole.
func readingFunctions(t *testing.T, path string) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			from, what := "", ""
			switch fun := call.Fun.(type) {
			case *ast.Ident:
				what = fun.Name
			case *ast.SelectorExpr:
				what = fun.Sel.Name
				if x, ok := fun.X.(*ast.Ident); ok {
					from = x.Name
				}
			}
			opens := what == "Open" && (from == "os" || from == "elf") || what == "NewFile" && from == "elf"
			if opens || slices.Contains([]string{"OpenRegular", "ReadRegular", "ReadFile", "ReadAll",
				"NewScanner"}, what) {
				names = append(names, f.Name.Name)
			}
			return true
		})
	}
	return names
}
