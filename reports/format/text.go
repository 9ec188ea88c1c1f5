package format

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"xfrmscope/collect/bundle"
)

// SafeCell returns outside text as one line that no spreadsheet computes.
func SafeCell(s string) string {
	s = Visible(s, 400)
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

func OrUnknown(s string) string { return cmp.Or(s, "not recorded") }

// CPUNumber prints a CPU, "?" if the recording does not say.
func CPUNumber(cpu int) string {
	if cpu < 0 {
		return "?"
	}
	return fmt.Sprint(cpu)
}

// UniqueNames gives each name once, whatever its case.
type UniqueNames map[string]bool

func (u UniqueNames) Unique(name string) string {
	out := name
	for i := 2; u[strings.ToLower(out)]; i++ {
		out = fmt.Sprintf("%s-%d", name, i)
	}
	u[strings.ToLower(out)] = true
	return out
}

// CPUName names a CPU; importers that know none say -1.
func CPUName(cpu int) string {
	if cpu < 0 {
		return "CPU not recorded"
	}
	return fmt.Sprintf("CPU %d", cpu)
}

func OrDash(s string) string { return cmp.Or(s, "-") }

// KernelFile is how perf names the kernel itself (tools/perf/util/dso.h).
const KernelFile = "[kernel.kallsyms]"

func CPUList(cpus []int) string {
	return Visible(bundle.CPUSet(cpus).String(), 40)
}

// ModuleText names a module; the kernel itself goes without saying.
func ModuleText(file string) string {
	if file == KernelFile {
		return ""
	}
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		file = file[i+1:]
	}
	return Visible(file, 40)
}

// Sentence writes the signs of a sentence as typography has them, and keeps a
// number beside its per cent sign.
func Sentence(s string) string {
	return strings.NewReplacer(" +- ", Thin+"±"+Thin, " %", Thin+"%").Replace(s)
}

// Thin is U+202F, the space between groups of digits.
const Thin = "\u202f"

// Pretty writes a number's spaces and signs as typography has them.
func Pretty(s string) string {
	return strings.NewReplacer("+-", "±", "<=", "≤", " ", Thin).Replace(s)
}

// ASCII returns s as one line of printable ASCII of at most limit bytes: other
// characters are spelled out as in Go, so that names stay apart, those that show
// nothing become '?', and a cut is marked with "..".
func ASCII(s string, limit int) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() > limit {
			break
		}
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			b.WriteByte(' ')
		case r == '±':
			b.WriteString("+-")
		case r > '~' && r != utf8.RuneError && unicode.IsGraphic(r):
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		case r < ' ' || r > '~':
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
	}
	return Cut(b.String(), limit)
}

// Cut shortens an ASCII string to limit bytes.
func Cut(s string, limit int) string {
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

// Visible returns s as one line of valid UTF-8 that XML 1.0 allows (section
// 2.2, Char): control and direction-changing characters become U+FFFD, so that
// a name cannot reorder or hide what stands beside it. At most limit
// characters; a cut is marked with an ellipsis.
func Visible(s string, limit int) string {
	if len(s) <= limit && isPrintable(s) {
		return s
	}
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

func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Name is visible with the usual bound.
func Name(s string) string { return Visible(s, maxName) }

// FitWidth shortens s to n characters, keeping its start. It returns "" where
// fewer than three would remain.
func FitWidth(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	if n < 3 {
		return ""
	}
	return string([]rune(s)[:n-1]) + "…"
}

// Wrap breaks ASCII text into lines of at most width bytes: the first begins
// with first, the others with rest. Words longer than a line are cut; a number
// keeps its per cent sign.
func Wrap(text, first, rest string, width int) []string {
	var lines []string
	line, prefix := first, first
	for word := range strings.FieldsSeq(strings.ReplaceAll(text, " %", "\x00%")) {
		word = Cut(strings.ReplaceAll(word, "\x00", " "), width-max(len(first), len(rest)))
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

// FileName returns s as a file name that is safe on any file system and in a
// shell: letters, digits, '.', '_' and '-', at most 60 bytes, never empty and
// never with a leading '.' or '-'. "n=4" becomes "n4".
func FileName(s string) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() == 60 {
			break
		}
		ok := r == '.' || r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' &&
			r <= 'Z'
		switch {
		case ok:
			b.WriteRune(r)
		case r == '=':
		case !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	out := strings.Trim(b.String(), ".-")
	return cmp.Or(out, "unnamed")
}
