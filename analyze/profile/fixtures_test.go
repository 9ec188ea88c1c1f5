package profile

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"xfrmscope/analyze/perfdata"
)

// TestBuildFixtures builds every recording there is and checks that no sample
// is lost on the way.
func TestBuildFixtures(t *testing.T) {
	root := filepath.Join("..", "..", "..", "shared", "fixtures", "perfdata")
	if _, err := os.Stat(root); err != nil {
		t.Skip("no fixtures: ", err)
	}
	files, samples := 0, uint64(0)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := perfdata.OpenPath(path)
		if err != nil {
			return nil // not a recording, or one that perfdata's own tests are about
		}
		defer f.Close()
		files++
		samples += checkFixture(t, path[len(root)+1:], f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d recordings, %d samples", files, samples)
}

func checkFixture(t *testing.T, name string, f *perfdata.File) uint64 {
	want := map[string]uint64{}
	_, err := f.Samples(context.Background(), perfdata.SampleOptions{}, func(s *perfdata.Sample) error {
		want[s.Event.Name]++
		return nil
	})
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return 0
	}
	var total uint64
	first := build(t, f, Options{User: true, Workers: 1})
	got := map[string]uint64{}
	for _, p := range first {
		checkProfile(t, p)
		n, _ := p.Total()
		if n > 0 {
			got[p.Event.Name] += n
		}
		total += n
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v samples in profiles, %v in the recording", name, got, want)
	}
	if again := build(t, f, Options{User: true, Workers: 3}); !reflect.DeepEqual(again, first) {
		t.Errorf("%s: three workers give another result than one", name)
	}
	return total
}
