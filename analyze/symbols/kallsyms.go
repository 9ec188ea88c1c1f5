package symbols

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits of a kallsyms file. A distribution kernel with CONFIG_KALLSYMS_ALL
// and all modules loaded has about 300,000 lines and 20 MB.
const (
	maxKallsymsBytes = 1 << 30
	maxKallsymsLines = 1 << 23
	// A line is an address, a type, a name of at most KSYM_NAME_LEN (512,
	// include/linux/kallsyms.h, 6.12) and a module of at most 56 bytes.
	maxKallsymsLine = 4096
)

// ErrTooBig is returned for a symbol file beyond the limits of this package.
var ErrTooBig = errors.New("symbol file is beyond the limits")

// ReadKallsyms reads the text of /proc/kallsyms, plain or gzipped:
//
//	ffffffff81e2f3a0 t xfrm_output_one.isra.0
//	ffffffffc0a51000 t esp_input	[esp4]
//	ffffffffc01f3a5c t bpf_prog_6deef7357e7b4530_sd_fw_ingress	[bpf]
//	ffffffffc0201000 t ftrace_trampoline	[__builtin__ftrace]
//
// Text symbols (types t, T, w, W) become symbols, the others only end the one
// before them. A line that is not of this form is passed over. A file
// without symbols, or one with all addresses hidden, is no error: State and
// Usable tell. Errors are those of reading, and ErrTooBig.
//
// Where two symbols stand at one address, the later line wins. That is what
// perf does: symbols__fixup_end gives a length to the last of them only and
// symbols__fixup_duplicate then prefers a length (tools/perf/util/symbol.c,
// 6.1; verified with perf script on all 170 aliases of a 6.18 kernel). The
// kernel's own %ps prefers the first.
func ReadKallsyms(r io.Reader) (*Table, error) { return readKallsyms(r, false) }

// ReadKallsymsData is ReadKallsyms with the variables (types d, b, r, v) as symbols,
// and the functions to end them. /proc/kallsyms lists variables with
// CONFIG_KALLSYMS_ALL, which distributions set; a recording may have left them out.
func ReadKallsymsData(r io.Reader) (*Table, error) { return readKallsyms(r, true) }

func readKallsyms(r io.Reader, data bool) (*Table, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := br.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, fmt.Errorf("reading kallsyms: %w", err)
		}
		defer zr.Close()
		br = bufio.NewReaderSize(zr, 64<<10)
	}
	k := kallsymsReader{in: br, data: data}
	if err := k.read(); err != nil {
		return nil, fmt.Errorf("reading kallsyms, line %d: %w", k.lines+1, err)
	}
	return k.table(), nil
}

type kallsymsReader struct {
	in     *bufio.Reader
	data   bool // variables are symbols, functions are not
	b      builder
	lines  int
	bytes  int64
	hidden int // text symbols at address 0
	module string
}

func (k *kallsymsReader) read() error {
	for {
		line, err := k.in.ReadSlice('\n')
		k.bytes += int64(len(line))
		if k.bytes > maxKallsymsBytes || k.lines > maxKallsymsLines {
			return ErrTooBig
		}
		switch {
		case err == nil || err == io.EOF && len(line) > 0:
			k.line(bytes.TrimSuffix(line, []byte("\n")))
			k.lines++
		case err == bufio.ErrBufferFull:
			if err = k.skipLine(); err != nil {
				return err
			}
			k.lines++
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// skipLine drops the rest of a line longer than the buffer.
func (k *kallsymsReader) skipLine() error {
	for {
		part, err := k.in.ReadSlice('\n')
		k.bytes += int64(len(part))
		if k.bytes > maxKallsymsBytes {
			return ErrTooBig
		}
		if err == io.EOF || err == nil {
			return nil
		}
		if err != bufio.ErrBufferFull {
			return err
		}
	}
}

func (k *kallsymsReader) line(line []byte) {
	if len(line) == 0 {
		return
	}
	addr, n := parseHex(line)
	// "ADDRESS TYPE NAME", and the name has at least one byte.
	if n == 0 || len(line) > maxKallsymsLine || len(line) < n+4 || line[n] != ' ' || line[n+2] != ' ' {
		return
	}
	typ, name := line[n+1], line[n+3:]
	wanted := typ|0x20 == 't' || typ|0x20 == 'w'
	if k.data {
		wanted = strings.IndexByte("dbrvgs", typ|0x20) >= 0
	}
	switch {
	case !wanted:
		if addr != 0 {
			k.b.add(nil, "", addr, addr, kindLocal)
		}
		return
	case name[0] == '$': // ARM mapping symbols; perf drops them too
		return
	case addr == 0:
		k.hidden++
		return
	}
	if i := bytes.IndexByte(name, '\t'); i > 0 {
		k.setModule(name[i+1:])
		name = name[:i]
	} else {
		k.module = ""
	}
	k.b.add(name, k.module, addr, addr, kindLocal)
}

// setModule takes "[esp4]", allocating only if it is not the one before.
func (k *kallsymsReader) setModule(b []byte) {
	b = bytes.TrimSuffix(bytes.TrimPrefix(b, []byte("[")), []byte("]"))
	if k.module != string(b) {
		k.module = string(b)
	}
}

// parseHex reads the hexadecimal number that b starts with and returns it
// with its length; the length is 0 if there is none or it has over 64 bits.
func parseHex(b []byte) (v uint64, n int) {
	for n < len(b) {
		c := b[n]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return v, n
		}
		if n == 16 {
			return 0, 0
		}
		v = v<<4 | uint64(c)
		n++
	}
	return v, n
}

const (
	pageSize = 4096
	// maxGap is the longest stretch one symbol may cover: what lies further
	// from it than this is not its code. No function is near that long.
	maxGap = 1 << 20
)

// table gives every symbol its end and keeps one at each address.
func (k *kallsymsReader) table() *Table {
	k.b.sort()
	es := k.b.entries
	kept := es[:0]
	for i := range es {
		n := len(kept)
		switch {
		case n == 0 || kept[n-1].start != es[i].start:
			kept = append(kept, es[i])
		case es[i].nameLen > 0: // a later alias; text wins over data
			kept[n-1] = es[i]
		}
	}
	for i := range kept {
		kept[i].end = kallsymsEnd(kept, i)
	}
	k.b.entries = kept
	t := k.b.table()
	if t.Len() == 0 && k.hidden > 0 {
		t.hidden = k.hidden
	}
	return t
}

// kallsymsEnd returns where symbol i ends: at the next one, but at the edge of
// the kernel, of a module or of text at the end of the page after it, so that
// a far address is not given the name of the last symbol before it
// (symbols__fixup_end, tools/perf/util/symbol.c, 6.8).
func kallsymsEnd(es []entry, i int) uint64 {
	start := es[i].start
	edge := (start+pageSize-1)&^(pageSize-1) + pageSize
	if edge < start {
		edge = ^uint64(0)
	}
	if i+1 == len(es) {
		return edge
	}
	next := es[i+1].start
	if es[i+1].module != es[i].module || es[i+1].nameLen == 0 || next-start > maxGap {
		return min(edge, next)
	}
	return next
}
