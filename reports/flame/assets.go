package flame

import (
	"embed"
	"strings"
)

//go:embed assets/flame.css
var CSS string

//go:embed assets/flame/*.js
var flameFiles embed.FS

//go:embed assets/flame.tmpl
var Template string

// Script is the files of assets/flame as one module.
func Script() string {
	var b strings.Builder
	for _, name := range []string{"data", "cost", "boxes", "draw", "view", "controls", "table", "input"} {
		data, err := flameFiles.ReadFile("assets/flame/" + name + ".js")
		if err != nil {
			panic(err) // the files are part of the program
		}
		b.Write(data)
	}
	return b.String()
}
