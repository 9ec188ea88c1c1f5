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
// that others gave from commanding a terminal, memory.go paces the collector and
// bounds what files cost.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	paceCollector(os.Args[1:])
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	boundMemory(os.Args[1:], os.Stderr)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
