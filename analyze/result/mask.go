package result

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// kernelAddress is an address of the kernel's half on a 64-bit machine, as texts
// have it.
const kernelAddress = `\b(0x)?(ff|c0)[0-9a-f]{14}\b`

// MaskAddresses puts 0x1, 0x2 ... in the place of the kernel's addresses in all
// texts of a result, equal ones for equal ones, in the order of their runs: they
// tell where this kernel was loaded and where its objects are.
func (r *Result) MaskAddresses() {
	m := masking{regexp.MustCompile(kernelAddress), map[string]string{}, map[reflect.Type]bool{}}
	m.walk(reflect.ValueOf(r))
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

type masking struct {
	address *regexp.Regexp
	aliases map[string]string
	texts   map[reflect.Type]bool // whether a type holds text; false while it is being asked
}

func (m *masking) mask(s string) string {
	if !strings.Contains(s, "ff") && !strings.Contains(s, "c0") {
		return s
	}
	return m.address.ReplaceAllStringFunc(s, func(a string) string {
		a = strings.TrimPrefix(a, "0x")
		if m.aliases[a] == "" {
			m.aliases[a] = fmt.Sprintf("0x%x", len(m.aliases)+1)
		}
		return m.aliases[a]
	})
}

// walk masks what can be reached from v. Most of a profile is numbers.
func (m *masking) walk(v reflect.Value) {
	if !m.holdsText(v.Type()) {
		return
	}
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(m.mask(v.String()))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			m.walk(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				m.walk(v.Field(i))
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			m.walk(v.Index(i))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			masked := reflect.New(v.Type().Elem()).Elem()
			masked.SetString(m.mask(v.MapIndex(key).String()))
			v.SetMapIndex(key, masked)
		}
	}
}

func (m *masking) holdsText(t reflect.Type) bool {
	if known, ok := m.texts[t]; ok {
		return known
	}
	m.texts[t] = false
	switch t.Kind() {
	case reflect.String:
		m.texts[t] = true
	case reflect.Map:
		m.texts[t] = t.Elem().Kind() == reflect.String
	case reflect.Pointer, reflect.Slice, reflect.Array:
		m.texts[t] = m.holdsText(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && m.holdsText(f.Type) {
				m.texts[t] = true
			}
		}
	}
	return m.texts[t]
}
