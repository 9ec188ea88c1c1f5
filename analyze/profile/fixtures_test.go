package profile

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
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
		f, err := openPath(path)
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
	err := eachSample(f, func(s *perfdata.Sample) error {
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

// TestPeriodsEqualPerfScript compares, on every recording that the perf
// installed can read, the periods of each event and task.
func TestPeriodsEqualPerfScript(t *testing.T) {
	if testing.Short() {
		t.Skip("runs perf")
	}
	if _, err := exec.LookPath("perf"); err != nil {
		t.Skip("no perf")
	}
	paths, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "fixtures", "perfdata", "*", "*"))
	if err != nil || len(paths) == 0 {
		t.Skip("no fixtures: ", err)
	}
	compared := 0
	for _, path := range paths {
		f, err := openPath(path)
		if err != nil {
			continue
		}
		out, err := exec.Command("perf", "script", "-f", "-i", path, "-F", "comm,tid,period,event").Output()
		if err == nil {
			compared++
			comparePeriods(t, filepath.Base(path), build(t, f, Options{}), string(out))
		}
		f.Close()
	}
	t.Logf("%d recordings compared", compared)
}

// "        swapper     0     200000 cpu-clock: "
var scriptPeriod = regexp.MustCompile(`^\s*(.+?)\s+(-?\d+)\s+(?:(\d+)\s+)?(\S+):\s*$`)

func comparePeriods(t *testing.T, name string, ps []*Profile, script string) {
	t.Helper()
	want, got := map[string]uint64{}, map[string]uint64{}
	for line := range strings.Lines(script) {
		if m := scriptPeriod.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			period, _ := strconv.ParseUint(m[3], 10, 64) // absent: 0
			want[m[4]+" "+m[1]+" "+m[2]] += period
		}
	}
	for _, p := range ps {
		for _, c := range p.Cells {
			comm := unknownComm
			if c.Comm >= 0 {
				comm = strings.TrimSpace(p.Comms[c.Comm])
			}
			got[fmt.Sprintf("%s %s %d", p.Event.Name, comm, c.TID)] += c.Period
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s: periods by event and task %v, perf has %v", name, got, want)
	}
}

// eachSample decodes a recording with one worker.
func eachSample(f *perfdata.File, fn func(*perfdata.Sample) error) error {
	d, err := f.NewDecoder()
	if err != nil {
		return err
	}
	for b, err := range f.Blocks(context.Background()) {
		if err != nil {
			return err
		}
		if err := d.Decode(b, fn); err != nil {
			return err
		}
	}
	return nil
}

func openPath(path string) (*perfdata.File, error) {
	return perfdata.OpenFS(os.DirFS(filepath.Dir(path)), filepath.Base(path))
}
