package bundle

// Names of the files of a run and of a sweep; the package's documentation says
// what each holds.
const (
	ManifestFile  = "manifest.json"
	PerfDataFile  = "perf.data"
	KallsymsFile  = SymbolsDir + "/kallsyms.gz"
	ModulesFile   = SymbolsDir + "/modules"
	BuildIDsFile  = SymbolsDir + "/buildids"
	TotalsFile    = "totals.jsonl"
	LocksFile     = "locks.jsonl"
	FindsFile     = "finds.jsonl"
	CountersFile  = "counters.jsonl"
	SAsFile       = "sas.jsonl"
	PoliciesFile  = "policies.jsonl"
	PlacementFile = "placement.jsonl"
	LayoutsFile   = "layouts.json"
	TrafficFile   = "traffic.json"
	LinesFile     = "lines.jsonl"
	FieldsFile    = "fields.jsonl"
	ObjectsFile   = "objects.json"
	LoadLog       = LogDir + "/load.log"

	SymbolsDir = "symbols"
	LogDir     = "log"
	// hosts/NAME is the run of each host but the first, of a run made on several under one window
	HostsDir = "hosts"

	SweepFile    = "sweep.json"
	ScenarioFile = "scenario.yaml"
	AsideDir     = "aside"
)

// SharedFiles are those that the runs of a sweep may have in common: its
// directory keeps them once.
func SharedFiles() []string { return []string{KallsymsFile, ModulesFile, BuildIDsFile, LayoutsFile} }
