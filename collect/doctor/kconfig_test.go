package doctor

import (
	"strings"
	"testing"
)

// A configuration with all that is needed has nothing to fix; each option that is
// left out costs what it says.
func TestKconfig(t *testing.T) {
	var whole strings.Builder
	whole.WriteString("#\n# Linux/x86 6.13.0 Kernel Configuration\n#\n")
	for _, o := range KernelOptions() {
		if o.Unset {
			whole.WriteString("# CONFIG_" + o.Name + " is not set\n")
		} else {
			whole.WriteString("CONFIG_" + o.Name + "=y\n")
		}
	}
	checks, err := Kconfig(strings.NewReader(whole.String()))
	if err != nil || len(checks) != len(KernelOptions()) {
		t.Fatalf("%d checks, %v", len(checks), err)
	}
	for i, o := range KernelOptions() {
		if checks[i].State != OK || checks[i].Fix != "" {
			t.Errorf("%+v", checks[i])
		}
		line, other := "CONFIG_"+o.Name+"=y\n", "# CONFIG_"+o.Name+" is not set\n"
		if o.Unset {
			line, other = other, line
		}
		without, err := Kconfig(strings.NewReader(strings.Replace(whole.String(), line, other, 1)))
		if err != nil {
			t.Fatal(err)
		}
		want := Degraded
		if o.needs {
			want = Absent
		}
		for j, c := range without {
			if (c.State != OK) != (i == j) || i == j && (c.State != want || c.Evidence != "lost: "+o.Lost ||
				!strings.HasPrefix(c.Fix, "build with "+c.ID+"=")) {
				t.Errorf("without %s: %+v", o.Name, c)
			}
		}
	}
	for _, text := range []string{"", "hello\n", "\x1f\x8bno gzip", "# CONFIG_\n"} {
		if _, err := Kconfig(strings.NewReader(text)); err == nil {
			t.Errorf("%q is taken for a configuration", text)
		}
	}
}

func FuzzKconfig(f *testing.F) {
	f.Add([]byte("CONFIG_XFRM_USER=m\n# CONFIG_KPROBES is not set\n"))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if checks, err := Kconfig(strings.NewReader(string(data))); err == nil &&
			len(checks) != len(KernelOptions()) {
			t.Errorf("%d checks", len(checks))
		}
	})
}
