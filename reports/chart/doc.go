// Package chart draws runs: each figure as SVG that needs no script, and, where
// the page has a script, as options for ECharts.
//
//	[]*Run -> RateChart, StageChart, RunBars ...  what is to be seen (figures.go)
//	       -> Render                              SVG
//	       -> Live                                JSON for ECharts, by go-echarts
//
// Heat maps are bitmaps: a pixel a cell.
package chart
