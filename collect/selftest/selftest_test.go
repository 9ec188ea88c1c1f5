package selftest

import (
	"context"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
	"xfrmscope/collect/sched"
)

func TestSubtract(t *testing.T) {
	before := &probe.Waits{
		Rows: []bundle.LockRow{{CPU: 0, Lock: "0x1", Count: 2, WaitNS: 20},
			{CPU: 1, Lock: "0x1", Count: 1, WaitNS: 5}},
		Accounts: []bundle.LockAccount{{CPU: 0, Begun: 2, Ended: 2}, {CPU: 1, Begun: 1, Ended: 1}},
		Skipped:  3,
	}
	after := &probe.Waits{
		Rows: []bundle.LockRow{{CPU: 0, Lock: "0x1", Count: 7, WaitNS: 70},
			{CPU: 1, Lock: "0x1", Count: 1, WaitNS: 5}, {CPU: 1, Lock: "0x2", Count: 4, WaitNS: 9}},
		Accounts: []bundle.LockAccount{{CPU: 0, Begun: 8, Ended: 7, Mismatched: 1},
			{CPU: 1, Begun: 5, Ended: 5}},
		Skipped: 4,
	}
	got := subtract(after, before)
	want := &probe.Waits{
		Rows: []bundle.LockRow{{CPU: 0, Lock: "0x1", Count: 5, WaitNS: 50},
			{CPU: 1, Lock: "0x2", Count: 4, WaitNS: 9}},
		Accounts: []bundle.LockAccount{{CPU: 0, Begun: 6, Ended: 5, Mismatched: 1},
			{CPU: 1, Begun: 4, Ended: 4}},
		Skipped: 1,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// synthetic is a result of two CPUs under one attach mode.
func synthetic(mode probe.AttachMode) *Result {
	alone, both := bundle.CPUSet{0}, bundle.CPUSet{0, 1}
	seen := func() []Seen {
		return []Seen{
			{Load: Own, CPUs: alone, Asked: 10, Ops: 10, NSPerOp: 50},
			{Load: Own, CPUs: both, Asked: 20, Ops: 20, NSPerOp: 50},
			{Load: Shared, CPUs: alone, Asked: 10, Ops: 10, NSPerOp: 50}, {Load: Shared, CPUs: both,
				Asked: 20, Ops: 20, Turns: 12, NSPerOp: 150, ExtraNS: 100, Waits: 10, WaitNS: 1000,
				Begun: 10,
				Ended: 10},
			{Load: Atomic, CPUs: alone, Asked: 10, Ops: 10, NSPerOp: 20},
			{Load: Atomic, CPUs: both, Asked: 20, Ops: 20, NSPerOp: 45, ExtraNS: 25},
		}
	}
	return &Result{CPUs: both, Rounds: 1, Bare: seen(), Modes: []Mode{{Mode: mode, Seen: seen()}}}
}

func TestJudge(t *testing.T) {
	at := func(load Load, change func(*Seen)) func(*Result) {
		return func(r *Result) {
			for i := range r.Modes[0].Seen {
				if s := &r.Modes[0].Seen[i]; s.Load == load && len(s.CPUs) == 2 {
					change(s)
				}
			}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*Result)
		mode   probe.AttachMode
		failed string // ids of the verdicts that are not OK
		text   string // in one of the texts
	}{
		{"as it should be", func(*Result) {}, probe.Fentry, "", "50 of the +100 ns"},
		{"bounce", func(*Result) {}, probe.Fentry, "", "each took +25 ns against one"},
		{"a wait for an own lock", at(Own, func(s *Seen) { s.Waits = 1 }), probe.Fentry, "own",
			"1 waits in 30"},
		{"a wait without a lock", at(Atomic, func(s *Seen) { s.Waits = 1 }), probe.Fentry, "atomic",
			"none to see"},
		{"a lock that does not exclude", at(Shared, func(s *Seen) { s.Ops = 19 }), probe.Fentry, "counted",
			"180 operations asked for, 179 counted"},
		{"ends that are missing", at(Shared, func(s *Seen) { s.Begun = 100 }), probe.Fentry, "accounts",
			"100 waits begun, 10 ended, 0 lost"},
		{"ends that are accounted for", at(Shared, func(
			s *Seen) {
			s.Begun, s.Losses = 100, []bundle.Loss{{Count: 90}}
		}), probe.Fentry, "", "90 lost"},
		{"pending", func(r *Result) { r.Pending = []Pending{{r.CPUs, 10, 900, 2, 300}} }, probe.Fentry, "",
			"the rest, 600 ns"},
		{"more queued than there is", func(r *Result) { r.Pending = []Pending{{r.CPUs, 10, 900, 2, 901}} },
			probe.Fentry, "pending", "2 of 901 ns"},
		{"blind on two CPUs", at(Shared, func(s *Seen) { s.Waits = 0 }), probe.TPBTF, "seen",
			"the first in line"},
		{"CPUs that did not meet", at(Shared, func(s *Seen) { s.Waits, s.Turns = 0, 0 }), probe.Fentry, "seen",
			"not told: the CPUs did not run at one time"},
		{"nothing by fentry", at(Shared, func(s *Seen) { s.Waits = 0 }), probe.Fentry, "seen",
			"not the function"},
	} {
		r := synthetic(tt.mode)
		tt.change(r)
		r.judge()
		var failed, texts []string
		for _, v := range r.Verdicts {
			texts = append(texts, v.Text)
			if !v.OK {
				failed = append(failed, v.ID)
			}
		}
		if got := strings.Join(failed, " "); got != tt.failed || r.Valid() != (tt.failed == "") {
			t.Errorf("%s: failed are %q, want %q", tt.name, got, tt.failed)
		}
		if all := strings.Join(texts, "\n"); !strings.Contains(all, tt.text) {
			t.Errorf("%s: no %q in\n%s", tt.name, tt.text, all)
		}
	}
}

// TestRun is the test itself, on this kernel.
func TestRun(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("loading eBPF programs needs root")
	}
	cpus, err := sched.Affinity()
	if err != nil {
		t.Fatal(err)
	}
	if len(cpus) < 2 {
		t.Skip("contention takes two CPUs")
	}
	r, err := Run(context.Background(), "this one",
		Options{CPUs: cpus[:2], Rounds: 2, Window: 30 * time.Millisecond})
	if err != nil {
		t.Skip("the generator does not load here: ", err)
	}
	if !r.Attached() {
		t.Skip("no attach mode works here: ", r.Modes)
	}
	if len(r.Bare) != 6 {
		t.Fatalf("%d rows, want 3 loads on 1 and 2 CPUs", len(r.Bare))
	}
	for _, v := range r.Verdicts {
		if v.ID == "seen" && !v.OK && !r.Contended() {
			t.Skip("other work kept the CPUs from running at one time: ", v.Text)
		}
		if !v.OK {
			t.Errorf("%s %s: %s", v.Mode, v.ID, v.Text)
		}
	}
}

// A command that attaches nothing, or ends at once, is a row that says so.
func TestCostOfNothing(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("loading eBPF programs needs root")
	}
	cpus, err := sched.Affinity()
	if err != nil || len(cpus) < 2 {
		t.Skip("contention takes two CPUs: ", err)
	}
	o := Options{CPUs: cpus[:2], Rounds: 1, Window: 20 * time.Millisecond}
	r, err := MeasureCost(context.Background(), "this one", o, []Command{{"false", "echo no such switch; exit 1"}})
	if err != nil {
		t.Skip("the generator does not load here: ", err)
	}
	if len(r.Rows) != len(probe.WaitModes())+1 || r.EmptyNS.Median <= 0 {
		t.Errorf("rows %+v", r)
	}
	if last := r.Rows[len(r.Rows)-1]; last.Missing != "not measured: it ended: no such switch" {
		t.Errorf("the command's row is %+v", last)
	}
	for _, row := range r.Rows {
		if row.Missing == "" && row.Events == 0 {
			t.Errorf("%s: no event and no reason", row.Observer)
		}
	}
}

func TestSpread(t *testing.T) {
	for _, tt := range []struct {
		in   []float64
		want Spread
	}{
		{nil, Spread{}},
		{[]float64{3}, Spread{3, 3, 3}},
		{[]float64{4, 1, 3, 2}, Spread{2.5, 1, 4}},
		{[]float64{9, 1, 5}, Spread{5, 1, 9}},
	} {
		if got := spread(tt.in); got != tt.want {
			t.Errorf("spread(%v) = %v, want %v", tt.in, got, tt.want)
		}
	}
}
