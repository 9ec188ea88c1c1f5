// Package reports writes an *result.Result into a directory: text, a page,
// pictures, profiles and lists of numbers. It measures nothing and computes no
// new number; it chooses, rounds and draws. Rendering the same Result twice gives
// the same bytes.
//
//	format -> view -> chart, flame -> digest, page -> reports -> push, parquet
//
// Package format makes text of numbers, view is the rows of every table, svg,
// chart and flame draw, digest and page put them together. What is here itself is
// for other programs:
//
//	WriteDir     all of it, with pprof and folded profiles, in a directory
//	Benchfmt     the runs in the Go benchmark format
//	CSV          every number, one to a line
//	ReadHTML and ReadJSON  a Result back from a page or a results.json
//	Recomputed   compares its numbers with those made again from the recordings
package reports
