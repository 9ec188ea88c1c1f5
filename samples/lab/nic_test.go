package lab

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/collect/doctor"
)

// The card that job nic looks at: an igb (82576) of QEMU, with four queues.
const card = "eth0"

// said returns what ethtool's OPTION or a file of /proc said, line by line.
func said(t *testing.T, moment, what string) (lines []string) {
	t.Helper()
	f, err := os.Open(recorded(t, "rt612", "nic", moment, what))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines
}

// pairs returns the lines "NAME: VALUE" of ethtool's output, of a name that is
// there twice, which is at most first and now, the later.
func pairs(lines []string) map[string]string {
	found := map[string]string{}
	for _, line := range lines {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(value) != "" {
			found[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return found
}

// largest returns the values of the part of the output before "Current".
func largest(lines []string) map[string]string {
	now := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "Current") })
	return pairs(lines[:max(now, 0)])
}

// featureName is what ethtool(8) calls some features of the kernel.
var featureName = map[string]string{
	"rx-checksum": "rx-checksumming", "tx-generic-segmentation": "generic-segmentation-offload",
	"rx-gro":           "generic-receive-offload",
	"rx-lro":           "large-receive-offload",
	"rx-vlan-hw-parse": "rx-vlan-offload", "tx-vlan-hw-insert": "tx-vlan-offload",
	"rx-ntuple-filter": "ntuple-filters", "rx-hashing": "receive-hashing",
}

// A cardRun is job nic's run.
type cardRun struct {
	*result.Run
	facts []bundle.Fact
}

func openCard(t *testing.T) cardRun {
	t.Helper()
	if why, err := os.ReadFile(filepath.Join(recorded(t, "rt612", "nic"), "skipped")); err == nil {
		t.Skip(strings.TrimSpace(string(why)))
	}
	path := recorded(t, "rt612", "nic", "run")
	bundles, err := bundle.OpenAll(path)
	if err != nil {
		t.Fatal(err)
	}
	facts, err := bundles[0].Placement()
	if err != nil {
		t.Fatal(err)
	}
	return cardRun{open(t, path).Run, facts}
}

// of returns the card's facts of a topic at the start or the end, by name; those
// of its parts by "PART NAME".
func (r cardRun) of(phase, topic string) map[string]string {
	found := map[string]string{}
	for _, f := range r.facts {
		if f.Phase != phase || f.Topic != topic {
			continue
		}
		if f.Subject == card {
			found[f.Name] = f.Value
		} else if part, ok := strings.CutPrefix(f.Subject, card+" "); ok {
			found[part+" "+f.Name] = f.Value
		}
	}
	return found
}

// What was recorded at both ends is what ethtool said just before and after.
func TestNICSettings(t *testing.T) {
	r := openCard(t)
	for phase, moment := range map[string]string{"start": "before", "end": "after"} {
		same := func(topic, name, want string) {
			t.Helper()
			if got := r.of(phase, topic)[name]; got != want || got == "" {
				t.Errorf("%s: %s %s is %q, ethtool says %q", phase, topic, name, got, want)
			}
		}
		driver := pairs(said(t, moment, "ethtool-i"))
		same(bundle.TopicNIC, "driver", driver["driver"])
		same(bundle.TopicNIC, "bus", driver["bus-info"])

		channels := said(t, moment, "ethtool-l")
		same(bundle.TopicNIC, "channels", fmt.Sprintf("combined %s of %s, rx 0 of 0, tx 0",
			pairs(channels)["Combined"], largest(channels)["Combined"]))

		rings := said(t, moment, "ethtool-g")
		for _, name := range []string{"RX", "TX"} {
			same(bundle.TopicRing, strings.ToLower(name), pairs(rings)[name]+" of "+largest(rings)[name])
		}

		pause := pairs(said(t, moment, "ethtool-a"))
		same(bundle.TopicPause, "rx", pause["RX"])
		same(bundle.TopicPause, "tx", pause["TX"])
		same(bundle.TopicPause, "autoneg", pause["Autonegotiate"])

		table := indirection(said(t, moment, "ethtool-x"))
		same(bundle.TopicRSS, "table", strings.Join(table, " "))
		t.Logf("%s: %d entries of the RSS table, rings %s", phase, len(table), r.of(phase, bundle.TopicRing))

		// The card takes no rule: its driver has flow filters from the I350 on.
		if rules := r.of(phase, bundle.TopicRule); len(rules) > 0 ||
			!slices.Contains(said(t, moment, "ethtool-n"), "Total 0 rules") {
			t.Errorf("%s: rules %v", phase, rules)
		}

		features := pairs(said(t, moment, "ethtool-k"))
		ours := r.of(phase, bundle.TopicFeature)
		for name, value := range ours {
			want, _, _ := strings.Cut(features[cmp.Or(featureName[name], name)], " [requested")
			if value != want {
				t.Errorf("%s: feature %s is %q, ethtool says %q", phase, name, value, want)
			}
		}
		if len(ours) < 50 {
			t.Errorf("%s: %d features", phase, len(ours))
		}
	}
}

// indirection reads the queues of `ethtool -x`, eight a line.
func indirection(lines []string) (queues []string) {
	row := regexp.MustCompile(`^ *\d+:((?: +\d+)+)$`)
	for _, line := range lines {
		if m := row.FindStringSubmatch(line); m != nil {
			queues = append(queues, strings.Fields(m[1])...)
		}
	}
	return queues
}

// The driver's counters are there, in its order, and each lies between what
// ethtool read before and after.
func TestNICCounters(t *testing.T) {
	r := openCard(t)
	read := func(moment string) (names []string, values map[string]uint64) {
		values = map[string]uint64{}
		for _, line := range said(t, moment, "ethtool-S") {
			name, value, _ := strings.Cut(line, ":")
			if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64); err == nil {
				names = append(names, strings.TrimSpace(name))
				values[strings.TrimSpace(name)] = n
			}
		}
		return names, values
	}
	names, before := read("before")
	_, after := read("after")
	recorded := map[string][]uint64{}
	for _, phase := range []string{"start", "end"} {
		var ours []string
		for _, f := range r.facts {
			if f.Phase == phase && f.Topic == bundle.TopicStat && f.Subject == card {
				n, err := strconv.ParseUint(f.Value, 10, 64)
				if err != nil || !f.Counter {
					t.Errorf("%+v", f)
				}
				ours = append(ours, f.Name)
				recorded[f.Name] = append(recorded[f.Name], n)
			}
		}
		// 0 at both ends is not kept
		want := slices.DeleteFunc(slices.Clone(names),
			func(name string) bool { return before[name] == 0 && !slices.Contains(ours, name) })
		if !slices.Equal(ours, want) {
			t.Errorf("%s: counters %q, ethtool has %q", phase, ours, want)
		}
	}
	for name, n := range recorded {
		if all := []uint64{before[name], n[0], n[1], after[name]}; !slices.IsSorted(all) {
			t.Errorf("%s: %d by ethtool, %d and %d recorded, %d by ethtool: it does not rise",
				name, all[0], all[1], all[2], all[3])
		}
	}
	t.Logf("%d counters, %d of them kept; in the window %d packets received",
		len(names), len(recorded), recorded["rx_packets"][1]-recorded["rx_packets"][0])
	// Hashed by ports, 64 flows of one peer reach all queues.
	for queue := range 4 {
		name := fmt.Sprintf("rx_queue_%d_packets", queue)
		if n := after[name] - before[name]; n == 0 {
			t.Errorf("queue %d received nothing", queue)
		} else {
			t.Logf("queue %d received %d packets", queue, n)
		}
	}
}

// Each queue's interrupt is told by its number, its queue and its CPU, and in
// the window only that CPU took it.
func TestNICInterrupts(t *testing.T) {
	r := openCard(t)
	numbers := map[string]string{}
	for _, line := range said(t, "before", "interrupts") {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[len(fields)-1], card) {
			numbers[fields[len(fields)-1]] = strings.TrimSuffix(fields[0], ":")
		}
	}
	start, end := r.of("start", bundle.TopicIRQ), r.of("end", bundle.TopicIRQ)
	if len(numbers) != 9 {
		t.Errorf("interrupts %v: want one of the card and one for each of 4 queues and direction", numbers)
	}
	for name, number := range numbers {
		if start[name+" irq"] != number {
			t.Errorf("%s is interrupt %q, /proc/interrupts says %s", name, start[name+" irq"], number)
		}
		queue, ofQueue := strings.CutPrefix(name, card+"-")
		if start[name+" queue"] != queue && ofQueue {
			t.Errorf("%s is of queue %q", name, start[name+" queue"])
		}
		if !ofQueue || name == card+"-rx-3" { // which is moved in the window
			continue
		}
		cpu := queue[len(queue)-1:] // the plan's: queue N interrupts CPU N
		if start[name+" effective"] != cpu {
			t.Errorf("%s interrupts CPU %q, not %s", name, start[name+" effective"], cpu)
		}
		for other := range 5 {
			key := fmt.Sprintf("%s cpu %d", name, other)
			if rose := start[key] != end[key]; rose != (strconv.Itoa(other) == cpu) {
				t.Errorf("%s: CPU %d took %s before and %s after, want those of CPU %s alone to rise",
					name, other, start[key], end[key], cpu)
			}
		}
	}
}

// Everything that was changed within the window is found, and nothing else. The
// link was not paused, which this driver counts as xoff.
func TestNICDrift(t *testing.T) {
	r := openCard(t)
	table := func(queues ...string) string { return strings.Join(slices.Repeat(queues, 128/len(queues)), " ") }
	want := []result.Drift{
		{Topic: "irq", Subject: "eth0 eth0-rx-3", Name: "affinity", Start: "3", End: "2"},
		{Topic: "irq", Subject: "eth0 eth0-rx-3", Name: "effective", Start: "3", End: "2"},
		{Topic: "ring", Subject: "eth0", Name: "rx", Start: "256 of 4096", End: "512 of 4096"},
		{Topic: "rps", Subject: "eth0 rx-0", Name: "rps_cpus", Start: "none", End: "2"},
		{Topic: "rss", Subject: "eth0", Name: "table", Start: table("0", "1", "2", "3"), End: table("0", "1")},
		{Topic: "xps", Subject: "eth0 tx-0", Name: "xps_cpus", Start: "0", End: "3"},
	}
	if !slices.Equal(r.Drift, want) {
		t.Errorf("drift %+v", r.Drift)
	}
	for id, want := range map[string]string{"irq-drift": result.GateFailed, "pause": result.GateOK} {
		i := slices.IndexFunc(r.Gates, func(g result.Gate) bool { return g.ID == id })
		t.Logf("gate %s: %s: %s", id, r.Gates[i].Status, r.Gates[i].Evidence)
		if r.Gates[i].Status != want {
			t.Errorf("gate %+v, want it %s", r.Gates[i], want)
		}
	}
}

// Carried out as printed, twice, for after a change of channels the interrupts
// are others, the plan leaves nothing to be done.
func TestNICPlan(t *testing.T) {
	openCard(t)
	for _, round := range []string{"found", "channels"} {
		for _, line := range said(t, ".", "plan."+round) {
			t.Log(line)
			if !strings.HasPrefix(line, "0 ") {
				t.Errorf("a command of the plan failed: %s", line)
			}
		}
	}
	var found, placed doctor.Report
	readJSON(t, recorded(t, "rt612", "nic", "doctor.found.json"), &found)
	readJSON(t, recorded(t, "rt612", "nic", "doctor.placed.json"), &placed)
	if c := found.Find("XS043"); c.State != doctor.Degraded || !strings.Contains(c.Evidence, "5 of 5 queues") {
		t.Errorf("before the plan: %+v", c)
	}
	for _, id := range []string{"XS042", "XS043", "XS044", "XS045", "XS047", "XS053"} {
		c := placed.Find(id)
		t.Logf("%s %s: %s: %s", id, c.Title, c.State, c.Evidence)
		if c.State != doctor.OK {
			t.Errorf("after the plan: %+v", c)
		}
	}
	if len(placed.Plan) > 0 {
		t.Errorf("after the plan there is one: %+v", placed.Plan)
	}
}
