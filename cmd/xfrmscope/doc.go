// Xfrmscope says why IPsec does not scale across CPUs. A command is a file of
// this package: its flags, what they mean, and what is printed; what it does is
// done by other packages.
//
//	doctor, top, selftest     collect/doctor, top, selftest -> text
//	scenario                  collect/scenario -> YAML
//	record, sweep (, agent)   collect/record, sweep (, remote) -> bundles
//	import                    analyze/importer -> bundles
//	report, show, compare,
//	verify, push              bundles -> analyze -> reports
//	list, pack                collect/bundle, pack
//
// main.go handles signals, root.go builds the commands and runs one, open.go finds
// what a path names, exit.go chooses the exit code, terminal.go keeps the names
// that others gave from commanding a terminal.
package main
