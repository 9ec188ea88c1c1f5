// Package perfdata reads the recordings of Linux perf: files, pipes that were saved, directories, zstd-compressed or
// not, of either byte order, of every perf that writes version 2 of the format (since 2012), whole or cut off. It
// knows no symbols and no output format.
//
// # The flow
//
//  1. Open or OpenFS read the header (file.go, openfs.go, pipe.go): File.Meta says what the recording tells about
//     itself (meta.go), File.Events which events it has (attr.go, event.go).
//
//  2. File.Sideband passes over all records once (stream.go, inflate.go, index.go) and returns what is no
//     sample: tasks, mappings, kernel symbols (sideband.go) and losses (losses.go).
//
//  3. File.Blocks yields runs of whole records (block.go), and each worker hands the blocks it gets to its own Decoder
//     (decode.go, sample.go):
//
//     blocks := make(chan *perfdata.Block)
//     for range workers {
//     go func() {
//     d, err := f.NewDecoder()
//     for b := range blocks {
//     err = d.Decode(b, func(s *perfdata.Sample) error { ... })
//     }
//     stats.Add(d.Stats) // under a lock, or sent back
//     }()
//     }
//     for b, err := range f.Blocks(ctx) {
//     blocks <- b
//     }
//
// Every block may be decoded by any worker at any time and the result is the same: the side-band is complete before the
// first block (look up what a task was called, or what was mapped, by the sample's time), and what a sample needs from
// earlier blocks was noted with its block.
//
// # What a sample is
//
// A Sample is a view that is reused; its Chain points into the decoder's buffer. Its Event is the event whose id the
// record carries (identity.go), decoded with that event's own attr (layout.go); events perf adds for bookkeeping
// (Event.IsDummy) are left out. Its Period is in Event.Unit:
//
//   - the PERIOD field where there is one,
//   - else the period that was asked for,
//   - for events that read counters (`{a,b}:S`) the growth of the counter since it was last read. A record that reads
//     the counters of a group makes one Sample of each member that moved, with that member's Event and Period and the
//     record's stack, exactly as perf report and perf script do (tools/perf/util/session.c deliver_sample_group).
//
// Growth depends on what was read before, by id. An id belongs to one ring, whose records are in order in their stream,
// so the first pass notes for each block where the counters it reads stood before it; decoding a block begins there
// (counters.go). No worker depends on another.
//
// # Call chains
//
// Sample.Chain is leaf first, with the kernel's context markers in it: values of ContextMax and above, which
// ContextMode knows. A frame is an address below ContextMax; in each context the first is where the processor was, the
// others are return addresses (look up the address minus one). Two kinds of chain are put together here: a user part
// that the kernel delivered later stands behind its own marker (deferred.go), and with `--call-graph lbr` the user part
// is the stack that the processor kept, whose frames are the calls themselves (branch.go). A deferred chain is found up
// to 32 MiB before its sample in the stream and any distance behind it.
//
// Samples of one ring are in order of time, rings are interleaved: counting needs no order.
//
// What an access to memory says (memory.go) is read when asked for; of the history of branches nothing is. The samples
// of Arm's SPE stand in no records but in a trace, whose blocks come last (trace.go).
//
// # What is missing
//
// Damage never stops reading. What could not be read, and what the recording says it lost itself (LOST, LOST_SAMPLES,
// THROTTLE, AUX flags), is in Sideband.Losses; what only decoding can find is in Decoder.Stats, whose Losses method
// returns the same type. Print both beside the numbers. Only input that holds no recording at all is an error, a
// *FormatError that says what to do.
//
// # Cost
//
// The first pass and each Decoder have a buffer of at most 4 MiB; samples allocate nothing. Allocation is bounded by 48
// bytes for each byte of input (decompressed, where it is compressed) plus 16 MiB, whatever the input claims. A
// compressed stream may expand to 1024 times its size plus 4 MiB, and remember what it can fill of a window of 128 MiB;
// what goes beyond is cut off and reported.
package perfdata
