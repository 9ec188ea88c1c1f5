package page

import (
	"testing"
)

func TestShellLine(t *testing.T) {
	got := shellLine([]string{"perf", "record", "-e", "{cycles:k}:S", "it's", "", "-C0-3"})
	if want := `perf record -e '{cycles:k}:S' 'it'\''s' '' -C0-3`; got != want {
		t.Errorf("shellLine = %s, want %s", got, want)
	}
}
