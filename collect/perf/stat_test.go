package perf

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"xfrmscope/collect/bundle"
)

func TestStatArgv(t *testing.T) {
	tool := &Tool{Path: "perf"}
	got := strings.Join(tool.StatArgv(Options{CPUs: bundle.CPUSet{1, 2},
		Events: []string{"{cycles:k,instructions:k}:S", "{cycles,instructions:u}:kS", "cycles:pp",
			"cpu/event=0xc2,umask=0x3/k", "cpu-clock"}}), " ")
	const want = "perf stat -x , -A -C 1-2 -e {cycles:k,instructions:k} -e {cycles:k,instructions:u} -e cycles " +
		"-e cpu/event=0xc2,umask=0x3/k -e cpu-clock -D -1 --control fd:3,4"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The lines are of perf 6.1 and 6.12; a hardware event may have been off.
func TestParseTotals(t *testing.T) {
	const text = `Events disabled
Events enabled
CPU0,1000.27,msec,cpu-clock,1000268836,100.00,0.666,CPUs utilized
CPU3,2104000,,cycles:k,750208740,75.00,3.336,GHz
CPU3,63,,cpu/event=0xc2,umask=0x3/,1000278320,100.00,,
CPU0,<not counted>,,instructions:k,0,100.00,,
CPU1,7,,page-faults,1000278020,100.00
`
	got, err := parseTotals(text)
	want := []bundle.Total{
		{Event: "cpu-clock", CPU: 0, Value: 1000270000, RunningNS: 1000268836, Running: 1},
		{Event: "cycles:k", CPU: 3, Value: 2104000, RunningNS: 750208740, Running: 0.75},
		{Event: "cpu/event=0xc2,umask=0x3/", CPU: 3, Value: 63, RunningNS: 1000278320, Running: 1},
		{Event: "instructions:k", CPU: 0},
		{Event: "page-faults", CPU: 1, Value: 7, RunningNS: 1000278020, Running: 1},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, got, want)
	}
	for _, bad := range []string{"CPU0", "CPU0,1,,cycles", "CPUx,1,,cycles,10,100.00,,",
		"CPU0,many,,cycles,10,100.00,,", "CPU0,-1,,cycles,10,100.00,,", "CPU0,1,,cycles,10,200.00,,"} {
		got, err := parseTotals("CPU0,1,,cycles,10,100.00,,\n" + bad + "\n")
		if err == nil || len(got) != 1 || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: %+v, %v; want the first line, and an error of the second", bad, got, err)
		}
	}
}

func FuzzParseTotals(f *testing.F) {
	f.Add("CPU0,1000.27,msec,cpu-clock,1000268836,100.00,0.666,CPUs utilized\n")
	f.Add("CPU3,63,,cpu/event=0xc2,umask=0x3/,1000278320,100.00,,")
	f.Fuzz(func(t *testing.T, text string) {
		totals, _ := parseTotals(text)
		for _, total := range totals {
			if total.CPU < 0 || total.RunningNS < 0 || !(total.Running >= 0 && total.Running <= 1) {
				t.Errorf("%+v", total)
			}
		}
	})
}

// The clock counts while it is enabled, and not before.
func TestCounting(t *testing.T) {
	tool := live(t)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c, err := tool.StartCounting(context.Background(),
		Options{CPUs: bundle.CPUSet{0}, Events: []string{"cpu-clock"}}, bundle.CPUSet{0}, log)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond)
	begun := time.Now()
	if err := c.Enable(context.Background()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	if err := c.Disable(); err != nil {
		t.Fatal(err)
	}
	enabled := time.Since(begun)
	got, err := c.Stop()
	if err != nil || len(got) != 1 || got[0].Event != "cpu-clock" || got[0].Running != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if n := time.Duration(got[0].Value); n < 300*time.Millisecond || n > enabled {
		t.Errorf("counted %s, enabled for less than %s", n, enabled)
	}
}
