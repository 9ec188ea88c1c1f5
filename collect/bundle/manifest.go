package bundle

import (
	"fmt"
	"time"
)

// SchemaVersion is the version of the bundle's format. A reader refuses a
// newer one with ErrVersion and reads every older one.
//
//	1  the first
//	2  manifest.json and sweep.json hold their own sum; sweep.json names the runs planned
//	3  locks have a LockID in the place of a name, gaps a kind and a cause, events unsupported;
//	   plan.beside names the other host that the label mode named before
const SchemaVersion = 3

// Status says whether a run ended as planned.
type Status string

const (
	Complete Status = "complete" // every part ended and was written
	Partial  Status = "partial"  // interrupted or failed; what is there is whole
)

// A Manifest is the table of contents of a run.
type Manifest struct {
	Schema   int       `json:"schema"`
	Tool     string    `json:"tool"`   // program and version that wrote it
	Source   string    `json:"source"` // "record" or "import"
	Status   Status    `json:"status"`
	Why      string    `json:"why,omitempty"` // why it is partial
	Plan     Plan      `json:"plan"`
	Host     Host      `json:"host"`
	Started  time.Time `json:"started,omitzero"`
	Window   Window    `json:"window"`
	Clock    *Clock    `json:"clock,omitempty"` // of a run on another host than the one that started it
	Events   []Event   `json:"events,omitempty"`
	Commands []Command `json:"commands,omitempty"`
	Probes   []Probe   `json:"probes,omitempty"`
	Phases   []Phase   `json:"phases,omitempty"`
	Files    []File    `json:"files"`
	Losses   []Loss    `json:"losses,omitempty"`
	Warnings []Warning `json:"warnings,omitempty"`
	Gaps     []Gap     `json:"gaps,omitempty"`

	Sum string `json:"sum,omitempty"` // SHA-256 of the file, see verifySum; last
}

// A Host is the machine and kernel a run was measured on.
type Host struct {
	Name       string `json:"name,omitempty"`
	Kernel     string `json:"kernel,omitempty"`  // uname -r
	Version    string `json:"version,omitempty"` // uname -v
	Arch       string `json:"arch,omitempty"`    // uname -m
	BuildID    string `json:"kernel_build_id,omitempty"`
	CPUModel   string `json:"cpu_model,omitempty"`
	Online     CPUSet `json:"online,omitempty"`
	BootID     string `json:"boot_id,omitempty"` // /proc/sys/kernel/random/boot_id
	CmdLine    string `json:"cmdline,omitempty"` // /proc/cmdline
	Hypervisor bool   `json:"hypervisor,omitempty"`
}

// A Clock puts the times of a run on the axis of the host that started it.
type Clock struct {
	Against  string `json:"against"`   // the host that started the run
	OffsetNS int64  `json:"offset_ns"` // this run's CLOCK_MONOTONIC less that host's
	ErrorNS  int64  `json:"error_ns"`  // half the shortest round trip: the offset is that sure
}

// A Window is the measured time on CLOCK_MONOTONIC, the clock of
// bpf_ktime_get_ns and of perf record -k CLOCK_MONOTONIC. Zero if not known.
type Window struct {
	StartNS int64 `json:"start_ns"`
	EndNS   int64 `json:"end_ns"`
}

// Seconds returns the length of the window, 0 if it is not known.
func (w Window) Seconds() float64 {
	if w.EndNS <= w.StartNS {
		return 0
	}
	return float64(w.EndNS-w.StartNS) / 1e9
}

// An Event is a perf event asked for, and what came of it.
type Event struct {
	Asked  string `json:"asked"`
	Opened string `json:"opened,omitempty"` // "" if nothing took its place
	Why    string `json:"why,omitempty"`    // why Opened is not Asked

	Unsupported bool `json:"unsupported,omitempty"` // because the machine has no counter for it
}

// A Command is a child process of the run.
type Command struct {
	Argv    []string `json:"argv"`
	Exit    int      `json:"exit"`              // as a shell gives it: 128 + n for signal n
	Stopped bool     `json:"stopped,omitempty"` // by the collector, when the window was over
	Log     string   `json:"log,omitempty"`     // file of the bundle that holds its output
}

// A Probe is an eBPF probe of the run.
type Probe struct {
	Name       string   `json:"name"` // see ProbeWait and those below it
	AttachMode string   `json:"rung"` // how it was attached: "tp_btf", "raw_tp"
	Blind      []string `json:"blind,omitempty"`
	Window     Window   `json:"window"`
}

// A Phase is a short window after that of the samples in which at most one
// probe was attached; each phase with a probe has one without on either side.
type Phase struct {
	Name    string `json:"name"`            // FreePhase(0), the probe, FreePhase(1), ...
	Probe   string `json:"probe,omitempty"` // name of the Probe, "" for none
	Window  Window `json:"window"`
	Packets uint64 `json:"packets"` // outbound packets of all SAs in it
	Counted bool   `json:"counted"` // Packets is known
	// packets sent while its two ends were read, where SAs were read on both sides of each:
	// Packets is off by no more
	Edge uint64 `json:"edge,omitempty"`
	// times all SAs were read within it, which holds net->xfrm.xfrm_state_lock
	SAReads int    `json:"sa_reads,omitempty"`
	OneIn   uint32 `json:"one_in,omitempty"` // what the probe samples: one in so many
	// acquisitions, waits or calls that the kernel's recursion guard kept from the probe
	Skipped uint64 `json:"skipped,omitempty"`
}

// A File is one artefact of the bundle, complete on disk.
type File struct {
	Name   string `json:"name"` // slash-separated, below the bundle
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hex
}

// Validate reports the first thing that makes the manifest unusable.
func (m *Manifest) Validate() error {
	switch {
	case m.Schema < 1:
		return fmt.Errorf("manifest.json has no schema version: it was not written by xfrmscope")
	case m.Schema > SchemaVersion:
		return fmt.Errorf("%w %d; this program reads up to %d: use a newer xfrmscope",
			ErrVersion, m.Schema, SchemaVersion)
	case m.Status != Complete && m.Status != Partial:
		return fmt.Errorf("manifest.json has status %q, want complete or partial", m.Status)
	}
	for _, f := range m.Files {
		if !validName(f.Name) {
			return fmt.Errorf("manifest.json names the file %q outside the bundle", f.Name)
		}
	}
	return nil
}
