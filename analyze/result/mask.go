package result

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"xfrmscope/collect/bundle"
)

// kernelAddress is an address of the kernel's half on a 64-bit machine, as texts
// have it.
const (
	kernelAddress = `\b(0x)?(ff|c0)[0-9a-f]{14}\b`
	addressDigits = 16
)

// MaskAddresses puts 0x1, 0x2 ... in the place of the kernel's addresses in all
// texts of a result, equal ones for equal ones, in the order of their runs: they
// tell where this kernel was loaded and where its objects are.
func (r *Result) MaskAddresses() { new(Addresses).Mask(r) }

// Addresses are what stands in the place of the kernel's addresses; the zero value
// knows none yet.
type Addresses struct{ aliases map[string]string }

// Mask masks every text of what a pointer points to.
func (a *Addresses) Mask(doc any) {
	address := regexp.MustCompile(kernelAddress)
	if a.aliases == nil {
		a.aliases = map[string]string{}
	}
	masked := map[string]string{} // runs have the same texts
	mask(doc, Masking{Text: func(s string, _ bool) string {
		if len(s) < addressDigits || !strings.Contains(s, "ff") && !strings.Contains(s, "c0") {
			return s
		}
		to, known := masked[s]
		if !known {
			to = address.ReplaceAllStringFunc(s, func(found string) string {
				found = strings.TrimPrefix(found, "0x")
				if a.aliases[found] == "" {
					a.aliases[found] = fmt.Sprintf("0x%x", len(a.aliases)+1)
				}
				return a.aliases[found]
			})
			masked[s] = to
		}
		return to
	}})
}

// HasAddresses reports whether the locks of a result have an address that
// MaskAddresses would mask.
func (r *Result) HasAddresses() bool {
	address := regexp.MustCompile(kernelAddress)
	return slices.ContainsFunc(r.Runs, func(run *Run) bool {
		return run != nil && slices.ContainsFunc(run.Locks.Rows, func(l Lock) bool {
			return address.MatchString(l.Lock)
		})
	})
}

// Masking is what is put in the place of texts and of SPIs.
type Masking struct {
	Text func(s string, free bool) string // free: of somebody's own, as a label or a command
	SPI  func(uint32) uint32              // nil: they stay

	Names bool // what stands for a name may be one: nothing is masked twice
}

// Mask masks every text of a result, and every SPI.
func (r *Result) Mask(with Masking) { mask(r, with) }

func mask(doc any, with Masking) {
	m := masking{with, map[reflect.Type]*masked{}, map[uintptr]bool{}}
	v := reflect.ValueOf(doc)
	m.walk(m.of(v.Type()), v, false)
}

// A masked type is what of its values holds texts.
type masked struct {
	texts  bool    // any at all; false while it is being asked
	elem   *masked // of a pointer or a list
	fields []maskedField
}

// A maskedField is one of a struct that holds texts or is an SPI.
type maskedField struct {
	index int
	of    *masked
	spi   bool
	free  func(free bool) bool // whether its texts are somebody's own, if those around it are
}

type masking struct {
	Masking
	types map[reflect.Type]*masked
	done  map[uintptr]bool // texts and SPIs that are masked
}

// first reports whether v, which others may share, was not masked yet.
func (m *masking) first(v reflect.Value) bool {
	if !v.CanSet() {
		return false
	}
	if !m.Names {
		return true
	}
	at := v.Addr().Pointer()
	was := m.done[at]
	m.done[at] = true
	return !was
}

// walk masks what can be reached from v. Most of a profile is numbers.
func (m *masking) walk(t *masked, v reflect.Value, free bool) {
	if !t.texts {
		return
	}
	switch v.Kind() {
	case reflect.String:
		if m.first(v) {
			was := v.String()
			if to := m.Text(was, free); to != was {
				v.SetString(to)
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			m.walk(t.elem, v.Elem(), free)
		}
	case reflect.Struct:
		for _, f := range t.fields {
			field := v.Field(f.index)
			switch {
			case !f.spi:
				m.walk(f.of, field, f.free(free))
			case m.SPI != nil && m.first(field):
				field.SetUint(uint64(m.SPI(uint32(field.Uint()))))
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			m.walk(t.elem, v.Index(i), free)
		}
	case reflect.Map: // of Config keys are names of things, too
		was := v.Convert(reflect.TypeFor[map[string]string]()).Interface().(map[string]string)
		masked, same := make(map[string]string, len(was)), true
		for _, key := range slices.Sorted(maps.Keys(was)) {
			to := key
			if !free {
				to = m.Text(key, false)
			}
			masked[to] = m.Text(was[key], free || freeKey(key))
			same = same && to == key && masked[to] == was[key]
		}
		if !same {
			v.Set(reflect.ValueOf(masked).Convert(v.Type()))
		}
	}
}

func isSPI(f reflect.StructField) bool { return f.Name == "SPI" && f.Type.Kind() == reflect.Uint32 }

// freeField says of a field whether its texts are somebody's own, by those around it: of
// a manifest the plan, but not what this program wrote; a release of a kernel has dots, too.
func freeField(in reflect.Type, name string) func(bool) bool {
	own := false
	switch in {
	case reflect.TypeFor[bundle.Manifest]():
		own = !slices.Contains([]string{"Tool", "Events", "Probes", "Host"}, name)
	case reflect.TypeFor[bundle.Host]():
		own = name == "CmdLine"
	case reflect.TypeFor[Run]():
		own = name == "Labels"
	default:
		return func(free bool) bool { return free }
	}
	return func(bool) bool { return own }
}

// freeKey reports whether the value of a key of Run.Config is somebody's own.
func freeKey(key string) bool {
	return key == "load" || key == "kernel command line" || strings.HasPrefix(key, "label ")
}

// of returns what of a type holds texts.
func (m *masking) of(t reflect.Type) *masked {
	if known := m.types[t]; known != nil {
		return known
	}
	out := &masked{}
	m.types[t] = out
	switch t.Kind() {
	case reflect.String:
		out.texts = true
	case reflect.Map:
		out.texts = t.ConvertibleTo(reflect.TypeFor[map[string]string]())
	case reflect.Pointer, reflect.Slice, reflect.Array:
		out.elem = m.of(t.Elem())
		out.texts = out.elem.texts
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if of := m.of(f.Type); f.IsExported() && (isSPI(f) || of.texts) {
				out.fields = append(out.fields, maskedField{i, of, isSPI(f), freeField(t, f.Name)})
			}
		}
		out.texts = len(out.fields) > 0
	}
	return out
}
