// Package house keeps the rules of the house: over the parsed and typed sources
// of every package, what may import what, how large a room may grow, and what
// none may hold. Each gate also runs on the module of testdata/house.txt, which
// has a fault of each kind, and must name those and no others.
package house

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"iter"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const program = "xfrmscope"

// rooms names every package and what it may import of the others: what stands
// here, and what that may import. Nothing reaches back: cmd -> collect,
// analyze, reports; collect -> bpf, collect/bundle; analyze -> collect/bundle;
// reports -> analyze.
var rooms = map[string]string{
	"bpf": "",
	"cmd/xfrmscope": "collect/doctor collect/lab collect/selftest collect/sweep collect/top collect/pack " +
		"reports/push reports/parquet reports/finding samples cmd/xfrmscope/topics",
	"cmd/xfrmscope/topics": "collect/doctor reports/format",

	"samples":        "",
	"samples/lab":    "",
	"collect/bundle": "",

	"collect":           "",
	"collect/doctor":    "collect/record",
	"collect/ethtool":   "collect/bundle",
	"collect/lab":       "collect/record",
	"collect/lockname":  "collect/probe collect/procfs",
	"collect/pack":      "collect/bundle",
	"collect/perf":      "collect/sched",
	"collect/placement": "collect/ethtool collect/xfrm",
	"collect/probe":     "bpf collect/bundle",
	"collect/procfs":    "collect/bundle",
	"collect/record":    "collect/lockname collect/perf collect/placement",
	"collect/remote":    "collect/record collect/scenario",
	"collect/scenario":  "collect/procfs",
	"collect/sched":     "collect/bundle",
	"collect/selftest":  "collect/record",
	"collect/sweep":     "collect/remote",
	"collect/top":       "collect/record",
	"collect/xfrm":      "collect/procfs",

	"analyze/symbols":  "collect/bundle",
	"analyze/metric":   "collect/bundle",
	"analyze/spe":      "",
	"analyze/perfdata": "collect/bundle analyze/spe",
	"analyze/profile":  "analyze/perfdata analyze/symbols",
	"analyze/stage":    "analyze/profile",
	"analyze/drawing":  "",
	"analyze/importer": "analyze/profile analyze/drawing",
	"analyze/compare":  "analyze/metric analyze/stage",
	"analyze/scaling":  "analyze/compare",
	"analyze/result":   "analyze/scaling",
	"analyze/packets":  "analyze/importer analyze/result",
	"analyze/locks":    "analyze/packets",
	"analyze/cost":     "analyze/packets",
	"analyze/checks":   "analyze/cost",
	"analyze/lines":    "analyze/result",
	"analyze/curves":   "analyze/checks analyze/lines",
	"analyze/sides":    "analyze/curves analyze/locks",
	"analyze":          "analyze/importer analyze/locks analyze/cost analyze/checks analyze/curves analyze/sides",

	"reports/svg":     "reports/format",
	"reports/format":  "analyze/result",
	"reports/finding": "reports/view analyze/curves analyze/locks",
	"reports/view":    "reports/format",
	"reports/flame":   "reports/view reports/svg",
	"reports/chart":   "reports/view reports/svg analyze/curves",
	"reports/digest":  "reports/view",
	"reports/page":    "reports/chart reports/flame",
	"reports":         "analyze reports/digest reports/page",
	"reports/push":    "reports",

	"reports/parquet": "reports",
}

// outside says what packages of this and other modules must not reach, not
// even through another package; the first line that fits counts.
var outside = []struct{ rooms, never string }{
	{"collect/bundle", "github.com golang.org os/exec net"},
	{"collect", "github.com/spf13/cobra github.com/google/pprof"},
	{"analyze", "github.com/cilium/ebpf github.com/spf13/cobra github.com/go-echarts os/exec net"},
	{"reports/parquet", "github.com/cilium/ebpf github.com/spf13/cobra os/exec"}, // net: of a library's UUIDs
	{"reports/push", "github.com/cilium/ebpf github.com/spf13/cobra os/exec"},
	{"reports", "github.com/cilium/ebpf github.com/spf13/cobra os/exec net"},
	{"samples", "github.com golang.org"},
}

// What is not yet as it should be.
var (
	wideRooms  = strings.Fields("")
	largeRooms = strings.Fields("")
	exports    = map[string]int{"analyze/perfdata": 40}
)

const (
	maxLines = 5000
	maxFiles = 24
	maxWidth = 120 // columns, a tab is 8
)

// gates are the rules. Each returns what breaks it.
var gates = map[string]func(*house) []string{
	"imports": imports, "size": size, "width": width, "state": state, "pure": pure, "exports": exported,
	"reading": reading, "docs": docs, "digits": digits, "prose": prose,
}

func TestHouse(t *testing.T) {
	ours, planted := openHouse(t, "../.."), openHouse(t, plant(t))
	for name, gate := range gates {
		t.Run(name, func(t *testing.T) {
			for _, fault := range gate(ours) {
				t.Error(fault)
			}
			wantFaults(t, name, gate(planted))
		})
	}
}

// TestCommands runs the gates that are programs of others. They want the
// network, and belong to make check.
func TestCommands(t *testing.T) {
	if os.Getenv("XFRMSCOPE_CHECK") == "" {
		t.Skip("make check runs it")
	}
	dir := plant(t)
	for name, gate := range map[string]func(dir string) []string{"dead": dead, "tidy": tidy} {
		t.Run(name, func(t *testing.T) {
			for _, fault := range gate("../..") {
				t.Error(fault)
			}
			wantFaults(t, name, gate(dir))
		})
	}
}

// A house is a module, parsed and typed.
type house struct {
	dir   string
	fset  *token.FileSet
	rooms []*room
	all   map[string]*room // by import path, with what other modules hold
}

// A room is a package. Files are hand-written and without tests.
type room struct {
	ImportPath, Dir, Export   string
	GoFiles, IgnoredGoFiles   []string
	TestGoFiles, XTestGoFiles []string
	Imports                   []string
	Module                    *struct{ Main bool }

	name  string // below the module: "collect/bundle"
	files []*ast.File
	types *types.Package
	info  *types.Info
}

func openHouse(t *testing.T, dir string) *house {
	t.Helper()
	h := &house{dir: dir, fset: token.NewFileSet(), all: map[string]*room{}}
	cmd := exec.Command("go", "list", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles,IgnoredGoFiles,"+
		"TestGoFiles,XTestGoFiles,Imports,Module", "./...")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(cmd, err, string(err.(*exec.ExitError).Stderr))
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		r := new(room)
		if err := d.Decode(r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		h.all[r.ImportPath] = r
		if r.Module != nil && r.Module.Main {
			r.name = strings.TrimPrefix(strings.TrimPrefix(r.ImportPath, program), "/")
			h.rooms = append(h.rooms, r)
		}
	}
	lookup := func(path string) (io.ReadCloser, error) { return os.Open(h.all[path].Export) }
	config := types.Config{Importer: importer.ForCompiler(h.fset, "gc", lookup)}
	for _, r := range h.rooms {
		r.info = &types.Info{Uses: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{},
			Selections: map[*ast.SelectorExpr]*types.Selection{}}
		var typed []*ast.File
		for _, name := range r.GoFiles {
			f, err := parser.ParseFile(h.fset, filepath.Join(r.Dir, name), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			typed = append(typed, f)
			if !ast.IsGenerated(f) {
				r.files = append(r.files, f)
			}
		}
		if r.types, err = config.Check(r.ImportPath, h.fset, typed, r.info); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// lines returns the lines of the hand-written files among names, by name.
func (r *room) lines(names ...[]string) map[string][]string {
	out := map[string][]string{}
	for _, name := range slices.Concat(names...) {
		text, err := os.ReadFile(filepath.Join(r.Dir, name))
		if err == nil && !strings.HasPrefix(string(text), "// Code generated ") {
			out[path.Join(r.name, name)] = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		}
	}
	return out
}

// reach returns what name reaches over next, itself not among it.
func reach(name string, next func(string) []string, seen map[string]bool) map[string]bool {
	for _, n := range next(name) {
		if !seen[n] {
			seen[n] = true
			reach(n, next, seen)
		}
	}
	return seen
}

// below reports whether a package is the one named or below it.
func below(pkg, folder string) bool { return pkg == folder || strings.HasPrefix(pkg, folder+"/") }

func imports(h *house) (faults []string) {
	may := func(name string) []string { return strings.Fields(rooms[name]) }
	direct := func(importPath string) []string {
		if r := h.all[importPath]; r != nil {
			return r.Imports
		}
		return nil // "C", and what the standard library vendors
	}
	for _, r := range h.rooms {
		if _, ok := rooms[r.name]; !ok {
			faults = append(faults, r.name+" is a package that no rule names")
			continue
		}
		allowed := reach(r.name, may, map[string]bool{})
		for _, i := range r.Imports {
			if ours, ok := strings.CutPrefix(i, program+"/"); ok && !allowed[ours] {
				faults = append(faults, r.name+" imports "+ours)
			}
		}
		for _, o := range outside {
			if !below(r.name, o.rooms) {
				continue
			}
			for i := range reach(r.ImportPath, direct, map[string]bool{}) {
				for _, never := range strings.Fields(o.never) {
					if below(i, never) && i != "net/url" && i != "net/netip" {
						faults = append(faults, r.name+" reaches "+i)
					}
				}
			}
			break
		}
	}
	return faults
}

// reading: the files that README.md sends a reader to are there.
func reading(h *house) (faults []string) {
	text, err := os.ReadFile(filepath.Join(h.dir, "README.md"))
	if err != nil {
		return []string{err.Error()}
	}
	for _, m := range filePattern.FindAllStringSubmatch(string(text), -1) {
		if name := m[1] + m[2]; !strings.Contains(name, ":") {
			if _, err := os.Stat(filepath.Join(h.dir, name)); err != nil {
				faults = append(faults, "README.md names "+name)
			}
		}
	}
	return faults
}

// filePattern finds what stands in backquotes with a folder, and links.
var filePattern = regexp.MustCompile("`((?:analyze|bpf|cmd|collect|reports|samples)/[^` ]*)`|\\]\\(([^)]+)\\)")

// docs: every package says what it owns, and how data flows through it.
func docs(h *house) (faults []string) {
	for _, r := range h.rooms {
		if len(r.files) > 0 && !slices.ContainsFunc(r.files, func(f *ast.File) bool { return f.Doc != nil }) {
			faults = append(faults, r.name+" has no package comment")
		}
	}
	return faults
}

// digits: in a report only reports/format turns numbers into text.
func digits(h *house) (faults []string) {
	for _, r := range h.rooms {
		if !strings.HasPrefix(r.name, "reports") || r.name == "reports/format" {
			continue
		}
		for file, lines := range r.lines(r.GoFiles) {
			for i, line := range lines {
				if verb := verbPattern.FindString(line); verb != "" {
					faults = append(faults, fmt.Sprintf("%s:%d prints a number by %s", file, i+1, verb))
				}
			}
		}
	}
	return faults
}

// verbPattern finds the verbs of floating-point numbers.
var verbPattern = regexp.MustCompile(`%[-+0-9.*]*[eEfgG]\b`)

// restores are the files that take what older bundles and results say in words.
var restores = strings.Fields("analyze/restore.go analyze/result/subject.go")

// prose: no sentence is read as data but where an older bundle or result is read, and a warning is made by
// bundle.Warn, which keeps its figures.
func prose(h *house) (faults []string) {
	const contract = program + "/collect/bundle"
	for _, r := range h.rooms {
		if r.ImportPath == contract {
			continue
		}
		for id, use := range r.info.Uses {
			file, _, _ := strings.Cut(h.at(id), ":")
			if use.Pkg() != nil && use.Pkg().Path() == contract && strings.HasPrefix(use.Name(), "Legacy") &&
				!slices.Contains(restores, file) {
				faults = append(faults, h.at(id)+" uses bundle."+use.Name())
			}
		}
		for _, f := range r.files {
			ast.Inspect(f, func(n ast.Node) bool {
				if literal, ok := n.(*ast.CompositeLit); ok && len(literal.Elts) > 0 &&
					isNamed(r.info.Types[literal].Type, contract, "Warning") {
					faults = append(faults, h.at(n)+" makes a bundle.Warning")
				}
				return true
			})
		}
	}
	return faults
}

func isNamed(t types.Type, pkg, name string) bool {
	n, ok := t.(*types.Named)
	return ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == pkg && n.Obj().Name() == name
}

func size(h *house) (faults []string) {
	for _, r := range h.rooms {
		files := r.lines(r.GoFiles, r.IgnoredGoFiles)
		sum := 0
		for _, lines := range files {
			sum += len(lines)
		}
		if (sum > maxLines || len(files) > maxFiles) && !slices.Contains(largeRooms, r.name) {
			faults = append(faults, fmt.Sprintf("%s has %d files of %d lines", r.name, len(files), sum))
		}
	}
	return faults
}

func width(h *house) (faults []string) {
	for _, r := range h.rooms {
		if slices.Contains(wideRooms, r.name) {
			continue
		}
		for file, lines := range r.lines(r.GoFiles, r.IgnoredGoFiles, r.TestGoFiles, r.XTestGoFiles) {
			data := false // within a text in the source: where it breaks is what it says
			for i, line := range lines {
				inside := data
				data = data != (strings.Count(line, "`")%2 == 1)
				if strings.HasPrefix(line, "//go:") || inside || data {
					continue // has no second line
				}
				columns := 0
				for _, c := range line {
					columns++
					if c == '\t' {
						columns = (columns + 7) / 8 * 8
					}
				}
				if columns > maxWidth {
					faults = append(faults, fmt.Sprintf("%s:%d has %d columns", file, i+1, columns))
				}
			}
		}
	}
	return faults
}

// pure: analysis opens no file and reads no clock.
func pure(h *house) (faults []string) {
	for _, r := range h.rooms {
		if !below(r.name, "analyze") {
			continue
		}
		for id, use := range r.info.Uses {
			if use.Pkg() == nil || use.Parent() != use.Pkg().Scope() {
				continue
			}
			switch name := use.Pkg().Path() + "." + use.Name(); name {
			case "time.Now", "time.Since", "time.Until":
				faults = append(faults, h.at(id)+" uses "+name)
			default:
				_, isType := use.(*types.TypeName)
				if use.Pkg().Path() == "os" && !isType && name != "os.SameFile" {
					faults = append(faults, h.at(id)+" uses "+name)
				}
			}
		}
	}
	return faults
}

func exported(h *house) (faults []string) {
	for _, r := range h.rooms {
		if most, ok := exports[r.name]; ok {
			n := 0
			for _, name := range r.types.Scope().Names() {
				if token.IsExported(name) {
					n++
				}
			}
			if n > most {
				faults = append(faults, fmt.Sprintf("%s exports %d names", r.name, n))
			}
		}
	}
	return faults
}

// state: no package-level variable is ever written, and there is no init. A
// table is a variable that is only read; a type that exists to be written, or a
// pointer to a type of ours, is refused wherever it is used.
func state(h *house) (faults []string) {
	for _, r := range h.rooms {
		for _, name := range r.types.Scope().Names() {
			if v, ok := r.types.Scope().Lookup(name).(*types.Var); ok &&
				changes(v.Type(), map[types.Type]bool{}) {
				faults = append(faults, h.at(v)+" "+name+" holds state")
			}
		}
		for _, f := range r.files {
			ast.Inspect(f, func(n ast.Node) bool {
				for _, e := range written(n, r.info) {
					if v := r.global(e); v != nil {
						faults = append(faults, h.at(n)+" "+v.Name()+" is written")
					}
				}
				if f, ok := n.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
					faults = append(faults, h.at(n)+" init")
				}
				return true
			})
		}
	}
	return faults
}

// at is where a thing stands, below the module: "analyze/run.go:12".
func (h *house) at(p interface{ Pos() token.Pos }) string {
	pos := h.fset.Position(p.Pos())
	for _, r := range h.rooms {
		if filepath.Dir(pos.Filename) == r.Dir {
			return fmt.Sprintf("%s:%d", path.Join(r.name, filepath.Base(pos.Filename)), pos.Line)
		}
	}
	return pos.String()
}

// changes reports whether a value of the type is there to be changed.
func changes(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	if n, ok := t.(*types.Named); ok && n.Obj().Pkg() != nil {
		switch from := n.Obj().Pkg().Path(); {
		case from == "sync" || from == "sync/atomic":
			return true
		case !below(from, program):
			return false // regexp.Regexp, embed.FS: they guard themselves
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Chan:
		return true
	case *types.Pointer:
		n, ok := u.Elem().(*types.Named)
		return !ok || below(n.Obj().Pkg().Path(), program) || changes(n, seen)
	case *types.Slice:
		return changes(u.Elem(), seen)
	case *types.Array:
		return changes(u.Elem(), seen)
	case *types.Map:
		return changes(u.Elem(), seen)
	case *types.Struct:
		for f := range u.Fields() {
			if changes(f.Type(), seen) {
				return true
			}
		}
	}
	return false
}

// written returns the expressions that a node writes to, or lets be written.
func written(n ast.Node, info *types.Info) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.UnaryExpr:
		if _, literal := n.X.(*ast.CompositeLit); n.Op == token.AND && !literal {
			return []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		called := types.ExprString(n.Fun)
		if slices.Contains(strings.Fields("delete clear copy maps.Copy slices.Reverse"), called) ||
			strings.HasPrefix(called, "sort.") || strings.HasPrefix(called, "slices.Sort") {
			return n.Args[:1]
		}
	case *ast.SelectorExpr: // a method called through the address of a variable
		if s := info.Selections[n]; s != nil && s.Kind() == types.MethodVal && !s.Indirect() {
			_, byPointer := s.Obj().(*types.Func).Signature().Recv().Type().(*types.Pointer)
			_, pointer := s.Recv().(*types.Pointer)
			if byPointer && !pointer {
				return []ast.Expr{n.X}
			}
		}
	}
	return nil
}

// global returns the package-level variable of ours that an expression is a
// part of.
func (r *room) global(e ast.Expr) *types.Var {
	for {
		switch x := e.(type) {
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.SelectorExpr:
			if r.info.Selections[x] == nil { // of another package
				e = x.Sel
			} else {
				e = x.X
			}
		case *ast.Ident:
			v, ok := r.info.Uses[x].(*types.Var)
			if ok && v.Pkg() != nil && below(v.Pkg().Path(), program) && v.Parent() == v.Pkg().Scope() {
				return v
			}
			return nil
		default:
			return nil
		}
	}
}

// dead returns the functions that no program of the module calls.
func dead(dir string) []string {
	return slices.Collect(output(dir, "go", "run", "golang.org/x/tools/cmd/deadcode@v0.52.0", "./..."))
}

func tidy(dir string) []string {
	if diff := slices.Collect(output(dir, "go", "mod", "tidy", "-diff")); len(diff) > 0 {
		return []string{strings.Join(diff, "\n")}
	}
	return nil
}

// output returns the lines a command writes that are not empty, and its error as others. What
// go fetches meanwhile it tells on the other output.
func output(dir string, name string, args ...string) iter.Seq[string] {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var told strings.Builder
	cmd.Stderr = &told
	out, err := cmd.Output()
	if err != nil {
		out = fmt.Appendf(out, "%s%v: %v\n", told.String(), cmd, err)
	}
	return strings.FieldsFuncSeq(string(out), func(r rune) bool { return r == '\n' })
}

// plant writes the module of testdata/house.txt, and a room that is too long.
func plant(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files := plantedParts(t)[1:]
	files = append(files, "analyze/stage/long.go --\npackage stage\n"+strings.Repeat("\n", maxLines))
	types := "analyze/perfdata/types.go --\npackage perfdata\n"
	for i := range exports["analyze/perfdata"] + 1 {
		types += fmt.Sprintf("\ntype T%d int", i)
	}
	files = append(files, types)
	for i := range maxFiles + 1 {
		files = append(files, fmt.Sprintf("analyze/symbols/%d.go --\npackage symbols", i))
	}
	for _, f := range files {
		name, text, _ := strings.Cut(f, " --\n")
		file := filepath.Join(dir, name)
		err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text+"\n"), 0o644))
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// plantedParts returns testdata/house.txt: lines of "GATE: what it must say",
// then the files, each headed "-- NAME --".
func plantedParts(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/house.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n-- ")
}

// wantFaults compares what a gate says of the planted module with what it must.
func wantFaults(t *testing.T, gate string, faults []string) {
	t.Helper()
	left := slices.Clone(faults)
	for line := range strings.Lines(plantedParts(t)[0]) {
		want, ok := strings.CutPrefix(strings.TrimSpace(line), gate+": ")
		if !ok {
			continue
		}
		if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, want) }) {
			t.Errorf("planted: %q is not found", want)
		}
		left = slices.DeleteFunc(left, func(f string) bool { return strings.Contains(f, want) })
	}
	if len(left) > 0 {
		t.Errorf("planted: found where nothing was planted: %q", left)
	}
}
