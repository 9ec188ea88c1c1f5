package perf

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/sched"
)

func TestResolve(t *testing.T) {
	const no = "The event is not supported."
	group := "{cycles:k,instructions:k}:S"
	tests := []struct {
		name  string
		asked []string
		opens string // events that open
		want  []bundle.Event
	}{
		{"all open", []string{group, "L1-dcache-load-misses:k"}, group + " L1-dcache-load-misses:k",
			[]bundle.Event{
				{Asked: group, Opened: group},
				{Asked: "L1-dcache-load-misses:k", Opened: "L1-dcache-load-misses:k"},
			}},
		{"no hardware counters", []string{group, "L1-dcache-load-misses:k"}, "cpu-clock", []bundle.Event{
			{Asked: "cycles:k", Opened: "cpu-clock", Why: no},
			{Asked: "instructions:k", Why: no},
			{Asked: "L1-dcache-load-misses:k", Why: no},
		}},
		{"too few counters for the group", []string{group}, "cycles:k instructions:k", []bundle.Event{
			{Asked: "cycles:k", Opened: "cycles:k", Why: "not in the group " + group + ": " + no},
			{Asked: "instructions:k", Opened: "instructions:k",
				Why: "not in the group " + group + ": " + no},
		}},
		{"one list, as perf itself takes it",
			[]string{"cycles,cpu/event=0xc2,umask=0x3/,L1-icache-load-misses:k"},
			"cycles cpu/event=0xc2,umask=0x3/", []bundle.Event{
				{Asked: "cycles", Opened: "cycles"},
				{Asked: "cpu/event=0xc2,umask=0x3/", Opened: "cpu/event=0xc2,umask=0x3/"},
				{Asked: "L1-icache-load-misses:k", Why: no},
			}},
		{"precise cycles", []string{"cycles:kppp"}, "cpu-clock",
			[]bundle.Event{{Asked: "cycles:kppp", Opened: "cpu-clock", Why: no}}},
		{"modifiers of the group", []string{"{cycles,instructions:u}:kS"}, "cycles:k", []bundle.Event{
			{Asked: "cycles", Opened: "cycles:k",
				Why: "not in the group {cycles,instructions:u}:kS: " + no},
			{Asked: "instructions:u", Why: no},
		}},
		{"the clock once", []string{"cpu-clock", "cycles:k"}, "cpu-clock", []bundle.Event{
			{Asked: "cpu-clock", Opened: "cpu-clock"},
			{Asked: "cycles:k", Why: no},
		}},
		{"not even the clock", []string{"cycles"}, "", []bundle.Event{{Asked: "cycles", Why: no}}},
		{"an open brace", []string{"{cycles"}, "", []bundle.Event{{Asked: "{cycles", Why: no}}},
		{"nothing", []string{",", ""}, "", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			opens := strings.Fields(test.opens)
			got := Resolve(test.asked, func(event string) error {
				for _, o := range opens {
					if o == event {
						return nil
					}
				}
				return errors.New(no)
			})
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestRefusal(t *testing.T) {
	tests := []struct{ out, want string }{
		{"Error:\nThe cycles:k event is not supported.\n", "The cycles:k event is not supported."},
		{"Error:\nNo supported events found.\nThe cycles:k event is not supported.\n",
			"The cycles:k event is not supported."},
		{"event syntax error: 'foo'\n                     \\___ parser error\nRun 'perf list'",
			"event syntax error: 'foo'"},
		{"Error:\nAccess to performance monitoring and observability operations is limited.\nConsider",
			"Access to performance monitoring and observability operations is limited."},
		{"", "perf gives no reason"},
	}
	for _, test := range tests {
		got := refusal(test.out)
		if got.Error() != test.want ||
			errors.Is(got, errors.ErrUnsupported) != strings.Contains(test.want, "not supported") {
			t.Errorf("%q: got %q, want %q", test.out, got, test.want)
		}
	}
}

func TestFind(t *testing.T) {
	script := func(text string) string {
		name := filepath.Join(t.TempDir(), "perf")
		if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
		return name
	}
	ctx := context.Background()
	tool, err := Find(ctx, script(`echo perf version 6.1.192; echo "  zstd: [ on  ]  # HAVE_ZSTD_SUPPORT"`))
	if err != nil || tool.Version != "6.1.192" || !tool.Zstd {
		t.Errorf("got %+v, %v", tool, err)
	}
	tool, err = Find(ctx, script(`echo perf version 7.2.g123; echo "  zstd: [ OFF ]  # HAVE_ZSTD_SUPPORT"`))
	if err != nil || tool.Zstd {
		t.Errorf("got %+v, %v", tool, err)
	}
	if _, err := Find(ctx, script("echo perf version 5.10.223")); !errors.Is(err, ErrTooOld) {
		t.Errorf("an old perf: %v", err)
	}
	_, err = Find(ctx,
		script("echo WARNING: perf not found for kernel 6.8.0-31; echo You may need to install; exit 2"))
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "You may need to install") {
		t.Errorf("Ubuntu's script: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Find(ctx, ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("without perf: %v", err)
	}
}

func TestArgv(t *testing.T) {
	tool := &Tool{Path: "/usr/bin/perf", Zstd: true}
	got := strings.Join(tool.Argv(Options{CPUs: bundle.CPUSet{1, 2, 3, 5},
		Events: []string{"{cycles:k,instructions:k}:S", "L1-dcache-load-misses:k"}, FrequencyHz: 999,
		Output: "run/perf.data.part"}), " ")
	const want = "/usr/bin/perf record -k CLOCK_MONOTONIC -C 1-3,5 -F 999 -g --kernel-callchains -N " +
		"-e {cycles:k,instructions:k}:S -e L1-dcache-load-misses:k -z -o run/perf.data.part -D -1 --control " +
		"fd:3,4"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// perf from 6.15 on refuses a frequency beside SPE (tools/perf/arch/arm64/util/arm-spe.c).
	if argv := tool.Argv(Options{Events: []string{"cycles:k", "arm_spe_0/load_filter=1/k"}, FrequencyHz: 4000,
		Memory: true}); slices.Contains(argv, "-F") || !slices.Contains(argv, "arm_spe_0/load_filter=1/k") {
		t.Errorf("%q", argv)
	}
}

// live returns the installed perf, or skips.
func live(t *testing.T) *Tool {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("measuring CPUs needs root")
	}
	tool, err := Find(context.Background(), "")
	if err != nil {
		t.Skip(err)
	}
	return tool
}

func TestTry(t *testing.T) {
	tool := live(t)
	if err := tool.Try(context.Background(), "cpu-clock", 0); err != nil {
		t.Errorf("cpu-clock: %v", err)
	}
	if err := tool.Try(context.Background(), "no-such-event", 0); err == nil ||
		!strings.Contains(err.Error(), "no-such-event") {
		t.Errorf("an unknown event: %v", err)
	}
}

func record(t *testing.T, tool *Tool, name string) (*Recording, *os.File) {
	t.Helper()
	log, err := os.Create(name + ".log")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	r, err := tool.Start(context.Background(), Options{CPUs: bundle.CPUSet{0}, Events: []string{"cpu-clock"},
		FrequencyHz: 999, Output: name}, bundle.CPUSet{0}, log)
	if err != nil {
		t.Fatal(err)
	}
	return r, log
}

func TestRecording(t *testing.T) {
	name := filepath.Join(t.TempDir(), "perf.data")
	r, _ := record(t, live(t), name)
	if err := r.Enable(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := r.Disable(); err != nil {
		t.Fatal(err)
	}
	if err := r.Stop(); err != nil || r.ExitCode() != 0 {
		t.Errorf("perf ended with %v, exit code %d", err, r.ExitCode())
	}
	data, err := os.ReadFile(name)
	if err != nil || !strings.HasPrefix(string(data), "PERFILE2") {
		t.Errorf("the file begins %.8q, %v", data, err)
	}
}

func TestRecordingThatDies(t *testing.T) {
	r, _ := record(t, live(t), filepath.Join(t.TempDir(), "perf.data"))
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-r.Done()
	if err := r.Enable(context.Background()); !errors.Is(err, ErrEnded) {
		t.Errorf("enabling a dead perf: %v", err)
	}
	if err := r.Stop(); err == nil || r.ExitCode() != 128+9 {
		t.Errorf("stopping a dead perf: %v, exit code %d", err, r.ExitCode())
	}
}

func TestStartRefused(t *testing.T) {
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	o := Options{CPUs: bundle.CPUSet{0}, Events: []string{"no-such-event"}, FrequencyHz: 999, Output: os.DevNull}
	if _, err := live(t).Start(context.Background(), o, bundle.CPUSet{0}, log); !errors.Is(err, ErrEnded) {
		t.Errorf("got %v", err)
	}
}

func FuzzResolve(f *testing.F) {
	f.Add("{cycles:k,instructions:k}:S,cpu/event=0x1,umask=2/")
	f.Add("}{,//:")
	f.Fuzz(func(t *testing.T, list string) {
		no := errors.New("no")
		for _, e := range Resolve([]string{list}, func(event string) error {
			if event == "" {
				t.Errorf("%q: tried nothing", list)
			}
			return no
		}) {
			if e.Asked == "" || e.Opened != "" || e.Why == "" {
				t.Errorf("%q gave %+v", list, e)
			}
		}
	})
}

// A perf that answers, and neither completes its file nor ends, is killed.
func TestRecordingThatIsStuck(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "perf")
	const stuck = `#!/bin/sh
while read -r word <&3; do echo ack >&4; [ "$word" != stop ] || exec sleep 1000; done
`
	if err := os.WriteFile(name, []byte(stuck), 0o755); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	own, err := sched.Affinity()
	if err != nil {
		t.Fatal(err)
	}
	tool := &Tool{Path: name}
	r, err := tool.Start(context.Background(), Options{CPUs: bundle.CPUSet{0}}, own, log)
	if err != nil {
		t.Fatal(err)
	}
	r.limit = 50 * time.Millisecond
	if err := r.Stop(); err == nil || !strings.Contains(err.Error(), "did not complete its file within 50ms") ||
		r.ExitCode() != 128+9 {
		t.Errorf("got %v, exit code %d", err, r.ExitCode())
	}
}

// One that does not even answer holds nobody who does not want to wait any more.
func TestRecordingThatDoesNotAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	own, err := sched.Affinity()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "perf")
	if err := os.WriteFile(name, []byte("#!/bin/sh\nexec sleep 1000\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	tool := &Tool{Path: name}
	if _, err := tool.Start(ctx, Options{CPUs: bundle.CPUSet{0}}, own, os.Stderr); !errors.Is(err,
		context.Canceled) {
		t.Errorf("got %v", err)
	}
}
