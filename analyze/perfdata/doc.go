// Package perfdata reads the recordings of Linux perf: files, pipes,
// directories, zstd-compressed or not, of either byte order, of every perf that
// writes version 2 of the format (Linux 2.6.32 on), whole or cut off. It knows
// no symbols and no output format.
//
// # The flow
//
//  1. Open, OpenPath or OpenStream read the header: File.Meta says what the
//     recording tells about itself, File.Events which events it has.
//  2. File.Sideband passes over all records once and returns what is no
//     sample: tasks, mappings, kernel symbols, losses, and how many records of
//     each type there were.
//  3. File.Samples delivers the samples. Or, to decode on several cores:
//     File.Blocks yields runs of whole records, and each worker hands the
//     blocks it gets to its own Decoder.
//
// One goroutine:
//
//	f, err := perfdata.OpenPath("perf.data")
//	...
//	defer f.Close()
//	stats, err := f.Samples(ctx, perfdata.SampleOptions{}, func(s *perfdata.Sample) error {
//		weight[s.Event.Index] += s.Period
//		return nil
//	})
//
// Several:
//
//	blocks := make(chan *perfdata.Block)
//	for range workers {
//		go func() {
//			d, err := f.NewDecoder(perfdata.SampleOptions{})
//			for b := range blocks {
//				err = d.Decode(b, func(s *perfdata.Sample) error { ... })
//			}
//			stats.Add(d.Stats) // under a lock, or sent back
//		}()
//	}
//	for b, err := range f.Blocks(ctx) {
//		blocks <- b
//	}
//
// Every block may be decoded by any worker at any time and the result is the
// same: the side-band is complete before the first block (look up what a task
// was called, or what was mapped, by the sample's time), and what a sample
// needs from earlier blocks was noted with its block. Block.Number gives the
// order of the recording to those who must break ties.
//
// # What a sample is
//
// A Sample is a view that is reused; its Chain points into the decoder's
// buffer. Its Event is the event whose id the record carries, decoded with
// that event's own attr; events perf adds for bookkeeping (Event.IsDummy) are
// left out unless asked for. Its Period is in Event.Unit:
//
//   - the PERIOD field where there is one,
//   - else Attr.SamplePeriod,
//   - for events that read counters (`{a,b}:S`) the growth of the counter since
//     it was last read. A record that reads the counters of a group makes one
//     Sample of each member that moved, with that member's Event and Period and
//     the record's stack, exactly as perf report and perf script do
//     (tools/perf/util/session.c deliver_sample_group).
//
// Growth depends on what was read before, by id. An id belongs to one ring,
// whose records are in order in their stream, so the first pass notes for each
// block where the counters it reads stood before it; decoding a block begins
// there. No worker depends on another.
//
// # Call chains
//
// Sample.Chain is leaf first, with the kernel's context markers in it: values
// of ContextMax and above, which IsContext knows. A frame is an address below
// ContextMax; in each context the first is where the processor was, the others
// are return addresses (look up the address minus one). Two kinds of chain are
// put together here: a user part that the kernel delivered later stands behind
// ContextUserDeferred, and with `--call-graph lbr` the user part is the stack
// that the processor kept, whose frames are the calls themselves. A deferred
// chain is found up to 32 MiB before its sample in the stream and any distance
// behind it.
//
// # Order
//
// Samples of one ring are in order of time, rings are interleaved. Counting
// needs no order. Who pairs samples asks for SampleOptions.Ordered, which holds
// records back for two rounds of perf's (or a window, in recordings without
// rounds), or takes File.Waits, which pairs the lock contention tracepoints.
//
// # What is missing
//
// Damage never stops reading. What could not be read, and what the recording
// says it lost itself (LOST, LOST_SAMPLES, THROTTLE, AUX flags), is in
// Sideband.Losses; what only decoding can find is in Decoder.Stats, whose
// Losses method returns the same type. Print both beside the numbers. Only
// input that holds no recording at all is an error, a *FormatError that says
// what to do.
//
// # Cost
//
// The first pass and each Decoder have a buffer of at most 4 MiB; samples
// allocate nothing. Allocation is bounded by 48 bytes for each byte of input
// (decompressed, where it is compressed) plus 16 MiB, whatever the input
// claims. A compressed stream may expand to 1024 times its size plus 4 MiB, and
// remember what it can fill of a window of 128 MiB; what goes beyond is cut off
// and reported. A pipe is copied to a temporary file first.
package perfdata
