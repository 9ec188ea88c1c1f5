package perfdata

import "context"

// A Record is one record as it is stored, for types this package has no field
// for.
type Record struct {
	Type   RecordType
	Misc   uint16
	Offset int64  // in its stream, see Block.Offset
	Body   []byte // behind the header, the sample_id at its end included; valid until the callback returns

	// From the sample_id of records of the kernel: -1 and 0 if there is none.
	PID, TID, CPU int32
	TimeNS        uint64
}

// Records calls fn with every record of the recording, decompressed, in order
// of the stream.
func (f *File) Records(ctx context.Context, fn func(Record) error) error {
	if _, err := f.index(ctx); err != nil {
		return err
	}
	n := 0
	for _, s := range f.streams {
		lost, err := walkStream(s, func(raw rawRecord) error {
			if n++; n%4096 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			return fn(f.record(raw))
		})
		if err != nil {
			return err
		}
		if lost.readErr != nil {
			return lost.readErr
		}
	}
	return nil
}

func (f *File) record(raw rawRecord) Record {
	r := Record{Type: RecordType(f.o.u32(raw.data)), Misc: f.o.u16(raw.data[4:]), Offset: raw.off,
		Body: raw.data[headerSize:], PID: -1, TID: -1, CPU: -1}
	if r.Type < userRecords && r.Type != RecordSample {
		id := sampleIDOf(raw.data, f.ids.ofOther(raw.data, f.o), f.o)
		r.PID, r.TID, r.CPU, r.TimeNS = id.pid, id.tid, id.cpu, id.timeNS
	}
	return r
}
