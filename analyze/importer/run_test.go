package importer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xfrmscope/collect/bundle"
)

func TestRunOf(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	folded := file("a b;c.folded", "ksoftirqd/1;ip_forward;xfrm_lookup 7\nksoftirqd/1;ip_forward 3\n")
	run := filepath.Join(dir, "run")
	r, losses, err := RunOf([]string{folded}, run, RunOptions{Tool: "test", Labels: map[string]string{"mode": "pcpu"}})
	if err != nil || len(losses) != 0 {
		t.Fatalf("%v, losses %+v", err, losses)
	}
	if r.Status != bundle.Complete || r.Source != "import" || len(r.Files) != 1 || r.Files[0].Name != "import/1-a_b_c.folded" {
		t.Errorf("manifest %+v", r.Manifest)
	}
	if err := r.Verify(); err != nil {
		t.Error(err)
	}
}

// Nothing is written for files that cannot be imported.
func TestRunOfRefuses(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	if err := os.WriteFile(bad, []byte("neither\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ file, want string }{
		{bad, "no format that can be imported"},
		{empty, "empty file"},
		{filepath.Join(dir, "none"), "no such file"},
		{dir, "without a file named data"},
	} {
		run := filepath.Join(t.TempDir(), "run")
		_, _, err := RunOf([]string{tt.file}, run, RunOptions{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q in it", tt.file, err, tt.want)
		}
		if _, err := os.Stat(run); err == nil {
			t.Errorf("%s: a run was begun", tt.file)
		}
	}
}
