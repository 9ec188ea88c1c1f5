// Package page writes a Result as one HTML page that needs no network and, to be
// read, no script.
//
//	Result -> first screen (first.go, figures.go; compare.go of a comparison)
//	       -> sections, one a file, of view's tables and chart's figures (page.go has their order)
//	       -> template (assets/page.tmpl), then flame graphs as room is left (flames.go)
//	       -> the results themselves, packed (embed.go): Results reads them back
//
// Every name that comes from outside (hosts, commands, symbols, locks, labels,
// files) is taken for hostile: it is shown, never run. The page carries a
// Content-Security-Policy that lets nothing be fetched and nothing run but its own
// scripts, named by their hashes.
package page
