// Package reports turns an *analyze.Result into bytes: text, HTML, SVG, pprof
// and JSON. It measures nothing and computes no new number; it chooses, rounds
// and draws. Rendering the same Result twice gives the same bytes.
//
// The artefacts, each from one call:
//
//	Digest       ASCII text of at most 30 lines of 72 columns, for a mail
//	CommitTable  the bare table of it, for a commit message
//	HTML         one offline page: figures that need no script, then charts
//	Benchfmt     the runs in the Go benchmark format
//	CSV          every number, one to a line
//	FlameSVG     a static flame graph of one event of one run
//	Show         the digest and tables of functions, locks and SAs, for a terminal
//	WriteDir     all of them, with pprof and folded profiles and results.json, in a directory
//
// ReadHTML and ReadJSON read a Result back from a page or a results.json, and
// Recomputed compares its numbers with those made again from the recordings.
//
// The page is made of sections: page.go puts them in order, page_NAME.go makes
// one each, chart_NAME.go draws, digest_NAME.go is the text of one kind of
// Result. A comparison has its own first screen, in page_compare.go.
//
// Every name that comes from outside (hosts, commands, symbols, locks, labels,
// files) is taken for hostile: it is shown, never run, and cannot break a
// line, a table or a file name. The page carries a Content-Security-Policy
// that lets nothing be fetched and nothing run but its own scripts, named
// by their hashes.
//
// Charts exist twice. The SVG written here is the primary one: it needs no
// script, prints, and is what a text browser or a mail shows. Where scripts
// run, Apache ECharts replaces it, from options that go-echarts builds; these
// enter the page as JSON and never as code.
package reports
