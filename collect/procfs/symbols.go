package procfs

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"xfrmscope/collect/bundle"
)

// A Symbol is one line of /proc/kallsyms (kernel/kallsyms.c s_show, 6.12).
type Symbol struct {
	Addr   uint64 // 0 if kernel.kptr_restrict hides it
	Type   byte   // as nm prints it: T and t are text, D and d data
	Name   string
	Module string // "esp4", "bpf"; "" for the kernel image
}

// IsText reports whether the symbol is code: also that of modules, of eBPF
// programs and of trampolines.
func (s Symbol) IsText() bool { return strings.IndexByte("tTwW", s.Type) >= 0 }

// IsData reports whether the symbol is a variable.
func (s Symbol) IsData() bool { return strings.IndexByte("dDbBrR", s.Type) >= 0 }

// AppendTo appends the symbol's line as the kernel writes it.
func (s Symbol) AppendTo(b []byte) []byte {
	const digits = 16
	hex := strconv.AppendUint(b, s.Addr, 16)
	b = append(b, "0000000000000000"[:max(0, digits-(len(hex)-len(b)))]...)
	b = strconv.AppendUint(b, s.Addr, 16)
	b = append(b, ' ', s.Type, ' ')
	b = append(b, s.Name...)
	if s.Module != "" {
		b = append(b, "\t["...)
		b = append(b, s.Module...)
		b = append(b, ']')
	}
	return append(b, '\n')
}

// Symbols iterates over /proc/kallsyms in its order. It ends with the first
// error.
func (r Root) Symbols() iter.Seq2[Symbol, error] {
	const source = "/proc/kallsyms"
	return func(yield func(Symbol, error) bool) {
		f, err := os.Open(r.Path(source))
		if err != nil {
			yield(Symbol{}, fmt.Errorf("reading symbols: %w", err))
			return
		}
		defer f.Close()
		sc := bufio.NewScanner(f)
		for line := 1; sc.Scan(); line++ {
			s, err := parseSymbol(sc.Text())
			if err != nil {
				yield(Symbol{}, fmt.Errorf("%s:%d: %w", source, line, err))
				return
			}
			if !yield(s, nil) {
				return
			}
		}
		if err := sc.Err(); err != nil {
			yield(Symbol{}, fmt.Errorf("reading symbols: %w", err))
		}
	}
}

// parseSymbol reads "ffffffffc0611040 t esp_output\t[esp4]".
func parseSymbol(line string) (Symbol, error) {
	hex, rest, ok1 := strings.Cut(line, " ")
	typ, name, ok2 := strings.Cut(rest, " ")
	if !ok1 || !ok2 || len(typ) != 1 || name == "" {
		return Symbol{}, fmt.Errorf("%q is no symbol", line)
	}
	addr, err := strconv.ParseUint(hex, 16, 64)
	if err != nil {
		return Symbol{}, err
	}
	name, module, _ := strings.Cut(name, "\t")
	return Symbol{Addr: addr, Type: typ[0], Name: name, Module: strings.Trim(module, "[]")}, nil
}

// KernelName is what perf calls the kernel image.
const KernelName = "[kernel.kallsyms]"

// A BuildID names the exact build of the kernel or of a module.
type BuildID struct {
	ID   string // hex
	Name string // KernelName, or "[module]"
}

// BuildIDs returns the build ids of the kernel, first, and of each module that
// has one, by name (kernel/ksysfs.c and kernel/module/sysfs.c, 6.12).
func (r Root) BuildIDs() ([]BuildID, error) {
	notes, err := r.Read("/sys/kernel/notes")
	if err != nil {
		return nil, fmt.Errorf("reading the kernel's build id: %w", err)
	}
	var ids []BuildID
	if id := bundle.BuildIDOfNotes(notes, binary.NativeEndian); id != "" {
		ids = append(ids, BuildID{id, KernelName})
	}
	files, err := filepath.Glob(r.Path("/sys/module/*/notes/.note.gnu.build-id"))
	if err != nil {
		return ids, err
	}
	for _, file := range files {
		module := filepath.Base(filepath.Dir(filepath.Dir(file)))
		notes, err := os.ReadFile(file)
		if err != nil {
			continue // unloaded meanwhile
		}
		if id := bundle.BuildIDOfNotes(notes, binary.NativeEndian); id != "" {
			ids = append(ids, BuildID{id, "[" + module + "]"})
		}
	}
	return ids, nil
}
