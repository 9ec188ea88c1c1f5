package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"

	"xfrmscope/reports/flame"
)

// Apache ECharts as it is embedded; assets/echarts/README.md says where it
// comes from and a test pins the hash.
const (
	echartsVersion = "6.1.0"
	// echartsHash is the sha256 of the uncompressed script, as a
	// Content-Security-Policy writes it.
	echartsHash = "sha256-/OMeuM0Ugr1qEkC8jqb/Ce0VYk8tGGWXdwvUdtvQnDE="
)

//go:embed assets/echarts/echarts.min.js.gz
var echartsGzip []byte

//go:embed assets/echarts/NOTICE
var echartsNotice string

//go:embed assets/echarts/LICENSE-zrender
var zrenderLicense string

//go:embed assets/echarts/LICENSE-d3
var d3License string

//go:embed assets/page.css
var pageCSS string

//go:embed assets/page.js
var pageScript string

//go:embed assets/page.tmpl
var pageTemplate string

// scriptHash is how a Content-Security-Policy names an inline script.
func scriptHash(script string) string {
	sum := sha256.Sum256([]byte(script))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// contentPolicy lets the page fetch nothing and run nothing but its own two
// scripts and ECharts. A script that a hostile name brought in would not run.
func contentPolicy() string {
	return "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; " +
		"script-src '" + scriptHash(pageScript) + "' '" + scriptHash(flame.Script()) + "' '" + echartsHash + "'"
}
