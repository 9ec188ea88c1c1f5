// Package stage says which part of the XFRM path a function belongs to: SPD
// lookup, SA lookup, bundle build, ESP framing, crypto and so on. The table is
// stages.txt, embedded; it is documentation and code at once.
package stage

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

//go:embed stages.txt
var stagesText string

// A Row is one stage.
type Row struct {
	Key  string // stable: "sa"
	Name string // as printed: "SA lookup"
	re   *regexp.Regexp
}

// XFRM reports whether the stage is code of XFRM or of ESP, which a change of
// XFRM could speed up; crypto is not.
func (r Row) XFRM() bool {
	switch r.Key {
	case "spd", "sa", "bundle", "bundle-free", "refcount", "replay", "output", "esp", "input":
		return true
	}
	return false
}

// A Table is an ordered list of stages. It may be used from several goroutines.
type Table struct {
	Rows []Row
	of   sync.Map // row by function name: the expressions run once a name
}

// Default returns the embedded table.
func Default() *Table {
	t, err := Parse(stagesText)
	if err != nil {
		panic(err) // stages.txt is part of the program; a test parses it
	}
	return t
}

// Parse reads a table in the form of stages.txt. Errors carry the line.
func Parse(text string) (*Table, error) {
	t := &Table{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 3 {
			return nil,
				fmt.Errorf("stages.txt:%d: want key, name and expression separated by tabs, got %d "+
					"fields", n, len(f))
		}
		re, err := regexp.Compile("^(?:" + f[2] + ")")
		if err != nil {
			return nil, fmt.Errorf("stages.txt:%d: %w", n, err)
		}
		t.Rows = append(t.Rows, Row{Key: f[0], Name: f[1], re: re})
	}
	return t, nil
}

// None is the row number of a function no stage claims.
const None = -1

// Idle is the key of the row that is not work.
const Idle = "idle"

// Of returns the row that claims a kernel function, or None. The function may
// carry compiler suffixes.
func (t *Table) Of(function string) int {
	if row, ok := t.of.Load(function); ok {
		return row.(int)
	}
	row := t.match(Strip(function))
	t.of.Store(function, row)
	return row
}

func (t *Table) match(name string) int {
	for i := range t.Rows {
		if t.Rows[i].re.MatchString(name) {
			return i
		}
	}
	return None
}

// suffixes are added to a function's name by gcc (isra, constprop, part, cold,
// localalias, lto_priv) and clang (llvm) when they clone it.
var suffixes = []string{".isra", ".constprop", ".part", ".cold", ".llvm", ".lto_priv", ".localalias"}

// Strip removes what compilers and tools add to a function's name:
// "xfrm4_tunnel_encap_add.constprop.0.isra.0" and "esp_output_[k]" become
// "xfrm4_tunnel_encap_add" and "esp_output"; the position-independent aliases of
// the early boot code ("__pi_memset") their plain names. For display and for matching; a
// profile keeps the name as it is.
func Strip(function string) string {
	name := strings.TrimPrefix(strings.TrimPrefix(function, "__pfx_"), "__pi_")
	for _, tag := range []string{"_[k]", "_[j]", "_[i]"} {
		name = strings.TrimSuffix(name, tag)
	}
	if !strings.Contains(name, ".") {
		return name
	}
	cut := len(name)
	for _, s := range suffixes {
		if i := strings.Index(name, s); i > 0 && i < cut && endsWord(name[i+len(s):]) {
			cut = i
		}
	}
	return name[:cut]
}

// endsWord reports whether a suffix ends here: ".isra.0" but not ".israel".
func endsWord(rest string) bool { return rest == "" || rest[0] == '.' }
