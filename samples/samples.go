// Package samples holds recorded sweeps, embedded in the program: the demo's
// input and the specimens of the tests. README.md tells where each comes from
// and how to record it again; lab/ is the recipe.
package samples

import (
	"archive/zip"
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

//go:embed *.zip
var recorded embed.FS

// Names returns the names Open knows, sorted.
func Names() []string {
	return names(recorded, ".", ".zip")
}

// Open returns the sweep of that name.
func Open(name string) (fs.FS, error) {
	data, err := recorded.ReadFile(name + ".zip")
	if err != nil {
		return nil, fmt.Errorf("there is no sample %q; there are: %s", name, strings.Join(Names(), ", "))
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("sample %q: %w", name, err)
	}
	return archive{r}, nil
}

//go:embed testbed.sh
var testbed string

// Testbed returns the commands that make two namespaces with per-CPU SAs.
func Testbed() string { return testbed }

//go:embed scenarios/*.yaml
var scenarios embed.FS

// Scenarios returns the names of the example scenarios, sorted.
func Scenarios() []string {
	return names(scenarios, "scenarios", ".yaml")
}

// Scenario returns the text of the example of that name.
func Scenario(name string) ([]byte, bool) {
	text, err := scenarios.ReadFile("scenarios/" + name + ".yaml")
	return text, err == nil
}

func names(tree embed.FS, dir, extension string) []string {
	entries, err := tree.ReadDir(dir)
	if err != nil {
		panic(err) // the root of an embedded tree
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), extension))
	}
	slices.Sort(names) // without the extension "a" precedes "a-b"
	return names
}
