package pack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
)

// Features of a perf.data header that name the host and the command
// (tools/perf/util/header.h, 6.12).
const (
	featureHostname = 3
	featureCmdline  = 11
)

// Sizes and places in a perf.data header (struct perf_file_header).
const (
	dataAt       = 40 // offset and size of the data section
	featureBits  = 72
	headerBytes  = 104
	sectionBytes = 16
	maxFeature   = 1 << 20
)

var errPiped = errors.New("a piped recording, whose header is among its records")

// maskPerfData masks the host's name and perf's command line in the header of a
// perf.data, in place: each string keeps its room, so that nothing moves. What
// the records themselves hold, names of processes and paths of files, stays.
func maskPerfData(f *os.File, mask func(string) string) error {
	head := make([]byte, headerBytes)
	if _, err := f.ReadAt(head, 0); err != nil {
		return fmt.Errorf("its header: %w", err)
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(head[:8]) {
	case "PERFILE2":
	case "2ELIFREP":
		order = binary.BigEndian
	default:
		return errors.New("it is no perf.data")
	}
	if order.Uint64(head[8:]) < headerBytes {
		return errPiped
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	at, size := order.Uint64(head[dataAt:]), order.Uint64(head[dataAt+8:])
	if at > uint64(info.Size()) || size > uint64(info.Size())-at {
		return errors.New("its data section ends behind the file")
	}
	table := int64(at + size)
	for word := range 4 {
		for set := order.Uint64(head[featureBits+8*word:]); set != 0; set &= set - 1 {
			feature := 64*word + bits.TrailingZeros64(set)
			if err := maskFeature(f, order, table, feature, mask); err != nil {
				return fmt.Errorf("feature %d of its header: %w", feature, err)
			}
			table += sectionBytes
		}
	}
	return nil
}

func maskFeature(f *os.File, order binary.ByteOrder, table int64, feature int, mask func(string) string) error {
	if feature != featureHostname && feature != featureCmdline {
		return nil
	}
	section := make([]byte, sectionBytes)
	if _, err := f.ReadAt(section, table); err != nil {
		return err
	}
	at, size := order.Uint64(section), order.Uint64(section[8:])
	if size > maxFeature || at > 1<<62 {
		return fmt.Errorf("it has %d bytes", size)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(f, int64(at), int64(size)), data); err != nil {
		return err
	}
	rest := data
	if feature == featureCmdline {
		if len(rest) < 4 {
			return io.ErrUnexpectedEOF
		}
		rest = rest[4:] // how many there are
	}
	for len(rest) >= 4 {
		n := uint64(order.Uint32(rest))
		if n > uint64(len(rest)-4) {
			return io.ErrUnexpectedEOF
		}
		maskString(rest[4:4+n], mask)
		rest = rest[4+n:]
	}
	_, err := f.WriteAt(data, int64(at))
	return err
}

// maskString masks a string that is padded with zeros, within its room.
func maskString(room []byte, mask func(string) string) {
	end := 0
	for end < len(room) && room[end] != 0 {
		end++
	}
	masked := mask(string(room[:end]))
	if masked == string(room[:end]) || len(room) == 0 {
		return
	}
	clear(room)
	copy(room[:len(room)-1], masked)
}
