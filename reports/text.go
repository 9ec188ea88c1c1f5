package reports

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// ascii returns s as one line of printable ASCII of at most limit bytes:
// anything else becomes '?', a cut is marked with "..".
func ascii(s string, limit int) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() > limit {
			break
		}
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			b.WriteByte(' ')
		case r < ' ' || r > '~':
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
	}
	return cut(b.String(), limit)
}

// cut shortens an ASCII string to limit bytes.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	if limit <= 2 {
		return s[:max(limit, 0)]
	}
	return s[:limit-2] + ".."
}

// maxName bounds a name on a page or in a picture, in characters. A C++ or
// Rust symbol may have kilobytes.
const maxName = 160

// visible returns s as one line of valid UTF-8 that XML 1.0 allows (section
// 2.2, Char): control and direction-changing characters become U+FFFD, so that
// a name cannot reorder or hide what stands beside it. At most limit
// characters; a cut is marked with an ellipsis.
func visible(s string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > limit {
			b.WriteRune('…')
			break
		}
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			b.WriteByte(' ')
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r),
			unicode.Is(unicode.Zp, r), r == 0xFFFE, r == 0xFFFF:
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// name is visible with the usual bound.
func name(s string) string { return visible(s, maxName) }

// fitWidth shortens s to n characters, keeping its start. It returns "" where
// fewer than three would remain.
func fitWidth(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	if n < 3 {
		return ""
	}
	return string([]rune(s)[:n-1]) + "…"
}

// wrap breaks ASCII text into lines of at most width bytes: the first begins
// with first, the others with rest. Words longer than a line are cut; a number
// keeps its per cent sign.
func wrap(text, first, rest string, width int) []string {
	var lines []string
	line, prefix := first, first
	for word := range strings.FieldsSeq(strings.ReplaceAll(text, " %", "\x00%")) {
		word = cut(strings.ReplaceAll(word, "\x00", " "), width-max(len(first), len(rest)))
		switch {
		case line == prefix:
			line += word
		case len(line)+1+len(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			prefix = rest
			line = rest + word
		}
	}
	if line == prefix {
		return lines
	}
	return append(lines, line)
}

// fileName returns s as a file name that is safe on any file system and in a
// shell: letters, digits, '.', '_' and '-', at most 60 bytes, never empty and
// never with a leading '.' or '-'. "n=4" becomes "n4".
func fileName(s string) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() == 60 {
			break
		}
		ok := r == '.' || r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		switch {
		case ok:
			b.WriteRune(r)
		case r == '=':
		case !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	out := strings.Trim(b.String(), ".-")
	if out == "" {
		return "unnamed"
	}
	return out
}
