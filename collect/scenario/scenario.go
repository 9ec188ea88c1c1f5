// Package scenario reads the description of a sweep, a YAML file of one page,
// and turns it into the runs of the sweep:
//
//	Parse(text) -> Resolve(machine, defaults) -> Runs, Text, Hash
//
// Reading is strict: a key that does not exist is an error with its line and
// the key that was probably meant. A resolved scenario has every default filled
// in and every set of CPUs spelled out; Text writes it, and Hash is the SHA-256
// of that text, which stands in every run and in every sweep. The text can be
// read again, and resolves to itself.
package scenario

import (
	"time"

	"xfrmscope/collect/bundle"
)

// APIVersion is the only value of Scenario.APIVersion.
const APIVersion = "xfrmscope/v1"

// A Scenario says which runs a sweep has and how each is made. The tag doc is
// the description in the JSON schema.
type Scenario struct {
	APIVersion string `yaml:"apiVersion" doc:"xfrmscope/v1"`
	Name       string `yaml:"name" doc:"title of the sweep, printed in the report"`
	CPUs       CPUs   `yaml:"cpus" doc:"which CPUs send: one run for each set"`

	Sides   []Factor `yaml:"sides,omitempty" doc:"what is compared, such as before and after; each with its set-up"`
	Modes   []Factor `yaml:"modes,omitempty" doc:"what makes curves side by side, such as shared and pcpu; each with its set-up"`
	Ceiling *Factor  `yaml:"ceiling,omitempty" doc:"the same path without IPsec, what the others are held against; a mode named plain"`

	Load    *Load   `yaml:"load,omitempty" doc:"the command that makes the traffic"`
	Packets Packets `yaml:"packets,omitempty" doc:"where the packets are counted"`

	NetNS  []string          `yaml:"netns,omitempty" doc:"network namespaces whose SAs are read; the current one if none is named"`
	Labels map[string]string `yaml:"labels,omitempty" doc:"further labels of every run"`

	WarmUp  *time.Duration `yaml:"warm_up,omitempty" doc:"the load runs this long before anything is measured"`
	Steady  *Steady        `yaml:"steady,omitempty" doc:"when the load counts as steady, checked after the warm-up"`
	Window  time.Duration  `yaml:"window,omitempty" doc:"length of the measurement"`
	Repeats int            `yaml:"repeats,omitempty" doc:"runs of each combination"`
	Order   string         `yaml:"order,omitempty" enum:"interleaved,grouped" doc:"interleaved: A B B A, what is compared is measured side by side in time; grouped: one mode after the other"`

	Events    []string      `yaml:"events,omitempty" doc:"perf events, in perf's own syntax"`
	Frequency int           `yaml:"frequency,omitempty" doc:"samples per second, event and CPU"`
	Probes    []string      `yaml:"probes,omitempty" doc:"eBPF probes, each in a phase of its own after the window; [none] loads none"`
	Phase     time.Duration `yaml:"phase,omitempty" doc:"length of each probe's phase; 2s, or the window's if that is shorter"`

	Gates    []string `yaml:"gates,omitempty" doc:"gates that must hold in every run: if one does not, the sweep goes on and ends with exit code 4"`
	Headline []string `yaml:"headline,omitempty" doc:"metrics named beforehand: these are tested plainly, all others corrected for being many"`
}

// CPUs names the sets of CPUs that are measured: spelled out, or counted.
type CPUs struct {
	Counts Counts          `yaml:"counts,omitempty" doc:"how many CPUs: 1..8 or a list"`
	From   bundle.CPUSet   `yaml:"from,omitempty" doc:"CPUs to take them from; the online ones if left out"`
	Order  string          `yaml:"order,omitempty" enum:"number,l3,spread" doc:"number: lowest first; l3: one L3 cache after the other; spread: from each L3 cache in turn. The second thread of a core comes after all first ones, but by number"`
	Sets   []bundle.CPUSet `yaml:"sets,omitempty" doc:"the sets themselves, instead of counts"`
}

// A Factor is one level of what a sweep varies.
type Factor struct {
	Name     string   `yaml:"name,omitempty" doc:"label of its runs"`
	Setup    string   `yaml:"setup,omitempty" doc:"shell command before each of its runs"`
	Teardown string   `yaml:"teardown,omitempty" doc:"shell command after each of its runs, after a set-up that failed too"`
	Packets  *Packets `yaml:"packets,omitempty" doc:"where its packets are counted, if elsewhere"`
	Repeats  int      `yaml:"repeats,omitempty" doc:"runs of each of its combinations, if another number"`
}

// A Load is the command that makes the traffic.
type Load struct {
	Command string `yaml:"command" doc:"shell command; started before the window and ended after it"`
	CPUs    string `yaml:"cpus,omitempty" doc:"CPUs it is pinned to; {cpus} are those measured"`
}

// Packets says where the packets of a run are counted.
type Packets struct {
	From    string `yaml:"from,omitempty" enum:"sa,file,iperf3,trex,pktgen" doc:"sa: counters of the outbound SAs; file: a running count, read at both ends of the window; the others: a result the load leaves"`
	File    string `yaml:"file,omitempty" doc:"the file of the counts or of the result"`
	Command string `yaml:"command,omitempty" doc:"shell command that prints the result, run after the load has ended"`
}

// Sources of Packets.From.
const (
	FromSA     = "sa"
	FromFile   = "file"
	FromIPerf3 = "iperf3"
	FromTRex   = "trex"
	FromPktgen = "pktgen"
)

// Steady says when the load counts as steady: the packet rates of three
// intervals in a row differ by no more than the tolerance.
type Steady struct {
	Tolerance float64       `yaml:"tolerance,omitempty" doc:"largest less smallest rate, over their mean: 0.05"`
	Interval  time.Duration `yaml:"interval,omitempty" doc:"length of an interval"`
	Within    time.Duration `yaml:"within" doc:"wait no longer than this, then measure and warn; 0s does not check"`
}

// Orders of a Scenario and of its CPUs.
const (
	Interleaved = "interleaved"
	Grouped     = "grouped"

	ByNumber = "number"
	ByL3     = "l3"
	Spread   = "spread"
)

// NoProbes is the one element of Probes that asks for none.
const NoProbes = "none"

// Defaults are what a scenario leaves to the program.
type Defaults struct {
	Events      []string
	FrequencyHz int
	Probes      []string
}
