package symbols

import (
	"bufio"
	"fmt"
	"io"
)

// ReadPerfMap reads a perf-PID.map, which a just-in-time compiler writes:
// lines "START SIZE name of the symbol", both numbers hexadecimal
// (tools/perf/Documentation/jit-interface.txt). Of two symbols at one address
// the later line wins: code is replaced. Lines of another form are
// passed over.
func ReadPerfMap(r io.Reader) (*Table, error) {
	var b builder
	lines := 0
	in := bufio.NewScanner(io.LimitReader(r, maxKallsymsBytes))
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		lines++
		if lines > maxKallsymsLines {
			return nil, fmt.Errorf("reading perf map, line %d: %w", lines, ErrTooBig)
		}
		perfMapLine(&b, in.Bytes())
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("reading perf map, line %d: %w", lines+1, err)
	}
	return b.latest(), nil
}

func perfMapLine(b *builder, line []byte) {
	start, n := parseHex(trim0x(line))
	rest := trim0x(line)[n:]
	if n == 0 || len(rest) == 0 || rest[0] != ' ' {
		return
	}
	rest = trim0x(rest[1:])
	size, n := parseHex(rest)
	if n > 0 && size > 0 && len(rest) >= n+2 && rest[n] == ' ' {
		b.add(rest[n+1:], "", start, start+size, kindGlobal)
	}
}

func trim0x(b []byte) []byte {
	if len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x' {
		return b[2:]
	}
	return b
}

// latest makes the table in which, of the entries at one address, the one
// added last stands.
func (b *builder) latest() *Table {
	b.sort()
	kept := b.entries[:0]
	for _, e := range b.entries {
		if n := len(kept); n > 0 && kept[n-1].start == e.start {
			kept[n-1] = e
			continue
		}
		kept = append(kept, e)
	}
	b.entries = kept
	return b.table()
}
