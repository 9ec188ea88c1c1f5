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
// the description in the JSON schema; longer ones are in longDescription.
type Scenario struct {
	APIVersion string `yaml:"apiVersion" doc:"xfrmscope/v1"`
	Name       string `yaml:"name" doc:"title of the sweep, printed in the report"`
	CPUs       CPUs   `yaml:"cpus" doc:"which CPUs send: one run for each set"`

	Sides   []Factor `yaml:"sides,omitempty" doc:"what is compared, such as before and after; each with its set-up"`
	Modes   []Factor `yaml:"modes,omitempty"`
	Ceiling *Factor  `yaml:"ceiling,omitempty"`

	Load    *Load   `yaml:"load,omitempty" doc:"the command that makes the traffic"`
	Packets Packets `yaml:"packets,omitempty" doc:"where the packets are counted"`

	NetNS  []string          `yaml:"netns,omitempty"`
	Labels map[string]string `yaml:"labels,omitempty" doc:"further labels of every run"`

	WarmUp  *time.Duration `yaml:"warm_up,omitempty" doc:"the load runs this long before anything is measured"`
	Steady  *Steady        `yaml:"steady,omitempty" doc:"when the load counts as steady, checked after the warm-up"`
	Window  time.Duration  `yaml:"window,omitempty" doc:"length of the measurement"`
	Repeats int            `yaml:"repeats,omitempty" doc:"runs of each combination"`
	Boots   int            `yaml:"boots,omitempty" doc:"boots the repeats are spread over"`
	Order   string         `yaml:"order,omitempty" enum:"interleaved,grouped"`

	Events    []string      `yaml:"events,omitempty" doc:"perf events, in perf's own syntax"`
	Frequency int           `yaml:"frequency,omitempty" doc:"samples per second, event and CPU"`
	Lines     bool          `yaml:"lines,omitempty" doc:"sample accesses to memory: which cache lines move"`
	Probes    []string      `yaml:"probes,omitempty"`
	Phase     time.Duration `yaml:"phase,omitempty"`

	Gates    []string `yaml:"gates,omitempty"`
	Headline []string `yaml:"headline,omitempty"`
}

// CPUs names the sets of CPUs that are measured: spelled out, or counted.
type CPUs struct {
	Counts Counts          `yaml:"counts,omitempty" doc:"how many CPUs: 1..8 or a list"`
	From   bundle.CPUSet   `yaml:"from,omitempty" doc:"CPUs to take them from; the online ones if left out"`
	Order  string          `yaml:"order,omitempty" enum:"number,l3,spread"`
	Sets   []bundle.CPUSet `yaml:"sets,omitempty" doc:"the sets themselves, instead of counts"`
}

// A Factor is one level of what a sweep varies.
type Factor struct {
	Name     string   `yaml:"name,omitempty" doc:"label of its runs"`
	Setup    string   `yaml:"setup,omitempty" doc:"shell command before each of its runs"`
	Teardown string   `yaml:"teardown,omitempty"`
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
	From    string `yaml:"from,omitempty" enum:"sa,file,iperf3,trex,pktgen"`
	File    string `yaml:"file,omitempty" doc:"the file of the counts or of the result"`
	Command string `yaml:"command,omitempty"`
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
