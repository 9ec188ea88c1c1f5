// Package importer reads what other programs wrote: stacks that perf script,
// FlameGraph, inferno and pprof hold, the results of TRex, iperf3, pktgen and
// neper, lock waits of perf lock contention, and accesses to memory that perf
// printed. It opens no file.
//
// # Data flow
//
//	bytes -> Inside (gzip, zstd) -> Detect (formats.go, looks.go)
//	      -> the reader of the format (folded, script, svg, iperf3, table, ...)
//	      -> Import: profiles, points of traffic, rows of lock waits, accesses
//
// A format is one row of formats and a reader; what is often at hand instead is
// refused with the export to use (refused.go). Stacks of all texts are put
// together by a builder, which keeps each name, frame and stack once.
//
// The import command reads each file so, parts the files by run (Groups), lets
// each describe itself for the manifest (Describe) and copies them into bundles.
// The analysis reads the copies again, and puts together what files tell of one
// run (MergeTraffic, SumPackets).
//
// # What comes out
//
// Stacks become a profile.Profile an event, never one for two. A format that
// leaves something out leaves it out of the profile too: CPU, PID and TID are
// -1, addresses 0, Event.Unit is "count" or "samples". Where a weight may be a
// sum of periods and the number of samples is not known, Cell.Count is 0, no
// variance is given, and a warning says so.
//
// Traffic becomes a Point a run and direction. What came and what was sent are
// never mixed; what varies beside N is the point's Setting. A rate keeps the unit
// and the layer it was published in (Rate): Gibit/s is never Gbit/s, and a rate
// on the wire is not one of payload.
//
// # Bad input
//
// Errors carry file and line (SyntaxError), or say what the input is
// (FormatError). What a text says was lost, and the lines of a text that could
// not be understood, come back as bundle.Loss; what weakens a number as
// bundle.Warning. Texts are read as streams, with bounded lines; documents (SVG,
// JSON, pprof) up to a fixed size.
package importer
